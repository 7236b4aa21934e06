"""Marked text: its pieces are the text, and what is marked of mentions that overlap."""

from hypothesis import given
from hypothesis import strategies as st

from spanmatch.apps.report.marked_text import Mark, bounds_around, mark_text
from spanmatch.data.words import split_words
from spanmatch.entities import Mention


class TestMarkedText:
    spans = st.tuples(st.integers(0, 300), st.integers(1, 80)).map(lambda span: (span[0], min(400, span[0] + span[1])))

    @given(spans, st.lists(spans, max_size=6), st.sampled_from(["word and ", "汉字", "x" * 50 + " ", "xx"]))
    def test_pieces_are_the_text(self, focus: tuple[int, int], others: list[tuple[int, int]], unit: str) -> None:
        text = (unit * 400)[:400]
        marks = [
            Mark(mention=Mention(start=s, end=e, label="a"), role="gold", is_focus=(s, e) == focus) for s, e in {focus, *others}
        ]
        around = Mention(start=focus[0], end=focus[1], label="a")
        low, high = bounds_around(around, text, split_words(text))
        assert 0 <= low <= focus[0] < focus[1] <= high <= 400
        line = mark_text(text, (low, high), marks, around)
        assert "".join(piece.text for piece in line.pieces) == text[low:high]
        assert all(piece.text for piece in line.pieces)
        assert [piece.text for piece in line.pieces if piece.mark and piece.mark.is_focus] == [text[focus[0] : focus[1]]]
        assert (line.is_cut_before, line.is_cut_after) == (low > 0, high < 400)
        shown = sum(piece.mark is not None for piece in line.pieces)
        assert shown + line.num_hidden == sum(s < high and e > low for s, e in {focus, *others})

    def test_the_beginning_of_a_very_long_mention_is_shown(self) -> None:
        text = "word " * 400
        focus = Mention(start=500, end=1990, label="a")
        low, high = bounds_around(focus, text, split_words(text))
        assert (low, high) == (410, 989)
        line = mark_text(text, (low, high), [Mark(mention=focus, role="gold", is_focus=True)], focus)
        assert [piece.continues for piece in line.pieces if piece.mark] == [True]
