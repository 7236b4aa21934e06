"""Adapters of low rank (LoRA), by the library PEFT: trained beside frozen weights, merged into them, or switched.

Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022.
"""

from pathlib import Path
from typing import Any

from spanmatch.errors import InputError, nearest, one_line

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
    named = targets if targets == "all-linear" else [name.strip() for name in targets.split(",")]
    config = peft.LoraConfig(
        task_type=task,
        r=rank,
        lora_alpha=2 * rank if alpha is None else alpha,
        lora_dropout=dropout,
        target_modules=named,
        exclude_modules=HEADS if task == "TOKEN_CLS" else None,  # they are trained as a whole
    )
    try:
        return peft.get_peft_model(model, config)
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
