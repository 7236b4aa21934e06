"""Weights that packages carry: found by hub id, checked, put together once."""

import hashlib
import importlib.metadata
import io
import types
import zipfile
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from spanmatch.errors import InputError
from spanmatch.model import packaged as module
from spanmatch.model.packaged import GEMMA, MINILM, MPNET, packaged


def test_what_no_package_holds() -> None:
    assert packaged("somebody/else") is None


def test_minilm() -> None:
    folder = packaged(MINILM)
    assert folder is not None and (folder / "model.safetensors").is_file()


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").write_bytes(b"other")
    spec = types.SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(InputError, match=r"SHA-256 .* reinstall"):
        packaged(MINILM)


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Five packages with the pieces of a small zip, and an empty cache."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as packed:
        packed.writestr("all-mpnet-base-v2/model.safetensors", b"weights" * 100)
        packed.writestr("all-mpnet-base-v2/1_Pooling/config.json", "{}")
        packed.writestr("all-mpnet-base-v2/../outside", "no")
    content, found = whole.getvalue(), []
    size = len(content) // 5 + 1
    for number in range(5):
        found.append(tmp_path / f"all-mpnet-base-v2.zip.{number + 1:03}")
        found[-1].write_bytes(content[number * size : (number + 1) * size])

    def distribution(name: str) -> Any:
        place = int(name[-1]) - 1
        if not found[place].exists():
            raise importlib.metadata.PackageNotFoundError(name)
        return types.SimpleNamespace(files=[types.SimpleNamespace(name=found[place].name, locate=lambda: found[place])])

    monkeypatch.setattr(module.importlib.metadata, "distribution", distribution)
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / "cache"))
    monkeypatch.setitem(module.SHA256, MPNET, hashlib.sha256(b"weights" * 100).hexdigest())
    return found


def test_mpnet_is_put_together_once(parts: list[Path], tmp_path: Path) -> None:
    folder = packaged(MPNET)
    assert folder == tmp_path / "cache" / "spanmatch" / "all-mpnet-base-v2"
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == [
        "1_Pooling/config.json", "model.safetensors",
    ]  # fmt: skip
    (folder / "kept").write_text("")
    assert packaged(MPNET) == folder and (folder / "kept").exists()
    assert not (tmp_path / "cache" / "outside").exists()


def test_mpnet_with_a_package_missing(parts: list[Path]) -> None:
    parts[3].unlink()
    assert packaged(MPNET) is None


def test_mpnet_of_other_weights_leaves_nothing(parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.SHA256, MPNET, "0" * 64)
    with pytest.raises(InputError, match="SHA-256"):
        packaged(MPNET)
    assert [path.name for path in (tmp_path / "cache" / "spanmatch").iterdir()] == ["all-mpnet-base-v2.lock"]


def test_gemma_needs_the_reader_of_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    assert packaged(GEMMA) is None
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None if name == "gguf" else object())
    with pytest.raises(InputError, match="pip install gguf"):
        packaged(GEMMA)
