"""Where checkpoints are: in a folder, in the package or a clone, on the hub."""

import json
import shutil
from pathlib import Path

import pytest
from helpers_e2e import ROOT

from spanmatch.errors import InputError
from spanmatch.prediction.shipped import BASE_MODEL, DEFAULT_MODEL, checkpoint_folder, is_checkpoint, shipped


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """The files that a folder has to have, with next to nothing in them."""
    folder = tmp_path / "models" / "mine"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"text_encoder": {}}), encoding="utf-8")
    (folder / "model.safetensors").touch()
    return folder


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the hub was asked for; it has nothing."""
    asked: list[str] = []

    def snapshot(name: str, **options: object) -> str:
        asked.append(name)
        raise OSError("no\nnetwork")

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    return asked


class TestShipped:
    def test_in_a_clone(self) -> None:
        assert shipped(DEFAULT_MODEL) == checkpoint_folder(DEFAULT_MODEL) == ROOT / "models" / DEFAULT_MODEL
        assert is_checkpoint(ROOT / "models" / DEFAULT_MODEL)

    def test_in_the_package(self, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """... which comes before a clone."""
        monkeypatch.setattr("spanmatch.__file__", str(tmp_path / "spanmatch" / "__init__.py"))
        assert shipped(DEFAULT_MODEL) is None
        shutil.copytree(checkpoint, tmp_path / "models" / DEFAULT_MODEL)
        assert shipped(DEFAULT_MODEL) == tmp_path / "models" / DEFAULT_MODEL
        shutil.copytree(checkpoint, tmp_path / "spanmatch" / "pretrained" / DEFAULT_MODEL)
        assert checkpoint_folder(DEFAULT_MODEL) == tmp_path / "spanmatch" / "pretrained" / DEFAULT_MODEL

    def test_a_folder_of_that_name_comes_first(self, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        shutil.copytree(checkpoint, tmp_path / DEFAULT_MODEL)
        assert checkpoint_folder(DEFAULT_MODEL).resolve() == tmp_path / DEFAULT_MODEL

    @pytest.mark.parametrize("content", [None, "a file", {}, {"README.md": "", "results/metrics.json": "{}"}])
    def test_what_is_no_checkpoint_hides_none(
        self, content: str | dict[str, str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """... be it an empty folder, one with other things in it, or a file; "./" says that the folder is meant."""
        monkeypatch.chdir(tmp_path)
        place = tmp_path / DEFAULT_MODEL
        if isinstance(content, str):
            place.write_text(content)
        for name, text in content.items() if isinstance(content, dict) else ():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text)
        if content == {}:
            place.mkdir()
        assert checkpoint_folder(DEFAULT_MODEL) == checkpoint_folder(Path(DEFAULT_MODEL)) == ROOT / "models" / DEFAULT_MODEL
        with pytest.raises(InputError):
            checkpoint_folder(f"./{DEFAULT_MODEL}")

    @pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
    def test_half_a_checkpoint_is_told(self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """... rather than another one taken instead."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / DEFAULT_MODEL).mkdir()
        (tmp_path / DEFAULT_MODEL / name).write_text("{}")
        with pytest.raises(InputError, match=f"{DEFAULT_MODEL}: no "):
            checkpoint_folder(DEFAULT_MODEL)

    @pytest.mark.parametrize("weights", ["model.safetensors", "model.safetensors.index.json"])
    def test_the_larger_one_in_a_clone(self, weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("spanmatch.__file__", str(tmp_path / "spanmatch" / "__init__.py"))
        folder = tmp_path / "models" / BASE_MODEL
        folder.mkdir(parents=True)
        (folder / "config.json").write_text('{"text_encoder": {}}')
        (folder / weights).touch()
        assert shipped(BASE_MODEL) == checkpoint_folder(BASE_MODEL) == folder

    def test_the_larger_one_is_not_in_the_package(
        self, no_hub: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One line says where it would be and how to make it."""
        monkeypatch.setattr("spanmatch.__file__", str(tmp_path / "spanmatch" / "__init__.py"))
        with pytest.raises(InputError) as caught:
            checkpoint_folder(BASE_MODEL)
        place = tmp_path / "models" / BASE_MODEL
        assert f"would be in {place}; take a clone" in str(caught.value) and "benchmarks/spanmatch_base.py" in str(caught.value)
        assert not no_hub

    def test_another_name(self) -> None:
        assert shipped("mine") is None and shipped("") is None


class TestFolder:
    def test_it_is_found(self, checkpoint: Path, no_hub: list[str]) -> None:
        assert checkpoint_folder(checkpoint) == checkpoint_folder(str(checkpoint)) == checkpoint and not no_hub

    def test_a_name_that_is_nearly_right(self, checkpoint: Path, no_hub: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """... of a folder, as is a relative path of two parts whose first is a folder: the hub is not asked."""
        monkeypatch.chdir(checkpoint.parent.parent)
        for name in (checkpoint.with_name("min"), "models/min"):
            with pytest.raises(InputError, match=r'min: no such folder; did you mean "mine"\?'):
                checkpoint_folder(name)
        with pytest.raises(InputError, match="no such folder; give the folder that a training wrote"):
            checkpoint_folder("nothing-like-it")
        assert not no_hub

    @pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
    def test_a_file_is_missing(self, name: str, checkpoint: Path) -> None:
        (checkpoint / name).unlink()
        with pytest.raises(InputError, match=f"no {name} in it; give the folder that a training wrote"):
            checkpoint_folder(checkpoint)

    def test_what_is_there_instead(self, checkpoint: Path) -> None:
        """An empty folder is called empty; of the checkpoints below a folder the last one is named."""
        (checkpoint.parent / "empty").mkdir()
        with pytest.raises(InputError, match=r"no config\.json in it, the folder is empty; give the folder"):
            checkpoint_folder(checkpoint.parent / "empty")
        for step in (200, 1000):
            shutil.copytree(checkpoint, checkpoint.parent / "run" / f"checkpoint-{step}")
        with pytest.raises(InputError, match=r"no config\.json in it, but there is a checkpoint below it; give .*-1000$"):
            checkpoint_folder(checkpoint.parent / "run")

    def test_on_the_hub(self, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("huggingface_hub.snapshot_download", lambda name, **options: str(checkpoint))
        assert checkpoint_folder("somebody/matcher") == checkpoint

    def test_not_on_the_hub(self, no_hub: list[str]) -> None:
        with pytest.raises(InputError, match=r"somebody/matcher: neither a local folder nor a hub model .*\(no network\)"):
            checkpoint_folder("somebody/matcher")
        assert no_hub == ["somebody/matcher"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"text_encoder": {}}', True),
        ('\ufeff{"text_encoder": {}}', True),
        ('{"model_type": "bert"}', False),
        ("{", False),
        ("3", False),
        (None, False),
    ],
)
def test_is_checkpoint(content: str | None, expected: bool, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "config.json").write_text(content, encoding="utf-8")
    assert is_checkpoint(tmp_path) is expected


def test_the_home_of_no_user_is_no_checkpoint() -> None:
    with pytest.raises(InputError, match="~nobody-of-this-name"):
        checkpoint_folder("~nobody-of-this-name/checkpoint")
