"""Type embeddings: encoded once, kept for the next call, written to a file and read from it.

Legend: C types, D head size.
"""

import hashlib
import json
import os
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from spanmatch.entities import EntityType
from spanmatch.errors import InputError

# Embeddings that a matcher keeps between calls: 32 MiB at 128 dimensions in half precision.
MAX_KEPT = 1 << 17


_KEYS = ("name", "description", "aliases", "label")


@dataclass(frozen=True, kw_only=True, eq=False)
class TypeEmbeddings:
    """Types and their embeddings, by the model with this digest. Shape: embeddings (C, D)."""

    types: tuple[EntityType, ...]
    embeddings: torch.Tensor
    digest: str

    def of(self, types: Sequence[EntityType]) -> torch.Tensor:
        """Embeddings of some of the types. Shape: (C, D).

        Raises:
            InputError: one that is not among them.
        """
        if types is self.types:
            return self.embeddings
        row_of = {item: row for row, item in enumerate(self.types)}
        missing = [item.name for item in types if item not in row_of]
        if missing:
            raise InputError(f'"{missing[0]}" is asked for, but is not among the encoded types; encode it, too')
        return self.embeddings[[row_of[item] for item in types]]

    def save(self, file: str | Path) -> None:
        """Write to a safetensors file, whole or not at all.

        Raises:
            InputError: no folder for it.
        """
        types = [{key: value for key in _KEYS if (value := getattr(item, key))} for item in self.types]
        if not Path(file).parent.is_dir():
            raise InputError(f"{file}: there is no folder {Path(file).parent}; make it first")
        partial = Path(file).with_name(f"{Path(file).name}.partial")
        metadata = {"spanmatch_types": json.dumps(types, ensure_ascii=False), "digest": self.digest}
        save_file({"embeddings": self.embeddings.contiguous()}, partial, metadata=metadata)
        os.replace(partial, file)

    @classmethod
    def load(cls, file: str | Path) -> "TypeEmbeddings":
        """Read what `save` wrote.

        Raises:
            InputError: no such file, or another kind of file.
        """
        try:
            with safe_open(file, framework="pt") as opened:
                metadata, embeddings = opened.metadata() or {}, opened.get_tensor("embeddings")
            types = _types(metadata["spanmatch_types"])
            if embeddings.shape[0] != len(types):
                raise ValueError(f"{embeddings.shape[0]} embeddings for {len(types)} types")
            return cls(types=types, embeddings=embeddings, digest=metadata["digest"])
        except FileNotFoundError as error:
            raise InputError(f"{file}: no such file; write it with encode_types(...).save(...)") from error
        except (AttributeError, KeyError, OSError, TypeError, ValueError, SafetensorError) as error:
            reason = " ".join(str(error).split())[:120]
            raise InputError(f"{file}: no type embeddings ({reason}); write them with encode_types(...).save(...)") from error


def _types(described: str) -> tuple[EntityType, ...]:
    return tuple(EntityType(**item | {"aliases": tuple(item.get("aliases", ()))}) for item in json.loads(described))


class TypeCache:
    """Embeddings by the text of their type, the longest unused forgotten first; all of them once the weights have changed."""

    def __init__(self, max_types: int = MAX_KEPT) -> None:
        self.max_types = max_types
        self._rows: OrderedDict[str, torch.Tensor] = OrderedDict()
        self._version: object = None

    def at(self, version: object) -> "TypeCache":
        """The cache, emptied unless it is of this version of the weights."""
        if version != self._version:
            self._rows.clear()
            self._version = version
        return self

    def missing(self, texts: Iterable[str]) -> list[str]:
        """The texts without an embedding, each once."""
        return [text for text in dict.fromkeys(texts) if text not in self._rows]

    def put(self, texts: Sequence[str], embeddings_CD: torch.Tensor) -> None:
        """Keep embeddings. More than the cache holds are all kept until the next `get`."""
        self._rows.update(zip(texts, embeddings_CD.unbind(), strict=True))

    def get(self, texts: Sequence[str]) -> torch.Tensor:
        """Embeddings of texts, then as many are kept as the cache holds. Shape: (C, D)."""
        found = torch.stack([self._rows[text] for text in texts])
        for text in dict.fromkeys(texts[-self.max_types :]):
            self._rows.move_to_end(text)
        while len(self._rows) > self.max_types:
            self._rows.popitem(last=False)
        return found

    def __len__(self) -> int:
        return len(self._rows)


def weights_version(modules: Iterable[torch.nn.Module], probed: Sequence[torch.Tensor]) -> tuple[object, ...]:
    """What changes when weights do, without reading all of them: which they are, and how often each was written to.

    A fused optimizer writes and does not count it, so some weights are read: those that every training changes. This is
    asked before every prediction, hence a walk of our own: that of `parameters()` takes several times as long.
    """
    written, waiting = [], list(modules)
    while waiting:
        module = waiting.pop()
        for weight in module._parameters.values():
            if weight is not None:
                written.append((weight.data_ptr(), 0 if weight.is_inference() else weight._version))
        waiting += [child for child in module._modules.values() if child is not None]
    return tuple(written), tuple(float(weight.detach().sum(dtype=torch.float64)) for weight in probed)


def weights_digest(state: Iterable[tuple[str, torch.Tensor]]) -> str:
    """SHA-256 of weights, in bfloat16: the same whether a model computes in that or in float32."""
    digest = hashlib.sha256()
    for name, tensor in state:
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().to(torch.bfloat16).flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


