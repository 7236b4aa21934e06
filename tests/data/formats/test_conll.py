"""CoNLL columns are read into our schema."""

from pathlib import Path

import pytest
from helpers_data import read_as, span, spans_of, texts_of
from helpers_e2e import spanmatch

from spanmatch.data.corpus import read_corpus
from spanmatch.data.formats.reading import Reading
from spanmatch.data.formats.records import LeftOut
from spanmatch.errors import InputError


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

    @pytest.mark.parametrize(
        ("text", "tokens", "spans"),
        [
            # Comments of CoNLL-U at the start of a sentence; a `#` with a tag is a token.
            ("# sent_id = 1\n# text = I am O\nAda\tB-x\n\n# newdoc\nBo\tO\n", ["Ada", "Bo"], [(0, 3, "x")]),
            ("#\tO\nAda\tB-x\n", ["# Ada"], [(2, 5, "x")]),
            ("# O\nAda B-x\n# O\n", ["# Ada #"], [(2, 5, "x")]),
            ("#1 B-x\n", ["#1"], [(0, 2, "x")]),
            # Columns are cut at blanks and tabs, at no other white space.
            ("10\u00a0000 B-x\nkm O\n", ["10\u00a0000 km"], [(0, 6, "x")]),
            ("a\u3000b  B-x \n", ["a\u3000b"], [(0, 3, "x")]),
            # Tags of labels alone, and of prefixes alone.
            ("Ada\tNAME\nBerg\tNAME\nleft\tO\n", ["Ada Berg left"], [(0, 8, "NAME")]),
            ("Ada\tperson-artist\nleft\tO\n", ["Ada left"], [(0, 3, "person-artist")]),
            ("Ada\tB\nBerg\tI\nleft\tO\n", ["Ada Berg left"], [(0, 8, "entity")]),
            # A lemma that looks like a tag, and the phrases of CoNLL-2003, are no second column of tags.
            ("I-95 I-95 NNP B-x\n", ["I-95"], [(0, 4, "x")]),
            ("Ada NNP B-NP B-x\nleft VBD B-VP O\n", ["Ada left"], [(0, 3, "x")]),
            # Numbers that are tokens.
            ("1 B-x\n2 I-x\n3 O\n", ["1 2 3"], [(0, 3, "x")]),
        ],
    )
    def test_what_people_bring(self, tmp_path: Path, text: str, tokens: list[str], spans: list[tuple[int, int, str]]) -> None:
        (tmp_path / "a.conll").write_text(text, encoding="utf-8")
        corpus = read_corpus(str(tmp_path / "a.conll"))
        assert texts_of(corpus) == tokens
        assert [found for example in corpus.examples for found in spans_of(example)] == spans


NUMBERED = "1\tAda\tB-PER\tO\n2\tleft\tO\tO\n\n# sent_id = 2\n1-2\tdu\t_\t_\n1\tde\tO\tO\n2\tBo\tB-PER\tB-LOC\n"

REFUSED: dict[str, tuple[str, str]] = {
    "numbers first": (NUMBERED, ":1: the first column numbers the tokens; give --token_column 2 and --tag_column 3"),
    "numbers from 0": ("0 Ada NNP O\n1 left VBD O\n", ":1: the first column numbers the tokens; give --token_column 2 and"),
    "numbers, one token each": ("1 Ada B-PER\n\n1 Bo B-PER\n", ": the first column numbers the tokens; give --token_column 2"),
    "two columns of tags": (
        "a O O\n\nUniversity B-ORG O\nof I-ORG O\nOslo I-ORG B-LOC\n",
        ":3: columns 2 and 3 may both hold the tags; say which (--tag_column 2 or --tag_column 3)",
    ),
    "the tag first": (
        "O\tthe\n\nB-x\tAda\nO\tleft\n",
        ":3: the first column holds the tags; give --token_column 2 --tag_column 1",
    ),
    "the tag first, without a span": ("O\tleft\nO\tthen\n", ':1: no tag of the file is "O", the first is "left"'),
    "parts of speech": ("Ada NNP\nleft VBD\n", ':1: no tag of the file is "O", the first is "NNP"; name the column'),
    "an underscore": ("Ada B-x _\nleft O _\n", ":1: columns 2 and 3 may both hold the tags; say which"),
    "a tag in another line": ("Ada B-x\nmet O\nBo b-x\n", ':3: the tag is "b-x"; expected "O" or a prefix'),
    "tags of two kinds": ("Ada B-x\n\nBo O\nOslo LOC\n", ':4: the tag is "LOC"; expected "O" or a prefix and a label, as "B-x"'),
    "an empty tag": ("Ada\tB-x\nBo\t\n", ':2: the tag is ""; expected "O" or'),
    "an empty token": ("Ada\tB-x\n\tO\n", ":2: the token is empty; drop the line"),
    "a header": ("token\ttag\nAda\tB-x\n", ':2: the tag is "B-x"; expected "O" or a label alone, as "tag" before it'),
}


class TestColumns:
    @pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
    def test_refused_with_a_remedy(self, tmp_path: Path, text: str, message: str) -> None:
        file = tmp_path / "a.conll"
        file.write_text(text, encoding="utf-8")
        with pytest.raises(InputError) as caught:
            read_corpus(str(file))
        assert str(caught.value).startswith(f"{file}{message}")

    @pytest.mark.parametrize(
        ("token", "tag", "expected"),
        [
            ("2", "3", [[(0, 3, "PER")], [(3, 5, "PER")]]),
            ("2", "-1", [[], [(3, 5, "LOC")]]),
            ("-3", "-2", [[(0, 3, "PER")], [(3, 5, "PER")]]),
            ("FORM", "OUTER", [[(0, 3, "PER")], [(3, 5, "PER")]]),
        ],
    )
    def test_named(
        self, tmp_path: Path, token: str, tag: str, expected: list[list[tuple[int, int, str]]], caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "a.conll").write_text("# global.columns = ID FORM OUTER INNER\n" + NUMBERED, encoding="utf-8")
        reading = Reading(left_out=LeftOut(), token_column=token, tag_column=tag)
        corpus = read_corpus(str(tmp_path / "a.conll"), reading=reading)
        assert texts_of(corpus) == ["Ada left", "de Bo"]
        assert [spans_of(example) for example in corpus.examples] == expected
        assert "tokens that are several words, or none (3-4, 3.1): 1" in caplog.text

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            (("--token_column", "5"), "--token_column 5: there are 4 columns"),
            (("--token_column", "0"), "--token_column 0: there are 4 columns"),
            (("--token_column", "2", "--tag_column", "-3"), "token and tag are read from one column"),
            (
                ("--token_column", "2", "--tag_column", "x"),
                "--tag_column x: there are 4 columns; give a number from 1 to 4, -1 is the last",
            ),
            (("--text_column", "text"), "a.conll is read as conll, which has no such option; leave it out"),
        ],
    )
    def test_wrong_options(self, tmp_path: Path, flags: tuple[str, ...], message: str) -> None:
        (tmp_path / "a.conll").write_text(NUMBERED, encoding="utf-8")
        result = spanmatch("convert", tmp_path / "a.conll", tmp_path / "b.jsonl", *flags)
        assert result.status == 2 and message in result.err and not (tmp_path / "b.jsonl").exists()

    def test_a_bad_sentence_can_be_skipped(self, tmp_path: Path) -> None:
        (tmp_path / "a.conll").write_text("Ada B-x\n\nBo b-x\n\nCy\n\nDa O\n", encoding="utf-8")
        corpus = read_corpus(str(tmp_path / "a.conll"), skip_invalid=True)
        assert texts_of(corpus) == ["Ada", "Da"] and corpus.num_skipped == 2
