"""Hold the results of one row of a comparison: how a method did on the test files, and what it cost."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from spanmatch.data.corpus import Corpus
from spanmatch.data.files import read_json, write_whole
from spanmatch.data.words import mention_in_units
from spanmatch.entities import Entity, Mention
from spanmatch.evaluation.breakdown import Seen, seen_and_new, word_accuracy
from spanmatch.evaluation.confidence import macro_f1_interval
from spanmatch.evaluation.evaluate import Evaluation

# Score and span of each predicted mention, example by example, in the units that are compared with gold.
Scored = list[dict[Mention, float]]


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Holds what a row cost. None is what cannot be said, such as the parameters of a model behind a server.

    Attributes:
        train_seconds: seconds of training, without loading and evaluating.
        train_memory_bytes: most resident memory of the process that trained.
        memory_bytes: most resident memory of the process that evaluated.
        trained_parameters: number of weights that were trained.
        parameters: number of all weights of the model.
        latency_seconds: seconds for a single text, the median.
        texts_per_second: texts per second in batches, over the first test file.
        encoder_share: seconds of the encoder alone, as a share of all.
    """

    train_seconds: float | None = None
    train_memory_bytes: int | None = None
    memory_bytes: int | None = None
    trained_parameters: int | None = None
    parameters: int | None = None
    latency_seconds: float | None = None
    texts_per_second: float | None = None
    encoder_share: float | None = None


@dataclass(frozen=True, kw_only=True)
class RowResult:
    """Holds a row of a comparison, as one JSON file has it.

    Attributes:
        name: the name of the row.
        method: how it was made.
        size: training sentences of a point of a learning curve; None for the row itself.
        num_train: sentences that it was trained on; None if it was not trained.
        settings: what the result depends on; a result with other settings is not this one's.
        tests: scores and predictions on each test file, by its name (see `kept_scores`).
        costs: what it cost.
        error: why there is no result, in one line; None if there is one.
    """

    name: str
    method: str
    settings: Mapping[str, Any]
    size: int | None = None
    num_train: int | None = None
    tests: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    costs: Costs = field(default_factory=Costs)
    error: str | None = None

    def save(self, path: Path) -> None:
        """Write the row, whole or not at all.

        Args:
            path: the JSON file.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(asdict(self), ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, path: Path) -> "RowResult":
        """Read a row.

        Args:
            path: the JSON file that `save` wrote.

        Raises:
            InputError: the file cannot be read.
        """
        content = read_json(path, "remove it, and compare again")
        return cls(**content | {"costs": Costs(**content["costs"])})


def kept_scores(corpus: Corpus, evaluation: Evaluation, format: str, seen: Seen, seconds: float) -> dict[str, Any]:
    """Return what a row keeps of an evaluation: metrics, their breakdown, and the predictions that they follow from.

    Args:
        corpus: the test file.
        evaluation: what the tagger found in it.
        format: "text" or "tokens": the units in which predictions were compared with gold.
        seen: what occurs in the training data.
        seconds: seconds of the evaluation.
    """
    found = found_mentions(corpus, evaluation.predicted, format)
    gold = [example.mentions for example in corpus.examples]
    scores = evaluation.metrics.as_dict()
    scores["macro"]["f1_interval"] = list(macro_f1_interval(gold, found))
    scores["accuracy"] = word_accuracy(corpus.examples, found)
    scores["breakdown"] = {
        name: {"f1": counts.f1, "support": counts.num_gold, "predicted": counts.num_predicted}
        for name, counts in seen_and_new(corpus.examples, found, seen).items()
    }
    scores["seconds"] = seconds
    scores["predicted"] = [
        [[mention.start, mention.end, mention.label, round(score, 4)] for mention, score in mentions.items()]
        for mentions in found
    ]
    return scores | ({"seqeval": evaluation.seqeval} if evaluation.seqeval is not None else {})


def found_mentions(corpus: Corpus, predicted: Sequence[Sequence[Entity]], format: str) -> Scored:
    """Return predictions in the form that is compared with gold, with their scores.

    Args:
        corpus: the test file.
        predicted: the entities of each example.
        format: "text" or "tokens".
    """
    # Two predictions can grow to the same tokens: the higher score comes last and stays.
    return [
        {mention_in_units(item.mention, example.words, format): item.score for item in sorted(items, key=lambda one: one.score)}
        for example, items in zip(corpus.examples, predicted, strict=True)
    ]


def stored_mentions(scores: Mapping[str, Any]) -> Scored:
    """Return the predictions that `kept_scores` stored.

    Args:
        scores: what a row keeps of a test file.
    """
    return [
        {Mention(start=start, end=end, label=label): score for start, end, label, score in mentions}
        for mentions in scores["predicted"]
    ]
