"""GLiNER's own trainer (PyPI `gliner`); runs in its own environment.

Settings: "encoder" (a folder), "is_bi", "train_file" (JSONL with tokens and token spans), "threads". The text encoder, and
the encoder of labels, start from the weights of that encoder.
"""

import json
import random
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from gliner import GLiNER
from gliner.config import GLiNERConfig
from gliner.training import Trainer
from protocol import serve
from transformers import TrainerCallback

warnings.filterwarnings("ignore")


class Clock(TrainerCallback):
    """Seconds from the end of the warm-up to the end of the last step."""

    def __init__(self, warm_up: int) -> None:
        self.warm_up = warm_up
        self.start = self.seconds = 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called after each optimizer step."""
        if state.global_step == self.warm_up:
            self.start = time.perf_counter()
        elif state.global_step == state.max_steps:
            self.seconds = time.perf_counter() - self.start


class GLiNERTraining:
    """A model, its data, and blocks of training steps."""

    def __init__(self, settings: dict[str, Any]) -> None:
        encoder = settings["encoder"]
        config = GLiNERConfig(model_name=encoder, labels_encoder=encoder if settings["is_bi"] else None)
        self.model = GLiNER.from_config(config)
        self.model.data_processor.transformer_tokenizer.model_max_length = 512
        lines = Path(settings["train_file"]).read_text(encoding="utf-8").splitlines()
        self.data = [as_gliner(json.loads(line)) for line in lines]
        random.Random(settings.get("seed", 42)).shuffle(self.data)

    def block(self, steps: int, warm_up: int, batch_size: int, learning_rate: float) -> dict[str, float]:
        """Train some steps as `train_model` does: its arguments where we name none, bfloat16."""
        with tempfile.TemporaryDirectory() as folder:
            args = self.model.create_training_args(
                folder, learning_rate=learning_rate, per_device_train_batch_size=batch_size, max_steps=warm_up + steps,
                bf16=True, use_cpu=True, save_strategy="no", disable_tqdm=True,
            )  # fmt: skip
            clock = Clock(warm_up)
            trainer = Trainer(
                model=self.model, args=args, train_dataset=self.data, eval_dataset=None,
                data_collator=self.model._create_data_collator(),
                processing_class=self.model.data_processor.transformer_tokenizer, callbacks=[clock],
            )  # fmt: skip
            trainer.train()
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
        return {"seconds": clock.seconds, "sentences": steps * batch_size, "loss": losses[-1] if losses else float("nan")}

    def save(self, folder: str) -> dict[str, str]:
        """Write a checkpoint that GLiNER reads with no network."""
        self.model.save_pretrained(folder, safe_serialization=True)
        return {}


def as_gliner(record: dict[str, Any]) -> dict[str, Any]:
    """A line of ours as GLiNER's: the last word of a span is inside it."""
    spans = [[span["start"], span["end"] - 1, span["label"]] for span in record["token_spans"]]
    return {"tokenized_text": record["tokens"], "ner": spans}


if __name__ == "__main__":
    serve(GLiNERTraining)  # type: ignore[arg-type]
