"""CoNLL columns are read into our schema."""

from pathlib import Path

import pytest
from helpers_data import read_as, span


class TestReading:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Ada B-PER\nmet O\n\nBo I-PER\n", [(["Ada", "met"], [(0, 1)]), (["Bo"], [(0, 1)])]),
            ("Ada\tB-PER\nmet\tO", [(["Ada", "met"], [(0, 1)])]),
            ("\n\nAda B-PER\n\n \t\n\nBo O\n\n", [(["Ada"], [(0, 1)]), (["Bo"], [])]),
            ("Ada B-PER\r\nmet O\r\n\r\n", [(["Ada", "met"], [(0, 1)])]),
            ("\ufeffAda B-PER\n", [(["Ada"], [(0, 1)])]),
            ("Ada   B-PER\nmet O\n", [(["Ada", "met"], [(0, 1)])]),
            # A tab separates alone: a token may hold spaces, and other line separators of Unicode.
            ("2 1/2\tB-PER\n\u2028\x85\tI-PER\n", [(["2 1/2", "\u2028\x85"], [(0, 2)])]),
            # IOB1, IOBES and BILOU are read as conlleval does.
            ("a I-PER\nb I-PER\nc B-PER\n", [(["a", "b", "c"], [(0, 2), (2, 3)])]),
            ("a B-PER\nb E-PER\nc S-PER\n", [(["a", "b", "c"], [(0, 2), (2, 3)])]),
            ("a B-PER\nb L-PER\nc U-PER\n", [(["a", "b", "c"], [(0, 2), (2, 3)])]),
        ],
    )
    def test_conll(self, tmp_path: Path, text: str, expected: list[tuple[list[str], list[tuple[int, int]]]]) -> None:
        rows = [{"tokens": tokens, "token_spans": [span(*found, "PER") for found in spans]} for tokens, spans in expected]
        assert read_as(tmp_path, "a.conll", text) == rows

    def test_conll_2003(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        text = "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\n-DOCSTART- -X- -X- O\nPeter NNP B-NP B-PER\n"
        assert read_as(tmp_path, "eng.txt", text) == [
            {"tokens": ["EU", "rejects"], "token_spans": [span(0, 1, "ORG")]},
            {"tokens": ["Peter"], "token_spans": [span(0, 1, "PER")]},
        ]
        assert f"document boundaries: 2 (first: {tmp_path}/eng.txt:1)" in caplog.text
        assert f"sentences with columns between token and tag: 2 (first: {tmp_path}/eng.txt:3)" in caplog.text
