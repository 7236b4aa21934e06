"""Files of weights: one `model.safetensors`, or shards with an index as transformers writes them. No pickle.

A weight is stored as it is, or in one of three ways that take less room:

- as rows of int8 with a factor for each row (`NAME` and `NAME.row_scale`);
- as a change of low rank (`NAME.lora_A` and `NAME.lora_B`, which may be rows of int8), which is added to what stands under NAME;
- not at all, if the text encoder shares it with the type encoder (the files' metadata say so). With a change of low rank, this is
  what a text encoder that was trained by adapters (LoRA) differs by from the type encoder, which stayed as it was.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from spanmatch.data.files import whole_file, write_whole
from spanmatch.errors import InputError, one_line
from spanmatch.model.lora import LORA_A, LORA_B
from spanmatch.prediction.hub import SHARDS
from spanmatch.prediction.shipped import CONFIG_FILE, INDEX_FILE, WEIGHTS_FILE

ROW_SCALE = ".row_scale"
TEXT_ENCODER, TYPE_ENCODER = "text_encoder.", "type_encoder."
# What the metadata of the files say where the text encoder has the weights of the type encoder unless they are stored.
SHARED = "text_encoder_shares_weights"
# How a weight may have been rounded since it was read: to one of the precisions that a matcher computes in, or to both.
_ROUNDINGS = ((), (torch.bfloat16,), (torch.float16,), (torch.bfloat16, torch.float16), (torch.float16, torch.bfloat16))


class WeightFiles:
    """Reads the weights of a checkpoint, one by one. To be used in a `with` statement.

    Attributes:
        shapes: the shape of each weight, as the model has it.
    """

    def __init__(self, folder: Path) -> None:
        """Open the files, and read which weights they hold.

        Args:
            folder: the folder of the checkpoint.

        Raises:
            InputError: the files cannot be read, or the index names files that are not there.
        """
        self.file = folder / (INDEX_FILE if (folder / INDEX_FILE).is_file() else WEIGHTS_FILE)
        self._places: dict[str, Any] = {}
        shares = False
        with ExitStack() as opened:
            try:
                for file in files_of(folder):
                    own = opened.enter_context(safe_open(file, framework="pt"))
                    self._places |= dict.fromkeys(own.keys(), own)
                    shares = shares or SHARED in (own.metadata() or {})
            except (OSError, SafetensorError, ValueError) as error:
                raise not_fitting(self.file, error) from error
            self._open = opened.pop_all()
        suffixes = (ROW_SCALE, LORA_A, LORA_B)
        plain = [name for name in self._places if not name.endswith(suffixes)]
        shared = [TEXT_ENCODER + name.removeprefix(TYPE_ENCODER) for name in plain if name.startswith(TYPE_ENCODER)]
        self.shapes = {name: self._shape(name) for name in dict.fromkeys([*plain, *(shared if shares else [])])}

    def __enter__(self) -> "WeightFiles":
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def _base(self, name: str) -> str:
        """Return under which name a weight is stored, but for its change of low rank."""
        return name if name in self._places else TYPE_ENCODER + name.removeprefix(TEXT_ENCODER)

    def _shape(self, name: str) -> list[int]:
        base = self._base(name)
        return list(self._places[base].get_slice(base).get_shape())

    def _stored(self, name: str) -> torch.Tensor:
        """Return what stands under a name, times the factors of its rows if it has any."""
        found: torch.Tensor = self._places[name].get_tensor(name)
        scale = self._places.get(name + ROW_SCALE)
        return found if scale is None else found.float() * scale.get_tensor(name + ROW_SCALE).float()[:, None]

    def read(self, name: str) -> torch.Tensor:
        """Return a weight: in the precision that it is stored in, or in float32 if it is put together.

        Args:
            name: its name in the model.

        Raises:
            InputError: its parts do not fit together.
        """
        base = self._base(name)
        try:
            weight = self._stored(base)
            if base != name:
                weight = weight.clone()  # tensors that share memory cannot be saved
            if name + LORA_A in self._places:
                weight = weight.float() + self._stored(name + LORA_B).float() @ self._stored(name + LORA_A).float()
        except (KeyError, RuntimeError, IndexError) as error:
            raise not_fitting(self.file, ValueError(f'the parts of "{name}": {one_line(error)}')) from error
        return weight


def files_of(folder: Path) -> list[Path]:
    """Return the files that hold the weights of a checkpoint: one, or its shards.

    Args:
        folder: the folder of the checkpoint.

    Raises:
        ValueError: the index is broken, or names files outside the folder.
    """
    index = folder / INDEX_FILE
    if not index.is_file():
        return [folder / WEIGHTS_FILE]
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("the index has no weight_map") from error
    if not all(isinstance(name, str) and name == Path(name).name for name in names):
        raise ValueError("the index names files outside its folder")
    return [folder / name for name in names]


def not_fitting(file: Path, error: Exception) -> InputError:
    """Return the error for weights that are not those of the configuration beside them.

    Args:
        file: the file of weights.
        error: what is wrong.
    """
    reason = one_line(error, 200)
    return InputError(f"{file}: does not fit {CONFIG_FILE} ({reason}); copy or train the checkpoint again")


def write_weights(folder: Path, weights: Mapping[str, torch.Tensor], *, shard_bytes: int | None = None) -> None:
    """Write weights into a checkpoint folder. Each file appears complete or not at all.

    Where weights have changes of low rank, those of the text encoder that equal the type encoder's are left out.

    Args:
        folder: the folder, which is there.
        weights: the weights, by name, with the suffixes that `WeightFiles` knows.
        shard_bytes: the most bytes of a file, for several with an index; by default one file.
    """
    metadata = {"format": "pt"}
    kept = dict(weights)
    if any(name.endswith(LORA_A) for name in weights):
        metadata[SHARED] = "true"
        kept = {name: weight for name, weight in weights.items() if not _is_shared(name, weight, weights)}
    earlier = list(folder.glob(SHARDS))
    shards = _shards(kept, shard_bytes)
    names = [f"model-{n:05}-of-{len(shards):05}.safetensors" for n in range(1, len(shards) + 1)]
    for name, own in zip([WEIGHTS_FILE] if len(shards) == 1 else names, shards, strict=True):
        with whole_file(folder / name) as partial:
            save_file(own, partial, metadata=metadata)
    if len(shards) > 1:
        places = {name: file for file, own in zip(names, shards, strict=True) for name in own}
        content = {"metadata": {"total_size": sum(map(_num_bytes, kept.values()))}, "weight_map": dict(sorted(places.items()))}
        write_whole(folder / INDEX_FILE, json.dumps(content, indent=1) + "\n")
        (folder / WEIGHTS_FILE).unlink(missing_ok=True)
    else:
        (folder / INDEX_FILE).unlink(missing_ok=True)
    for path in earlier:
        if len(shards) == 1 or path.name not in names:
            path.unlink()


def _is_shared(name: str, weight: torch.Tensor, weights: Mapping[str, torch.Tensor]) -> bool:
    base = weights.get(TYPE_ENCODER + name.removeprefix(TEXT_ENCODER)) if name.startswith(TEXT_ENCODER) else None
    return base is not None and base.dtype == weight.dtype and torch.equal(base, weight)


def _num_bytes(weight: torch.Tensor) -> int:
    return weight.numel() * weight.element_size()


def _shards(weights: Mapping[str, torch.Tensor], shard_bytes: int | None) -> list[dict[str, torch.Tensor]]:
    shards: list[dict[str, torch.Tensor]] = [{}]
    size = 0
    for name, weight in weights.items():
        if shard_bytes is not None and shards[-1] and size + _num_bytes(weight) > shard_bytes:
            shards.append({})
            size = 0
        shards[-1][name] = weight
        size += _num_bytes(weight)
    return shards


def in_rows_of_int8(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return weights with each matrix as rows of int8 and a factor for each row, the rest in half precision.

    Args:
        weights: the weights, by name.
    """
    stored: dict[str, torch.Tensor] = {}
    for name, weight in weights.items():
        if weight.ndim == 2:
            scale = (weight.float().abs().amax(dim=1) / 127).clamp(min=torch.finfo(torch.float32).tiny)
            stored[name] = (weight.float() / scale[:, None]).round().to(torch.int8)
            stored[name + ROW_SCALE] = scale
        else:
            stored[name] = weight.half() if weight.is_floating_point() else weight
    return stored


@dataclass(frozen=True, kw_only=True)
class StoredWeights:
    """Knows the files that weights were read from, in order to save them as they were, in whatever precision they compute.

    To keep them in memory, too, would take more of it than the model itself.

    Attributes:
        folder: the folder of the checkpoint.
        stamps: the files of weights, with their size and time when they were read.
        is_rounded: whether the weights in memory are less precise than those of the files.
    """

    folder: Path
    stamps: tuple[tuple[Path, int, int], ...]
    is_rounded: bool = False

    @classmethod
    def of(cls, folder: Path, *, is_rounded: bool = False) -> "StoredWeights":
        """Remember the weights of a checkpoint.

        Args:
            folder: its folder.
            is_rounded: whether the weights in memory are less precise than those of the files.
        """
        return cls(folder=folder, stamps=_stamps(folder), is_rounded=is_rounded)

    def unrounded(self, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor] | None:
        """Return weights as the files have them, and those that were changed since as they are.

        Args:
            weights: the weights in memory, by name.

        Returns:
            The weights; None if the files have all of them, so that they can be copied.

        Raises:
            InputError: the weights in memory are rounded, and the files are gone or were changed.
        """
        try:
            with WeightFiles(self.folder) as files:
                stored = {name: files.read(name) for name in files}
        except InputError:
            stored = {}
        kept = {name for name, weight in weights.items() if name in stored and _is_of(stored[name], weight)}
        if kept == stored.keys() == weights.keys():
            return None
        if self.is_rounded and (not stored or _stamps(self.folder) != self.stamps):
            problem = "is not the file any more that the checkpoint was loaded from, and the weights in memory are rounded"
            file = self.stamps[0][0]
            raise InputError(f'{file}: {problem}; load the checkpoint with dtype="float32" to save it')
        return {name: stored[name] if name in kept else weight for name, weight in weights.items()}

    def copy_to(self, folder: Path) -> bool:
        """Copy the files into another folder; return False if they are there already.

        Args:
            folder: the folder.
        """
        own = [file for file, *_ in self.stamps]
        sources = [*own, *([self.folder / INDEX_FILE] if len(own) > 1 else [])]
        if all((folder / file.name).exists() and (folder / file.name).samefile(file) for file in sources):
            return False
        for stale in (*folder.glob(SHARDS), folder / WEIGHTS_FILE, folder / INDEX_FILE):
            if stale.name not in {file.name for file in sources}:
                stale.unlink(missing_ok=True)
        for file in sources:
            with whole_file(folder / file.name) as partial:
                shutil.copyfile(file, partial)
        return True


def _stamps(folder: Path) -> tuple[tuple[Path, int, int], ...]:
    try:
        found = [(file, file.stat()) for file in files_of(folder)]
    except (OSError, ValueError):
        return ()
    return tuple((file, stat.st_size, stat.st_mtime_ns) for file, stat in found)


def _is_of(stored: torch.Tensor, weight: torch.Tensor) -> bool:
    """Return whether a weight in memory is the stored one, rounded or not."""
    weight = weight.detach().cpu()
    for precisions in _ROUNDINGS:
        rounded = stored
        for precision in precisions:
            rounded = rounded.to(precision)
        if torch.equal(rounded.to(weight.dtype), weight):
            return True
    return False
