"""A training is continued as itself only: what it was started with is recorded, and compared."""

import json
import shutil
from pathlib import Path

import pytest
from helpers_e2e import read_json, snapshot, train, write_jsonl
from helpers_training import arguments, difference, run
from safetensors.torch import load_file, save_file

from spanmatch.errors import InputError
from spanmatch.training.arguments import MatcherArguments, MatcherTrainingArguments
from spanmatch.training.record import MAY_CHANGE, OF_FILES, RECORD_FILE, check_record

pytestmark = [pytest.mark.filterwarnings("ignore::UserWarning"), pytest.mark.usefixtures("one_thread")]
SCHEDULE = {"max_steps": 6, "save_strategy": "steps", "save_steps": 4, "resume_from_checkpoint": True}


@pytest.fixture(scope="module")
def started(encoder: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train.jsonl, dev.jsonl, encoder, and a training in `out` that got to step 4 of 6. Not to be changed."""
    folder = tmp_path_factory.mktemp("started")
    shutil.copytree(encoder, folder / "encoder")
    for name in ("train.jsonl", "dev.jsonl"):
        shutil.copyfile(data / name, folder / name)
    flags = SCHEDULE | {"resume_from_checkpoint": None, "validation_file": folder / "dev.jsonl"}
    run(folder / "encoder", folder / "train.jsonl", folder / "whole", **flags)
    shutil.copytree(folder / "whole" / "checkpoint-4", folder / "out" / "checkpoint-4")
    return folder


@pytest.fixture
def place(started: Path, tmp_path: Path) -> Path:
    """The same folder, to be changed; the files of a training that goes on there were elsewhere when it started."""
    return shutil.copytree(started, tmp_path / "place")


def given(place: Path, **flags: object) -> list[str]:
    named = SCHEDULE | {"validation_file": place / "dev.jsonl"} | flags
    out = named.pop("output_dir", place / "out")
    assert isinstance(out, Path)
    return arguments(place / "encoder", place / "train.jsonl", out, **named)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"seed": 43}, "seed was 42, is 43"),
        ({"learning_rate": 1e-3}, "learning_rate was 0.003, is 0.001"),
        ({"per_device_train_batch_size": 4}, "per_device_train_batch_size was 8, is 4"),
        ({"gradient_accumulation_steps": 2}, "gradient_accumulation_steps was 1, is 2"),
        ({"max_steps": 12}, "max_steps was 6, is 12"),
        ({"loss": "focal"}, 'loss.name was "bce", is "focal"'),
        ({"loss": '{"name": "bce", "positive_weight": 2}'}, 'loss.options was {}, is {"positive_weight": 2}'),
        ({"num_negative_types": 2}, "num_negative_types was 30, is 2"),
        ({"type_encoder": "separate"}, "type_encoder was none, is separate"),
        ({"type_anchor": 1.0}, "type_anchor was 0.0, is 1.0"),
        ({"max_span_width": 3}, "max_span_width was 4, is 3"),
        ({"format": "tokens"}, 'format was "text", is "tokens"'),
        ({"max_train_samples": 50}, "train.jsonl is not as it was (60 examples then, 50 examples now)"),
        ({"max_eval_samples": 20}, "dev.jsonl is not as it was (30 examples then, 20 examples now)"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("asked", ["true", "by its path"])
def test_another_training_is_refused(started: Path, flags: dict[str, object], expected: str, asked: str) -> None:
    if asked != "true":
        flags = flags | {"resume_from_checkpoint": started / "out" / "checkpoint-4", "output_dir": started / "new"}
    before = snapshot(started)
    result = train(*given(started, **flags))
    assert result.status == 2 and result.err.count("\n") == 1
    assert "checkpoint-4 is of another training: " in result.err and expected in result.err
    assert "--pretrained_model_name_or_path" in result.err
    assert snapshot(started) == before


@pytest.mark.parametrize("file", ["train.jsonl", "dev.jsonl"])
def test_changed_data_are_refused(place: Path, file: str) -> None:
    """One span less in a file of the same name."""
    lines = [json.loads(line) for line in (place / file).read_text(encoding="utf-8").splitlines()]
    lines[-1]["char_spans"] = lines[-1]["char_spans"][1:]
    write_jsonl(place / file, lines)
    result = train(*given(place))
    assert result.status == 2 and f"{place / file}" in result.err and "is of another training" in result.err


def test_changed_descriptions_are_refused(place: Path) -> None:
    (place / "labels.json").write_text(json.dumps({"city": "a large town"}), encoding="utf-8")
    result = train(*given(place))
    assert result.status == 2 and "train_file was " in result.err


def test_another_encoder_is_refused(place: Path) -> None:
    """... though it has the name of the first one."""
    file = place / "encoder" / "model.safetensors"
    weights = load_file(file)
    weights["encoder.layer.1.output.dense.bias"][3] += 1
    save_file(weights, file, metadata={"format": "pt"})
    result = train(*given(place))
    assert result.status == 2 and f", is {place / 'encoder'}" in result.err and "text_encoder was " in result.err


def test_only_so_many_are_listed(started: Path) -> None:
    flags = {"seed": 1, "learning_rate": 1.0, "weight_decay": 1.0, "head_size": 16, "num_negative_types": 1, "type_dropout": 0.5}
    result = train(*given(started, **flags))
    assert result.status == 2 and "; and 2 more; restore this" in result.err


def test_what_may_change(place: Path) -> None:
    """Other names of the same files and other words for the same; what is shown, kept and measured."""
    (place / "train.jsonl").rename(place / "renamed.jsonl")
    flags = {"train_file": place / "renamed.jsonl", "loss": '{"name": "bce"}', "save_steps": 5, "logging_steps": 1}
    flags |= {"dataloader_num_workers": 1, "test_file": place / "dev.jsonl", "per_device_eval_batch_size": 7}
    flags |= {"resume_from_checkpoint": place / "out" / "checkpoint-4", "output_dir": place / "elsewhere"}
    result = train(*given(place, **flags))
    assert result.status == 0, result.err
    assert difference(place / "whole", place / "elsewhere") == 0


def test_without_a_record_it_is_said(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    (place / "out" / "checkpoint-4" / RECORD_FILE).unlink()
    assert train(*given(place)).status == 0
    assert "whether it is of this training is not checked" in caplog.text


@pytest.mark.parametrize("content", ["[]", '{"keys": {}}', '{"keys": [], "files": {}}', "{"])
def test_a_broken_record_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / RECORD_FILE).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"training\.json.*copy the checkpoint again"):
        check_record(tmp_path, {"keys": {}, "files": {}})


def test_every_key_that_may_change_is_one() -> None:
    known = set(MatcherTrainingArguments.__dataclass_fields__) | set(MatcherArguments.__dataclass_fields__)
    assert known >= MAY_CHANGE | OF_FILES


def test_what_is_recorded(started: Path) -> None:
    record = read_json(started / "whole" / "checkpoint-6" / RECORD_FILE)
    assert record["files"]["train_file"]["size"] == "60 examples"
    assert record["keys"]["architecture"] == "bi" and record["keys"]["num_processes"] == 1
    assert not MAY_CHANGE & record["keys"].keys()
