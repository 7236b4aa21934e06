"""One label for each type, one type for each label: by hand on inventories, and on files that spell types in several ways."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from helpers import make_example
from helpers_data import TEXT, labels_of, read_one, spans_of, write_labels
from helpers_e2e import write_jsonl

from spanmatch.data.corpus import read_corpus
from spanmatch.data.examples import Example
from spanmatch.data.one_label import with_one_label
from spanmatch.entities import EntityType
from spanmatch.errors import InputError


def example(*types: EntityType, spans: Sequence[tuple[int, int, str]] = ()) -> Example:
    return make_example(TEXT, spans, types)


def named(label: str, name: str, description: str = "") -> EntityType:
    return EntityType(name=name, label=label, description=description)


class TestInventories:
    def test_nothing_to_do(self) -> None:
        examples = [example(named("PER", "person"), named("LOC", "location"), spans=[(0, 3, "PER")]), example()]
        assert with_one_label(examples) == examples

    def test_two_labels_of_one_type(self) -> None:
        """... become the first of them, also in a text that has only the other; a span that has both is one span."""
        both = named("person", "person"), named("PER", "person")
        one = example(*both, spans=[(0, 3, "person"), (0, 3, "PER"), (4, 7, "person")])
        other = example(named("city", "city"), named("Person", "Person"), spans=[(0, 3, "Person")])
        first, second = with_one_label([one, other])
        person = named("PER", "person")
        assert first.types == (person,) and second.types == (named("city", "city"), person)
        assert spans_of(first) == [(0, 3, "PER"), (4, 7, "PER")] and spans_of(second) == [(0, 3, "PER")]

    def test_each_text_keeps_its_description(self) -> None:
        described = named("PER", "person", "a human being")
        first, second = with_one_label([example(described), example(named("person", "person"))])
        assert first.types == (described,) and second.types == (named("PER", "person"),)

    def test_the_described_one_of_two_is_asked_for(self) -> None:
        [found] = with_one_label([example(named("PER", "person"), named("person", "person", "a human being"))])
        assert found.types == (named("PER", "person", "a human being"),)

    def test_one_label_of_two_types(self) -> None:
        """... as two files explain it: results then carry the names."""
        first, second = with_one_label(
            [example(named("T1", "person"), spans=[(0, 3, "T1")]), example(named("T1", "city"), spans=[(4, 7, "T1")])]
        )
        assert labels_of(first) == ["person"] and spans_of(first) == [(0, 3, "person")]
        assert labels_of(second) == ["city"] and spans_of(second) == [(4, 7, "city")]

    def test_a_name_that_is_the_label_of_another_type(self) -> None:
        town, city, person = named("city", "town"), named("T1", "city"), named("T1", "person")
        found = with_one_label([example(town, city), example(person)])
        assert [labels_of(item) for item in found] == [["town", "city"], ["person"]]


def span(label: str, start: int = 0) -> dict[str, Any]:
    return {"start": start, "end": start + 3, "label": label}


class TestFiles:
    @pytest.mark.parametrize(
        ("labels", "sidecar"),
        [
            (("PER", "person"), None),
            (("Person", "person"), None),
            (("Product_Name", "product-name"), None),
            (("LOC", "Location"), {"LOC": "a place"}),
            (("HUM", "PER"), {"HUM": {"name": "person", "description": "a human being"}}),
            (("HUM", "individual"), {"HUM": {"name": "Person"}, "individual": {"name": "person"}}),
            (("PRODUCT_NAME", "product name"), {"product-name": "what is sold"}),
        ],
    )
    def test_they_are_one_type(self, labels: tuple[str, str], sidecar: dict[str, Any] | None, tmp_path: Path) -> None:
        """... in one line, in two lines, in two files, and whether a line lists its types or not."""
        if sidecar:
            write_labels(tmp_path, sidecar)
        first, second = labels
        rows = {
            "line": [{"text": TEXT, "char_spans": [span(first), span(second, 4)]}],
            "lines": [{"text": TEXT, "char_spans": [span(first)]}, {"text": TEXT, "char_spans": [span(second, 4)]}],
            "listed": [{"text": TEXT, "char_spans": [span(first), span(second, 4)], "labels": [first, second]}],
            "one listed": [{"text": TEXT, "char_spans": [span(first), span(second, 4)], "labels": [second]}],
        }
        for name, content in rows.items():
            found = read_corpus(str(write_jsonl(tmp_path / name / "rows.jsonl", content))) if not sidecar else None
            file = write_jsonl(tmp_path / f"{name}.jsonl", content)
            for corpus in (found, read_corpus(str(file))):
                if corpus is None:
                    continue
                [entity_type] = corpus.types
                assert [item.types for item in corpus.examples] == [(entity_type,)] * len(content), name
                spans = [own for item in corpus.examples for own in spans_of(item)]
                assert spans == [(0, 3, entity_type.label), (4, 7, entity_type.label)], name
                assert entity_type.label in labels and bool(entity_type.description) == any(
                    isinstance(entry, str) or "description" in entry for entry in (sidecar or {}).values()
                )
        for position, label in enumerate(labels):
            write_jsonl(tmp_path / "glob" / f"{position}.jsonl", [{"text": TEXT, "char_spans": [span(label)]}])
        if not sidecar:
            corpus = read_corpus(f"{tmp_path}/glob/*.jsonl")
            assert [labels_of(item) for item in corpus.examples] == [[min(labels)]] * 2 and len(corpus.types) == 1

    def test_an_entry_twice_is_asked_for_once(self, tmp_path: Path) -> None:
        assert labels_of(read_one(tmp_path, {"text": TEXT, "labels": ["person", "person", "PER"]})) == ["PER"]

    def test_given_types_find_other_spellings(self, tmp_path: Path) -> None:
        types = write_labels(tmp_path, {"person": "a human being", "product_name": "what is sold"}, "types.json")
        row = {"text": TEXT, "char_spans": [span("PER"), span("Product Name", 4), span("city", 8)]}
        file = write_jsonl(tmp_path / "rows.jsonl", [row])
        corpus = read_corpus(str(file), entity_types=str(types))
        assert spans_of(corpus.examples[0]) == [(0, 3, "person"), (4, 7, "product_name")]
        assert corpus.num_unscored == {"city": 1}

    def test_what_is_not_listed_is_still_refused(self, tmp_path: Path) -> None:
        row = {"text": TEXT, "char_spans": [span("city"), span("PER", 4)], "labels": ["person"]}
        with pytest.raises(InputError, match="""spans of "city", which is not in the line's "labels"; add it there"""):
            read_one(tmp_path, row)
