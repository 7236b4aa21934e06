"""`spanmatch fit prompted`: its keys, the examples that it draws, and what it writes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers_chat import ChatServer, chat_server, knows_names
from helpers_e2e import Result, read_json, read_jsonl, sentences, spanmatch, write_jsonl

from spanmatch.baselines.prompted import PromptedTagger
from spanmatch.baselines.prompted_fit import PromptedArguments, draw_examples
from spanmatch.data.corpus import read_corpus
from spanmatch.prediction.tagger import load_tagger


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with chat_server(knows_names) as found:
        yield found


def fit(folder: Path, *arguments: object, **given: Any) -> Result:
    flags = [part for name, value in given.items() for part in (f"--{name}", value)]
    return spanmatch("fit", "prompted", *arguments, "--output_dir", folder, *flags)


def test_from_data_to_scores(server: ChatServer, tmp_path: Path) -> None:
    train = write_jsonl(tmp_path / "train.jsonl", sentences(40))
    config = {
        "endpoint": server.url,
        "model": "tiny",
        "train_file": str(train),
        "num_examples": 4,
        "test_file": str(write_jsonl(tmp_path / "test.jsonl", sentences(30, seed=1))),
        "cache_file": str(tmp_path / "answers.sqlite"),
        "input_price": 0.4,
        "disable_tqdm": True,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    result = fit(tmp_path / "model", tmp_path / "config.json")
    assert result.status == 0, result.err
    assert result.out.rstrip().endswith("model: prompted model, 4 examples")
    assert read_json(tmp_path / "model" / "test" / "metrics.json")["micro"]["f1"] == 1.0
    assert len(server.requests) <= 30
    loaded = load_tagger(tmp_path / "model")
    assert isinstance(loaded, PromptedTagger) and len(loaded.prompt.examples) == 4
    assert {row["text"] for row in read_jsonl(tmp_path / "model" / "examples.jsonl")} <= {row["text"] for row in sentences(40)}
    assert read_json(tmp_path / "model" / "config.json")["endpoint"]["temperature"] == 0.0
    again = fit(tmp_path / "model", tmp_path / "config.json")
    assert again.status == 2 and "already holds a model; replace it (--overwrite_output_dir true)" in again.err
    num_before = len(server.requests)
    assert fit(tmp_path / "model", tmp_path / "config.json", overwrite_output_dir=True).status == 0
    assert len(server.requests) == num_before  # all answers are in the cache


def test_without_data_there_are_no_examples(server: ChatServer, tmp_path: Path) -> None:
    result = fit(tmp_path / "model", endpoint=server.url, temperature=-1)
    assert result.status == 0, result.err
    assert server.requests == []
    loaded = load_tagger(tmp_path / "model")
    assert isinstance(loaded, PromptedTagger) and loaded.prompt.examples == [] and loaded.client.endpoint.temperature is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"learning_rate": 3e-5}, '"learning_rate" has no effect on a prompted model, of which nothing is trained; remove it'),
        ({"do_train": True}, '"do_train" has no effect on a prompted model'),
        ({"num_examples": 3}, '"num_examples" has no effect without a train_file to draw examples from'),
        ({"num_examples": 0, "train_file": "train.jsonl"}, '"train_file" has no effect where "num_examples" is 0'),
        ({"num_examples": -1, "train_file": "train.jsonl"}, "num_examples must be at least 0"),
        ({"endpoint": "localhost"}, "endpoint: expected an address"),
        ({"concurrency": 0}, "concurrency must be at least 1"),
        ({"template": "missing.txt"}, "missing.txt"),
        ({"max_chars": 3}, "max_chars must be at least 100"),
        ({"max_eval_samples": 3}, '"max_eval_samples" has no effect where nothing is evaluated'),
        ({"modell": "x"}, 'unknown argument --modell; did you mean "model"?'),
    ],
)
def test_refused(given: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_jsonl(tmp_path / "train.jsonl", sentences(3))
    result = fit(tmp_path / "model", **given)
    assert result.status == 2 and message in result.err and result.err.count("\n") == 1
    assert not (tmp_path / "model").exists()


def test_a_template_of_the_user(server: ChatServer, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("Trouve {types}")
    assert fit(tmp_path / "model", endpoint=server.url, template=tmp_path / "mine.txt").status == 0
    assert (tmp_path / "model" / "template.txt").read_text() == "Trouve {types}"


class TestDrawing:
    @pytest.fixture
    def examples(self, tmp_path: Path) -> Any:
        rare = {"text": "Fri it is", "char_spans": [{"start": 0, "end": 3, "label": "weekday"}]}
        rows = [*sentences(200), rare]
        return read_corpus(str(write_jsonl(tmp_path / "data.jsonl", rows))).examples

    def test_all_types_are_shown(self, examples: Any) -> None:
        for seed in range(5):
            drawn = draw_examples(examples, 3, seed=seed, max_chars=100)
            assert {item.label for example in drawn for item in example.mentions} == {"person", "city", "company", "weekday"}

    def test_the_seed_decides(self, examples: Any) -> None:
        first, same, other = (draw_examples(examples, 8, seed=seed, max_chars=100) for seed in (1, 1, 2))
        assert first == same and first != other and len({example.where for example in first}) == 8

    def test_long_texts_are_left_out(self, examples: Any) -> None:
        assert all(len(example.text) <= 25 for example in draw_examples(examples, 50, seed=0, max_chars=25))

    def test_there_may_be_fewer(self, examples: Any) -> None:
        assert len(draw_examples(examples[:3], 8, seed=0, max_chars=100)) == 3
        assert draw_examples([], 8, seed=0, max_chars=100) == draw_examples(examples, 0, seed=0, max_chars=100) == []


def test_every_key_is_explained() -> None:
    from dataclasses import fields

    helps = {item.name: item.metadata["help"] for item in fields(PromptedArguments)}
    assert [name for name, text in helps.items() if not (text[0].isupper() and text.endswith("."))] == []
