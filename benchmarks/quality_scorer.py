"""One scorer for all systems of the quality benchmark: scored spans in words against gold, exact span and type.

Predictions are flat and best first, so that leaving out what is below a threshold gives what decoding with it would.

Legend: D documents, P predictions of one test set.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.linear_model import LogisticRegression

from spanmatch.entities import normalise

# Of a prediction: first word, end, type name, score. Of gold: the same without a score.
Scored = tuple[int, int, str, float]
Gold = tuple[int, int, str]
NUM_RESAMPLES = 2000
NUM_BINS = 10
PLATEAU = 0.02


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The predictions of one test set as arrays: `score`, `correct` and `document` are (P,), `gold` is (D,)."""

    score: np.ndarray
    correct: np.ndarray
    document: np.ndarray
    gold: np.ndarray

    @classmethod
    def of(
        cls,
        predicted: Sequence[Sequence[Scored]],
        gold: Sequence[Sequence[Gold]],
        counted: frozenset[str] | set[str] | None = None,
    ) -> "Scores":
        """Compare, counting only types whose normalised name is in `counted`, all by default."""
        rows, per_document = [], []
        for document, (found, true) in enumerate(zip(predicted, gold, strict=True)):
            wanted = {tuple(item) for item in true if counted is None or normalise(item[2]) in counted}
            per_document.append(len(wanted))
            for start, end, name, score in found:
                if counted is None or normalise(name) in counted:
                    rows.append((score, (start, end, name) in wanted, document))
        columns = np.array(rows, dtype=float).reshape(-1, 3).T
        order = np.argsort(-columns[0], kind="stable")
        return cls(
            score=columns[0][order],
            correct=columns[1][order].astype(bool),
            document=columns[2][order].astype(int),
            gold=np.array(per_document),
        )

    def counts(self, threshold: float) -> np.ndarray:
        """Correct, predicted and gold spans of each document above a threshold. Shape: (D, 3)."""
        passed = self.score > threshold
        size = len(self.gold)
        correct = np.bincount(self.document[passed & self.correct], minlength=size)
        return np.stack([correct, np.bincount(self.document[passed], minlength=size), self.gold], axis=1)

    def f1(self, threshold: float) -> float:
        """Micro F1 at a threshold; 0 where there is nothing to find."""
        return float(f1_of(self.counts(threshold).sum(axis=0)))

    def best(self) -> tuple[float, float]:
        """The best F1 in hindsight and the threshold that gives it."""
        if not len(self.score) or not self.gold.sum():
            return 0.0, 0.5
        found = np.arange(1, len(self.score) + 1)
        f1 = 2 * np.cumsum(self.correct) / (found + self.gold.sum())
        f1[:-1][self.score[:-1] == self.score[1:]] = 0  # between equal scores there is no threshold
        at = int(np.argmax(f1))
        below = self.score[at + 1] if at + 1 < len(self.score) else 0.0
        return float(f1[at]), float((self.score[at] + below) / 2)

    def rescaled(self, scaling: tuple[float, float]) -> "Scores":
        """The same with other probabilities: a slope and an offset for the logits. What is below the floor of asking is gone."""
        slope, offset = scaling
        return replace(self, score=1 / (1 + np.exp(-(slope * logits(self.score) + offset))))

    def calibration_error(self, floor: float = 0.05) -> float:
        """Expected calibration error of the scores above a floor: bins of equal width, weighed by their number.

        Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 2.
        """
        kept = self.score > floor
        if not kept.any():
            return 0.0
        score, correct = self.score[kept], self.correct[kept]
        bins = np.minimum((score * NUM_BINS).astype(int), NUM_BINS - 1)
        sums = [np.bincount(bins, weights=values, minlength=NUM_BINS) for values in (score, correct.astype(float))]
        return float(np.abs(sums[0] - sums[1]).sum() / len(score))


def logits(score: np.ndarray) -> np.ndarray:
    """Of probabilities; 1, to which a float32 rounds, is as much as it can be."""
    clipped = np.clip(score, 1e-7, 1 - 1e-7)
    return np.log(clipped / (1 - clipped))


def platt(scores: Sequence[Scores]) -> tuple[float, float]:
    """The slope and the offset of logits that make scores probabilities; each test set counts the same.

    Source: Platt, "Probabilistic Outputs for Support Vector Machines", Advances in Large Margin Classifiers, MIT Press 1999.
    """
    used = [item for item in scores if len(item.score)]
    inputs = np.concatenate([logits(item.score) for item in used])[:, None]
    weights = np.concatenate([np.full(len(item.score), 1 / len(item.score)) for item in used])
    model = LogisticRegression(C=np.inf).fit(inputs, np.concatenate([item.correct for item in used]), weights * len(inputs))
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def f1_of(counts: np.ndarray) -> np.ndarray:
    """F1 of (..., 3) correct, predicted and gold spans."""
    correct, predicted, gold = np.moveaxis(counts, -1, 0)
    return 2 * correct / np.maximum(predicted + gold, 1)


def common_threshold(scores: Sequence[Scores]) -> float:
    """The threshold of the best plain average of F1 over test sets: each counts the same, as in the results.

    Averages within `PLATEAU` of the best differ by chance, on a few hundred sentences: of their thresholds it is the one in
    the middle.
    """
    grid = np.unique(np.concatenate([np.linspace(0.01, 0.99, 197), *(item.score[:2000] for item in scores)]).round(3))
    means = np.array([np.mean([item.f1(threshold) for item in scores]) for threshold in grid])
    good = grid[means >= (1 - PLATEAU) * means.max()]
    middle = logits(good[[0, -1]]).mean()
    return round(float(1 / (1 + np.exp(-middle))), 3)


def bootstrap(ours: Sequence[np.ndarray], theirs: Sequence[np.ndarray], seed: int = 0) -> tuple[float, float, float]:
    """Difference of the plain averages of micro F1, with its 95% interval: documents of each set drawn anew, the same for both.

    Args:
        ours, theirs: per test set, what `Scores.counts` gives.
    """
    rng = np.random.default_rng(seed)
    drawn = np.zeros(NUM_RESAMPLES)
    difference = 0.0
    for own, other in zip(ours, theirs, strict=True):
        size = len(own)
        difference += float(f1_of(own.sum(axis=0)) - f1_of(other.sum(axis=0)))
        # How often each document is drawn, for all resamples at once.
        weights = rng.multinomial(size, np.full(size, 1 / size), size=NUM_RESAMPLES)
        drawn += f1_of(weights @ own) - f1_of(weights @ other)
    low, high = np.quantile(drawn / len(ours), [0.025, 0.975])
    return difference / len(ours), float(low), float(high)
