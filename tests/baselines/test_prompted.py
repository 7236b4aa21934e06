"""`PromptedTagger`: what it asks, what it makes of the answers, what it counts, and its folder."""

import gc
import json
import logging
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from helpers_chat import SOON, ChatServer, Reply, chat_server, in_turn, knows_names, random_answer
from helpers_e2e import read_json, sentences, spanmatch, write_jsonl

from spanmatch.apps.demo.sources import TaggerSource
from spanmatch.apps.server.app import create_app
from spanmatch.apps.server.options import ServeOptions
from spanmatch.baselines.chat_client import Endpoint
from spanmatch.baselines.prompted import Prompt, PromptedTagger, labels_of, text_parts
from spanmatch.data.corpus import read_corpus
from spanmatch.data.examples import Example
from spanmatch.data.words import split_words
from spanmatch.entities import EntityType, Mention, as_entity_types
from spanmatch.errors import InputError
from spanmatch.prediction.tagger import StreamOptions, Tagger, load_tagger

TYPES = (EntityType(name="person", description="who has a name", label="PER"), EntityType(name="city", aliases=("town",)))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with chat_server(knows_names) as found:
        yield found


def tagger(server: ChatServer, prompt: Prompt | None = None, **given: Any) -> PromptedTagger:
    return PromptedTagger(Endpoint(base_url=server.url, model="tiny", **given), prompt)


def listed(*pairs: tuple[str, str]) -> str:
    return json.dumps({"entities": [{"text": text, "type": kind} for text, kind in pairs]})


class TestPrompt:
    def test_types_and_text(self, server: ChatServer) -> None:
        tagger(server).predict("Ada Lovelace in Lima", TYPES)
        [request] = server.requests
        system, user = request["messages"]
        assert system["role"] == "system" and "\n- person: who has a name\n- city\n" in system["content"]
        assert user == {"role": "user", "content": "Ada Lovelace in Lima"}

    def test_examples_are_turns_of_the_conversation(self) -> None:
        shown = example("Bob, in Oslo", types=TYPES, mentions=[(8, 12, "city"), (0, 3, "PER")])
        messages = Prompt(examples=[shown]).messages(as_entity_types(TYPES), "Ada")
        assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
        assert messages[2]["content"] == listed(("Bob", "person"), ("Oslo", "city"))

    def test_an_example_shows_only_what_is_asked_for(self) -> None:
        shown = example("Bob, in Oslo", types=TYPES, mentions=[(8, 12, "city"), (0, 3, "PER")])
        messages = Prompt(examples=[shown]).messages(as_entity_types(["City"]), "Ada")
        assert messages[2]["content"] == listed(("Oslo", "city"))

    def test_an_example_is_not_shown_for_a_type_that_it_was_not_annotated_for(self) -> None:
        shown = example("Bob, in Oslo", types=TYPES, mentions=[(0, 3, "PER")])
        assert len(Prompt(examples=[shown]).messages(as_entity_types(["person", "date"]), "Ada")) == 2

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"template": "Find {type}."}, r"the template of the prompt has no \{types\}"),
            ({"max_chars": 0}, "max_chars must be at least 100, got 0"),
            ({"num_retries": -1}, "num_retries must be at least 0, got -1"),
        ],
    )
    def test_refused(self, given: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError, match=message):
            Prompt(**given)


def example(text: str, *, types: Any, mentions: Any = ()) -> Example:
    gold = tuple(Mention(start=start, end=end, label=label) for start, end, label in mentions)
    return Example(where="here", text=text, words=split_words(text), mentions=gold, types=as_entity_types(types))


class TestAnswers:
    def test_entities_have_the_labels_of_their_types(self, server: ChatServer) -> None:
        server.answer = in_turn(listed(("Ada", "Person"), ("Lima", "town"), ("Bo", "PER")))
        found = tagger(server).predict("Ada, Bo, Lima", TYPES)
        assert [(item.start, item.end, item.label, item.text) for item in found] == [
            (0, 3, "PER", "Ada"), (5, 7, "PER", "Bo"), (9, 13, "city", "Lima")
        ]  # fmt: skip

    def test_what_is_wrong_is_counted(self, server: ChatServer) -> None:
        server.answer = in_turn(
            "I cannot do that.",
            '[{"text": "Ada", "type": "person"}, {"text": "Zoe", "type": "person"}, {"text": "X", "type": "animal"}, 7]',
        )
        asked = tagger(server)
        assert [item.text for item in asked.predict("Ada met X", TYPES)] == ["Ada"]
        counts = asked.counts
        wrong = {name: counts[name] for name in ("broken_answers", "stayed_broken", "not_in_text", "unknown_type", "unreadable")}
        assert wrong == {"broken_answers": 1, "stayed_broken": 0, "not_in_text": 1, "unknown_type": 1, "unreadable": 1}
        assert counts["requests"] == 2 and counts["mentions"] == 1 and counts["prompt_tokens"] > 100
        retry = server.requests[1]["messages"]
        assert retry[-2] == {"role": "assistant", "content": "I cannot do that."} and "not the JSON" in retry[-1]["content"]

    def test_an_answer_that_stays_broken_gives_nothing(self, server: ChatServer) -> None:
        server.answer = lambda asked: "no" if "Ada" in json.dumps(asked["messages"]) else listed(("Bob", "person"))
        asked = tagger(server, Prompt(num_retries=1))
        found = asked.predict(["Ada left", "Bob left"], TYPES)
        assert [[item.text for item in own] for own in found] == [[], ["Bob"]]
        assert asked.counts["broken_answers"] == 1 and asked.counts["stayed_broken"] == 1 and asked.counts["requests"] == 3

    def test_an_empty_answer_is_broken_and_can_be_sent_again(self, server: ChatServer) -> None:
        server.answer = in_turn(Reply(content=None), "[]")
        assert tagger(server).predict("Ada", TYPES) == []
        assert server.requests[1]["messages"][-2]["content"] == "(no answer)"

    def test_a_text_that_is_refused_gives_nothing(self, server: ChatServer) -> None:
        server.answer = lambda asked: Reply(status=400) if "Bob" in asked["messages"][-1]["content"] else knows_names(asked)
        asked = tagger(server, concurrency=1)
        found = asked.predict(["Dmitri left for good", "Bob"], TYPES)
        assert [len(own) for own in found] == [1, 0] and asked.counts["refused"] == 1

    def test_an_endpoint_that_fails_is_an_error(self, server: ChatServer) -> None:
        server.answer = in_turn(Reply(status=500, headers=SOON))
        with pytest.raises(InputError, match=r"fails \(HTTP 500\), after 2 retries"):
            tagger(server, max_retries=2).predict(["Ada", "Bob"], TYPES)

    def test_nothing_is_asked_about_nothing(self, server: ChatServer) -> None:
        assert tagger(server).predict(["", " \n\u200b"], TYPES) == [[], []] and server.requests == []

    def test_line_breaks(self, server: ChatServer) -> None:
        server.answer = in_turn(listed(("Ada Lovelace", "person")))
        asked = tagger(server)
        assert [item.text for item in asked.predict("Ada\nLovelace", TYPES)] == ["Ada\nLovelace"]
        assert asked.predict("Ada\nLovelace", TYPES, line_breaks="never") == []

    def test_overlaps(self, server: ChatServer) -> None:
        server.answer = in_turn(listed(("University of Lima", "city"), ("Lima", "city")))
        asked = tagger(server)
        assert [item.text for item in asked.predict("University of Lima", TYPES)] == ["University of Lima"]
        assert len(asked.predict("University of Lima", TYPES, overlap="nested")) == 2

    def test_fuzzed_answers(self, server: ChatServer) -> None:
        """Each text gets entities of its own characters, or none, whatever is answered."""
        rng = random.Random(1)
        server.answer = lambda _: Reply(body=completion_of(random_answer(rng)))
        texts = [f"Ada met é👩‍🚀 person number {number}." for number in range(150)]
        asked = tagger(server, Prompt(num_retries=1))
        found = asked.predict(texts, TYPES)
        assert all(text[item.start : item.end] == item.text for text, own in zip(texts, found, strict=True) for item in own)
        assert asked.counts["stayed_broken"] > 5 and asked.counts["mentions"] > 5 and asked.counts["not_in_text"] > 5


def completion_of(content: str) -> bytes:
    return json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": content}}]}).encode()


class TestLongTexts:
    @pytest.mark.parametrize(
        ("text", "parts"),
        [
            ("short", ["short"]),
            ("", [""]),
            ("one two three four", ["one two ", "three four"]),
            ("One. Two is long", ["One. Two ", "is long"]),  # the sentence ends before half of a part
            ("Seven. Two, you", ["Seven. ", "Two, you"]),
            ("six six\ntwo, you", ["six six\n", "two, you"]),
            ("abcdefghijklmnopqrstuvwxyz", ["abcdefghij", "klmnopqrst", "uvwxyz"]),
            ("你好吗。我很好谢谢你们啊", ["你好吗。我很好谢谢你", "们啊"]),
            ("你好吗很好。谢谢你们啊啊", ["你好吗很好。", "谢谢你们啊啊"]),
        ],
    )
    def test_parts(self, text: str, parts: list[str]) -> None:
        found = [text[start:end] for start, end in text_parts(text, 10)]
        assert found == parts and "".join(found) == text

    def test_offsets_are_those_of_the_text(self, server: ChatServer) -> None:
        rows = sentences(60)
        text = "\n".join(row["text"] for row in rows)
        asked = tagger(server, Prompt(max_chars=200))
        found = asked.predict(text, ["person", "city", "company"])
        assert len(found) == sum(len(row["char_spans"]) for row in rows)
        assert all(text[item.start : item.end] == item.text for item in found)
        assert len(server.requests) > 5 and asked.counts["texts_in_parts"] == 1
        assert all(len(prompt) <= 200 for prompt in server.prompts)


def test_labels_of() -> None:
    assert labels_of(TYPES) == {"person": "PER", "per": "PER", "city": "city", "town": "city"}


def test_it_is_a_tagger(server: ChatServer) -> None:
    asked: Tagger = tagger(server)
    assert (asked.kind, asked.types, asked.default_threshold) == ("prompted model", None, None)
    one = example("Ada Lovelace in Lima", types=["person", "city"], mentions=[(1, 4, "person")])
    assert asked.unrepresentable([one]).num_lost == 0 and asked.unrepresentable([one]).num_gold == 1
    streamed = list(asked.stream([one] * 3, threshold=None, overlap="flat", options=StreamOptions()))
    assert [[item.text for item in own] for own in streamed] == [["Ada Lovelace", "Lima"]] * 3
    [(first, scored)] = asked.stream_scored([one], floor=0.1, threshold=None, overlap="flat", options=StreamOptions())
    assert first == scored and all(item.score > 0.99 for item in first)


class TestFolder:
    @pytest.fixture
    def folder(self, server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)  # a relative path of a tagger that has no folder yet is one of this one
        shown = read_corpus(str(write_jsonl(tmp_path / "train.jsonl", sentences(3)))).examples
        prompt = Prompt(template="Find {types}!", examples=shown, max_chars=500, num_retries=1)
        tagger(server, prompt, temperature=0.0, cache_file="answers.sqlite").save_pretrained(tmp_path / "model")
        return tmp_path / "model"

    def test_loaded_is_saved(self, folder: Path, server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(folder.parent)
        loaded = load_tagger(folder)
        assert isinstance(loaded, PromptedTagger)
        assert loaded.prompt.template == "Find {types}!" and (loaded.prompt.max_chars, loaded.prompt.num_retries) == (500, 1)
        assert [item.text for item in loaded.prompt.examples] == [row["text"] for row in sentences(3)]
        loaded.predict("Bob", ["person", "city", "company"])
        assert len(server.requests[0]["messages"]) == 8 and server.requests[0]["temperature"] == 0.0
        assert (folder / "answers.sqlite").is_file()  # a relative path is one of the folder
        saved = folder.parent / "again"
        loaded.save_pretrained(saved)
        names = ("template.txt", "examples.jsonl", "labels.json")
        assert [(saved / name).read_bytes() for name in names] == [(folder / name).read_bytes() for name in names]
        assert load_tagger(saved).fingerprint() == loaded.fingerprint()

    def test_it_has_no_key(self, server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
        tagger(server).save_pretrained(tmp_path / "model")
        assert not any(b"sk-secret" in file.read_bytes() for file in (tmp_path / "model").iterdir())

    def test_the_template_may_be_replaced(self, folder: Path, server: ChatServer) -> None:
        before = load_tagger(folder).fingerprint()
        (folder / "template.txt").write_text("Zeige {types}", encoding="utf-8")
        loaded = load_tagger(folder)
        loaded.predict("Bob", ["person"])
        assert server.requests[0]["messages"][0]["content"] == "Zeige - person"
        assert loaded.fingerprint() != before

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"endpoint": None}, "config.json: endpoint: missing; fit it again"),
            ({"endpoint": {"base_urll": "x"}}, 'config.json: endpoint: unknown key "base_urll"; did you mean "base_url"?'),
            ({"endpoint": {"timeout": "soon"}}, "config.json: endpoint: a value is of the wrong kind"),
            ({"endpoint": {"base_url": 7}}, "config.json: endpoint: a value is of the wrong kind"),
            ({"prompt": {"template": "x"}}, 'config.json: prompt: unknown key "template"'),
        ],
    )
    def test_a_broken_configuration(self, change: dict[str, Any], message: str, folder: Path) -> None:
        config = read_json(folder / "config.json") | change
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        with pytest.raises(InputError) as caught:
            load_tagger(folder)
        assert message in str(caught.value)

    def test_a_folder_of_others_does_not_get_the_key(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        config = read_json(folder / "config.json")
        config["endpoint"]["base_url"] = "https://elsewhere.example/v1"
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
        with pytest.raises(
            InputError, match=r"would be sent to https://elsewhere.example/v1; if you trust it, set OPENAI_BASE_URL="
        ):
            load_tagger(folder)

    @pytest.mark.parametrize("given", [{"device": "cpu"}, {"dtype": "float32"}, {"compile": True}])
    def test_what_has_no_effect_is_refused(self, given: dict[str, Any], folder: Path) -> None:
        with pytest.raises(InputError, match="has no effect on a prompted model"):
            load_tagger(folder, **given)


def test_counts_are_logged_once_at_the_end(server: ChatServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    asked = tagger(server, input_price=1.0)
    asked.predict(["Bob", "Eva Novak"], TYPES)
    asked.predict("Bob", TYPES)
    assert caplog.messages == []
    del asked
    gc.collect()
    [message] = caplog.messages
    assert message.startswith("tiny: requests 3, ") and "cost 0.00" in message and message.endswith("; mentions 3")


class TestCommands:
    @pytest.fixture
    def folder(self, server: ChatServer, tmp_path: Path) -> Path:
        tagger(server).save_pretrained(tmp_path / "model")
        return tmp_path / "model"

    def test_tag(self, folder: Path) -> None:
        result = spanmatch("tag", folder, "Ada Lovelace moved to Lima .", "--types", "person,city")
        assert result.status == 0 and "Ada Lovelace" in result.out, result.err
        assert "WARNING" not in result.out

    def test_tag_a_file(self, folder: Path, tmp_path: Path, server: ChatServer) -> None:
        data = write_jsonl(tmp_path / "data.jsonl", sentences(20))
        result = spanmatch("tag", folder, data, "--types", "person,city,company", "--output", tmp_path / "out.jsonl")
        assert result.status == 0, result.err
        rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        assert [[item["label"] for item in row["entities"]] for row in rows] == [
            [span["label"] for span in row["char_spans"]] for row in sentences(20)
        ]

    def test_evaluate(self, folder: Path, tmp_path: Path) -> None:
        data = write_jsonl(tmp_path / "data.jsonl", sentences(20))
        result = spanmatch("evaluate", folder, data, "--output_dir", tmp_path / "scores")
        assert result.status == 0, result.err
        assert read_json(tmp_path / "scores" / "metrics.json")["micro"]["f1"] == 1.0

    def test_serve(self, folder: Path) -> None:
        with TestClient(create_app(load_tagger(folder), as_entity_types(["person"]), ServeOptions())) as client:
            [model] = client.get("/models").json()
            answer = client.post("/predict/", json={"text": "Ada Lovelace left", "entity_types": ["person"]}).json()
        assert (model["kind"], model["types"]) == ("prompted model", None)
        assert [(item["start"], item["end"]) for item in answer["entities"]] == [(0, 12)]

    def test_demo(self, folder: Path) -> None:
        source = TaggerSource("prompted", load_tagger(folder))
        [found] = source.find(["Ada Lovelace left"], as_entity_types(["person"]), 0.3)
        assert [item.text for item in found.scored] == ["Ada Lovelace"] and source.types is None

    def test_an_endpoint_that_is_gone_is_one_line(self, folder: Path, server: ChatServer) -> None:
        config = read_json(folder / "config.json")
        config["endpoint"] |= {"base_url": "http://127.0.0.1:9/v1", "max_retries": 0}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        result = spanmatch("tag", folder, "Ada moved to Lima .", "--types", "person")
        assert result.status == 2 and result.out == ""
        assert result.err.startswith("error: http://127.0.0.1:9/v1: cannot be reached") and result.err.count("\n") == 1
