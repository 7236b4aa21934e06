"""Which line breaks an entity may cross."""

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.data.line_breaks import LINE_BREAKS, hard_breaks

PROSE = (
    "The first programme that was ever published for a machine was written in London by Ada Lovelace, who had translated a "
    "paper on the engine of Charles Babbage and had added notes that were three times as long as what she had translated. "
    "It took a hundred years until somebody built a machine on which such a programme could have run, and when they did so "
    "hardly anybody remembered the notes, nor the woman who had written them in the autumn of the year in which she fell ill."
)
SONNET = """Shall I compare thee to a summer's day?
Thou art more lovely and more temperate:
Rough winds do shake the darling buds of May,
And summer's lease hath all too short a date."""
LONG_VERSE = """Once upon a midnight dreary, while I pondered, weak and weary,
Over many a quaint and curious volume of forgotten lore,
While I nodded, nearly napping, suddenly there came a tapping,
As of some one gently rapping, rapping at my chamber door."""
LONG_ITEMS = """Ada Lovelace, who wrote the first programme of the world in London
Charles Babbage, whose engine was never built while he was alive
Mary Somerville, who introduced the two of them to each other there
Grace Hopper, who came to it a hundred years later, in the navy of"""


def soft_lines(text: str) -> list[str]:
    """The beginnings of the lines that an entity may enter from the line before."""
    hard = set(hard_breaks(text))
    return [text[place + 1 :].split("\n")[0] for place, character in enumerate(text) if character == "\n" and place not in hard]


@pytest.mark.parametrize(
    "text",
    [
        "Ada\nBerg left Oslo\nParis is next.",
        "Name: Ada Berg\nCity: Oslo",
        "Name: Ada Berg\nCity: Oslo\nRemarks: " + "a long remark that goes on and on until the form is wide, " * 2,
        "12 Main Street\nOslo\nNorway",
        "Oslo\n\nParis",
        "Oslo\n \t\nParis",
        PROSE[:70] + "\n\n" + PROSE[70:],
        SONNET,
        LONG_VERSE,
        LONG_ITEMS,
        # A paragraph on a line.
        PROSE + "\n" + PROSE + "\n" + PROSE,
        # Items of a list, quoted lines, rows of a table.
        "\n".join("- " + PROSE[:60] for _ in range(4)),
        "\n".join("> " + line for line in textwrap.wrap(PROSE, 70)),
        "\n".join(f"{number}. " + PROSE[100:160] for number in range(1, 4)),
    ],
)
def test_hard(text: str) -> None:
    assert hard_breaks(text) == [place for place, character in enumerate(text) if character == "\n"]


@pytest.mark.parametrize("width", [55, 60, 66, 72, 79, 100, 120])
@pytest.mark.parametrize("indent", ["", "    "])
def test_wrapped_prose_is_soft(width: int, indent: str) -> None:
    text = textwrap.fill(PROSE, width, initial_indent=indent, subsequent_indent=indent)
    assert "\n" in text and hard_breaks(text) == []
    paragraphs = f"{text}\n\n{text}\n"
    assert [paragraphs[place : place + 2] for place in hard_breaks(paragraphs)] == ["\n\n", "\n" + (indent or "The")[0], "\n"]


def test_two_lines_of_prose() -> None:
    assert hard_breaks(textwrap.fill(PROSE[:110], 72)) == []


def test_a_heading_and_a_greeting_stand_apart() -> None:
    lines = textwrap.wrap(PROSE, 70)
    text = "\n".join(["Dear Ada,", *lines, "Yours", "Grace"])
    assert soft_lines(text) == lines[1:]


def test_an_address_of_the_web_does_not_make_the_rest_short() -> None:
    lines = textwrap.wrap(PROSE, 70)
    text = "\n".join([*lines[:3], "https://example.org/" + "a" * 100, *lines[3:]])
    assert len(hard_breaks(text)) == 0


def test_items_that_are_wrapped() -> None:
    item = textwrap.wrap(PROSE, 70)
    text = "\n".join([f"- {item[0]}", *item[1:], f"- {item[0]}", *item[1:]])
    [place] = hard_breaks(text)
    assert text[place + 1] == "-"


def test_chinese_without_spaces() -> None:
    line = "马云在杭州创办了阿里巴巴集团他后来去了北京并且在那里住了很久以后"
    assert hard_breaks(f"{line}\n{line}\n马云") == []
    assert len(hard_breaks("姓名：马云\n城市：杭州")) == 1


@pytest.mark.parametrize("character", ["\v", "\f", "\u2028", "\u2029"])
def test_breaks_that_somebody_put_there(character: str) -> None:
    text = textwrap.fill(PROSE, 70)
    assert hard_breaks(text.replace("\n", character, 1)) == [text.index("\n")]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\x85"])
def test_breaks_that_wrap(newline: str) -> None:
    form = f"Name: Ada Berg{newline}City: Oslo{newline}{newline}Paris"
    assert [form[place - 4 : place] for place in hard_breaks(form)[:2]] == ["Berg", "Oslo"]
    assert hard_breaks(textwrap.fill(PROSE, 70).replace("\n", newline)) == []


@given(st.text(st.sampled_from([*"aB. \n\r\v\f", "\u2028", "\u2029", "\x85", "中"])))
def test_modes(text: str) -> None:
    assert set(LINE_BREAKS) == {"auto", "cross", "never"}
    assert hard_breaks(text, "cross") == []
    never, auto = hard_breaks(text, "never"), hard_breaks(text)
    assert set(auto) <= set(never) and auto == sorted(auto) and never == sorted(never)
    assert len(never) + 1 == len((text + "x").splitlines())
