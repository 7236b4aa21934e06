"""Token classifiers that are adapters over one base model: its weights are in memory once, whatever number of them is loaded.

A folder of adapters is one that `spanmatch fit token --lora_rank 8` wrote (`adapter`, beside the merged weights). Each is a
`TokenClassifier` of its own, with its own types; which one computes is switched before each batch.
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import torch

from spanmatch.baselines.token_classifier import TokenClassifier, load_model
from spanmatch.data.files import read_json
from spanmatch.errors import InputError
from spanmatch.model.lora import load_adapters
from spanmatch.model.pretrained import resolve_encoder
from spanmatch.prediction.shipped import CONFIG_FILE

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# What `config.json` says the folder holds, and PEFT's own configuration beside it.
ADAPTERS, PEFT_CONFIG = "token-classifier-adapters", "adapter_config.json"


class AdaptedClassifier(TokenClassifier):
    """Tags texts with a base model and the adapters of one folder; a `TokenClassifier` in all else."""

    @classmethod
    def load(cls, folder: Path, device: torch.device, dtype: torch.dtype) -> tuple[Any, "PreTrainedTokenizerBase"]:
        """Return the model of a folder of adapters, and its tokenizer. The base model is loaded unless it is in use already.

        Args:
            folder: the folder.
            device: where the model computes.
            dtype: what it computes in.

        Raises:
            InputError: the adapters or their base model cannot be loaded.
        """
        from transformers import AutoConfig, AutoTokenizer

        base = read_json(folder / PEFT_CONFIG, "give the folder that a training with lora_rank wrote")
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        model = AdaptedModel(Base.shared(str(base["base_model_name_or_path"]), device, dtype), folder, config)
        return model, AutoTokenizer.from_pretrained(folder, trust_remote_code=False)


class Base:
    """Holds a base model and all adapters that were loaded over it. Several threads may use it; one computes at a time.

    Attributes:
        lock: is held while an adapter computes.
        model: the model with all adapters, a `PeftModel`; None before the first.
    """

    _loaded: "WeakValueDictionary[tuple[str, str, torch.dtype], Base]" = WeakValueDictionary()
    _loading = threading.Lock()

    def __init__(self, name: str, device: torch.device, dtype: torch.dtype) -> None:
        """Name a base model, which is loaded with its first adapters.

        Args:
            name: hub id or folder of the model.
            device: where it computes.
            dtype: what it computes in.
        """
        self.name, self.device, self.dtype = name, device, dtype
        self.lock = threading.Lock()
        self.model: Any = None
        self._count = 0

    @classmethod
    def shared(cls, name: str, device: torch.device, dtype: torch.dtype) -> "Base":
        """Return the base model of this name, device and precision; all that use it at a time get the same.

        Args:
            name: hub id or folder of the model.
            device: where it computes.
            dtype: what it computes in.
        """
        with cls._loading:
            key = (name, str(device), dtype)
            found = cls._loaded.get(key)
            if found is None:
                found = cls._loaded[key] = cls(name, device, dtype)
            return found

    def add(self, folder: Path, config: Any) -> str:
        """Load the adapters of a folder, and return the name under which they are switched on.

        Args:
            folder: has PEFT's files.
            config: the configuration of the whole token classifier, with its labels.

        Raises:
            InputError: they cannot be loaded.
        """
        with self.lock:
            name = f"adapter{self._count}"
            self._count += 1
            model = self.model
            if model is None:
                labels = {"id2label": config.id2label, "label2id": config.label2id}
                model, _ = load_model(resolve_encoder(self.name), labels)
            else:
                self._fit_head(len(config.id2label))
            self.model = load_adapters(model, folder, name).to(device=self.device, dtype=self.dtype).eval()
        return name

    def _fit_head(self, num_labels: int) -> None:
        """Give the head, of which each folder of adapters has a copy, the size of the next one."""
        from peft.utils import ModulesToSaveWrapper

        for module in self.model.modules():
            if isinstance(module, ModulesToSaveWrapper):
                head: Any = module.original_module
                module.original_module = torch.nn.Linear(head.in_features, num_labels, bias=head.bias is not None)


class AdaptedModel:
    """Computes as a token classifier of transformers does, with a base model and the adapters of one folder.

    Attributes:
        config: the configuration of the whole, with its labels.
    """

    def __init__(self, base: Base, folder: Path, config: Any) -> None:
        """Load adapters over a base model.

        Args:
            base: the base model.
            folder: has the adapters.
            config: the configuration of the whole.
        """
        self.config = config
        self._base, self._name = base, base.add(folder, config)

    @property
    def device(self) -> torch.device:
        """Return where it computes."""
        return self._base.device

    @property
    def dtype(self) -> torch.dtype:
        """Return what it computes in."""
        return self._base.dtype

    def __call__(self, **inputs: torch.Tensor) -> Any:
        """Return the outputs of the model.

        Args:
            inputs: as for a model of transformers.
        """
        with self._base.lock:
            if self._base.model.active_adapter != self._name:
                self._base.model.set_adapter(self._name)
            return self._base.model(**inputs)

    def compile(self, **options: Any) -> None:
        """Refuse to be compiled: what is compiled could not be switched.

        Args:
            options: not used.

        Raises:
            InputError: always.
        """
        raise InputError(f"{self._base.name}: adapters that are switched are not compiled; give the merged folder above them")

    def parameters(self) -> Iterator[torch.Tensor]:
        """Yield the weights."""
        yield from self.state_dict().values()

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return the weights of the base model and of these adapters."""
        with self._base.lock:
            return {
                name: weight
                for name, weight in self._base.model.state_dict().items()
                if self._name in name.split(".") or not any(part.startswith("adapter") for part in name.split("."))
            }

    def save_pretrained(self, folder: str | Path) -> None:
        """Write these adapters.

        Args:
            folder: made if it is not there.
        """
        with self._base.lock:
            self._base.model.save_pretrained(folder, selected_adapters=[self._name])


def write_adapters(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write a folder that `load_tagger` reads: PEFT's files, the configuration with its labels, and the tokenizer.

    Args:
        model: a `PeftModel` around a token classifier.
        tokenizer: its tokenizer.
        folder: made if it is not there.
    """
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    config = model.get_base_model().config
    kind, config.tagger = config.tagger, ADAPTERS
    config.save_pretrained(folder)
    config.tagger = kind
    assert (folder / CONFIG_FILE).is_file()
