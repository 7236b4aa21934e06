"""The text with its entities: every character is there, nothing of it is markup, and a type keeps its colour."""

from html.parser import HTMLParser

import pytest

from spanmatch.apps.demo.highlighting import HUES, as_html, hues
from spanmatch.entities import Entity

EVIL = "<script>alert(1)</script> & \"x\" <img src=x onerror='y'>"


class Seen(HTMLParser):
    """Keeps what a browser would show, and the elements."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.elements = "", []
        self.feed(html)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def entity(text: str, part: str, label: str, score: float = 0.9) -> Entity:
    start = text.index(part)
    return Entity(start=start, end=start + len(part), label=label, text=part, score=score)


def test_entities_are_marked_in_their_order() -> None:
    text = "Ada met Bob\nin Oslo."
    above = [entity(text, "Oslo", "city", 0.876), entity(text, "Ada", "person")]
    seen = Seen(as_html(text, above, [entity(text, "Bob", "person", 0.4)], hues(["person", "city"])))
    assert seen.text == text
    assert [tag for tag, _ in seen.elements] == ["div", "span", "span", "span"]
    assert [attrs["class"] for _, attrs in seen.elements[1:]] == ["entity", "under", "entity"]
    assert [attrs["title"] for _, attrs in seen.elements[1:]] == [
        "person, score 0.90", "person, score 0.40, under the threshold", "city, score 0.88",
    ]  # fmt: skip
    assert [attrs["data-type"] for _, attrs in seen.elements[1:]] == ["person", "person", "city"]


def test_markup_of_a_user_is_text() -> None:
    label = '"><script>alert(2)</script>'
    seen = Seen(as_html(EVIL, [entity(EVIL, "<img src=x", label)], [], hues([label])))
    assert seen.text == EVIL
    assert [tag for tag, _ in seen.elements] == ["div", "span"]
    assert seen.elements[1][1]["data-type"] == label and label in str(seen.elements[1][1]["title"])


def test_a_text_without_entities() -> None:
    assert Seen(as_html("a < b", [], [], {})).text == "a < b"


def test_a_type_keeps_its_colour() -> None:
    """... whatever comes behind it, and however its name is written."""
    alone = hues(["person"])["person"]
    assert hues(["person", "city", "date"])["person"] == alone == hues(["Person "])["Person "]


@pytest.mark.parametrize("count", [2, len(HUES)])
def test_colours_differ_while_there_are_enough(count: int) -> None:
    found = hues(f"type {number}" for number in range(count))
    assert len(set(found.values())) == count


def test_more_types_than_colours_share_them() -> None:
    found = hues(f"type {number}" for number in range(40))
    assert len(found) == 40 and set(found.values()) == set(HUES)
