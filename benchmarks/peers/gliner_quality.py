"""GLiNER (PyPI `gliner`), trained by its own trainer and asked for scored spans; runs in its own environment.

Settings: "encoder" (a folder) or "model" (what `train` saved), "is_bi", "threads". Words in, words out: its splitter is
told where the words are.
"""

import json
import random
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from gliner import GLiNER
from gliner.config import GLiNERConfig
from gliner.training import Trainer
from protocol import chunks, serve

warnings.filterwarnings("ignore")
MAX_TOKENS = 512  # of the encoder, prompt and text together
TEXT_ROOM = 256  # subwords kept free for the text behind the types
BATCH_SIZE = 16


class Spaces:
    """Words are what stands between single spaces."""

    def __call__(self, text: str) -> Iterator[tuple[str, int, int]]:
        """Each word with its offsets."""
        start = 0
        for word in text.split(" "):
            yield word, start, start + len(word)
            start += len(word) + 1


class GLiNERQuality:
    """A model, trained with `train` or read from a folder."""

    def __init__(self, settings: dict[str, Any]) -> None:
        torch.manual_seed(settings.get("seed", 0))
        if "model" in settings:
            self.model = GLiNER.from_pretrained(settings["model"], local_files_only=True)
        else:
            encoder = settings["encoder"]
            config = GLiNERConfig(model_name=encoder, labels_encoder=encoder if settings["is_bi"] else None)
            self.model = GLiNER.from_config(config)
        self.tokenizer = self.model.data_processor.transformer_tokenizer
        self.tokenizer.model_max_length = MAX_TOKENS
        self.model.data_processor.words_splitter = Spaces()
        self.is_bi = settings["is_bi"]
        self.labels: dict[str, torch.Tensor] = {}

    def train(
        self, file: str, folder: str, batch_size: int, learning_rate: float, head_learning_rate: float, num_negatives: int,
        focal: bool, num_examples: int, seed: int, save_steps: int = 100,
    ) -> dict[str, Any]:  # fmt: skip
        """One pass with `Trainer`: its arguments where we name none. Negative types are the sentence's own set's.

        A training that was killed goes on where its last checkpoint was written.
        """
        lines = Path(file).read_text(encoding="utf-8").splitlines()[:num_examples]
        data = [as_gliner(json.loads(line), num_negatives, seed) for line in lines]
        data = grouped_by_length(data, batch_size, seed)
        scratch = Path(f"{folder}.checkpoints")
        args = self.model.create_training_args(
            str(scratch), learning_rate=learning_rate, others_lr=head_learning_rate, others_weight_decay=0.01,
            per_device_train_batch_size=batch_size, max_steps=len(data) // batch_size, bf16=True, use_cpu=True,
            save_strategy="steps", save_steps=save_steps, save_total_limit=2, disable_tqdm=True, optim="adamw_torch_fused",
            logging_steps=25, seed=seed, dataloader_num_workers=0, train_sampling_strategy="sequential",
            focal_loss_alpha=0.75 if focal else -1, focal_loss_gamma=2 if focal else 0,
        )  # fmt: skip
        trainer = Trainer(
            model=self.model, args=args, train_dataset=data, eval_dataset=None,
            data_collator=self.model._create_data_collator(), processing_class=self.tokenizer,
        )  # fmt: skip
        # What the Trainer writes last: without it, a checkpoint was being written when the training was killed.
        whole = [file.parent for file in scratch.glob("checkpoint-*/trainer_state.json")]
        newest = max(whole, key=lambda checkpoint: int(checkpoint.name.rpartition("-")[2]), default=None)
        trainer.train(resume_from_checkpoint=None if newest is None else str(newest))
        self.model.save_pretrained(folder, safe_serialization=True)
        shutil.rmtree(scratch)
        self.model.eval()
        return {"loss": [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]}

    def predict(self, sentences: list[list[str]], types: list[str], floor: float) -> dict[str, Any]:
        """Spans [first word, end, type, score] above a probability, none overlapping another. All sentences get the same types.

        A bi-encoder gets all types at once; a uni-encoder as many as leave room for the text, best scores first of all runs.
        """
        runs, extra = [types], {}
        if self.is_bi:
            extra = {"labels_embeds": self.embedded(types)}
        else:
            runs = chunks(types, self.tokenizer, room=MAX_TOKENS - TEXT_ROOM, marker_tokens=1)
        order = sorted(range(len(sentences)), key=lambda index: len(sentences[index]))
        texts = [" ".join(sentences[index]) for index in order]
        found: list[list[Any]] = [[] for _ in sentences]
        for run in runs:
            tagged = self.model.inference(texts, run, threshold=floor, batch_size=BATCH_SIZE, **extra)
            for index, text, entities in zip(order, texts, tagged, strict=True):
                for item in entities:
                    start = text.count(" ", 0, item["start"])
                    end = text.count(" ", 0, item["end"]) + 1
                    found[index].append([start, end, item["label"], float(item["score"])])
        return {"spans": [flat(spans) for spans in found]}

    def embedded(self, types: list[str]) -> torch.Tensor:
        """Embeddings of types, each encoded once: GLiNER pads them all to 512 subwords, a second or more a type. (C, D)"""
        new = [name for name in types if name not in self.labels]
        if new:
            self.labels |= dict(zip(new, self.model.encode_labels(new, batch_size=BATCH_SIZE), strict=True))
        return torch.stack([self.labels[name] for name in types])


def grouped_by_length(data: list[dict[str, Any]], batch_size: int, seed: int) -> list[dict[str, Any]]:
    """Batches of sentences of about one length, in random order, as ours are: less padding, several times as fast."""
    rng = random.Random(seed)
    rng.shuffle(data)
    large = 50 * batch_size
    batches = []
    for start in range(0, len(data), large):
        block = sorted(data[start : start + large], key=lambda item: len(item["tokenized_text"]))
        batches += [block[first : first + batch_size] for first in range(0, len(block), batch_size)]
    rng.shuffle(batches)
    return [item for batch in batches for item in batch]


def flat(spans: list[Any]) -> list[Any]:
    """Best first, as GLiNER decodes one run."""
    kept: list[Any] = []
    for span in sorted(spans, key=lambda item: -item[3]):
        if all(span[1] <= other[0] or other[1] <= span[0] for other in kept):
            kept.append(span)
    return kept


def as_gliner(record: dict[str, Any], num_negatives: int, seed: int) -> dict[str, Any]:
    """A line of ours as GLiNER's: the last word of a span is inside it. Its own negatives where `num_negatives` is negative."""
    spans = [[span["start"], span["end"] - 1, span["label"]] for span in record["token_spans"]]
    example = {"tokenized_text": record["tokens"], "ner": spans}
    if num_negatives >= 0:
        present = {label for _, _, label in spans}
        absent = sorted(set(record["labels"]) - present)
        rng = random.Random(f"{seed} {record['tokens']}")
        example["ner_negatives"] = rng.sample(absent, min(num_negatives, len(absent)))
    return example


if __name__ == "__main__":
    serve(GLiNERQuality)  # type: ignore[arg-type]
