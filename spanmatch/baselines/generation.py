"""Let a causal language model answer prompts: in batches, greedily, with the probability of each token.

Legend: B batch, T tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from spanmatch.baselines.chat_format import STOP

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, kw_only=True)
class Written:
    """Holds what a model wrote.

    Attributes:
        text: the answer.
        ends: where the text of each token ends in it. Length: T.
        log_probabilities: that of each token. Length: T.
    """

    text: str
    ends: list[int]
    log_probabilities: list[float]

    def between(self, start: int, end: int) -> list[float]:
        """Return the log-probabilities of the tokens that wrote a part of the answer.

        Args:
            start: the first character of the part.
            end: the character after its last.
        """
        starts = [0, *self.ends]
        triples = zip(starts, self.ends, self.log_probabilities, strict=False)
        return [value for first, last, value in triples if last > start and first < end]


def generate(
    model: Any,
    tokenizer: "PreTrainedTokenizerBase",
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    constraint: LogitsProcessor | None = None,
) -> list[Written]:
    """Return what a model writes after each prompt. It always chooses the most probable token.

    Args:
        model: the model, whose generation settings are those of greedy decoding.
        tokenizer: its tokenizer, with a padding token.
        prompts: the tokens of each prompt.
        max_new_tokens: where an answer ends that does not end by itself.
        constraint: says which tokens are allowed; it decides when an answer ends. By default all are, and an answer ends at
            the line `[stop]`.
    """
    recorder = _Recorder()
    rows = [torch.tensor(ids) for ids in prompts]
    # On the left, so that all answers begin at the same place.
    prompt_BT = pad_sequence(rows, batch_first=True, padding_value=_pad(tokenizer), padding_side="left")
    mask_BT = pad_sequence([torch.ones_like(ids) for ids in rows], batch_first=True, padding_side="left")
    with torch.inference_mode():
        written_BT = model.generate(
            input_ids=prompt_BT.to(model.device),
            attention_mask=mask_BT.to(model.device),
            max_new_tokens=max_new_tokens,
            logits_processor=LogitsProcessorList([*([] if constraint is None else [constraint]), recorder]),
            stopping_criteria=StoppingCriteriaList([_StopLine(tokenizer)] if constraint is None else []),
        )[:, prompt_BT.shape[1] :]
    return [_decoded(tokenizer, ids, values) for ids, values in zip(written_BT.tolist(), recorder.values().tolist(), strict=True)]


def _pad(tokenizer: Any) -> int:
    return int(tokenizer.pad_token_id)


def _decoded(tokenizer: "PreTrainedTokenizerBase", ids: list[int], values: list[float]) -> Written:
    """Return the text of tokens, up to the first that ends it."""
    final = {tokenizer.eos_token_id, _pad(tokenizer)}
    length = next((place for place, token in enumerate(ids) if token in final), len(ids))
    # Several tokens may spell one character, so each beginning is decoded, and no token alone.
    texts = [
        tokenizer.decode(ids[: place + 1], skip_special_tokens=True, clean_up_tokenization_spaces=False)
        for place in range(length)
    ]
    text = str(texts[-1]) if texts else ""
    return Written(text=text, ends=[len(beginning) for beginning in texts], log_probabilities=values[:length])


class _Recorder(LogitsProcessor):
    """Keeps the log-probability of each token that greedy decoding chooses, which is the highest. It has to come last."""

    def __init__(self) -> None:
        self.steps: list[torch.Tensor] = []

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        del input_ids
        self.steps.append(scores.amax(dim=-1) - scores.logsumexp(dim=-1))
        return scores

    def values(self) -> torch.Tensor:
        """Return those of all steps. Shape: (B, T)."""
        return torch.stack(self.steps, dim=1).float().cpu()


class _StopLine(StoppingCriteria):
    """Ends an answer at the line `[stop]`.

    The library's own stop strings look through the whole vocabulary first, which takes long where it is large.
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        self.tokenizer = tokenizer

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor, **kwargs: Any) -> torch.BoolTensor:
        del scores, kwargs
        last = [self.tokenizer.decode(ids, clean_up_tokenization_spaces=False) for ids in input_ids[:, -len(STOP) - 1 :]]
        stopped = [str(end).rstrip().rpartition("\n")[2].endswith(STOP) for end in last]
        return torch.tensor(stopped, device=input_ids.device)  # type: ignore[return-value]
