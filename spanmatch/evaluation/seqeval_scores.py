"""Score spans of tokens with seqeval, the usual library for IOB2 tags."""

import importlib.util
import logging
from collections.abc import Collection, Mapping, Sequence

from spanmatch.entities import Mention
from spanmatch.evaluation.error_classes import Mentions, check_lengths, is_flat

logger = logging.getLogger(__name__)


def seqeval_scores(gold: Mentions, predicted: Mentions, num_tokens_per_example: Sequence[int]) -> dict[str, float] | None:
    """Score predictions against gold with seqeval, in strict mode with scheme IOB2.

    Args:
        gold: gold mentions of each example, with offsets in tokens.
        predicted: predicted mentions of each example, with offsets in tokens, in the order of `gold`.
        num_tokens_per_example: number of tokens of each example.

    Returns:
        Micro "precision", "recall" and "f1", in [0, 1]. None if mentions of an example overlap in the gold or in the
        predictions: IOB2 tags cannot represent overlaps. None, too, where seqeval is not installed, as beside an exported model.

    Raises:
        ValueError: the arguments differ in length, or a mention ends after the last token of its example.
    """
    check_lengths(gold=gold, predicted=predicted, num_tokens_per_example=num_tokens_per_example)
    if not (is_flat(gold) and is_flat(predicted)):
        return None
    if importlib.util.find_spec("seqeval") is None:
        logger.warning("seqeval is not installed, so its scores are left out")
        return None
    from seqeval.metrics.v1 import precision_recall_fscore_support  # imports scikit-learn, which takes a second
    from seqeval.scheme import IOB2

    # seqeval strips "-" from labels, so "a" and "a-" would be one; numbers keep them apart.
    ids = {label: str(index) for index, label in enumerate(sorted({m.label for ms in (*gold, *predicted) for m in ms}))}
    if not ids:
        return {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    sides = [zip(side, num_tokens_per_example, strict=True) for side in (gold, predicted)]
    tags = [[_iob2_tags(mentions, num_tokens, ids) for mentions, num_tokens in side] for side in sides]
    precision, recall, f1, _ = precision_recall_fscore_support(*tags, average="micro", scheme=IOB2, zero_division=0)
    return {"precision": float(precision), "recall": float(recall), "f1": float(f1)}


def _iob2_tags(mentions: Collection[Mention], num_tokens: int, ids: Mapping[str, str]) -> list[str]:
    tags = ["O"] * num_tokens
    for mention in mentions:
        if mention.end > num_tokens:
            raise ValueError(f"{mention} ends after its example's {num_tokens} tokens; give offsets in tokens")
        inside = ["I-" + ids[mention.label]] * (mention.end - mention.start - 1)
        tags[mention.start : mention.end] = ["B-" + ids[mention.label], *inside]
    return tags
