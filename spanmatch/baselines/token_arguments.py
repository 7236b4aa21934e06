"""Define the configuration of `spanmatch fit token` and `spanmatch fit llm`: its keys, their defaults, and their check."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from spanmatch.errors import InputError
from spanmatch.model.pretrained import DEFAULT_ENCODER
from spanmatch.training.arguments import LoraArguments, MatcherTrainingArguments, check_at_least, check_choice, key
from spanmatch.training.effects import LORA_RULE, TRAINER_RULES, Rule

LOSSES = ("cross_entropy", "weighted", "focal", "mom")
ATTENTION = ("as_trained", "bidirectional", "causal")


@dataclass(kw_only=True)
class TokenArguments(LoraArguments):
    """Holds what the training of a token classifier is about.

    The help text of each field says what it means.

    Raises:
        InputError: a value is not valid.
    """

    model: str = key(DEFAULT_ENCODER, "Hub id or folder of an encoder, a decoder, or a token classifier to train further.")
    loss: str = key("cross_entropy", "cross_entropy, weighted (by inverse frequency of the tags), focal or mom.")
    focal_gamma: float = key(2.0, "Focal loss: how strongly tokens that are right already weigh less.")
    mom_share: float = key(0.5, "MoM loss: share of the cross-entropy of all tokens, in [0, 1]; the rest is that of O alone.")
    max_length: int | None = key(None, "Window in subwords; None: as the encoder allows, at most 512.")
    attention: str = key("as_trained", "as_trained; or of a decoder: bidirectional (it sees what follows a word) or causal.")
    load_in_4bit: bool = key(False, "Read the weights in four bits (bitsandbytes, on a GPU); only adapters are trained.")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("loss", self.loss, LOSSES)
        check_choice("attention", self.attention, ATTENTION)
        check_at_least(self, 0, "focal_gamma", "mom_share")
        check_at_least(self, 8, "max_length")
        if self.mom_share > 1:
            raise InputError(f"mom_share must lie in [0, 1], got {self.mom_share}")


@dataclass(kw_only=True)
class LlmArguments(TokenArguments):
    """Holds what turning a decoder into a tagger is about: the same, with defaults that suit one."""

    attention: str = key("bidirectional", "bidirectional (it sees what follows a word), causal, or as_trained.")
    lora_rank: int = key(16, "Train adapters of this rank instead of all weights (LoRA, pip install 'spanmatch[lora]'); 0: all.")


@dataclass(kw_only=True)
class TokenTrainingArguments(MatcherTrainingArguments):
    """Holds `transformers.TrainingArguments`, with defaults that suit a token classifier."""

    output_dir: str | None = key("models/token_classifier", "Folder of the checkpoints and of the final model.")
    num_train_epochs: float = key(3.0, "Number of passes over the training data.")


TOKEN_RULES: Sequence[Rule] = (
    Rule(keys=["focal_gamma"], when=lambda given: given.loss != "focal", why='unless "loss" is "focal"', even_zero=True),
    Rule(keys=["mom_share"], when=lambda given: given.loss != "mom", why='unless "loss" is "mom"', even_zero=True),
    replace(LORA_RULE, keys=[*LORA_RULE.keys, "load_in_4bit"]),
    *TRAINER_RULES,
)
