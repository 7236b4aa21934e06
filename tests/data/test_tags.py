"""Tags of every scheme become spans, and spans become tags."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.data.tags import TagScheme, read_tags, tag_labels, write_tags
from spanmatch.entities import Mention


def triples(mentions: tuple[Mention, ...]) -> list[tuple[int, int, str]]:
    return [(mention.start, mention.end, mention.label) for mention in mentions]


class TestReadTags:
    @pytest.mark.parametrize(
        ("tags", "expected"),
        [
            ("", []),
            ("O O", []),
            # IOB2
            ("B-x I-x O B-y", [(0, 2, "x"), (3, 4, "y")]),
            ("B-x-y I-x-y I-x-z", [(0, 2, "x-y"), (2, 3, "x-z")]),
            ("B-x B-x I-x", [(0, 1, "x"), (1, 3, "x")]),
            # IOB1: B only where a span touches one of its type
            ("I-x I-x O I-y", [(0, 2, "x"), (3, 4, "y")]),
            ("I-x B-x I-x", [(0, 1, "x"), (1, 3, "x")]),
            # I after O, and at the start
            ("O I-x I-x", [(1, 3, "x")]),
            # change of type within a span
            ("B-x I-y I-y", [(0, 1, "x"), (1, 3, "y")]),
            ("I-x I-y I-x", [(0, 1, "x"), (1, 2, "y"), (2, 3, "x")]),
            # IOBES, BILOU
            ("S-x B-x I-x E-x S-y", [(0, 1, "x"), (1, 4, "x"), (4, 5, "y")]),
            ("U-x B-x I-x L-x U-x", [(0, 1, "x"), (1, 4, "x"), (4, 5, "x")]),
            ("B-x E-x I-x", [(0, 2, "x"), (2, 3, "x")]),
            ("B-x L-x L-x", [(0, 2, "x"), (2, 3, "x")]),
            ("E-x E-x", [(0, 1, "x"), (1, 2, "x")]),
            ("B-x E-y", [(0, 1, "x"), (1, 2, "y")]),
            ("B-x U-x I-x", [(0, 1, "x"), (1, 2, "x"), (2, 3, "x")]),
            ("S-x I-x", [(0, 1, "x"), (1, 2, "x")]),
            ("B-x S-x I-x", [(0, 1, "x"), (1, 2, "x"), (2, 3, "x")]),
            # a label may hold a hyphen
            ("B-x-y I-x-y I-x", [(0, 2, "x-y"), (2, 3, "x")]),
            # BMES
            ("B-x M-x E-x S-y", [(0, 3, "x"), (3, 4, "y")]),
            # a label without a prefix, which may hold a hyphen (Few-NERD)
            ("NAME NAME O CITY", [(0, 2, "NAME"), (3, 4, "CITY")]),
            ("person-artist/author O art-film", [(0, 1, "person-artist/author"), (2, 3, "art-film")]),
            # prefixes without a label: one type
            ("B I O B", [(0, 2, "entity"), (3, 4, "entity")]),
            ("O I I S", [(1, 3, "entity"), (3, 4, "entity")]),
        ],
    )
    def test_as_conlleval(self, tags: str, expected: list[tuple[int, int, str]]) -> None:
        assert triples(read_tags(tags.split())) == expected

    def test_the_only_label_can_be_named(self) -> None:
        assert triples(read_tags(["B", "I", "O"], label="gene")) == [(0, 2, "gene")]

    @pytest.mark.parametrize(
        "bad",
        [
            *["X-per", "B-", "-per", "o", "0", "_", "-", "None", "B_per", "B:per", "O-per", "b-per", "per-B", "per_I", "B-a|I-b"],
            "",
            " ",
        ],
    )
    def test_bad_tags(self, bad: str) -> None:
        with pytest.raises(ValueError, match=f'tag 1 is "{bad}"; expected "O" or a prefix'):
            read_tags(["O", bad, "O"])

    @pytest.mark.parametrize(
        ("tags", "message"),
        [
            ("O B-x PER", 'tag 2 is "PER"; expected "O" or a prefix and a label, as "B-x" before it'),
            ("PER B-x", 'tag 1 is "B-x"; expected "O" or a label alone, as "PER" before it'),
            ("B-x I", 'tag 1 is "I"; expected "O" or a prefix and a label, as "B-x" before it'),
            ("B x", 'tag 1 is "x"; expected "O" or a prefix alone, as "B" before it'),
        ],
    )
    def test_one_kind_of_tags(self, tags: str, message: str) -> None:
        with pytest.raises(ValueError, match=re.escape(message)):
            read_tags(tags.split())

    @given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from("xy"))))
    def test_schemes_agree(self, pieces: list[tuple[int, int, str]]) -> None:
        schemes: dict[str, list[str]] = {"IOB2": [], "IOBES": [], "BILOU": []}
        expected, position = [], 0
        for gap, length, label in pieces:
            inner = [f"I-{label}"] * (length - 2)
            bounds = {"IOB2": "BIB", "IOBES": "BES", "BILOU": "BLU"}
            for scheme, (begin, end, single) in bounds.items():
                span = [f"{single}-{label}"] if length == 1 else [f"{begin}-{label}", *inner, f"{end}-{label}"]
                schemes[scheme] += ["O"] * gap + span
            expected.append((position + gap, position + gap + length, label))
            position += gap + length
        for scheme, tags in schemes.items():
            assert triples(read_tags(tags)) == expected, scheme


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["O", "B-PER", "I-PER", "B-LOC"], ("LOC", "PER")),
        (["O", "person-artist", "art-film"], ("art-film", "person-artist")),
        (["B", "I", "O"], ("entity",)),
        (["O", "B-PER", "PAD", "_"], ("PER",)),
        (["O"], ()),
    ],
)
def test_labels_of_a_list_of_tags(names: list[str], expected: tuple[str, ...]) -> None:
    assert tag_labels(names) == expected


def test_a_file_has_tags_of_one_kind() -> None:
    scheme = TagScheme()
    scheme.check(["O"], "a:1")
    scheme.check(["O", "B-x"], "a:2")
    scheme.check(["O", "S-y"], "a:3")
    with pytest.raises(ValueError, match=re.escape('expected "O" or a prefix and a label, as "B-x" before it (a:2)')):
        scheme.check(["PER"], "a:4")


class TestWriteTags:
    @pytest.mark.parametrize(
        ("spans", "bio", "iobes"),
        [
            ([], "O O O O", "O O O O"),
            ([(0, 1, "a")], "B-a O O O", "S-a O O O"),
            ([(0, 2, "a")], "B-a I-a O O", "B-a E-a O O"),
            ([(1, 4, "a")], "O B-a I-a I-a", "O B-a I-a E-a"),
            ([(0, 2, "a"), (2, 4, "a")], "B-a I-a B-a I-a", "B-a E-a B-a E-a"),
            ([(0, 1, "a"), (1, 2, "b-c")], "B-a B-b-c O O", "S-a S-b-c O O"),
        ],
    )
    def test_schemes(self, spans: list[tuple[int, int, str]], bio: str, iobes: str) -> None:
        mentions = [Mention(start=start, end=end, label=label) for start, end, label in spans]
        for scheme, expected in (("bio", bio), ("iobes", iobes)):
            assert write_tags(mentions, 4, scheme) == expected.split()
            assert list(read_tags(expected.split())) == mentions
