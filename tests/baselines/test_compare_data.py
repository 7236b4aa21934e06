"""Samples of a comparison: nested, seeded, and read back as they are."""

from pathlib import Path

import pytest
from helpers_e2e import sentences, write_jsonl
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.baselines.compare_data import nested_sample, without_types, write_examples
from spanmatch.data.corpus import Corpus, read_corpus
from spanmatch.errors import InputError


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    rows = sentences(30)
    rows[3]["labels"] = ["person", "city"]
    rows[3]["char_spans"] = [span for span in rows[3]["char_spans"] if span["label"] != "company"]
    (tmp_path / "labels.json").write_text('{"city": {"name": "town", "description": "Where people live."}}', encoding="utf-8")
    return read_corpus(str(write_jsonl(tmp_path / "data.jsonl", rows)))


@given(small=st.integers(0, 40), more=st.integers(0, 40), seed=st.integers(0, 5))
def test_samples_are_nested_and_seeded(small: int, more: int, seed: int) -> None:
    everything = read_numbers(40)
    inner, outer = nested_sample(everything, small, seed), nested_sample(everything, small + more, seed)
    assert len(inner) == small and set(map(id, inner)) <= set(map(id, outer))
    assert inner == nested_sample(everything, small, seed)
    assert [everything.index(item) for item in outer] == sorted(everything.index(item) for item in outer)


def test_another_seed_draws_others() -> None:
    everything = read_numbers(40)
    assert nested_sample(everything, 10, 0) != nested_sample(everything, 10, 1)
    assert nested_sample(everything, None, 0) == everything == nested_sample(everything, 99, 0)


def read_numbers(count: int) -> list:  # type: ignore[type-arg]
    from spanmatch.data.examples import Example

    return [Example(where=str(index), text=str(index), words=(), mentions=()) for index in range(count)]


@pytest.mark.parametrize("format", ["text", "tokens"])
def test_what_is_written_is_read_back(corpus: Corpus, format: str, tmp_path: Path) -> None:
    path = tmp_path / "samples" / "all.jsonl"
    write_examples(corpus.examples, path, format)
    again = read_corpus(str(path), format=format)
    assert [(item.text, item.mentions) for item in again.examples] == [
        (item.text, tuple(sorted(item.mentions))) for item in corpus.examples
    ]
    assert [set(item.types) for item in again.examples] == [set(item.types) for item in corpus.examples]
    assert {item.name for item in again.types} == {"person", "town", "company"}


def test_types_that_are_left_out_are_unknown(corpus: Corpus) -> None:
    left = without_types(corpus, ["company"])
    assert {item.label for item in left.types} == {"person", "city"} == {m.label for e in left.examples for m in e.mentions}
    assert {item.label for item in corpus.types} == {"person", "city", "company"}
    with pytest.raises(InputError, match='"compny" is no label of the training data; valid: city, company, person'):
        without_types(corpus, ["compny"])
