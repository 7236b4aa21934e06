"""Keep type embeddings together with their types, in memory or in a file.

Legend: C types, D head size.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open

from spanmatch.data.files import check_can_write, whole_file
from spanmatch.entities import EntityType, Inventory
from spanmatch.errors import InputError, one_line
from spanmatch.prediction.backend import Array

if TYPE_CHECKING:
    import torch

_KEYS = ("name", "description", "aliases", "label")


@dataclass(frozen=True, kw_only=True, eq=False)
class TypeEmbeddings:
    """Holds types and their embeddings.

    Attributes:
        types: the types, in order.
        embeddings: embedding of each type. Shape: (C, D).
        digest: identifies the model that computed the embeddings (see `TypeEncoder.digest`).
    """

    types: Inventory
    embeddings: Array
    digest: str

    def save(self, file: str | Path) -> None:
        """Write a safetensors file. It appears complete or not at all.

        Args:
            file: path of the file; an existing file is replaced.

        Raises:
            InputError: its folder does not exist, or the file may not be written.
        """
        types = [{key: value for key in _KEYS if (value := getattr(item, key))} for item in self.types]
        check_can_write(Path(file))
        metadata = {"spanmatch_types": json.dumps(types, ensure_ascii=False), "digest": self.digest}
        with whole_file(Path(file)) as partial:
            if isinstance(self.embeddings, np.ndarray):
                from safetensors.numpy import save_file as save_arrays

                save_arrays({"embeddings": self.embeddings}, partial, metadata=metadata)
            else:
                from safetensors.torch import save_file

                save_file({"embeddings": self.embeddings.contiguous()}, partial, metadata=metadata)

    @classmethod
    def load(cls, file: str | Path, *, framework: str = "pt") -> "TypeEmbeddings":
        """Read a file that `save` wrote.

        Args:
            file: path of the file.
            framework: "pt" for a tensor of torch, "np" for an array of NumPy.

        Raises:
            InputError: the file does not exist, or is of another kind.
        """
        try:
            with safe_open(file, framework=framework) as opened:
                metadata, embeddings = opened.metadata() or {}, opened.get_tensor("embeddings")
            types = _types(metadata["spanmatch_types"])
            if embeddings.shape[0] != len(types):
                raise ValueError(f"{embeddings.shape[0]} embeddings for {len(types)} types")
            return cls(types=types, embeddings=embeddings, digest=metadata["digest"])
        except FileNotFoundError as error:
            raise InputError(f"{file}: no such file; write it with encode_types(...).save(...)") from error
        except (AttributeError, KeyError, OSError, TypeError, ValueError, SafetensorError) as error:
            reason = one_line(error, 120)
            raise InputError(f"{file}: no type embeddings ({reason}); write them with encode_types(...).save(...)") from error


def _types(described: str) -> Inventory:
    return Inventory(EntityType(**item | {"aliases": tuple(item.get("aliases", ()))}) for item in json.loads(described))


def weights_digest(state: Iterable[tuple[str, "torch.Tensor"]]) -> str:
    """Return the SHA-256 of weights. They are rounded to bfloat16, so a model has one digest in bfloat16 and in float32.

    Args:
        state: names and weights, in a fixed order.
    """
    import torch

    digest = hashlib.sha256()
    for name, tensor in state:
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().to(torch.bfloat16).flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
