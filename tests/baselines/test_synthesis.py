"""Making data: from the options to the file, balanced, without duplicates, and resumed where it was killed."""

import json
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers_chat import SOON, ChatServer, Reply, chat_server, writes_texts
from helpers_e2e import offline_environment, read_json, read_jsonl

from spanmatch.baselines.synthesis import generate, same_text
from spanmatch.baselines.synthesis_options import GenerateOptions
from spanmatch.data.corpus import read_corpus
from spanmatch.errors import InputError


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with chat_server(writes_texts) as found:
        yield found


def options(output: Path, **given: Any) -> GenerateOptions:
    return GenerateOptions(
        **{"output": str(output), "types": ["person,city", "date"], "n": 20, "model": "tiny", "concurrency": 2} | given
    )


def from_patterns(output: Path, **given: Any) -> GenerateOptions:
    content = {"patterns": ["{person} and {person} left.", "In {city}: {person}."],
               "values": {"person": ["Ada", "Bob", "Eve Diaz", "Mo"], "city": ["Lima", "New York", "Oslo"]}}  # fmt: skip
    file = output.parent / "patterns.json"
    file.write_text(json.dumps(content))
    return GenerateOptions(
        **{"output": str(output), "types": ["person,city"], "n": 12, "engine": "templates", "patterns": str(file)} | given
    )


def test_texts_of_a_model(server: ChatServer, tmp_path: Path) -> None:
    told = generate(options(tmp_path / "made.jsonl", endpoint=server.url, n=21))
    corpus = read_corpus(str(tmp_path / "made.jsonl"))
    assert len({same_text(example.text) for example in corpus.examples}) == 21
    assert all(
        example.text[item.start : item.end].startswith("Name ") for example in corpus.examples for item in example.mentions
    )
    assert [item.name for item in corpus.examples[0].types] == ["person", "city", "date"]
    counts = Counter(item.label for example in corpus.examples for item in example.mentions)
    assert counts.keys() == {"person", "city", "date"} and max(counts.values()) - min(counts.values()) <= 10
    assert told.startswith(f"{tmp_path / 'made.jsonl'}: 21 texts, 21 mentions (person ") and "requests " in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels.json", "made.jsonl"]


def test_what_is_rejected_is_told(server: ChatServer, tmp_path: Path) -> None:
    def answer(asked: dict[str, Any]) -> str | Reply:
        texts = json.loads(writes_texts(asked))["texts"]
        texts[0]["entities"][0]["text"] = "Somebody else"
        texts[1]["entities"].append({"text": "was", "type": "verb"})
        texts[2]["text"] = texts[3]["text"].upper()
        texts[2]["entities"] = [{"text": "HERE", "type": "city"}]
        texts.append(texts[1])
        if len(server.requests) == 1:
            return Reply(status=429, headers=SOON)
        return "sorry" if len(server.requests) == 2 else json.dumps({"texts": texts})

    server.answer = answer
    told = generate(options(tmp_path / "made.jsonl", endpoint=server.url, concurrency=1, n=8))
    assert len(read_jsonl(tmp_path / "made.jsonl")) == 8
    assert re.search(
        r"rejected: broken answers 1, duplicates \d+, mentions of an unknown type \d+, "
        r"texts with a mention that is not in them \d+",
        told,
    )
    assert "asked again after a failure 1" in told


def test_descriptions_and_labels(server: ChatServer, tmp_path: Path) -> None:
    types = {"PER": {"name": "person", "description": "who has a name", "aliases": ["human"]}, "CITY": "where people live"}
    (tmp_path / "types.json").write_text(json.dumps(types))
    made = tmp_path / "out" / "made.jsonl"
    made.parent.mkdir()
    generate(options(made, endpoint=server.url, types=(), entity_types=str(tmp_path / "types.json"), n=3))
    assert read_jsonl(made)[0]["labels"] == ["PER", "CITY"]
    assert read_json(made.parent / "labels.json") == {
        "PER": {"name": "person", "description": "who has a name", "aliases": ["human"]},
        "CITY": {"name": "CITY", "description": "where people live"},
    }
    assert "- person: who has a name\n- CITY: where people live" in server.prompts[0]


class TestSidecar:
    def test_one_that_says_the_same_stays(self, tmp_path: Path) -> None:
        more = {"person": {"name": "person", "description": ""}, "city": {"name": "city", "description": ""}, "x": "other"}
        (tmp_path / "labels.json").write_text(json.dumps(more))
        generate(from_patterns(tmp_path / "made.jsonl"))
        assert read_json(tmp_path / "labels.json") == more

    @pytest.mark.parametrize("content", ['{"person": "the one who pays"}', "{}", "[]"])
    def test_one_that_differs_is_not_overwritten(self, content: str, tmp_path: Path) -> None:
        (tmp_path / "labels.json").write_text(content)
        with pytest.raises(InputError, match=r"labels.json: is there already, and says something else of the types"):
            generate(from_patterns(tmp_path / "made.jsonl"))
        assert (tmp_path / "labels.json").read_text() == content and not (tmp_path / "made.jsonl").exists()

    def test_it_is_not_the_output(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"labels.json: is an input, too"):
            generate(from_patterns(tmp_path / "labels.json"))


def test_tags(tmp_path: Path) -> None:
    generate(from_patterns(tmp_path / "tags.jsonl", form="tags"))
    generate(from_patterns(tmp_path / "spans.jsonl"))
    rows = read_jsonl(tmp_path / "tags.jsonl")
    assert {"B-person", "I-person", "B-city", "I-city", "O"} == {tag for row in rows for tag in row["tags"]}
    by_tags, by_spans = (read_corpus(str(tmp_path / name)).examples for name in ("tags.jsonl", "spans.jsonl"))
    for tagged, spanned in zip(by_tags, by_spans, strict=True):
        texts = [[example.text[item.start : item.end] for item in example.mentions] for example in (tagged, spanned)]
        assert texts[0] == texts[1] and tagged.text.replace(" ", "") == spanned.text.replace(" ", "")


class TestResuming:
    def test_a_run_that_failed_goes_on(self, server: ChatServer, tmp_path: Path) -> None:
        """The answers of the round that failed are in the cache, what was accepted before is in the file."""
        whole = tmp_path / "whole.jsonl"
        generate(options(whole, endpoint=server.url))
        num_whole = len(server.requests)
        server.requests.clear()
        server.answer = lambda asked: Reply(status=404) if len(server.requests) > 3 else writes_texts(asked)
        given = {"endpoint": server.url, "cache_file": str(tmp_path / "answers.sqlite"), "concurrency": 2}
        with pytest.raises(InputError, match="HTTP 404"):
            generate(options(tmp_path / "made.jsonl", **given))
        assert not (tmp_path / "made.jsonl").exists()
        assert len((tmp_path / "made.jsonl.partial").read_text().splitlines()) == 10
        server.answer = writes_texts
        generate(options(tmp_path / "made.jsonl", **given))
        assert (tmp_path / "made.jsonl").read_bytes() == whole.read_bytes()
        assert len(server.requests) - 1 <= num_whole  # but for the one that failed, none was asked for twice
        assert not (tmp_path / "made.jsonl.partial").exists()

    def test_a_run_that_is_killed_goes_on(self, server: ChatServer, tmp_path: Path) -> None:
        """As a process, between two answers; the file is then that of one run, and no answer is asked for twice."""
        whole, made = tmp_path / "whole.jsonl", tmp_path / "made.jsonl"
        generate(options(whole, endpoint=server.url))
        server.requests.clear()
        reached = threading.Event()

        def answer(asked: dict[str, Any]) -> str | Reply:
            if len(server.requests) < 4:
                return writes_texts(asked)
            reached.set()
            return Reply(content="never", seconds=5)

        server.answer = answer
        given = ["--types", "person,city,date", "--n", "20", "--endpoint", server.url, "--model", "tiny", "--concurrency", "2"]
        command = [
            sys.executable,
            "-m",
            "spanmatch",
            "generate",
            *given,
            "--cache_file",
            str(tmp_path / "answers"),
            "--output",
            str(made),
        ]
        process = subprocess.Popen(command, env=offline_environment(), stderr=subprocess.DEVNULL)
        assert reached.wait(timeout=60)
        process.kill()
        process.wait()
        before = len(server.requests)
        assert len((tmp_path / "made.jsonl.partial").read_text().splitlines()) == 10 and not made.exists()
        server.answer = writes_texts
        generate(options(made, endpoint=server.url, cache_file=str(tmp_path / "answers")))
        assert made.read_bytes() == whole.read_bytes()
        assert len(server.requests) - before <= 2

    def test_a_torn_line_is_made_again(self, server: ChatServer, tmp_path: Path) -> None:
        server.answer = lambda asked: Reply(status=404) if len(server.requests) > 2 else writes_texts(asked)
        with pytest.raises(InputError):
            generate(options(tmp_path / "made.jsonl", endpoint=server.url))
        partial = tmp_path / "made.jsonl.partial"
        partial.write_bytes(partial.read_bytes()[:-9])
        server.answer = writes_texts
        generate(options(tmp_path / "made.jsonl", endpoint=server.url))
        assert len({row["text"] for row in read_jsonl(tmp_path / "made.jsonl")}) == 20

    def test_another_request_is_refused(self, server: ChatServer, tmp_path: Path) -> None:
        server.answer = lambda asked: Reply(status=404) if len(server.requests) > 2 else writes_texts(asked)
        with pytest.raises(InputError):
            generate(options(tmp_path / "made.jsonl", endpoint=server.url))
        with pytest.raises(InputError, match=r"begun with types person; city; date, now animal; .* --overwrite"):
            generate(options(tmp_path / "made.jsonl", endpoint=server.url, types=["animal"]))
        server.answer = writes_texts
        generate(options(tmp_path / "made.jsonl", endpoint=server.url, types=["animal"], overwrite=True))
        assert {row["labels"][0] for row in read_jsonl(tmp_path / "made.jsonl")} == {"animal"}

    def test_what_is_there_may_be_enough(self, server: ChatServer, tmp_path: Path) -> None:
        """A model that writes the same again and again ends the run, and nothing of what it wrote is lost."""
        server.answer = lambda _: json.dumps(
            [{"text": f"Ada {index} slept.", "entities": [["Ada", "person"]]} for index in range(7)]
        )
        with pytest.raises(
            InputError, match=r"only 7 of 20 different texts; rejected: duplicates \d+; give --n 7 to finish with these"
        ):
            generate(options(tmp_path / "made.jsonl", endpoint=server.url))
        num_asked = len(server.requests)
        generate(options(tmp_path / "made.jsonl", endpoint=server.url, n=6))
        assert len(read_jsonl(tmp_path / "made.jsonl")) == 6 and len(server.requests) == num_asked

    def test_a_file_that_is_there_is_kept(self, tmp_path: Path) -> None:
        generate(from_patterns(tmp_path / "made.jsonl"))
        with pytest.raises(InputError, match="is already there"):
            generate(from_patterns(tmp_path / "made.jsonl"))

    def test_a_run_that_gives_nothing_leaves_nothing(self, server: ChatServer, tmp_path: Path) -> None:
        server.answer = lambda _: "no"
        with pytest.raises(
            InputError, match=r"only 0 of 20 different texts; rejected: broken answers 10, or change what is asked for"
        ):
            generate(options(tmp_path / "made.jsonl", endpoint=server.url))
        assert list(tmp_path.iterdir()) == []


class TestTemplates:
    def test_two_runs_are_one(self, tmp_path: Path) -> None:
        for name in ("a", "b", "c"):
            (tmp_path / name).mkdir()
            generate(from_patterns(tmp_path / name / "made.jsonl", seed=int(name == "c")))
        first, same, other = ((tmp_path / name / "made.jsonl").read_bytes() for name in ("a", "b", "c"))
        assert first == same != other

    def test_there_are_not_so_many(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"patterns.json: only 24 of 200 different texts in 10001 attempts"):
            generate(from_patterns(tmp_path / "made.jsonl", n=200))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["patterns.json"]


def test_answers_of_a_file(tmp_path: Path) -> None:
    raw = [
        {"text": "Ada left.", "entities": [{"token": "Ada", "tag": "B-person"}]},
        {"text": "ADA  left.", "entities": [["ADA", "person"]]},
    ]
    (tmp_path / "raw.json").write_text(json.dumps(raw))
    given = {"types": ["person"], "engine": "file", "answers": str(tmp_path / "raw.json")}
    told = generate(GenerateOptions(output=str(tmp_path / "made.jsonl"), **given))
    assert "1 texts, 1 mentions (person 1)\nrejected: duplicates 1" in told
    assert read_jsonl(tmp_path / "made.jsonl") == [
        {"text": "Ada left.", "char_spans": [{"start": 0, "end": 3, "label": "person"}], "labels": ["person"]}
    ]
    with pytest.raises(InputError, match="only 1 of 3 different texts"):
        generate(GenerateOptions(output=str(tmp_path / "more.jsonl"), n=3, **given))


def test_same_text() -> None:
    assert same_text("Ada  LEFT\nＬima ") == same_text("ada left lima") != same_text("ada left Lima!")
