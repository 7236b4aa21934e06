"""spaCy's DocBin and its lists of texts with entities are read and written, checked by spaCy itself."""

import gc
import json
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from helpers_annotation import (
    RECORD,
    SPANS,
    TEXT,
    assert_nothing_is_lost,
    broken,
    expected_spans,
    read,
    read_values,
    records,
    spans_in,
    write,
)
from helpers_e2e import offline_environment
from hypothesis import given

from spanmatch.data.formats.formats import find_format
from spanmatch.errors import InputError

spacy = pytest.importorskip("spacy")
from spacy.tokens import Doc, DocBin, Span  # noqa: E402

PAIR = [TEXT, {"entities": [[2, 10, "PER"], [21, 25, "LOC"]]}]
WORDS = ["💩", "Ada", "Berg", "lives", "in", "Oslo"]


def make_doc(text: str = "Ada Berg lives", entities: Any = (), spans: Any = None) -> Doc:
    """Return a document, with entities and overlapping spans in tokens; None sets none."""
    doc = spacy.blank("en")(text)
    if entities is not None:
        doc.set_ents([Span(doc, *entity) for entity in entities])
    if spans is not None:
        doc.spans["sc"] = [Span(doc, *span) for span in spans]
    return doc


def save(path: Path, *docs: Doc, **options: Any) -> Path:
    """Save documents as a DocBin."""
    DocBin(docs=docs, **options).to_disk(path)
    return path


def load(path: Path) -> list[Doc]:
    """Load documents with spaCy alone."""
    return list(DocBin().from_disk(path).get_docs(spacy.blank("en").vocab))


class TestReadingDocBins:
    def test_entities(self, tmp_path: Path) -> None:
        path = save(tmp_path / "a.spacy", make_doc("Ada  Berg\nlives", [(0, 3, "PER")]), make_doc())
        rows, left_out = read(path)
        spans = [{"start": 0, "end": 9, "label": "PER"}]
        assert rows[0] == {"text": "Ada  Berg\nlives", "tokens": ["Ada", "Berg", "lives"], "char_spans": spans}
        assert rows[1] == {"text": "Ada Berg lives", "tokens": ["Ada", "Berg", "lives"], "char_spans": []} and not left_out.counts

    def test_overlapping_spans_are_added_to_the_entities(self, tmp_path: Path) -> None:
        doc = make_doc(entities=[(0, 2, "PER")], spans=[(0, 2, "PER"), (0, 1, "NAME")])
        [row], _ = read(save(tmp_path / "a.spacy", doc))
        assert [(span["start"], span["end"], span["label"]) for span in row["char_spans"]] == [(0, 8, "PER"), (0, 3, "NAME")]

    def test_missing_is_not_empty(self, tmp_path: Path) -> None:
        partly = make_doc()
        partly.set_ents([Span(partly, 0, 1, "PER")], default="missing")
        spans_only = make_doc(entities=None, spans=[(0, 1, "NAME")])
        rows, left_out = read(save(tmp_path / "a.spacy", make_doc(), make_doc(entities=None), partly, spans_only))
        assert [len(row["char_spans"]) for row in rows] == [0, 1]
        assert left_out.counts == {"documents whose entities are missing": 1, "documents whose entities are partly missing": 1}
        with pytest.raises(InputError, match=r"a\.spacy: no annotated text in it \(documents whose entities are missing: 1"):
            read(save(tmp_path / "a.spacy", make_doc(entities=None)))

    def test_tokens_that_are_known_to_be_no_entity(self, tmp_path: Path) -> None:
        doc = make_doc()
        doc.set_ents([Span(doc, 0, 1, "PER")], blocked=[doc[1:2]])
        [row], _ = read(save(tmp_path / "a.spacy", doc))
        assert row["char_spans"] == [{"start": 0, "end": 3, "label": "PER"}]

    def test_other_groups_of_spans_are_counted(self, tmp_path: Path) -> None:
        doc = make_doc()
        doc.spans["other"] = [doc[0:1], doc[1:2]]
        assert read(save(tmp_path / "a.spacy", doc))[1].counts == {'spans of other groups than "sc"': 2}

    def test_user_data_stays_packed(self, tmp_path: Path) -> None:
        docs = DocBin(docs=[make_doc()], store_user_data=True)
        docs.user_data = [b"no msgpack"]
        docs.to_disk(tmp_path / "a.spacy")
        with pytest.raises(Exception):  # noqa: B017  any error of spaCy
            load(tmp_path / "a.spacy")
        assert len(read(tmp_path / "a.spacy")[0]) == 1

    def test_a_file_without_the_columns_of_entities(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="documents whose entities are missing: 1"):
            read(save(tmp_path / "a.spacy", make_doc(), attrs=["LEMMA"]))

    @pytest.mark.parametrize("content", [b"", b"{}", b'{"text": "a"}', zlib.compress(b"abc"), zlib.compress(b"\x80")])
    def test_what_is_no_docbin_is_refused(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "a.spacy").write_bytes(content)
        with pytest.raises(InputError, match=r"a\.spacy: not a DocBin that spaCy can read \("):
            read(tmp_path / "a.spacy")
        assert gc.isenabled()

    def test_a_docbin_without_a_document(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"a\.spacy: no document in it"):
            read(save(tmp_path / "a.spacy"))

    def test_a_damaged_file_is_refused(self, tmp_path: Path) -> None:
        whole = save(tmp_path / "a.spacy", make_doc(entities=[(0, 2, "PER")], spans=[(0, 1, "NAME")])).read_bytes()
        expected = read(tmp_path / "a.spacy")[0]
        for position in range(0, len(whole), 7):
            for content in (whole[:position], whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :]):
                (tmp_path / "a.spacy").write_bytes(content)
                try:
                    assert read(tmp_path / "a.spacy")[0] == expected
                except InputError as error:
                    assert "a.spacy" in str(error)

    def test_a_label_that_no_string_names(self, tmp_path: Path) -> None:
        docs = DocBin(docs=[make_doc(entities=[(0, 1, "PER")])])
        docs.strings.discard("PER")
        docs.to_disk(tmp_path / "a.spacy")
        with pytest.raises(InputError, match=r"a\.spacy, item 0: not a DocBin that spaCy can read"):
            read(tmp_path / "a.spacy")


class TestReadingPairs:
    @pytest.mark.parametrize("layout", ["list", "pretty", "lines"])
    def test_each_layout(self, tmp_path: Path, layout: str) -> None:
        pairs = [PAIR, ["a", {"entities": []}]]
        text = {"list": json.dumps(pairs), "pretty": json.dumps(pairs, indent=1), "lines": "\n".join(map(json.dumps, pairs))}[
            layout
        ]
        (tmp_path / "a.json").write_text("\ufeff" + text, encoding="utf-8")
        assert find_format(tmp_path / "a.json").name == "spacy"
        rows, left_out = read(tmp_path / "a.json")
        assert rows == [RECORD, {"text": "a", "char_spans": []}] and not left_out.counts

    def test_a_file_of_ner_annotator(self, tmp_path: Path) -> None:
        item = {"classes": ["PER", "CITY"], "annotations": [PAIR, None, ["a", {"entities": []}], ["a"]]}
        (tmp_path / "a.json").write_text(json.dumps(item), encoding="utf-8")
        assert find_format(tmp_path / "a.json").name == "spacy"
        rows, left_out = read(tmp_path / "a.json")
        assert rows[:2] == [
            RECORD | {"labels": ["PER", "CITY", "LOC"]},
            {"text": "a", "char_spans": [], "labels": ["PER", "CITY"]},
        ]
        assert str(rows[2]).startswith(f"{tmp_path}/a.json:1, item 3: expected [text, ")
        assert left_out.counts == {"texts that were not annotated": 1}
        rows, _ = read_values(tmp_path, [item | {"classes": [3]}], "spacy")
        assert '"classes" holds [3]; expected the labels' in str(rows[0])

    def test_overlapping_spans_and_other_annotation(self, tmp_path: Path) -> None:
        given_ = {"spans": {"sc": [[0, 1, "x"], [0, 1, "x"]], "more": []}, "cats": {"a": 1}, "heads": [0]}
        rows, left_out = read_values(tmp_path, [["ab", given_]])
        assert rows == [{"text": "ab", "char_spans": [{"start": 0, "end": 1, "label": "x"}]}]
        assert left_out.counts == {"categories of texts": 1, "annotation besides entities": 2}

    @pytest.mark.parametrize(
        ("item", "message"),
        [
            (["a"], r"expected \[text, {\"entities\": \[\[start, end, label\], ...\]}\], got \[\"a\"\]"),
            ({"text": "a"}, "expected .text"),
            ([3, {}], "expected .text"),
            (["a", []], "expected the annotation of a text, an object"),
            (["a", {}], 'no "entities" in {}'),
            (["a", {"entites": []}], 'no "entities" in'),
            (["a", {"entities": {"x": 1}}], '"entities" must be a list'),
            (["a", {"entities": [[0, 1]]}], r'"entities" holds \[0, 1\]; expected \[start, end, label\]'),
            (["a", {"entities": ["B-PER"]}], "tags per token are read as columns or from .spacy"),
            (["a", {"entities": [[0, 2, "x"]]}], "is not one of a text of 1 characters"),
            (["a", {"entities": [[0, 1, ""]]}], "needs a label"),
        ],
    )
    def test_refused(self, tmp_path: Path, item: Any, message: str) -> None:
        rows, _ = read_values(tmp_path, [PAIR, item], "spacy")
        assert isinstance(rows[1], InputError) and str(rows[1]).startswith(f"{tmp_path}/a.json:1, item 1: ")
        with pytest.raises(InputError, match=message):
            raise rows[1]

    def test_nothing_is_lost_of_a_broken_pair(self, tmp_path: Path) -> None:
        for name, value in broken(PAIR):
            if name != "1.entities is []":  # a text without an entity
                assert_nothing_is_lost(tmp_path, value, "spacy", len(SPANS))


class TestWriting:
    def test_spacy_reads_it(self, tmp_path: Path) -> None:
        row = RECORD | {"id": 3, "meta": 1, "labels": ["PER", "LOC"]}
        left_out = write(tmp_path / "a.spacy", "spacy", [row, {"text": " a ", "char_spans": []}])
        first, second = load(tmp_path / "a.spacy")
        assert (first.text, second.text) == (TEXT, " a ")
        assert [(entity.text, entity.label_) for entity in first.ents] == [("Ada Berg", "PER"), ("Oslo", "LOC")]
        assert second.has_annotation("ENT_IOB") and not second.ents
        assert left_out.counts == {'values of "id"': 1, 'values of "meta"': 1, 'values of "labels"': 1}

    def test_scores_stand_where_the_span_categoriser_puts_them(self, tmp_path: Path) -> None:
        spans = [SPANS[0] | {"score": 0.75}, SPANS[1] | {"score": 0.5}]
        nested = [SPANS[0] | {"label": "NAME", "score": 0.25}]
        rows = [{"text": TEXT, "char_spans": [*spans, *nested]}, {"text": TEXT, "char_spans": spans}]
        assert not write(tmp_path / "a.spacy", "spacy", rows, as_predictions=True).counts
        first, second = load(tmp_path / "a.spacy")
        assert list(first.spans["sc"].attrs["scores"]) == [0.75, 0.5, 0.25]
        assert list(second.spans["sc"].attrs["scores"]) == [0.75, 0.5]
        assert not first.has_annotation("ENT_IOB") and not second.has_annotation("ENT_IOB")
        assert write(tmp_path / "b.spacy", "spacy", rows[1:], as_predictions=True).counts == {"scores": 2}

    @pytest.mark.parametrize(
        ("on_overlap", "in_ents", "in_group"), [("error", [], ["Ada", "Ada Berg"]), ("longest", ["Ada Berg"], [])]
    )
    def test_spans_that_overlap(self, tmp_path: Path, on_overlap: str, in_ents: list[str], in_group: list[str]) -> None:
        row = {"text": "Ada Berg", "char_spans": [{"start": 0, "end": 3, "label": "A"}, {"start": 0, "end": 8, "label": "B"}]}
        left_out = write(tmp_path / "a.spacy", "spacy", [row], on_overlap=on_overlap)
        [doc] = load(tmp_path / "a.spacy")
        assert [entity.text for entity in doc.ents] == in_ents and doc.has_annotation("ENT_IOB") == bool(in_ents)
        assert [span.text for span in doc.spans.get("sc", [])] == in_group
        assert left_out.counts == ({"spans that overlap a longer one": 1} if on_overlap == "longest" else {})

    def test_what_is_taken_out_of_the_entities_is_gone(self, tmp_path: Path) -> None:
        write(tmp_path / "a.spacy", "spacy", [RECORD], as_predictions=True)
        [doc] = load(tmp_path / "a.spacy")
        doc.set_ents(list(doc.ents[:1]))
        [row], _ = read(save(tmp_path / "b.spacy", doc))
        assert row["char_spans"] == SPANS[:1]

    def test_spacy_trains_on_it(self, tmp_path: Path) -> None:
        """Its own reader of corpora aligns our tokens with those of its tokenizer."""
        from spacy.training import Corpus

        write(tmp_path / "a.spacy", "spacy", [RECORD])
        [example] = Corpus(tmp_path / "a.spacy")(spacy.blank("en"))
        assert [span.text for span in example.get_aligned_spans_y2x(example.reference.ents)] == ["Ada Berg", "Oslo"]

    @pytest.mark.parametrize("suffix", [".json", ".jsonl"])
    def test_pairs(self, tmp_path: Path, suffix: str) -> None:
        row = {"text": TEXT, "char_spans": [SPANS[0] | {"score": 0.75}, SPANS[1]]}
        assert write(tmp_path / f"a{suffix}", "spacy", [row]).counts == {"scores": 1}
        text = (tmp_path / f"a{suffix}").read_text(encoding="utf-8")
        assert json.loads(text) == ([PAIR] if suffix == ".json" else PAIR)
        assert read(tmp_path / f"a{suffix}")[0] == [RECORD]

    @given(records())
    def test_there_and_back(self, tmp_path_factory: pytest.TempPathFactory, row: dict[str, Any]) -> None:
        path = tmp_path_factory.mktemp("a") / "a.spacy"
        write(path, "spacy", [row])
        [doc] = load(path)
        assert doc.text == row["text"]
        assert sorted((span.start_char, span.end_char, span.label_) for span in [*doc.ents, *doc.spans.get("sc", [])]) == [
            (span.start, span.end, span.label) for span in expected_spans(row)
        ]
        [back], _ = read(path)
        assert back["text"] == row["text"] and spans_in(back) == expected_spans(row)


def test_without_spacy_the_extra_is_named(tmp_path: Path) -> None:
    save(tmp_path / "a.spacy", make_doc())
    program = "import sys; sys.modules['spacy'] = None\nfrom spanmatch.cli.main import main\nmain()"
    command = [sys.executable, "-c", program, "convert", str(tmp_path / "a.spacy"), str(tmp_path / "b.jsonl")]
    result = subprocess.run(command, capture_output=True, text=True, env=offline_environment())
    assert result.returncode == 2 and not (tmp_path / "b.jsonl").exists()
    assert result.stderr == "error: a .spacy file needs spacy; pip install 'spanmatch[spacy]'\n"
