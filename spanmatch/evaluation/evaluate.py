"""Gold against predicted: tag a corpus, in the units of its format, and count."""

from collections.abc import Sequence
from dataclasses import dataclass

from tqdm.auto import tqdm

from spanmatch.batching.batcher import LAST_WINDOW
from spanmatch.batching.candidates import Unrepresentable
from spanmatch.data.corpus import Corpus
from spanmatch.data.examples import Example
from spanmatch.data.words import chars_to_tokens, tokens_to_chars
from spanmatch.entities import Entity, Mention
from spanmatch.evaluation.metrics import Metrics, evaluate
from spanmatch.evaluation.seqeval_scores import seqeval_scores
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.processes import is_main_process
from spanmatch.prediction.thresholds import Threshold


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A tagged corpus and its metrics; `seqeval` is None in text format and where spans overlap."""

    metrics: Metrics
    predicted: list[list[Entity]]
    seqeval: dict[str, float] | None


def unrepresentable(matcher: SpanMatcher, corpus: Corpus) -> Unrepresentable:
    """The gold that no candidate of this matcher can represent."""
    lost = Unrepresentable()
    matcher.batcher.windows(corpus.examples, lost)
    return lost


def tag_corpus(
    matcher: SpanMatcher,
    corpus: Corpus,
    *,
    threshold: Threshold | None,
    overlap: str,
    batch_size: int | None,
    progress: bool = False,
) -> list[list[Entity]]:
    """Tag every example with the types of its inventory; the processes of a launch share the work, each has the result."""
    tagged = matcher.stream(
        corpus.examples, threshold=threshold, overlap=overlap, batch_size=batch_size, shared=True, window_size=LAST_WINDOW
    )
    hidden = not (progress and is_main_process())
    return list(tqdm(tagged, total=len(corpus.examples), unit="text", desc="tagging", disable=hidden))


def evaluate_corpus(
    matcher: SpanMatcher,
    corpus: Corpus,
    *,
    format: str,
    threshold: Threshold | None,
    overlap: str = "flat",
    batch_size: int | None = None,
    progress: bool = False,
) -> Evaluation:
    """Tag and score a corpus. Gold that no candidate can represent stays in as a miss."""
    predicted = tag_corpus(matcher, corpus, threshold=threshold, overlap=overlap, batch_size=batch_size, progress=progress)
    found = [
        [mention_in_units(entity.mention, example, format) for entity in entities]
        for example, entities in zip(corpus.examples, predicted, strict=True)
    ]
    metrics = evaluate([example.mentions for example in corpus.examples], found, types=[item.label for item in corpus.types])
    return Evaluation(metrics=metrics, predicted=predicted, seqeval=_seqeval(corpus, predicted) if format == "tokens" else None)


def mention_in_units(mention: Mention, example: Example, format: str) -> Mention:
    """A mention as it is compared with gold: in characters also for tokens, but then all of the tokens that it touches.

    Gold off the token boundaries then matches nothing, as it should.
    """
    return mention if format == "text" else tokens_to_chars([chars_to_tokens(mention, example.words)], example.words)[0]


def _seqeval(corpus: Corpus, predicted: Sequence[Sequence[Entity]]) -> dict[str, float] | None:
    gold_chars = [example.mentions for example in corpus.examples]
    gold = [[chars_to_tokens(mention, example.words) for mention in example.mentions] for example in corpus.examples]
    if any(
        tokens_to_chars(tokens, example.words) != chars
        for tokens, chars, example in zip(gold, gold_chars, corpus.examples, strict=True)
    ):
        return None
    found = [
        [chars_to_tokens(entity.mention, example.words) for entity in entities]
        for example, entities in zip(corpus.examples, predicted, strict=True)
    ]
    return seqeval_scores(gold, found, [len(example.words) for example in corpus.examples])


