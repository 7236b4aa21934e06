"""Accuracy of words, and known apart from new, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.data.corpus import Corpus
from spanmatch.data.examples import Example
from spanmatch.data.words import split_words
from spanmatch.entities import Mention
from spanmatch.evaluation.breakdown import Seen, seen_and_new, word_accuracy, word_tags
from spanmatch.evaluation.metrics import compute_metrics

TEXT = "Ada Lovelace met Bob in Lima"


def mention(surface: str, label: str) -> Mention:
    start = TEXT.index(surface)
    return Mention(start=start, end=start + len(surface), label=label)


ADA, BOB, LIMA = mention("Ada Lovelace", "PER"), mention("Bob", "PER"), mention("Lima", "LOC")
EXAMPLE = Example(where="here:1", text=TEXT, words=split_words(TEXT), mentions=(ADA, BOB, LIMA))


def test_tags_of_words() -> None:
    assert word_tags(EXAMPLE.words, [ADA, LIMA]) == ["B-PER", "I-PER", "O", "O", "O", "B-LOC"]
    inner = mention("Ada", "LOC")
    assert word_tags(EXAMPLE.words, [inner, ADA]) == ["B-PER", "I-PER", "O", "O", "O", "O"]
    assert word_tags(EXAMPLE.words, [Mention(start=1, end=5, label="X")])[:3] == ["B-X", "I-X", "O"]


def test_accuracy_by_hand() -> None:
    assert word_accuracy([EXAMPLE], [EXAMPLE.mentions]) == 1.0
    assert word_accuracy([EXAMPLE], [[ADA, LIMA]]) == pytest.approx(5 / 6)  # Bob
    assert word_accuracy([EXAMPLE], [[mention("Ada", "PER"), BOB, LIMA]]) == pytest.approx(5 / 6)  # Lovelace
    assert word_accuracy([EXAMPLE], [[]]) == pytest.approx(2 / 6)
    assert word_accuracy([], []) == 0.0


def test_known_and_new_by_hand() -> None:
    training = Corpus(examples=[Example(where="", text="BOB", words=((0, 3),), mentions=(Mention(start=0, end=3, label="PER"),))])
    seen = Seen.of(training)
    assert seen == Seen(labels=frozenset({"PER"}), texts=frozenset({"bob"}))
    found = seen_and_new([EXAMPLE], [[BOB, LIMA, mention("met", "PER")]], seen)
    assert {name: (own.true_positives, own.num_predicted, own.num_gold) for name, own in found.items()} == {
        "seen_texts": (1, 1, 1), "new_texts": (1, 2, 2), "seen_types": (1, 2, 2), "new_types": (1, 1, 1),
    }  # fmt: skip


@given(
    found=st.sets(st.sampled_from([ADA, BOB, LIMA, mention("met", "PER")])),
    texts=st.sets(st.sampled_from(["bob", "lima", "met"])),
)
def test_the_parts_sum_to_the_whole(found: set[Mention], texts: set[str]) -> None:
    parts = seen_and_new([EXAMPLE], [list(found)], Seen(labels=frozenset({"LOC"}), texts=frozenset(texts)))
    whole = compute_metrics([EXAMPLE.mentions], [list(found)], types=[], num_bootstrap=1).micro
    for kind in ("texts", "types"):
        known, new = parts[f"seen_{kind}"], parts[f"new_{kind}"]
        assert known.true_positives + new.true_positives == whole.true_positives
        assert known.num_predicted + new.num_predicted == whole.num_predicted
        assert known.num_gold + new.num_gold == whole.num_gold
