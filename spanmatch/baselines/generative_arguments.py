"""Define the configuration of `spanmatch fit generative`: its keys, their defaults, and their check."""

from collections.abc import Sequence
from dataclasses import dataclass

from spanmatch.model.packaged import GEMMA
from spanmatch.training.arguments import LoraArguments, MatcherTrainingArguments, check_at_least, key
from spanmatch.training.effects import LORA_RULE, TRAINER_RULES, Rule


@dataclass(kw_only=True)
class GenerativeArguments(LoraArguments):
    """Holds what the training of a generative model is about.

    The help text of each field says what it means.

    Raises:
        InputError: a value is not valid.
    """

    model: str = key(GEMMA, "Hub id or folder of a causal language model, base or chat.")
    max_length: int | None = key(
        None, "Tokens of instruction, text and answer together; longer texts are cut into parts; None: at most 1024."
    )
    constrained: bool = key(
        False, "When tagging, write nothing but answers that can be read (pip install 'spanmatch[constrained]')."
    )
    lora_rank: int = key(16, "Train adapters of this rank instead of all weights (LoRA, pip install 'spanmatch[lora]'); 0: all.")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least(self, 64, "max_length")


@dataclass(kw_only=True)
class GenerativeTrainingArguments(MatcherTrainingArguments):
    """Holds `transformers.TrainingArguments`, with defaults that suit a generative model."""

    output_dir: str | None = key("models/generative", "Folder of the checkpoints and of the final model.")
    per_device_train_batch_size: int = key(8, "Texts of a training batch, for each process.")
    per_device_eval_batch_size: int = key(16, "Texts that are read at a time when the model is evaluated.")
    learning_rate: float = key(2e-4, "Learning rate of the adapters, or of all weights.")
    num_train_epochs: float = key(3.0, "Number of passes over the training data.")
    # "no", because generation is slow; the final model is evaluated in any case.
    eval_strategy: str | None = key("no", "When to evaluate during the training, by generating: no, steps or epoch.")


GENERATIVE_RULES: Sequence[Rule] = (LORA_RULE, *TRAINER_RULES)
