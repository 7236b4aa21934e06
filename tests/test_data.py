"""Reading annotated text: formats, inventories, sources, and what is wrong with a file."""

import json
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value
from helpers_e2e import write_jsonl
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.data.corpus import DEVELOPMENT_SPLITS, Corpus, read_corpus
from spanmatch.data.examples import Example
from spanmatch.data.labels import read_entity_types
from spanmatch.errors import InputError

TEXT = "Ada met Bob."
CHARS = [{"start": 0, "end": 3, "label": "person"}]
NESTED = [*CHARS, {"start": 0, "end": 7, "label": "person"}]
TOKENS = ["Ada", "met", "Bob", "."]
TOKEN_SPANS = [{"start": 2, "end": 3, "label": "person"}]


def spans_of(example: Example) -> list[tuple[int, int, str]]:
    return [(mention.start, mention.end, mention.label) for mention in example.mentions]


def labels_of(example: Example) -> list[str]:
    return [item.label for item in example.types]


def texts_of(corpus: Corpus) -> list[str]:
    return [example.text for example in corpus.examples]


def read_one(tmp_path: Path, row: dict[str, Any], **options: Any) -> Example:
    [example] = read_corpus(str(write_jsonl(tmp_path / "one.jsonl", [row])), **options).examples
    return example


class TestFormats:
    @pytest.mark.parametrize(
        ("row", "text", "in_text", "in_tokens"),
        [
            ({"text": TEXT, "char_spans": CHARS}, TEXT, [(0, 3)], [(0, 3)]),
            ({"tokens": TOKENS, "token_spans": TOKEN_SPANS}, "Ada met Bob .", [(8, 11)], [(8, 11)]),
            ({"tokens": TOKENS, "tags": ["O", "O", "B-person", "O"]}, "Ada met Bob .", [(8, 11)], [(8, 11)]),
            # Tokens keep the white space of their text.
            ({"text": TEXT, "tokens": TOKENS, "token_spans": TOKEN_SPANS}, TEXT, [(8, 11)], [(8, 11)]),
            ({"text": TEXT, "tokens": TOKENS, "tags": ["B-person", "O", "O", "O"]}, TEXT, [(0, 3)], [(0, 3)]),
            # Without tokens, those of the word splitter count.
            ({"text": TEXT, "token_spans": TOKEN_SPANS}, TEXT, [(8, 11)], [(8, 11)]),
            ({"text": TEXT, "tags": ["O", "O", "O", "S-person"]}, TEXT, [(11, 12)], [(11, 12)]),
            # With both, each format reads its own.
            ({"text": TEXT, "tokens": TOKENS, "char_spans": CHARS, "token_spans": TOKEN_SPANS}, TEXT, [(0, 3)], [(8, 11)]),
            ({"text": TEXT, "tokens": TOKENS, "char_spans": CHARS, "tags": list("OOOO")}, TEXT, [(0, 3)], []),
            # Token spans come before tags.
            ({"tokens": TOKENS, "token_spans": TOKEN_SPANS, "tags": list("OOOO")}, "Ada met Bob .", [(8, 11)], [(8, 11)]),
            ({"tokens": TOKENS, "char_spans": CHARS}, "Ada met Bob .", [(0, 3)], [(0, 3)]),
            # Nested, crossing and repeated spans.
            ({"text": TEXT, "char_spans": NESTED}, TEXT, [(0, 3), (0, 7)], [(0, 3), (0, 7)]),
            ({"text": TEXT, "char_spans": CHARS * 2}, TEXT, [(0, 3)], [(0, 3)]),
            ({"text": TEXT, "char_spans": []}, TEXT, [], []),
            ({"text": TEXT}, TEXT, [], []),
            ({"text": ""}, "", [], []),
            ({"tokens": []}, "", [], []),
        ],
    )
    def test_spans(
        self, tmp_path: Path, row: dict[str, Any], text: str, in_text: list[tuple[int, int]], in_tokens: list[tuple[int, int]]
    ) -> None:
        for format, expected in (("text", in_text), ("tokens", in_tokens)):
            example = read_one(tmp_path, row, format=format)
            assert example.text == text
            assert spans_of(example) == [(start, end, "person") for start, end in expected]

    def test_words_are_those_of_the_format(self, tmp_path: Path) -> None:
        row = {"text": "isn't it", "tokens": ["is", "n't", "it"]}
        assert read_one(tmp_path, row, format="text").words == ((0, 3), (3, 4), (4, 5), (6, 8))
        assert read_one(tmp_path, row, format="tokens").words == ((0, 2), (2, 5), (6, 8))

    @pytest.mark.parametrize(("given", "expected"), [("a1", "a1"), (7, "7"), (0, "0"), (None, None)])
    def test_id(self, tmp_path: Path, given: object, expected: str | None) -> None:
        assert read_one(tmp_path, {"text": TEXT, "id": given}).id == expected

    def test_blank_lines_count_as_lines(self, tmp_path: Path) -> None:
        file = tmp_path / "a.jsonl"
        file.write_text('\n{"text": "a"}\n  \n{"text": "b"}', encoding="utf-8")
        assert [example.where for example in read_corpus(str(file)).examples] == [f"{file}:2", f"{file}:4"]

    def test_unknown_format(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r'unknown format "token"; did you mean "tokens"\?'):
            read_corpus(str(tmp_path), format="token")


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


def write_labels(folder: Path, content: Any, name: str = "labels.json") -> Path:
    (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder / name


class TestTypeNames:
    @pytest.mark.parametrize(
        ("label", "name", "description"),
        [
            ("PER", "person", "a human being"),
            ("person", "person", "a human being"),
            ("GAME", "board game", ""),
            ("board game", "board game", ""),
            # "LOC" is the name of one entry and the key of another: the name counts.
            ("LOC", "LOC", "by name"),
            ("key", "LOC", "by name"),
            # Without an entry: the usual tags, else the label in words.
            ("ORG", "organization", ""),
            ("product_name", "product name", ""),
            ("misc", "miscellaneous", ""),
        ],
    )
    def test_sidecar(self, tmp_path: Path, label: str, name: str, description: str) -> None:
        write_labels(
            tmp_path,
            {
                "PER": {"name": "person", "description": "a human being", "other": 1},
                "GAME": {"name": "board game"},
                "LOC": {"name": "place", "description": "by key"},
                "key": {"name": "LOC", "description": "by name"},
            },
        )
        row = {"text": TEXT, "char_spans": [{"start": 0, "end": 3, "label": label}]}
        [entity_type] = read_one(tmp_path, row).types
        # Results carry the label of the file.
        assert (entity_type.label, entity_type.name, entity_type.description) == (label, name, description)

    def test_a_description_alone(self, tmp_path: Path) -> None:
        write_labels(tmp_path, {"PER": "a human being", "board_game": "chess, say"})
        row = {"text": TEXT, "labels": ["PER", "board_game"]}
        assert [item.text for item in read_one(tmp_path, row).types] == ["person: a human being", "board game: chess, say"]

    def test_aliases(self, tmp_path: Path) -> None:
        write_labels(tmp_path, {"ORG": {"name": "company", "aliases": ["Firm", "company", "business_unit"]}})
        [entity_type] = read_one(tmp_path, {"text": TEXT, "labels": ["ORG"]}).types
        assert entity_type.aliases == ("Firm", "company", "business_unit")
        assert entity_type.alias_keys == {"firm", "business unit"}

    @pytest.mark.parametrize("label", ["person", "P2", "P1"])
    def test_the_described_entry_of_one_name_counts(self, tmp_path: Path, label: str) -> None:
        write_labels(tmp_path, {"P1": {"name": "person"}, "P2": {"name": "person", "description": "a human being"}})
        [entity_type] = read_one(tmp_path, {"text": TEXT, "labels": [label]}).types
        assert (entity_type.label, entity_type.name, entity_type.description) == (label, "person", "a human being")

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("{", "labels.json:1: not JSON"),
            ("[]", "expected a JSON object"),
            ("{}", "at least one tag"),
            ('{"PER": 3}', 'labels.json: PER: expected a description or {"name", "description"}, got 3'),
            ('{"PER": {"name": 3}}', "must be strings"),
            ('{"PER": {"name": " "}}', "not blank"),
            ('{"PER": {"aliases": "x"}}', '"aliases" a list'),
            ('{" ": "x"}', "blank"),
        ],
    )
    def test_bad_files(self, tmp_path: Path, content: str, message: str) -> None:
        (tmp_path / "labels.json").write_text(content, encoding="utf-8")
        with pytest.raises(InputError) as caught:
            read_one(tmp_path, {"text": TEXT})
        assert message in str(caught.value)

    def test_no_file(self, tmp_path: Path) -> None:
        write_labels(tmp_path, {"PER": "x"}, "types.json")
        with pytest.raises(InputError, match=r'typs\.json: no such file; did you mean "types\.json"\?'):
            read_entity_types(tmp_path / "typs.json")


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


TAG_NAMES = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG"]


def write_dataset(folder: Path, features: dict[str, Any] | None = None, **splits: dict[str, list[Any]]) -> Path:
    given = Features(features) if features else None
    DatasetDict({name: Dataset.from_dict(columns, features=given) for name, columns in splits.items()}).save_to_disk(str(folder))
    return folder


class TestDatasetDict:
    CONLL = {"id": Value("string"), "tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=TAG_NAMES))}

    def test_class_labels(self, tmp_path: Path) -> None:
        columns = {"id": ["0", "1"], "tokens": [TOKENS, ["x"]], "ner_tags": [[1, 2, 3, 0], [0]]}
        folder = write_dataset(tmp_path / "set", self.CONLL, test=columns)
        for format in ("text", "tokens"):
            corpus = read_corpus(str(folder), format=format)
            assert [spans_of(example) for example in corpus.examples] == [[(0, 7, "PER"), (8, 11, "ORG")], []]
            # The names of the ClassLabel are the inventory, also where they do not occur.
            assert [[item.name for item in example.types] for example in corpus.examples] == [["organization", "person"]] * 2
            assert [example.where for example in corpus.examples] == [f"{folder}[test]:0", f"{folder}[test]:1"]

    def test_labels_of_a_line_come_first(self, tmp_path: Path) -> None:
        columns = {"id": ["0"], "tokens": [TOKENS], "ner_tags": [[1, 0, 0, 0]], "labels": [["PER"]]}
        folder = write_dataset(tmp_path / "set", self.CONLL | {"labels": List(Value("string"))}, test=columns)
        assert [labels_of(example) for example in read_corpus(str(folder)).examples] == [["PER"]]

    def test_a_sidecar(self, tmp_path: Path) -> None:
        folder = write_dataset(tmp_path / "set", self.CONLL, test={"id": ["0"], "tokens": [TOKENS], "ner_tags": [[1, 0, 0, 0]]})
        write_labels(folder, {"PER": "a human being"})
        assert [item.text for item in read_corpus(str(folder)).types] == ["organization", "person: a human being"]

    @pytest.mark.parametrize("tag", [-1, None])
    def test_a_missing_tag_is_not_the_last_one(self, tmp_path: Path, tag: int | None) -> None:
        """-1 is how data sets mark a label that they keep back."""
        columns = {"id": ["0"], "tokens": [TOKENS], "ner_tags": [[1, tag, tag, tag]]}
        folder = write_dataset(tmp_path / "set", self.CONLL, test=columns)
        with pytest.raises(InputError, match=r"\[test\]:0"):
            read_corpus(str(folder))

    def test_span_columns(self, tmp_path: Path) -> None:
        columns = {"text": [TEXT, TEXT], "char_spans": [CHARS, []], "extra": [1, 2]}
        folder = write_dataset(tmp_path / "set", test=columns)
        corpus = read_corpus(str(folder))
        assert [spans_of(example) for example in corpus.examples] == [[(0, 3, "person")], []]
        folder = write_dataset(tmp_path / "tokens", test={"tokens": [TOKENS], "token_spans": [TOKEN_SPANS]})
        assert [spans_of(example) for example in read_corpus(str(folder)).examples] == [[(8, 11, "person")]]

    def test_a_column_without_a_value_is_as_if_it_were_not_there(self, tmp_path: Path) -> None:
        columns = {"text": [TEXT, None], "tokens": [None, TOKENS]}
        columns |= {"char_spans": [CHARS, None], "token_spans": [None, TOKEN_SPANS]}
        corpus = read_corpus(str(write_dataset(tmp_path / "set", test=columns)))
        assert [spans_of(example) for example in corpus.examples] == [[(0, 3, "person")], [(8, 11, "person")]]

    @pytest.mark.parametrize(
        ("there", "split", "expected"),
        [
            (("train", "validation", "dev", "test"), None, "test"),
            (("train", "validation", "dev"), None, "dev"),
            (("train", "validation"), None, "validation"),
            (("train", "test"), "train", "train"),
            (("train", "validation", "test"), DEVELOPMENT_SPLITS, "validation"),
        ],
    )
    def test_which_split(self, tmp_path: Path, there: Sequence[str], split: Any, expected: str) -> None:
        folder = write_dataset(tmp_path / "set", **{name: {"text": [name]} for name in there})
        assert texts_of(read_corpus(str(folder), split=split)) == [expected]

    @pytest.mark.parametrize(
        ("there", "split", "message"),
        [
            (("train", "test"), "tset", 'no split tset; did you mean "test"? (--split)'),
            (("train", "test"), DEVELOPMENT_SPLITS, "no split dev or validation; valid: test, train (--split)"),
            (("train",), None, "no split test or dev or validation; valid: train (--split)"),
        ],
    )
    def test_no_such_split(self, tmp_path: Path, there: Sequence[str], split: Any, message: str) -> None:
        folder = write_dataset(tmp_path / "set", **{name: {"text": [name]} for name in there})
        with pytest.raises(InputError) as caught:
            read_corpus(str(folder), split=split)
        assert str(caught.value) == f"{folder}: {message}"

    def test_one_data_set_is_whatever_split_is_asked_for(self, tmp_path: Path) -> None:
        Dataset.from_dict({"text": ["a"]}).save_to_disk(str(tmp_path / "one"))
        assert texts_of(read_corpus(str(tmp_path / "one"), split="train")) == ["a"]

    @pytest.mark.parametrize(
        ("columns", "message"),
        [
            ({"sentence": ["a"]}, 'hold neither "text" nor "tokens"'),
            ({"tokens": [["a"]], "ner_tags": [[0]]}, "make the column a ClassLabel"),
            ({"text": [TEXT], "char_spans": [[{"start": 0, "end": 99, "label": "x"}]]}, "set[test]:0: span [0, 99) ends beyond"),
            ({"text": [None]}, 'set[test]:0: neither "text" nor "tokens"'),
        ],
    )
    def test_bad_columns(self, tmp_path: Path, columns: dict[str, list[Any]], message: str) -> None:
        with pytest.raises(InputError) as caught:
            read_corpus(str(write_dataset(tmp_path / "set", test=columns)))
        assert message in str(caught.value)


def span(**changes: Any) -> list[dict[str, Any]]:
    return [{"start": 0, "end": 3, "label": "x"} | changes]


BAD_LINES: dict[str, tuple[Any, str]] = {
    "not JSON": ('{"text": ', "not JSON (Expecting value at column"),
    "not UTF-8": (b'{"text": "\xff"}', "not UTF-8"),
    "half a character": ('{"text": "\\ud800"}', "lone surrogate (\\ud800)"),
    "a list": ([], "expected a JSON object, got list"),
    "another key": ({"txt": TEXT}, 'neither "text" nor "tokens"; "txt": did you mean "text"?'),
    "text is a number": ({"text": 3}, '"text" must be a string, got int'),
    "tokens are a string": ({"tokens": "a b"}, '"tokens" must be a list of strings'),
    "a token is null": ({"tokens": ["a", None]}, '"tokens" must be a list of strings'),
    "a token elsewhere": ({"text": TEXT, "tokens": ["Bob", "Ada"]}, 'token 1 ("Ada") is not in the text after character 11'),
    "beyond the text": ({"text": TEXT, "char_spans": span(end=13)}, "span [0, 13) ends beyond the text (12 characters)"),
    "empty span": ({"text": TEXT, "char_spans": span(end=0)}, "a span needs 0 <= start < end, got [0, 0)"),
    "negative": ({"text": TEXT, "char_spans": span(start=-1)}, "got [-1, 3)"),
    "not whole": ({"text": TEXT, "char_spans": span(start=0.0)}, "start and end must be whole numbers"),
    "a truth value": ({"text": TEXT, "char_spans": span(start=False)}, "start and end must be whole numbers"),
    "no label": ({"text": TEXT, "char_spans": span(label="")}, "label a name"),
    "blank label": ({"text": TEXT, "char_spans": span(label=" ")}, "is blank"),
    "spans by position": ({"text": TEXT, "char_spans": [[0, 3, "x"]]}, 'expected {"start", "end", "label"}'),
    "spans are an object": ({"text": TEXT, "char_spans": {}}, '"char_spans" must be a list, got dict'),
    "beyond the tokens": ({"tokens": ["a"], "token_spans": span()}, "token span [0, 3) ends beyond the 1 tokens"),
    "too few tags": ({"tokens": ["a", "b"], "tags": ["O"]}, "1 tags for 2 tokens"),
    "tags are numbers": ({"tokens": ["a"], "tags": [0]}, '"tags" must be a list of strings'),
    "a tag of no scheme": ({"tokens": ["a"], "tags": ["PER"]}, 'tag 0 is "PER"'),
    "numbers without names": ({"tokens": ["a"], "ner_tags": [0]}, '"ner_tags" are numbers without names'),
    "labels are a string": ({"text": TEXT, "labels": "x"}, '"labels" must be a list of strings'),
    "a label out of labels": ({"text": TEXT, "labels": ["y"], "char_spans": span()}, 'spans of "x", which is not in the line\'s'),
    "an empty token is a span": ({"tokens": ["a", ""], "token_spans": span(start=1, end=2)}, "0 <= start < end"),
}


class TestBadLines:
    @staticmethod
    def write(folder: Path, bad: Any) -> Path:
        line = bad if isinstance(bad, bytes) else (bad if isinstance(bad, str) else json.dumps(bad)).encode()
        (folder / "bad.jsonl").write_bytes(b'{"text": "first"}\n' + line + b'\n{"text": "last"}\n')
        return folder / "bad.jsonl"

    @pytest.mark.parametrize(("bad", "message"), BAD_LINES.values(), ids=BAD_LINES)
    def test_names_file_line_and_reason(self, tmp_path: Path, bad: Any, message: str) -> None:
        file = self.write(tmp_path, bad)
        with pytest.raises(InputError) as caught:
            read_corpus(str(file))
        assert str(caught.value).startswith(f"{file}:2: ") and message in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("bad", [bad for bad, _ in BAD_LINES.values()], ids=BAD_LINES)
    def test_skipped_and_counted(self, tmp_path: Path, bad: Any, caplog: pytest.LogCaptureFixture) -> None:
        file = self.write(tmp_path, bad)
        with caplog.at_level(logging.WARNING):
            corpus = read_corpus([str(file), str(file)], skip_invalid=True)
        assert texts_of(corpus) == ["first", "last"] * 2
        assert corpus.num_skipped == 2
        assert f"skipped: {file}:2: " in caplog.text and "2 invalid records were skipped" in caplog.text

    def test_nothing_else_is_left(self, tmp_path: Path) -> None:
        file = write_jsonl(tmp_path / "bad.jsonl", [{"txt": "a"}])
        with pytest.raises(InputError, match="no example in it"):
            read_corpus(str(file), skip_invalid=True)
