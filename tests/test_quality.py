"""The quality benchmark's own arithmetic: what is trained on and what never is, and the one scorer of all systems."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quality
import quality_data
from helpers_e2e import write_jsonl
from hypothesis import given
from hypothesis import strategies as st
from quality_data import (
    DEV_9,
    LARGEST_SHARE,
    MAX_WORDS,
    PLAIN_3,
    POOL,
    RESIDUAL,
    Pool,
    Sentence,
    benchmark_set,
    calibration_sets,
    read_pool,
    read_sentences,
    sample_by_type,
    write_training,
)
from quality_scorer import Scored, Scores, bootstrap, common_threshold, f1_of, platt
from quality_unseen import ALL_TYPES, MASKED, training_data

from spanmatch.entities import EntityType, normalise
from spanmatch.prediction.decoding import Candidates, resolve

SOURCES = ("gum", "wlp", "fewnerd_inter")
HELD_OUT = ("cyner", "anem")


def line(text: str, *spans: tuple[int, int, str], labels: Sequence[str] | None = None) -> dict[str, Any]:
    """A line of a file, its spans in words."""
    found = {"tokens": text.split(), "token_spans": [{"start": start, "end": end, "label": label} for start, end, label in spans]}
    return found if labels is None else found | {"labels": labels}


def write_set(folder: Path, types: dict[str, dict[str, str]], **splits: list[dict[str, Any]]) -> None:
    folder.mkdir(parents=True)
    (folder / "labels.json").write_text(json.dumps(types), encoding="utf-8")
    for split, rows in splits.items():
        write_jsonl(folder / f"{split}.jsonl", rows)


@pytest.fixture
def datasets(tmp_path: Path) -> Path:
    """Each set of the benchmarks with a text, three to train on, two left out whole."""
    person, gadget, tool = {"PER": {"name": "person"}}, {"GAD": {"name": "Gadget", "description": "a thing"}}, {"tool": {}}
    for number, source in enumerate(DEV_9):
        rows = [line(f"Benchmark text {number}", (0, 1, "PER"))]
        own = {"train": [line("Ada few", (0, 1, "GAD"))], "dev": [line(f"dev {index}", (0, 1, "GAD")) for index in range(40)]}
        write_set(tmp_path / source, person | gadget, test=rows, **(own if source in SOURCES else {}))
    both = [line(f"gadget {index} of Ada", (0, 2, "GAD"), (3, 4, "PER")) for index in range(12)]
    unwanted = [
        line("BENCHMARK text 3", (0, 1, "GAD")),
        line("Left OUT", (0, 1, "GAD")),
        line("gadget 3 of Ada", (0, 2, "GAD")),
        line("too long " * (MAX_WORDS // 2) + "!", (0, 1, "GAD")),
        line(""),
    ]
    write_set(tmp_path / "gum", person | gadget, train=both + unwanted, dev=[line("gum dev", (0, 1, "GAD"))] * 29)
    tools = [line(f"a hammer {index}", (1, 2, "tool"), labels=["tool"]) for index in range(9)]
    write_set(
        tmp_path / "wlp",
        tool | gadget,
        train=[*tools, *both[:2]],
        dev=[line(f"saw {index} bench", (0, 1, "tool"), (2, 3, "PER")) for index in range(50)],
    )
    for source in HELD_OUT:
        left = [line(f"left out {source} {index}", (0, 2, "MAL")) for index in range(20)]
        types = {"MAL": {"name": "malware"}, "PER": {"name": "person"}}
        write_set(tmp_path / source, types, train=left, dev=[line("left out", (0, 1, "PER"))], test=left[:15])
    return tmp_path


def test_a_list_without_a_type_is_as_if_nobody_had_annotated_it(datasets: Path) -> None:
    rows = [line("Ada uses Python", (0, 1, "PER"), (2, 3, "MISC"))]
    write_set(datasets / "conll2003", {"PER": {"name": "person"}, "MISC": {"name": "misc"}}, test=rows)
    whole, plain = benchmark_set(datasets, "conll2003"), benchmark_set(datasets, "conll2003", without=RESIDUAL)
    assert list(whole.types) == ["misc", "person"] and whole.gold == [((0, 1, "person"), (2, 3, "misc"))]
    assert list(plain.types) == ["person"] and plain.gold == [((0, 1, "person"),)]
    assert (whole.name, plain.name) == ("conll2003", PLAIN_3[0])


def pool_of(datasets: Path, share: float = 1.0) -> Pool:
    return read_pool(datasets, SOURCES, held_out_sets=HELD_OUT, held_out_share=share)


class TestReading:
    def test_names_for_tags(self, datasets: Path) -> None:
        """What a file was annotated for is what occurs in it, unless its lines say."""
        [first, *_] = read_sentences(datasets, "gum", "train")
        assert first.tokens == ("gadget", "0", "of", "Ada") and first.names == ("Gadget", "person")
        assert first.spans == ((0, 2, "Gadget"), (3, 4, "person"))
        [tool, *_, last] = read_sentences(datasets, "wlp", "train")
        assert tool.names == ("tool",) and last.names == ("Gadget", "PER", "tool")
        assert quality_data.read_types(datasets, "gum") == (
            {"person": "", "Gadget": "a thing"},
            {"PER": "person", "GAD": "Gadget"},
        )

    def test_nothing(self, datasets: Path) -> None:
        assert read_sentences(datasets, "gum", "test") == []
        assert all(item.tokens for item in read_sentences(datasets, "gum", "train")), "a line without words"

    def test_the_lists_are_apart(self) -> None:
        """Of the benchmarks only Few-NERD has a training file, whose types are others."""
        assert not set(quality_data.HELD_OUT_SETS) & {*POOL, *DEV_9}
        assert set(POOL) & set(DEV_9) == {"fewnerd_inter"}
        assert len(set(POOL)) == len(POOL)

    def test_written_is_read(self, datasets: Path, tmp_path: Path) -> None:
        pool = pool_of(datasets)
        write_training(tmp_path / "out", pool, pool.sentences)
        by_set = [item for source in SOURCES for item in read_sentences(tmp_path / "out", source, "train")]
        assert Counter(by_set) == Counter(pool.sentences)
        rows = [json.loads(text) for text in (tmp_path / "out" / "all.jsonl").read_text(encoding="utf-8").splitlines()]
        assert [tuple(row["tokens"]) for row in rows] == [item.tokens for item in pool.sentences]
        assert quality_data.read_types(tmp_path / "out", "gum")[0]["Gadget"] == "a thing"


class TestPool:
    def test_what_is_left_out(self, datasets: Path) -> None:
        """Texts of a benchmark or of a set held out, whatever their case; duplicates; what is too long."""
        found = pool_of(datasets).sentences
        texts = [item.key for item in found]
        assert len(set(texts)) == len(texts) == 12 + 9 + 1
        assert not [text for text in texts if "benchmark" in text or "left out" in text or "too long" in text]
        assert {item.source for item in found if "gadget" in item.key} == {"gum"}, "the first that has a text keeps it"

    def test_which_types(self, datasets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Mentioned often enough, in few enough sets, and asked for by no benchmark."""
        monkeypatch.setattr(quality_data, "FREQUENT", 10)
        assert pool_of(datasets).held_out == {"gadget"}  # "tool" is mentioned nine times, "person" is asked for
        monkeypatch.setattr(quality_data, "FREQUENT", 9)
        assert pool_of(datasets).held_out == {"gadget", "tool"}
        assert pool_of(datasets, 0.0).held_out == set()
        monkeypatch.setattr(quality_data, "WIDESPREAD", 1)
        assert pool_of(datasets).held_out == {"tool"}  # gadgets are in two sets

    def test_a_share_of_them(self) -> None:
        """A function of the name alone, of about that share, and more with a larger one."""
        names = [f"type {number}" for number in range(2000)]
        chosen = {share: {name for name in names if quality_data._is_chosen(name, share)} for share in (0.1, 0.5)}
        assert 160 < len(chosen[0.1]) < 240 and 920 < len(chosen[0.5]) < 1080 and chosen[0.1] < chosen[0.5]

    def test_a_sentence_without_them(self, datasets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is as if nobody had annotated it for them: no span, and no negative either."""
        monkeypatch.setattr(quality_data, "FREQUENT", 9)
        pool = pool_of(datasets)
        bare = pool.without_held_out(pool.sentences[0])
        assert bare.names == ("person",) and bare.spans == ((3, 4, "person"),) and bare.tokens == pool.sentences[0].tokens

    @pytest.mark.parametrize("number", [None, 16])
    def test_a_sample_holds_none(self, number: int | None, datasets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(quality_data, "FREQUENT", 9)
        monkeypatch.setattr(quality_data, "LARGEST_SHARE", 1.0)
        pool = pool_of(datasets)
        forbidden = {item.key for source in DEV_9 for item in read_sentences(datasets, source, "test")}
        forbidden |= {
            item.key
            for source in HELD_OUT
            for split in ("train", "dev", "test")
            for item in read_sentences(datasets, source, split)
        }
        for seed in range(5):
            sample = sample_by_type(pool, number, seed)
            names = {normalise(name) for item in sample for name in item.names}
            names |= {normalise(name) for item in sample for _, _, name in item.spans}
            assert names == {"person"} and not {item.key for item in sample} & forbidden
            assert len(sample) == 12, "a sentence that is annotated for nothing else is left out"
            kept = sample_by_type(pool, number, seed, keep_held_out=True)
            assert {normalise(name) for item in kept for name in item.names} == {"person", "gadget", "tool"}

    def test_calibration(self, datasets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Sets held out whole, and of the others sentences with a type held out; never a test file of a benchmark."""
        monkeypatch.setattr(quality_data, "FREQUENT", 9)
        pool = pool_of(datasets)
        sets = {item.name: item for item in calibration_sets(datasets, pool, {"person"}, 25, 0)}
        assert set(sets["wlp"].types) == {"tool", "PER"} and "per" not in pool.held_out, "not held out, though not trained"
        # Twenty-nine sentences of "gum" are too few.
        assert list(sets) == [*HELD_OUT, "wlp", "fewnerd_inter"]
        assert {name: (len(item.sentences), item.counted) for name, item in sets.items()} == {
            "cyner": (36, {"malware"}),  # all that there are, of a set left out whole
            "anem": (36, {"malware"}),
            "wlp": (25, {"tool"}),
            "fewnerd_inter": (25, {"gadget"}),
        }
        assert [name for name, item in sets.items() if item.is_new] == list(HELD_OUT)
        assert all(item.key.startswith("dev") for item in sets["fewnerd_inter"].sentences)
        assert set(sets["cyner"].types) == {"malware", "person"}, "all are asked for"
        assert sets["wlp"].gold == [item.spans for item in sets["wlp"].sentences]
        again, other = (calibration_sets(datasets, pool, {"person"}, 25, seed) for seed in (0, 1))
        assert (
            [item.sentences for item in again] == [item.sentences for item in sets.values()] != [item.sentences for item in other]
        )

    def test_a_benchmark_is_its_test_file(self, datasets: Path) -> None:
        found = benchmark_set(datasets, "fewnerd_inter")
        assert len(found.sentences) == 1 and found.types == {"person": ""} and found.counted == {"person"}


def pool(sizes: dict[str, int], name: str = "usual", held_out: Iterable[str] = ()) -> Pool:
    """Sentences with a mention of one type, so many of each set."""
    sentences = [
        Sentence(source=source, tokens=(source, str(number)), names=(name,), spans=((0, 1, name),))
        for source, size in sizes.items()
        for number in range(size)
    ]
    return Pool(descriptions={}, sentences=sentences, held_out=frozenset(held_out), held_out_sets=())


class TestSample:
    SIZES = {f"set {number}": 20 * (number + 1) for number in range(10)}

    @pytest.mark.parametrize("number", [80, 100, 240])
    def test_no_set_is_most_of_it(self, number: int) -> None:
        sample = sample_by_type(pool(self.SIZES), number, 0)
        counts = Counter(item.source for item in sample)
        assert len(sample) == len({item.key for item in sample}) == number
        assert max(counts.values()) == min(-(-number // 8), 200) and LARGEST_SHARE == 1 / 8
        # ... unless one is allowed to be.
        more = Counter(item.source for item in sample_by_type(pool(self.SIZES), number, 0, largest={"set 9": 0.5}))
        assert counts["set 9"] < more["set 9"] <= number / 2
        assert sample_by_type(pool(self.SIZES), number, 0, largest={"set 9": 0.0}) and max(more.values()) == more["set 9"]
        assert "set 9" not in {item.source for item in sample_by_type(pool(self.SIZES), number, 0, largest={"set 9": 0.0})}

    def test_a_function_of_the_seed(self) -> None:
        own = pool(self.SIZES)
        assert sample_by_type(own, 80, 3) == sample_by_type(own, 80, 3) != sample_by_type(own, 80, 4)
        everything = sample_by_type(own, None, 3)
        assert Counter(everything) == Counter(own.sentences) and everything != own.sentences

    def test_rare_types_are_favoured(self) -> None:
        """By the root: of a type a hundred times as rare, a sentence is chosen up to ten times as often."""
        usual, rare = pool(self.SIZES), pool({"rare": 11}, "rare")
        both = Pool(descriptions={}, sentences=usual.sentences + rare.sentences, held_out=frozenset(), held_out_sets=())
        drawn = [
            sum(item.source == "rare" for item in sample_by_type(both, 100, seed, largest={"rare": 1.0})) for seed in range(40)
        ]
        # One in ten of the others is drawn; of eleven rare ones nearly two thirds, by exponential times: 1 - 0.9^10.
        assert 0.5 < sum(drawn) / (40 * 11) < 0.75

    def test_a_sentence_counts_as_its_rarest_type(self) -> None:
        usual = pool(self.SIZES)
        mixed = [
            Sentence(source="mixed", tokens=(str(number),), names=("usual", "rare"), spans=((0, 1, "usual"), (0, 1, "rare")))
            for number in range(11)
        ]
        both = Pool(descriptions={}, sentences=usual.sentences + mixed, held_out=frozenset(), held_out_sets=())
        drawn = [
            sum(item.source == "mixed" for item in sample_by_type(both, 100, seed, largest={"mixed": 1.0})) for seed in range(40)
        ]
        assert 0.5 < sum(drawn) / (40 * 11) < 0.75


# Two documents: of three predictions of the first two are right, of the second's two one; one gold span is not found.
PREDICTED: list[list[Scored]] = [
    [(0, 2, "person", 0.9), (5, 6, "city", 0.3), (3, 4, "city", 0.6)],
    [(1, 2, "person", 0.8), (4, 6, "person", 0.4)],
]
GOLD = [[(0, 2, "person"), (3, 4, "city")], [(4, 6, "person"), (7, 8, "city")]]
NUM_GOLD = 4


class TestScores:
    @pytest.mark.parametrize(
        ("threshold", "correct", "predicted"),
        [(0.0, 3, 5), (0.3, 3, 4), (0.35, 3, 4), (0.4, 2, 3), (0.7, 1, 2), (0.85, 1, 1), (0.9, 0, 0)],
    )
    def test_f1_by_hand(self, threshold: float, correct: int, predicted: int) -> None:
        """What is equal to a threshold does not pass."""
        scores = Scores.of(PREDICTED, GOLD)
        assert scores.counts(threshold).sum(axis=0).tolist() == [correct, predicted, NUM_GOLD]
        assert scores.f1(threshold) == pytest.approx(2 * correct / (predicted + NUM_GOLD))

    def test_of_each_document(self) -> None:
        assert Scores.of(PREDICTED, GOLD).counts(0.35).tolist() == [[2, 2, 2], [1, 2, 2]]

    def test_both_ends_and_the_type_count(self) -> None:
        for found in ((0, 1, "person", 0.9), (1, 2, "person", 0.9), (0, 2, "city", 0.9)):
            assert Scores.of([[found]], [[(0, 2, "person")]]).f1(0.5) == 0
        assert Scores.of([[(0, 2, "person", 0.9)]], [[(0, 2, "person")]]).f1(0.5) == 1

    def test_types_that_count(self) -> None:
        """... by their normalised names; others are neither right nor wrong."""
        scores = Scores.of(
            [[(0, 1, "Job_Title", 0.9), (1, 2, "city", 0.8)]], [[(0, 1, "Job_Title"), (1, 2, "city")]], {"job title"}
        )
        assert normalise("Job_Title") == "job title" and scores.counts(0.5).tolist() == [[1, 1, 1]]

    def test_nothing(self) -> None:
        for predicted, gold in (([[]], [[]]), ([[]], [[(0, 1, "city")]]), ([[(0, 1, "city", 0.7)]], [[]])):
            scores = Scores.of(predicted, gold)
            assert scores.f1(0.5) == 0 and scores.best() == (0.0, 0.5)
        assert Scores.of([[]], [[]]).calibration_error() == 0

    @given(
        st.lists(st.tuples(st.integers(1, 9), st.booleans(), st.integers(0, 2)), max_size=14),
        st.lists(st.integers(0, 3), min_size=3, max_size=3),
    )
    def test_the_best_in_hindsight_is_brute_force(self, found: list[tuple[int, bool, int]], missed: list[int]) -> None:
        """Of all thresholds, and the one that is told gives it."""
        predicted: list[list[Scored]] = [[], [], []]
        gold: list[list[tuple[int, int, str]]] = [[(100 + place, 200, "x") for place in range(size)] for size in missed]
        for place, (score, correct, document) in enumerate(found):
            predicted[document].append((place, place + 1, "x", score / 10))
            if correct:
                gold[document].append((place, place + 1, "x"))
        scores = Scores.of(predicted, gold)
        best, threshold = scores.best()
        assert best == pytest.approx(max(scores.f1(limit / 20) for limit in range(1, 20)))
        assert scores.f1(threshold) == pytest.approx(best)

    @given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4), st.integers(0, 1), st.integers(-30, 30)), max_size=12))
    def test_leaving_out_is_decoding_again(self, cells: list[tuple[int, int, int, int]]) -> None:
        """Flat entities above a low threshold, without those below a higher one, are those of the higher one."""
        names = [EntityType(name="person"), EntityType(name="city")]
        # No two have one score, or which of them is the better would be a matter of order.
        columns = np.array([(*cell[:3], cell[3] / 10 + place / 1000) for place, cell in enumerate(cells)]).reshape(-1, 4).T

        def decoded(limit: float) -> list[Scored]:
            start, size, column, logit = columns[:, columns[3] > np.log(limit / (1 - limit))]
            ends = (start + size).astype(int)
            candidates = Candidates(start=start.astype(int), end=ends, column=column.astype(int), logit=logit)
            return [(item.start, item.end, item.label, item.score) for item in resolve("x" * 20, candidates, names, "flat")]

        low = decoded(0.05)
        for limit in (0.2, 0.5, 0.8):
            assert [item for item in low if item[3] > limit] == decoded(limit)

    def test_calibration_error_by_hand(self) -> None:
        """Bins of a tenth: two of about 0.9 and one right, three of about 0.3 and two right; what is below the floor is out."""
        found: list[Scored] = [(0, 1, "x", 0.92), (1, 2, "x", 0.98), (2, 3, "x", 0.31), (3, 4, "x", 0.35), (4, 5, "x", 0.39)]
        scores = Scores.of([[*found, (5, 6, "x", 0.04)]], [[(0, 1, "x"), (3, 4, "x"), (4, 5, "x")]])
        expected = (2 * (0.95 - 1 / 2) + 3 * (2 / 3 - 0.35)) / 5
        assert scores.calibration_error() == pytest.approx(expected)
        assert scores.calibration_error(floor=0.0) == pytest.approx((5 * expected + 0.04) / 6)
        assert Scores.of([[(0, 1, "x", 1.0)]], [[(0, 1, "x")]]).calibration_error() == 0

    def test_what_is_calibrated_has_no_error(self) -> None:
        rng = np.random.default_rng(0)
        score = rng.random(20_000)
        correct = rng.random(20_000) < score
        arrays = {"document": np.zeros(20_000, dtype=int), "gold": np.array([1])}
        assert Scores(score=score, correct=correct, **arrays).calibration_error() < 0.02
        assert Scores(score=score**2, correct=correct, **arrays).calibration_error() > 0.1

    def test_the_common_threshold(self) -> None:
        """Sets count the same, however large: the small one's best beats the large one's."""
        low = Scores.of([[(0, 1, "x", 0.2)]], [[(0, 1, "x")]])
        wrong: list[Scored] = [(place, place + 1, "x", 0.3) for place in range(50)]
        high = Scores.of([[(99, 100, "x", 0.9), *wrong]], [[(99, 100, "x")]])
        assert high.f1(common_threshold([high])) == 1 and low.f1(common_threshold([low])) == 1
        both = common_threshold([low, high, high])
        assert 0.3 <= both < 0.9 and common_threshold([low, low, high]) < 0.2


def documents(rng: np.random.Generator, share: float, size: int = 300) -> np.ndarray:
    """Documents with four gold spans, of which that share is found, and four predictions."""
    correct = rng.binomial(4, share, size)
    return np.stack([correct, np.full(size, 4), np.full(size, 4)], axis=1)


class TestBootstrap:
    def test_f1_by_hand(self) -> None:
        assert f1_of(np.array([[3, 5, 4], [0, 0, 0], [2, 2, 2]])).tolist() == [6 / 9, 0.0, 1.0]

    def test_a_system_against_itself(self) -> None:
        own = [documents(np.random.default_rng(seed), 0.5) for seed in range(3)]
        assert bootstrap(own, own) == (0.0, 0.0, 0.0)

    def test_equal_systems(self) -> None:
        """Right as often, of other spans: the interval lies around zero in nearly all of twenty comparisons."""
        rng = np.random.default_rng(0)
        around = 0
        for _ in range(20):
            ours, theirs = ([documents(rng, 0.5) for _ in range(3)] for _ in range(2))
            difference, low, high = bootstrap(ours, theirs)
            assert low < difference < high and 0.02 < high - low < 0.2
            around += low < 0 < high
        assert around >= 17

    def test_a_better_system(self) -> None:
        """The difference is that of the plain averages, and the interval holds it and not zero."""
        rng = np.random.default_rng(0)
        ours, theirs = [documents(rng, 0.7), documents(rng, 0.6, 30)], [documents(rng, 0.5), documents(rng, 0.4, 30)]
        difference, low, high = bootstrap(ours, theirs)
        by_hand = [own[:, 0].sum() / own[:, 1].sum() for own in (*ours, *theirs)]
        assert difference == pytest.approx((by_hand[0] + by_hand[1] - by_hand[2] - by_hand[3]) / 2)
        assert 0 < low < difference < high
        assert bootstrap(theirs, ours) == pytest.approx((-difference, -high, -low))

    def test_documents_are_drawn_for_both(self) -> None:
        """Hard and easy ones alike: of systems that differ by a span in each document, the difference is nearly sure."""
        rng = np.random.default_rng(0)
        theirs = documents(rng, 0.5)
        ours = theirs.copy()
        ours[:, 0] = np.minimum(theirs[:, 0] + 1, 4)
        _, low, high = bootstrap([ours], [theirs])
        _, apart_low, apart_high = bootstrap([ours], [theirs[rng.permutation(len(theirs))]])
        assert high - low < 0.6 * (apart_high - apart_low)


def test_a_slope_and_an_offset_make_probabilities_of_scores_and_keep_their_order() -> None:
    rng = np.random.default_rng(0)
    logit = rng.normal(-1, 2, size=20_000)
    correct = rng.random(len(logit)) < 1 / (1 + np.exp(-(0.5 * logit + 1)))  # what a well-fitted slope and offset find again
    order = np.argsort(-logit)
    gold = np.array([int(correct.sum())])
    scores = Scores(
        score=1 / (1 + np.exp(-logit[order])), correct=correct[order], document=np.zeros(len(logit), dtype=int), gold=gold
    )
    slope, offset = platt([scores, scores])
    assert slope == pytest.approx(0.5, abs=0.03) and offset == pytest.approx(1, abs=0.05)
    fitted = scores.rescaled((slope, offset))
    assert np.all(np.diff(fitted.score) <= 0)
    assert fitted.best()[0] == pytest.approx(scores.best()[0])
    assert fitted.calibration_error() < 0.02 < scores.calibration_error()


def test_the_two_matchers_that_are_compared_differ_in_annotations_alone(datasets: Path) -> None:
    pool = read_pool(datasets, SOURCES, held_out_sets=HELD_OUT, held_out_share=1.0)
    sample = sample_by_type(pool, 15, 1)
    data = training_data(pool, sample, datasets)
    assert [item.tokens for item in data[ALL_TYPES]] == [item.tokens for item in sample]
    asked = quality_data.benchmark_types(datasets)
    assert asked == {"person", "gadget"} or asked == {"person"}
    for item in data[MASKED]:
        assert item.names and not asked & {normalise(name) for name in item.names}
        assert not asked & {normalise(name) for _, _, name in item.spans}
    assert any(asked & {normalise(name) for name in item.names} for item in sample)


def test_figures_that_are_not_measured_again_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "RESULTS", tmp_path)

    def result(system: str, commit: str, correct: int) -> dict[str, Any]:
        own = {name: {"f1": correct / 10, "best": 0.9, "seen": 0.5, "unseen": 0.5, "calibration_error": 0.1} for name in DEV_9}
        counts = {name: np.array([[correct, 10, 10], [0, 0, 0]]) for name in DEV_9}
        return {"system": system, "threshold": 0.5, "sets": own, "counts": counts, "commit": commit}

    quality.write_tables([result("a", "1111111", 6), result("b", "1111111", 4)], {"commit": "1111111" * 5}, "quality")
    quality.write_tables([result("a", "2222222", 8), result("c", "2222222", 5)], {"commit": "2222222" * 5}, "quality")
    content = json.loads((tmp_path / "quality.json").read_text())
    assert [(own["system"], own["commit"]) for own in content["results"]] == [
        ("a", "2222222"),
        ("c", "2222222"),
        ("b", "1111111"),
    ]
    compared = {(own["system"], own["against"]): (own["mean"], own["commit"]) for own in content["differences"]}
    assert compared == {("a", "c"): (pytest.approx(0.3), "2222222"), ("a", "b"): (pytest.approx(0.2), "1111111")}
    table = (tmp_path / "quality.md").read_text()
    assert "| b | 40.0 |" in table and "| a | 80.0 |" in table and "| a | 60.0 |" not in table
