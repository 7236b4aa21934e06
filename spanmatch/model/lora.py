"""Adapters of low rank (LoRA), by the library PEFT: trained beside frozen weights, merged into them, or switched.

Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spanmatch.errors import InputError, nearest, one_line

# How a checkpoint names the two factors of what is added to a weight.
LORA_A, LORA_B = ".lora_A", ".lora_B"
# What transformers' token classifiers call their heads.
HEADS = ["classifier", "score"]
ADAPTERS_FILE = "adapter_model.safetensors"


def with_adapters(model: Any, *, rank: int, alpha: float | None, dropout: float, targets: str, task: str) -> Any:
    """Freeze the weights of a model and put adapters beside them. A head that is new is trained as a whole.

    Args:
        model: a model of transformers, which is changed.
        rank: rank of the adapters.
        alpha: their scale; None for twice the rank.
        dropout: dropout before them.
        targets: names of the layers that get one, with commas between them, or "all-linear".
        task: what PEFT calls the task: "TOKEN_CLS", "CAUSAL_LM" or "FEATURE_EXTRACTION".

    Raises:
        InputError: PEFT is not installed, or there is no such layer.
    """
    peft = import_peft()
    config = _configuration(peft, rank=rank, alpha=alpha, dropout=dropout, targets=targets, task=task)
    with _targets_checked(model, targets):
        return peft.get_peft_model(model, config)


def add_adapters(encoder: Any, *, rank: int, alpha: float | None, dropout: float, targets: str) -> None:
    """Freeze the weights of an encoder and put adapters beside them, in place.

    The names of its weights stay what they were, as a checkpoint has them: the factors of what is added to `NAME` are called
    `NAME.lora_A` and `NAME.lora_B`, the latter with the scale of the adapters in it.

    Args:
        encoder: a model of transformers.
        rank: rank of the adapters.
        alpha: their scale, which is divided by the rank; None for twice the rank.
        dropout: dropout before them.
        targets: as in `with_adapters`.

    Raises:
        InputError: PEFT is not installed, or there is no such layer.
    """
    peft = import_peft()
    encoder.requires_grad_(False)
    config = _configuration(peft, rank=rank, alpha=alpha, dropout=dropout, targets=targets, task="FEATURE_EXTRACTION")
    with _targets_checked(encoder, targets):
        peft.inject_adapter_in_model(config, encoder)
    scale = config.lora_alpha / rank
    # What PEFT calls a weight, and what a checkpoint does.
    names = (
        (".base_layer.weight", ".weight"), (".base_layer.bias", ".bias"),
        (".lora_A.default.weight", ".weight" + LORA_A), (".lora_B.default.weight", ".weight" + LORA_B),
    )  # fmt: skip

    def for_checkpoint(module: Any, state: dict[str, Any], prefix: str, *_: Any) -> None:
        for name in [name for name in state if name.startswith(prefix)]:
            weight = state.pop(name)
            for own, stored in names:
                if name.endswith(own):
                    name = name.removesuffix(own) + stored
            state[name] = weight * scale if name.endswith(LORA_B) else weight

    def from_checkpoint(module: Any, state: dict[str, Any], prefix: str, *_: Any) -> None:
        adapted = {name.removesuffix(".weight" + LORA_A) for name in state if name.endswith(LORA_A)}
        for name in [name for name in state if name.startswith(prefix)]:
            weight = state.pop(name)
            for own, stored in names:
                if name.endswith(stored) and name.removesuffix(stored) in adapted:
                    weight = weight / scale if stored.endswith(LORA_B) else weight
                    name = name.removesuffix(stored) + own
            state[name] = weight

    encoder.register_state_dict_post_hook(for_checkpoint)
    encoder.register_load_state_dict_pre_hook(from_checkpoint)


def _configuration(peft: Any, *, rank: int, alpha: float | None, dropout: float, targets: str, task: str) -> Any:
    return peft.LoraConfig(
        task_type=task,
        r=rank,
        lora_alpha=2 * rank if alpha is None else alpha,
        lora_dropout=dropout,
        target_modules=targets if targets == "all-linear" else [name.strip() for name in targets.split(",")],
        exclude_modules=HEADS if task == "TOKEN_CLS" else None,  # they are trained as a whole
    )


@contextmanager
def _targets_checked(model: Any, targets: str) -> Iterator[None]:
    """Tell in one line that a model has no layers of these names."""
    try:
        yield
    except ValueError as error:
        linear = sorted({name.rpartition(".")[2] for name, module in model.named_modules() if type(module).__name__ == "Linear"})
        raise InputError(f'lora_targets: no layer for "{targets}" ({one_line(error)}); {nearest(targets, linear)}') from error


def load_adapters(model: Any, folder: Path, name: str = "default") -> Any:
    """Return a model with the adapters of a folder beside its weights.

    Args:
        model: a model of transformers, or what this function gave for it before: then these adapters are further ones.
        folder: has PEFT's files.
        name: what the adapters are called.

    Raises:
        InputError: PEFT is not installed, or the adapters cannot be loaded.
    """
    peft = import_peft()
    if not (folder / ADAPTERS_FILE).is_file():  # PEFT would take another file instead, which may hold more than weights
        raise InputError(f"{folder}: no {ADAPTERS_FILE} in it; copy the folder again")
    try:
        if not isinstance(model, peft.PeftModel):
            return peft.PeftModel.from_pretrained(model, folder, adapter_name=name)
        model.load_adapter(folder, adapter_name=name)
        return model
    except Exception as error:  # of a broken file, the libraries raise many kinds
        reason = one_line(error, 200)
        raise InputError(f"{folder}: adapters that cannot be loaded ({reason}); copy the folder again") from error


def import_peft() -> Any:
    """Return the library PEFT.

    Raises:
        InputError: it is not installed.
    """
    try:
        import peft
    except ImportError as error:
        raise InputError("adapters need peft; pip install 'spanmatch[lora]'") from error
    return peft


def num_trained(model: Any) -> int:
    """Return how many parameters of a model are trained.

    Args:
        model: any model of torch.
    """
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
