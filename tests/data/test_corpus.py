"""Sources become one corpus: files and globs, inventories, and what is written is read."""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from helpers_annotation import RECORD, write
from helpers_data import TEXT, labels_of, read_one, spans_of, texts_of, write_labels
from helpers_e2e import write_jsonl
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.data.corpus import Corpus, read_corpus
from spanmatch.errors import InputError


class TestSources:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for name in ("b", "a", "sub/c"):
            write_jsonl(tmp_path / f"{name}.jsonl", [{"text": f"{name} {number}"} for number in range(2)])
        return tmp_path

    @pytest.mark.parametrize(
        ("sources", "expected"),
        [
            ("a.jsonl", ["a"]),
            ("*.jsonl", ["a", "b"]),
            ("**/*.jsonl", ["a", "b", "sub/c"]),
            ("[b].jsonl", ["b"]),
            (["b.jsonl", "a.jsonl"], ["b", "a"]),
            (["sub/*.jsonl", "a.jsonl"], ["sub/c", "a"]),
        ],
    )
    def test_files(self, folder: Path, sources: str | list[str], expected: list[str]) -> None:
        given = f"{folder}/{sources}" if isinstance(sources, str) else [f"{folder}/{item}" for item in sources]
        assert texts_of(read_corpus(given)) == [f"{name} {number}" for name in expected for number in range(2)]

    def test_at_most(self, folder: Path) -> None:
        assert texts_of(read_corpus(f"{folder}/*.jsonl", max_examples=3)) == ["a 0", "a 1", "b 0"]

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            ("*.json", "no file matches"),
            ("a.jsnl", 'no such file or folder; did you mean "a.jsonl"?'),
            ("none/a.jsonl", "there is no folder"),
            ("", "a folder, but no DatasetDict on disk"),
        ],
    )
    def test_nothing_there(self, folder: Path, source: str, message: str) -> None:
        with pytest.raises(InputError) as caught:
            read_corpus(f"{folder}/{source}" if source else str(folder))
        assert message in str(caught.value) and str(folder) in str(caught.value)

    def test_an_empty_file(self, tmp_path: Path) -> None:
        (tmp_path / "a.jsonl").write_text("\n", encoding="utf-8")
        with pytest.raises(InputError, match=r"a\.jsonl: no example in it"):
            read_corpus(str(tmp_path / "a.jsonl"))

    def test_blank_lines_count_as_lines(self, tmp_path: Path) -> None:
        file = tmp_path / "a.jsonl"
        file.write_text('\n{"text": "a"}\n  \n{"text": "b"}', encoding="utf-8")
        assert [example.where for example in read_corpus(str(file)).examples] == [f"{file}:2", f"{file}:4"]

    def test_unknown_format(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r'unknown format "token"; did you mean "tokens"\?'):
            read_corpus(str(tmp_path), format="token")


class TestFormatsOfAnnotationTools:
    """A training and an evaluation read what people annotated as it is."""

    @pytest.mark.parametrize(
        ("file_format", "name"),
        [
            ("doccano", "a.jsonl"),
            ("prodigy", "a.jsonl"),
            ("label-studio", "a.json"),
            ("spacy", "a.spacy"),
            ("spacy", "a.json"),
            ("spacy", "a.jsonl"),
        ],
    )
    @pytest.mark.parametrize("format", ["text", "tokens"])
    def test_as_they_are(self, tmp_path: Path, file_format: str, name: str, format: str) -> None:
        write(tmp_path / name, file_format, [RECORD, {"text": "a", "char_spans": []}])
        write_labels(tmp_path, {"PER": {"name": "person"}})
        first, second = read_corpus(str(tmp_path / name), format=format).examples
        assert [first.text[item.start : item.end] for item in first.mentions] == ["Ada Berg", "Oslo"]
        assert second.mentions == () and [item.name for item in second.types] == ["location", "person"]

    def test_what_is_left_out_is_told_and_what_is_broken_may_be_skipped(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        lines = [{"text": "a", "spans": []}, {"text": "b", "spans": [], "answer": "reject"}, {"text": "c", "spans": 3}]
        write_jsonl(tmp_path / "a.jsonl", lines)
        corpus = read_corpus(str(tmp_path / "a.jsonl"), skip_invalid=True)
        assert texts_of(corpus) == ["a"] and corpus.num_skipped == 1
        assert f'texts with the answer "reject": 1 (first: {tmp_path}/a.jsonl:2)' in caplog.text


class TestInventory:
    ROWS = [
        {"text": TEXT, "char_spans": [{"start": 0, "end": 3, "label": "PER"}, {"start": 4, "end": 7, "label": "verb"}]},
        {"text": TEXT, "char_spans": [{"start": 8, "end": 11, "label": "human"}]},
        {"text": TEXT, "labels": ["PER", "city"]},
    ]

    def test_labels_that_occur_in_the_file(self, tmp_path: Path) -> None:
        """... sorted, unless a line has its own."""
        write_jsonl(tmp_path / "other.jsonl", [{"text": TEXT, "char_spans": [{"start": 0, "end": 1, "label": "letter"}]}])
        write_jsonl(tmp_path / "rows.jsonl", self.ROWS)
        found = read_corpus(f"{tmp_path}/*.jsonl")
        in_file = ["PER", "human", "verb"]
        assert [labels_of(example) for example in found.examples] == [["letter"], in_file, in_file, ["PER", "city"]]
        assert [item.label for item in found.types] == ["PER", "city", "human", "letter", "verb"]

    @pytest.mark.parametrize("count", [1, 2, 3, None])
    def test_of_the_whole_file_though_few_are_read(self, count: int | None, tmp_path: Path) -> None:
        """The types of a text do not depend on how many texts are asked for."""
        write_jsonl(tmp_path / "a.jsonl", [{"text": TEXT}, {"text": TEXT, "labels": ["city"]}, *self.ROWS[:2]])
        write_jsonl(tmp_path / "b.jsonl", [{"text": TEXT, "char_spans": [{"start": 0, "end": 1, "label": "letter"}]}])
        found = read_corpus(f"{tmp_path}/*.jsonl", max_examples=count)
        in_file = ["PER", "human", "verb"]
        assert [labels_of(example) for example in found.examples] == [in_file, ["city"], in_file, in_file, ["letter"]][:count]

    def test_what_is_wrong_later_in_the_file(self, tmp_path: Path) -> None:
        """... is told where the types depend on it, or skipped; it does not count as one of the few that are read."""
        file = write_jsonl(tmp_path / "rows.jsonl", [self.ROWS[0], {"txt": TEXT}, self.ROWS[1]])
        with pytest.raises(InputError, match=r"rows\.jsonl:2: "):
            read_corpus(str(file), max_examples=1)
        found = read_corpus(str(file), max_examples=1, skip_invalid=True)
        assert labels_of(found.examples[0]) == ["PER", "human", "verb"] and found.num_skipped == 0
        assert read_corpus(str(file), max_examples=2, skip_invalid=True).num_skipped == 1

    @pytest.mark.parametrize("known", ["labels", "entity_types"])
    def test_no_more_is_read_than_needed(self, known: str, tmp_path: Path) -> None:
        """... where the types of the few texts are known without the rest of the file."""
        row = {"text": TEXT, "labels": ["city"]} if known == "labels" else {"text": TEXT}
        types = write_labels(tmp_path, {"city": "a place"}, "types.json") if known == "entity_types" else None
        file = write_jsonl(tmp_path / "rows.jsonl", [row, {"txt": TEXT}])
        found = read_corpus(str(file), max_examples=1, entity_types=str(types) if types else None)
        assert [labels_of(example) for example in found.examples] == [["city"]]

    def test_no_labels_is_an_inventory(self, tmp_path: Path) -> None:
        assert read_one(tmp_path, {"text": TEXT, "labels": []}).types == ()

    def test_a_sidecar_is_no_inventory(self, tmp_path: Path) -> None:
        write_labels(tmp_path, {"PER": "a human being", "LOC": "a place"})
        assert labels_of(read_one(tmp_path, self.ROWS[0])) == ["PER", "verb"]

    def test_given_types(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """They are asked for and scored in every text, and nothing else is; what is left out is counted and told."""
        types = write_labels(
            tmp_path,
            {
                "PER": {"name": "person", "description": "a human being"},
                "human": {"name": "person"},
                "LOC": {"name": "city", "description": "a place"},
            },
            "types.json",
        )
        file = write_jsonl(tmp_path / "rows.jsonl", self.ROWS)
        with caplog.at_level(logging.WARNING):
            corpus = read_corpus(str(file), entity_types=str(types))
        assert [labels_of(example) for example in corpus.examples] == [["PER", "LOC"]] * 3
        # The key and the name of a type, and another key of the same name, are one type.
        assert [spans_of(example) for example in corpus.examples] == [[(0, 3, "PER")], [(8, 11, "PER")], []]
        assert corpus.num_unscored == {"verb": 1}
        assert '1 gold spans of "verb" are of no type in' in caplog.text

    def test_given_types_replace_the_sidecar(self, tmp_path: Path) -> None:
        write_labels(tmp_path, {"PER": {"name": "somebody"}})
        types = write_labels(tmp_path, {"person": "a human being", "PER": {"name": "person"}}, "types.json")
        example = read_one(tmp_path, self.ROWS[0], entity_types=str(types))
        assert [(item.name, item.description) for item in example.types] == [("person", "a human being")]
        assert spans_of(example) == [(0, 3, "person")]

    def test_given_types_make_two_spans_one(self, tmp_path: Path) -> None:
        types = write_labels(tmp_path, {"PER": {"name": "person"}, "HUM": {"name": "person"}}, "types.json")
        row = {"text": TEXT, "char_spans": [{"start": 0, "end": 3, "label": label} for label in ("PER", "HUM")]}
        assert spans_of(read_one(tmp_path, row, entity_types=str(types))) == [(0, 3, "PER")]


@st.composite
def annotated(draw: st.DrawFn) -> tuple[list[str], list[tuple[int, int, str]]]:
    """Tokens, and flat spans of them in order."""
    alphabet = st.characters(codec="utf-8", categories=("L", "N", "P", "S", "M"))
    tokens = draw(st.lists(st.text(alphabet, min_size=1, max_size=5), min_size=1, max_size=8))
    cuts = sorted(draw(st.lists(st.integers(0, len(tokens)), max_size=6)))
    pairs = zip(cuts[::2], cuts[1::2], strict=False)
    return tokens, [(start, end, draw(st.sampled_from(["a", "b c", "d-e"]))) for start, end in pairs if start < end]


@given(st.lists(annotated(), min_size=1, max_size=4))
def test_what_is_written_is_read(corpus: Sequence[tuple[list[str], list[tuple[int, int, str]]]]) -> None:
    rows: dict[str, list[dict[str, Any]]] = {"chars": [], "tokens": [], "tags": []}
    expected = []
    for tokens, spans in corpus:
        starts = [sum(len(token) + 1 for token in tokens[:position]) for position in range(len(tokens))]
        chars = [(starts[start], starts[end - 1] + len(tokens[end - 1]), label) for start, end, label in spans]
        expected.append(chars)
        tags = ["O"] * len(tokens)
        for start, end, label in spans:
            tags[start:end] = [f"B-{label}"] + [f"I-{label}"] * (end - start - 1)
        rows["chars"].append({"text": " ".join(tokens), "char_spans": as_rows(chars)})
        rows["tokens"].append({"tokens": tokens, "token_spans": as_rows(spans)})
        rows["tags"].append({"tokens": tokens, "tags": tags})
    with tempfile.TemporaryDirectory() as folder:
        for name, content in rows.items():
            file = write_jsonl(Path(folder) / f"{name}.jsonl", content)
            for format in ("text", "tokens"):
                examples = read_corpus(str(file), format=format).examples
                assert [spans_of(example) for example in examples] == expected, (name, format)
                assert texts_of(Corpus(examples=examples)) == [" ".join(tokens) for tokens, _ in corpus]


def as_rows(spans: Sequence[tuple[int, int, str]]) -> list[dict[str, Any]]:
    return [{"start": start, "end": end, "label": label} for start, end, label in spans]


FILES = {
    "a.conll": "Ada B-PER\nBerg I-PER\nleft O\n",
    "b.bio": "Ada\tI-PER\nBerg\tI-PER\nleft\tO\n",
    "c.json": '[{"tokenized_text": ["Ada", "Berg", "left"], "ner": [[0, 1, "PER"]]}]',
    "d.jsonl": '{"tokenized_text": ["Ada", "Berg", "left"], "ner": [[0, 1, "PER"]]}',
    "e.jsonl": '{"tokens": ["Ada", "Berg", "left"], "ner_tags": ["B-PER", "I-PER", "O"]}',
    "f.jsonl": '{"text": "Ada Berg left", "label": [[0, 8, "PER"]]}',
    "g.jsonl": '{"text": "Ada Berg left", "spans": [{"start": 0, "end": 8, "label": "PER"}], "answer": "accept"}',
    "h.jsonl": '{"text": "Ada Berg left", "entities": [{"start": 0, "end": 8, "label": "PER", "text": "Ada Berg"}]}',
    "i.json": '[["Ada Berg left", {"entities": [[0, 8, "PER"]]}]]',
    "j.data": '{"text": "Ada Berg left", "char_spans": [{"start": 0, "end": 8, "label": "PER"}]}',
    "k.csv": 'text,entities\nAda Berg left,"[[0, 8, ""PER""]]"\n',
}


class TestFormats:
    def test_a_glob_over_all_of_them(self, tmp_path: Path) -> None:
        for name, text in FILES.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / "labels.json").write_text('{"PER": {"name": "person"}}', encoding="utf-8")
        for format in ("text", "tokens"):
            corpus = read_corpus(f"{tmp_path}/*", format=format)
            assert [(example.text, spans_of(example)) for example in corpus.examples] == [
                ("Ada Berg left", [(0, 8, "PER")])
            ] * len(FILES)
            assert [example.where.partition(":")[0] for example in corpus.examples] == [f"{tmp_path}/{name}" for name in FILES]
            # Names of types are read beside any format, and are no texts themselves.
            assert [item.name for item in corpus.types] == ["person"]

    @pytest.mark.parametrize(
        ("first", "second"),
        [(one, other) for one in "cdefgh" for other in "cdefgh" if one != other and {one, other} != {"c", "d"}],
    )
    def test_a_file_that_mixes_formats_never_loses_annotation(self, tmp_path: Path, first: str, second: str) -> None:
        lines = {name[0]: text.removeprefix("[").removesuffix("]") if name[0] == "c" else text for name, text in FILES.items()}
        (tmp_path / "a.jsonl").write_text(f"{lines[first]}\n{lines[second]}\n", encoding="utf-8")
        try:
            examples = read_corpus(str(tmp_path / "a.jsonl")).examples
        except InputError as error:
            assert str(error).startswith(f"{tmp_path}/a.jsonl:2: ")
        else:
            assert [spans_of(example) for example in examples] == [[(0, 8, "PER")]] * 2

    def test_the_user_names_the_format(self, tmp_path: Path) -> None:
        (tmp_path / "a.odd").write_text(FILES["a.conll"], encoding="utf-8")
        with pytest.raises(InputError, match=r"a\.odd: the name does not say the format; give --from "):
            read_corpus(str(tmp_path / "a.odd"))
        assert spans_of(read_corpus(str(tmp_path / "a.odd"), source_format="conll").examples[0]) == [(0, 8, "PER")]
        with pytest.raises(InputError, match=r'--from: unknown name "conl"; did you mean "conll"'):
            read_corpus(str(tmp_path / "a.odd"), source_format="conl")
        with pytest.raises(InputError, match="a file, and a DatasetDict is a folder"):
            read_corpus(str(tmp_path / "a.odd"), source_format="datasetdict")
        with pytest.raises(InputError, match="a folder, and conll is a file"):
            read_corpus(str(tmp_path), source_format="conll")

    def test_what_a_reader_leaves_out_is_told(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        (tmp_path / "a.conll").write_text("-DOCSTART- O\n\nAda B-PER\n", encoding="utf-8")
        read_corpus(str(tmp_path / "a.conll"))
        assert f"left out in reading: document boundaries: 1 (first: {tmp_path}/a.conll:1)" in caplog.text

    def test_our_own_lines_may_differ(self, tmp_path: Path) -> None:
        rows = [{"tokens": ["Ada"], "tags": ["B-PER"]}, {"text": "Ada", "char_spans": [{"start": 0, "end": 3, "label": "PER"}]}]
        corpus = read_corpus(str(write_jsonl(tmp_path / "a.jsonl", rows)))
        assert [spans_of(example) for example in corpus.examples] == [[(0, 3, "PER")]] * 2
        with pytest.raises(InputError, match=r'a\.jsonl:2: no "tags"'):
            read_corpus(str(tmp_path / "a.jsonl"), source_format="tags")
