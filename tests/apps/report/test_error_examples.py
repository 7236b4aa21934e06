"""Which errors are shown, and in which order."""

from helpers_report import Scored, make_corpus

from spanmatch.apps.report.error_examples import error_examples
from spanmatch.data.corpus import Corpus
from spanmatch.entities import Mention
from spanmatch.evaluation.error_classes import count_errors


class TestErrorExamples:
    def test_high_scores_first_and_each_example_once_before_any_twice(self) -> None:
        corpus = make_corpus([("a b c", []), ("d e f", []), ("g", [])])
        found = [
            {Mention(start=0, end=1, label="x"): 0.9, Mention(start=2, end=3, label="x"): 0.8},
            {Mention(start=0, end=1, label="x"): 0.85},
            {Mention(start=0, end=1, label="x"): 0.6},
        ]
        shown = error_examples(corpus.examples, found, max_per_class=4)["spurious"]
        assert [example.where[-1] for example in shown] == ["1", "2", "3", "1"]

    def test_missed_gold_type_by_type(self) -> None:
        gold = [Mention(start=0, end=1, label=label) for label in "xxxyz"]
        corpus = make_corpus([("a", [item]) for item in gold])
        shown = error_examples(corpus.examples, [{}] * 5, max_per_class=3)["missed"]
        assert [example.where[-1] for example in shown] == ["1", "4", "5"]

    def test_every_error_can_be_shown(self, products: tuple[Corpus, list[Scored]]) -> None:
        corpus, scored = products
        found = [dict(items) for items in scored]
        errors = count_errors([example.mentions for example in corpus.examples], found)
        shown = error_examples(corpus.examples, found, max_per_class=10**6)
        assert {name: len(examples) for name, examples in shown.items()} == {n: c for n, c in vars(errors).items() if c}

    def test_gold_and_predictions_around_an_error_are_marked(self) -> None:
        right, wrong = Mention(start=0, end=1, label="x"), Mention(start=2, end=3, label="x")
        corpus = make_corpus([("a b", [right])])
        (shown,) = error_examples(corpus.examples, [{right: 0.9, wrong: 0.8}], max_per_class=1)["spurious"]
        marks = [piece.mark for line in (shown.gold, shown.predicted) for piece in line.pieces if piece.mark is not None]
        assert [(mark.mention, mark.role, mark.is_focus, mark.score) for mark in marks] == [
            (right, "gold", False, None),
            (right, "right", False, 0.9),
            (wrong, "wrong", True, 0.8),
        ]
