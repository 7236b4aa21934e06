"""What a generative model reads and answers; whatever it answers is read, and counted."""

from typing import Any

import pytest
from helpers_generative import CHATML, WITHOUT_SYSTEM, annotated, chat_tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st

from spanmatch.baselines.chat_format import (
    INSTRUCTION_PLACE,
    STOP,
    TEXT_PLACE,
    AnswerCounts,
    flat_words,
    instruction,
    prompt_form,
    read_answer,
    write_answer,
)
from spanmatch.entities import EntityType, Inventory
from spanmatch.errors import InputError

TYPES = Inventory(
    [
        EntityType(name="person", label="PER"),
        EntityType(name="product name", description="as sold"),
        EntityType(name="start: date"),
    ]
)
B_PERSON, I_PERSON, B_PRODUCT, I_PRODUCT, B_DATE = 1, 2, 3, 4, 5


def read(answer: str, words: str, types: Inventory = TYPES) -> tuple[dict[int, int], AnswerCounts]:
    """The labels that an answer gives the words of a text, and the counts."""
    found = read_answer(answer, words.split(" "), types)
    return {item.word: item.label for item in found.words}, found.counts


class TestAlignment:
    @pytest.mark.parametrize(
        ("words", "lines", "labels"),
        [
            ("Ada met Bob", ["Ada: B-person", "Bob: B-person"], {0: B_PERSON, 2: B_PERSON}),
            ("Ada Lovelace left", ["Ada: B-person", "Lovelace: I-person"], {0: B_PERSON, 1: I_PERSON}),
            # Repeated words, in order.
            ("Ada and Ada and Ada", ["Ada: B-person", "Ada: B-product name"], {0: B_PERSON, 2: B_PRODUCT}),
            # An entity stands as a whole where its words follow each other.
            ("New cars in New York", ["New: B-person", "York: I-person"], {3: B_PERSON, 4: I_PERSON}),
            # ... and else word by word.
            ("New old York", ["New: B-person", "York: I-person"], {0: B_PERSON, 2: I_PERSON}),
            # In another order than that of the text.
            ("Ada met Bob", ["Bob: B-person", "Ada: B-person"], {0: B_PERSON, 2: B_PERSON}),
            # A type is known by its name, however it is written, or by its label.
            ("Ada bought Galaxy", ["Ada: B-PER", "Galaxy: B-Product_Name"], {0: B_PERSON, 2: B_PRODUCT}),
            # Words and types with a colon and a space in them.
            ("Note: Ada", ["Note:: B-person", "Ada: B-start: date"], {0: B_PERSON, 1: B_DATE}),
            ("a: b Ada", ["a:: B-person"], {0: B_PERSON}),
            # White space around lines, and blank lines.
            ("Ada met Bob", ["  Ada:  B-person \r", "", "   ", "Bob: B-person"], {0: B_PERSON, 2: B_PERSON}),
            # I without a B before it.
            ("Ada met Bob", ["Bob: I-person"], {2: I_PERSON}),
        ],
    )
    def test_all_lines_are_aligned(self, words: str, lines: list[str], labels: dict[int, int]) -> None:
        found, counts = read("\n".join([*lines, STOP]), words)
        assert found == labels
        assert counts == AnswerCounts(answers=1, lines=len(labels), aligned=len(labels)) and not counts.lost()

    @pytest.mark.parametrize(
        ("answer", "labels", "counts"),
        [
            (STOP, {}, {}),
            ("", {}, {"unfinished": 1}),
            ("Ada: B-person", {0: B_PERSON}, {"unfinished": 1, "lines": 1, "aligned": 1}),
            ("Ada: B-animal\n[stop]", {}, {"lines": 1, "unknown_type": 1}),
            ("Eve: B-person\n[stop]", {}, {"lines": 1, "not_in_text": 1}),
            ("ada: B-person\n[stop]", {}, {"lines": 1, "not_in_text": 1}),  # as it is written
            ("Ada: B-person\nAda: B-person\n[stop]", {0: B_PERSON}, {"lines": 2, "aligned": 1, "not_in_text": 1}),
            ("Ada B-person\nAda: person\nAda: O\n: B-person\n[stop]", {}, {"lines": 4, "malformed": 4}),
            ("Ada: B-person\nEve: I-person\n[stop]", {0: B_PERSON}, {"lines": 2, "aligned": 1, "not_in_text": 1}),
            ("[stop]\nAda: B-person", {}, {}),  # nothing counts behind it
            ("Ada: B-person [stop]", {}, {"unfinished": 1, "lines": 1, "unknown_type": 1}),
        ],
    )
    def test_what_is_not_aligned_is_counted(self, answer: str, labels: dict[int, int], counts: dict[str, int]) -> None:
        found, counted = read(answer, "Ada met Bob")
        assert found == labels and counted == AnswerCounts(**{"answers": 1} | counts)

    def test_lines_know_where_they_stand(self) -> None:
        answer = "x\nAda: B-person\n[stop]"
        [word] = read_answer(answer, ["Ada"], TYPES).words
        assert answer[word.start : word.end] == "Ada: B-person"

    def test_counts_are_told_in_words(self) -> None:
        _, counts = read("Eve: B-person\nAda: B-x\nAda: B-person", "Ada met Bob")
        counts.add(AnswerCounts(words_too_long=2))
        assert counts.lost() == (
            "2 of 3 lines could not be used (1 with a type that was not asked for, 1 with a word that is not in the text); "
            "1 of 1 answers do not end with [stop]; 2 words are too long to be read"
        )


WORDS = ["Ada", "Ada", "New", "York", "New", ":", "B-person", "[stop]", "\u00e9t\u00e9", "Note: x"]
PIECES = [*WORDS, "Eve", ": ", ": B-", ": I-", "-", "person", "PER", "product name", "start: date", "animal", "O", "\n", "\r\n"]
LINES = st.builds(
    "{}: {}-{}".format, st.sampled_from([*WORDS, "Eve", ""]), st.sampled_from("BIO"), st.sampled_from([*TYPES, "animal"]).map(
        lambda item: getattr(item, "name", item)
    )
)  # fmt: skip
ANSWERS = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(PIECES), max_size=30).map("".join),
    st.lists(st.one_of(LINES, st.just(STOP), st.text(max_size=10)), max_size=20).map("\n".join),
)


@settings(max_examples=1000)
@given(ANSWERS)
def test_any_answer_is_read(answer: str) -> None:
    found = read_answer(answer, WORDS, TYPES)
    counts = found.counts
    before = [line.strip() for line in answer.split("\n")]
    before = before[: before.index(STOP)] if STOP in before else before
    assert counts.answers == 1 and counts.unfinished == (len(before) == answer.count("\n") + 1)
    assert counts.lines == sum(bool(line) for line in before)
    assert counts.lines == counts.aligned + counts.malformed + counts.unknown_type + counts.not_in_text
    assert counts.aligned == len(found.words) == len({item.word for item in found.words}), "no word twice"
    for item in found.words:
        assert 0 <= item.word < len(WORDS) and 1 <= item.label <= 2 * len(TYPES)
        assert WORDS[item.word] in answer[item.start : item.end]


@given(st.lists(st.integers(0, 2 * len(TYPES)), min_size=1, max_size=12))
def test_what_is_written_is_read(labels: list[int]) -> None:
    words = [f"w{place}" for place in range(len(labels))]
    found = read_answer(write_answer(words, labels, TYPES), words, TYPES)
    assert {item.word: item.label for item in found.words} == {place: label for place, label in enumerate(labels) if label}
    assert not found.counts.lost()


def test_answer() -> None:
    written = write_answer(["Ada", "Lovelace", "bought", "Galaxy"], [B_PERSON, I_PERSON, 0, B_PRODUCT], TYPES)
    assert written == "Ada: B-person\nLovelace: I-person\nGalaxy: B-product name\n[stop]"
    assert write_answer(["It", "rained"], [0, 0], TYPES) == STOP


def test_words_stand_on_one_line() -> None:
    assert flat_words(annotated("Ada\u00ad met New York")) == ["Ada", "met", "New", "York"]
    one = annotated("a b")
    broken = type(one)(where="", text="New\n York", words=((0, 9),), mentions=(), types=one.types)
    assert flat_words(broken) == ["New York"]


def test_instruction_names_types_and_descriptions() -> None:
    told = instruction(TYPES)
    assert told.endswith("- person\n- product name: as sold\n- start: date") and STOP in told


class TestPromptForm:
    @pytest.mark.parametrize(
        ("family", "form"),
        [
            ("Llama", f"<bos>### system\n{INSTRUCTION_PLACE}\n\n### user\n{TEXT_PLACE}\n\n### assistant\n"),
            (
                "Qwen3",
                f"<|im_start|>system\n{INSTRUCTION_PLACE}<|im_end|>\n<|im_start|>user\n{TEXT_PLACE}<|im_end|>\n"
                "<|im_start|>assistant\n",
            ),
            ("Gemma3", f"<bos><start_of_turn>user\n{INSTRUCTION_PLACE}\n\n{TEXT_PLACE}<end_of_turn>\n<start_of_turn>model\n"),
        ],
    )
    def test_by_the_template_of_the_tokenizer(self, family: str, form: str) -> None:
        assert prompt_form(chat_tokenizer(family)) == form

    def test_a_template_that_passes_over_the_system(self) -> None:
        tokenizer = chat_tokenizer("Qwen3")
        tokenizer.chat_template = CHATML.replace(
            "{% for message in messages %}", "{% for message in messages if message['role'] != 'system' %}"
        )
        assert f"<|im_start|>user\n{INSTRUCTION_PLACE}\n\n{TEXT_PLACE}<|im_end|>" in prompt_form(tokenizer)

    @pytest.mark.parametrize(
        ("template", "message"),
        [
            ("{{ messages[0]['role'] }}", "leaves out a message"),
            (WITHOUT_SYSTEM.replace("== 'system'", "!= ''"), "System role not supported"),
        ],
    )
    def test_a_template_that_cannot_be_used(self, template: str, message: str) -> None:
        tokenizer: Any = chat_tokenizer("Gemma3")
        tokenizer.chat_template = template
        with pytest.raises(InputError, match=message):
            prompt_form(tokenizer)
