"""Second looks at an evaluation: how predictions go wrong, what no flat prediction could get right, what seqeval says.

Offsets are half-open, in characters or in tokens, the same unit throughout a call.
"""

from collections.abc import Collection, Mapping, Sequence

from spanmatch.entities import Mention
from spanmatch.evaluation.error_classes import Mentions, check_lengths, is_flat


def seqeval_scores(gold: Mentions, predicted: Mentions, num_tokens_per_example: Sequence[int]) -> dict[str, float] | None:
    """Return micro `precision`, `recall` and `f1` of token spans by seqeval, strict mode, scheme IOB2.

    None where mentions overlap in the gold or in the predictions: tags cannot say that. seqeval takes the label from a tag
    by cutting at its first character and stripping "-", so that labels "a" and "a-" would be one: it is given numbers.

    Raises:
        ValueError: the arguments differ in length, or a mention ends after the last token of its example.
    """
    check_lengths(gold=gold, predicted=predicted, num_tokens_per_example=num_tokens_per_example)
    if not (is_flat(gold) and is_flat(predicted)):
        return None
    from seqeval.metrics.v1 import precision_recall_fscore_support  # here, since it takes a second to import scikit-learn
    from seqeval.scheme import IOB2

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


