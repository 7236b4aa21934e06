"""Training: sampled types, the collator, and a `transformers.Trainer` with our loss, learning rates and evaluation.

Legend: B batch, U units, W widths, C types.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset, Sampler
from transformers import ProgressCallback, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_pt_utils import LengthGroupedSampler

from spanmatch.batching import Tokenizing, collate_gold, collate_texts, collate_types
from spanmatch.checkpoints import save_checkpoint
from spanmatch.config import MatcherArguments, MatcherTrainingArguments
from spanmatch.data import Corpus
from spanmatch.entities import EntityType
from spanmatch.evaluation import best_f1
from spanmatch.predictor import SpanMatcher
from spanmatch.views import View

HEAD_LEARNING_RATE_FACTOR = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingItem:
    """A view with the types drawn for it, and how each is written this time."""

    view: View
    type_texts: tuple[str, ...]


class TrainingViews(Dataset[TrainingItem]):
    """Views of the training texts. What is drawn is a function of seed, epoch and position: a resumed run is the same run."""

    def __init__(self, views: Sequence[View], arguments: MatcherArguments, seed: int) -> None:
        self.views = views
        self.arguments = arguments
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.views)

    def set_epoch(self, epoch: int) -> None:
        """Called at the start of each epoch."""
        self.epoch = epoch

    def __getitem__(self, index: int) -> TrainingItem:
        view, rng = self.views[index], np.random.default_rng((self.seed, self.epoch, index))
        present = {label for _, _, label in view.tokenized.gold}
        positive = [item for item in view.types if item.label in present]
        negative = [item for item in view.types if item.label not in present]
        if len(negative) > self.arguments.num_negative_types:
            chosen = rng.choice(len(negative), self.arguments.num_negative_types, replace=False)
            negative = [negative[position] for position in sorted(chosen.tolist())]
        types = positive + negative
        if self.arguments.type_dropout:
            kept = rng.random(len(types)) >= self.arguments.type_dropout
            types = [item for item, keep in zip(types, kept, strict=True) if keep] or types[:1]
        texts = tuple(write_type(item, self.arguments.type_texts, rng) for item in types)
        return TrainingItem(view=replace(view, types=tuple(types)), type_texts=texts)


def write_type(entity_type: EntityType, mode: str, rng: np.random.Generator) -> str:
    """How a type is shown to the type encoder: "both" name and description, "name", or "mixed": a draw of the ways there are."""
    if mode == "name":
        return entity_type.name
    if mode == "both":
        return entity_type.text
    ways = [entity_type.name, entity_type.text, *entity_type.aliases]
    if entity_type.description:
        ways.append(entity_type.description)
    return ways[int(rng.integers(len(ways)))]


@dataclass(frozen=True, kw_only=True)
class TrainingCollator:
    """Items to tensors. The columns of a batch are all types drawn for any of its texts: each text's are negatives of the
    others, as far as those were annotated for them."""

    text_tokenizing: Tokenizing
    type_tokenizing: Tokenizing
    max_span_width: int

    def __call__(self, items: Sequence[TrainingItem]) -> dict[str, Any]:
        """Texts, types, positives and valid cells of a batch."""
        columns: dict[str, tuple[EntityType, str]] = {}
        for item in items:
            for entity_type, text in zip(item.view.types, item.type_texts, strict=True):
                columns.setdefault(entity_type.key, (entity_type, text))
        views = [item.view for item in items]
        texts = collate_texts(views, self.text_tokenizing, self.max_span_width)
        positives, valid = collate_gold(views, [entity_type for entity_type, _ in columns.values()], texts)
        types = collate_types([text for _, text in columns.values()], self.type_tokenizing)
        return {"texts": texts, "types": types, "positives": positives, "valid": valid}


class EpochSampler(Sampler[int]):
    """Batches of texts of about one length, in an order that is a function of seed and epoch."""

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self.generator = torch.Generator()
        self.grouped = LengthGroupedSampler(batch_size, lengths=list(lengths), generator=self.generator)
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called at the start of each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.grouped)

    def __iter__(self) -> Iterator[int]:
        self.generator.manual_seed(self.seed * 1_000_003 + self.epoch)
        indices = list(self.grouped)
        # The library's order runs from long to short within each of its large groups: shuffle the batches, longest first.
        batches = [indices[start : start + self.batch_size] for start in range(0, len(indices), self.batch_size)]
        whole = batches[:-1] if len(batches[-1]) < self.batch_size else batches
        order = torch.randperm(len(whole), generator=self.generator).tolist()
        shuffled = [whole[position] for position in order] + batches[len(whole) :]
        return iter(index for batch in shuffled for index in batch)


class LossAndF1Progress(ProgressCallback):
    """The Trainer's progress bar, with the latest loss and F1 beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.latest: dict[str, str] = {}

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict[str, float] | None = None, **kwargs: Any
    ) -> None:
        """Show, rather than print, what is logged."""
        for key, name in (("loss", "loss"), ("eval_f1", "F1")):
            if logs and key in logs:
                self.latest[name] = f"{float(logs[key]):.4f}"
        if state.is_world_process_zero and self.training_bar is not None:
            self.training_bar.set_postfix(self.latest)


class MatcherTrainer(Trainer):
    """Adds to the Trainer: the objective, a learning rate per part, F1 of entities, and checkpoints of our form."""

    def __init__(
        self,
        *,
        matcher: SpanMatcher,
        arguments: MatcherArguments,
        args: MatcherTrainingArguments,
        train_dataset: TrainingViews | None,
        validation: Corpus | None,
        callbacks: list[TrainerCallback] | None = None,
    ) -> None:
        self.matcher = matcher
        self.arguments = arguments
        self.validation = validation
        collator = TrainingCollator(
            text_tokenizing=matcher.text_tokenizing, type_tokenizing=matcher.type_tokenizing, max_span_width=matcher.config.max_span_width
        )
        super().__init__(
            model=matcher.model,
            args=args,
            data_collator=collator,
            train_dataset=train_dataset,
            eval_dataset=[] if validation is not None else None,
            callbacks=callbacks,
        )
        self.loss_is_scaled_for_ga = False
        self.remove_callback(ProgressCallback)
        if not args.disable_tqdm:
            self.add_callback(LossAndF1Progress())

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor | tuple[torch.Tensor, Any]:
        """The objective on the scores of a batch, in float32."""
        del num_items_in_batch
        outputs = model(inputs["texts"].to(self.args.device), inputs["types"].to(self.args.device))
        loss = self.arguments.loss_function(outputs.logits.float(), inputs["positives"], inputs["valid"])
        return (loss, outputs) if return_outputs else loss

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Groups with a learning rate each for text encoder, type encoder and head; no decay on biases and norms."""
        if self.optimizer is None:
            optimizer_class, options = self.get_optimizer_cls_and_kwargs(self.args, self.model)
            self.optimizer = optimizer_class(self._parameter_groups(model or self.model), **options)
        return self.optimizer

    def _parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        decayed = set(self.get_decay_parameter_names(model))
        base = self.args.learning_rate
        rates = {
            "text_encoder": base,
            "type_encoder": self.arguments.type_encoder_learning_rate or base,
            "head": self.arguments.head_learning_rate or base * HEAD_LEARNING_RATE_FACTOR,
        }
        groups: dict[tuple[str, bool], list[nn.Parameter]] = {}
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                part = next(part for part in rates if part in name.split("."))
                groups.setdefault((part, name in decayed and parameter.ndim > 1), []).append(parameter)
        return [
            {"params": parameters, "lr": rates[part], "weight_decay": self.args.weight_decay if is_decayed else 0.0}
            for (part, is_decayed), parameters in groups.items()
        ]

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int] | None:
        dataset = train_dataset or self.train_dataset
        if self.args.train_sampling_strategy != "group_by_length":
            return super()._get_train_sampler(dataset)
        batch_size = self.args.train_batch_size * self.args.world_size
        return EpochSampler([view.num_tokens for view in dataset.views], batch_size, self.args.seed)

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: list[str] | None = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """F1 on the validation file at its best single threshold, the same on every process."""
        del eval_dataset, ignore_keys
        assert self.validation is not None, "evaluation during training needs a validation file"
        matcher = self.matcher
        scores = best_f1(matcher, self.validation, batch_size=self.args.per_device_eval_batch_size)
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in scores.items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _save(self, output_dir: str | None = None, state_dict: dict[str, torch.Tensor] | None = None) -> None:
        """Each checkpoint is a folder that `SpanMatcher.from_pretrained` reads."""
        del state_dict
        tokenizers = self.matcher.text_tokenizing.tokenizer, self.matcher.type_tokenizing.tokenizer
        save_checkpoint(Path(output_dir or str(self.args.output_dir)), self.matcher.model, *tokenizers)


def find_last_checkpoint(output_dir: Path) -> str | None:
    """The newest checkpoint that was written to its end: the Trainer writes `trainer_state.json` last."""
    found = [folder for folder in output_dir.glob("checkpoint-*") if folder.name.rpartition("-")[2].isdigit()]
    whole = [folder for folder in found if _is_whole(folder)]
    return str(max(whole, key=lambda folder: int(folder.name.rpartition("-")[2]))) if whole else None


def _is_whole(checkpoint: Path) -> bool:
    import json

    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True
