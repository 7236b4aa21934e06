"""What makes texts: the prompt, patterns of a user, and files of answers."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers_chat import chat_server

from spanmatch.baselines.synthesis_engines import ChatEngine, FileEngine, TemplateEngine, Wanted
from spanmatch.baselines.synthesis_options import GenerateOptions
from spanmatch.entities import EntityType, as_entity_types
from spanmatch.errors import InputError

TYPES = as_entity_types([EntityType(name="person", description="who has a name", label="PER"), EntityType(name="city")])


def wanted(**given: Any) -> Wanted:
    return Wanted(**{"num": 7, "focus": TYPES[1:], "request": "0-0-0", "seen": set(), "same_as": str.lower} | given)


class TestChatEngine:
    def engine(self, url: str, **given: Any) -> ChatEngine:
        return ChatEngine(GenerateOptions(output="x", endpoint=url, model="tiny", **given), TYPES)

    def test_what_it_asks(self) -> None:
        answer = json.dumps({"texts": [{"text": "Ada", "entities": [["Ada", "person"]]}]})
        with chat_server(lambda _: answer) as server:
            engine = self.engine(server.url, domain="letters {types}", batch=3, concurrency=4)
            assert len(engine.drafts(wanted())) == 3  # three requests for seven texts, each answered with one
            first = sorted(server.prompts)[0]
        assert len(server.requests) == 3 and len(set(server.prompts)) == 3
        assert first.startswith("Write 3 texts") and "They are about: letters {types}\n" in first
        assert "- person: who has a name\n- city\n" in first and "too few so far: city." in first and "request 0-0-0-0;" in first
        assert server.requests[0]["temperature"] == 1.0

    def test_the_same_request_is_the_same_prompt(self) -> None:
        with chat_server(lambda _: "[]") as server:
            for request in ("0-0-0", "0-0-0", "0-5-0"):
                self.engine(server.url, concurrency=1).drafts(wanted(request=request))
            assert server.prompts[0] == server.prompts[1] != server.prompts[2]

    def test_what_is_broken_is_counted(self) -> None:
        with chat_server(lambda _: "I would rather not.") as server:
            engine = self.engine(server.url, concurrency=2)
            assert engine.drafts(wanted()) == []
        assert engine.rejected == {"broken answers": 2} and "requests 2" in engine.summary()

    def test_a_prompt_of_the_user(self, tmp_path: Path) -> None:
        (tmp_path / "prompt.txt").write_text("{num_texts} of {types}")
        with chat_server(lambda _: "[]") as server:
            self.engine(server.url, prompt=str(tmp_path / "prompt.txt"), concurrency=1).drafts(wanted())
            assert server.prompts == ["5 of - person: who has a name\n- city"]
            (tmp_path / "prompt.txt").write_text("Make {types}")
            with pytest.raises(InputError, match=r"prompt.txt: has no \{num_texts\}"):
                self.engine(server.url, prompt=str(tmp_path / "prompt.txt"))


PATTERNS = {
    "patterns": ["{person} left {city} on {day} {1-28}.", "{city:capital} is a(n) {size} town.", "Nobody came."],
    "values": {
        "person": ["Ada {last}", "Bob"],
        "last": ["Diaz", "Novak"],
        "city": ["Lima"],
        "capital": ["Oslo"],
        "day": ["May"],
        "size": ["old"],
    },
}


class TestTemplateEngine:
    def engine(self, folder: Path, content: Any) -> TemplateEngine:
        file = folder / "patterns.json"
        file.write_text(json.dumps(content))
        return TemplateEngine(GenerateOptions(output="x", engine="templates", patterns=str(file)), TYPES)

    def test_it_fills(self, tmp_path: Path) -> None:
        drafts = self.engine(tmp_path, PATTERNS).drafts(wanted(num=20, seen={"nobody came."}))
        assert len({draft.text for draft in drafts}) == 20 and "Nobody came." not in {draft.text for draft in drafts}
        found = {(draft.text[item.start : item.end], item.label) for draft in drafts for item in draft.mentions}
        assert found == {("Ada Diaz", "PER"), ("Ada Novak", "PER"), ("Bob", "PER"), ("Lima", "city"), ("Oslo", "city")}
        assert any(draft.text == "Oslo is an old town." for draft in drafts)

    def test_the_seed_decides(self, tmp_path: Path) -> None:
        first, same = (self.engine(tmp_path, PATTERNS).drafts(wanted()) for _ in range(2))
        assert first == same != self.engine(tmp_path, PATTERNS).drafts(wanted(request="1-0-0"))

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"patterns": []}, "expected {"),
            ({"patterns": [3]}, "expected {"),
            ({"values": {"person": [" "]}}, "expected {"),
            ({"values": ["person"]}, "expected {"),
            ({"patterns": ["{person} in {town}"]}, '"patterns" has a slot "{town}", but no values for it; valid: '),
            (
                {"patterns": ["{person} in {city:capitals}"]},
                'a slot "{city:capitals}", but no values for it; did you mean "capital"?',
            ),
            ({"patterns": ["{person} {city=}"]}, 'a slot "{city=}", but no values for it'),
            ({"patterns": ["{person} {9-1}"]}, 'a slot "{9-1}", but no values'),
            ({"patterns": ["{person}"]}, 'no pattern has a slot "{city}"'),
            (
                {"patterns": ["{person} {city}"], "values": {"person": ["{a}"], "a": ["{b}"], "b": ["x {a}"], "city": ["x"]}},
                "hold themselves",
            ),
        ],
    )
    def test_what_is_wrong_with_the_file(self, change: dict[str, Any], message: str, tmp_path: Path) -> None:
        with pytest.raises(InputError) as caught:
            self.engine(tmp_path, PATTERNS | change)
        assert str(caught.value).startswith(f"{tmp_path / 'patterns.json'}: ") and message in str(caught.value)

    def test_there_are_not_so_many(self, tmp_path: Path) -> None:
        engine = self.engine(tmp_path, {"patterns": ["{person} in {city}"], "values": {"person": ["a", "B"], "city": ["x"]}})
        with pytest.raises(
            InputError, match=r"patterns.json: only 2 of 7 different texts .* add patterns or entries, or ask for fewer"
        ):
            engine.drafts(wanted())


def test_file_engine(tmp_path: Path) -> None:
    raw = [
        {"text": "Ada left Lima.", "entities": [{"token": "Ada", "tag": "B-person"}, {"token": "Lima", "tag": "B-city"}]},
        {"text": "Bob left.", "entities": [{"text": "Bob", "type": "person"}]},
        {"text": "Bob left.", "entities": [{"text": "Eve", "type": "person"}]},
    ]
    as_list, as_lines, per_answer = (tmp_path / name for name in ("list.json", "lines.jsonl", "answers.jsonl"))
    as_list.write_text(json.dumps(raw))
    as_lines.write_text("".join(json.dumps(item) + "\n" for item in raw))
    per_answer.write_text(json.dumps({"texts": raw[:1]}) + "\n" + json.dumps({"texts": raw[1:]}) + "\n3\n")
    for file in (as_list, as_lines, per_answer):
        engine = FileEngine(GenerateOptions(output="x", engine="file", answers=str(file)), TYPES)
        assert [draft.text for draft in engine.drafts(wanted())] == ["Ada left Lima.", "Bob left."]
        assert engine.rejected["texts with a mention that is not in them"] == 1
    assert engine.rejected["broken answers"] == 1
    as_lines.write_text("{")
    with pytest.raises(InputError, match=r"lines.jsonl:1: not JSON"):
        FileEngine(GenerateOptions(output="x", engine="file", answers=str(as_lines)), TYPES).drafts(wanted())
