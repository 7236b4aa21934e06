"""Training: a `transformers.Trainer` with our loss, learning rates, evaluation and checkpoints."""

import copy
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.utils.data import Sampler
from transformers import ProgressCallback, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from spanmatch.data.corpus import Corpus
from spanmatch.evaluation.calibration import best_f1
from spanmatch.model.model import SpanMatcherModel
from spanmatch.prediction.checkpoint import save_checkpoint
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.training.arguments import MatcherArguments, MatcherTrainingArguments
from spanmatch.training.dataset import TrainingCollator, TrainingViews
from spanmatch.training.sampler import EpochSampler
from spanmatch.training.type_anchor import TypeAnchor, drift

HEAD_LEARNING_RATE_FACTOR = 5.0


# Types and phrases of a step that the tower is held on to.
NUM_ANCHORED = 24


class LossAndF1Progress(ProgressCallback):
    """The Trainer's progress bar, with the latest loss and F1 beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.latest: dict[str, str] = {}

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Show, rather than print, what is logged."""
        for key, name in (("loss", "loss"), ("eval_f1", "F1")):
            if logs and key in logs:
                self.latest[name] = f"{float(logs[key]):.4f}"
        bar: Any = self.training_bar
        if state.is_world_process_zero and bar is not None:
            bar.set_postfix(self.latest)


class EpochOfViews(TrainerCallback):
    """Tells the training views their epoch: in a launch of several processes accelerate tells the sampler alone."""

    def __init__(self, views: TrainingViews) -> None:
        self.views = views

    def on_epoch_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """The state has the epochs that are over, with a fraction where a training goes on."""
        self.views.set_epoch(int(state.epoch or 0))


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
        self.loss, self.boundaries = arguments.objective.loss, arguments.objective.boundaries
        self.validation = validation
        num_anchored = _num_anchored(matcher.model, arguments)
        super().__init__(
            model=matcher.model,
            args=args,
            data_collator=TrainingCollator(batcher=matcher.batcher, num_anchored=num_anchored),
            train_dataset=train_dataset,
            eval_dataset=[] if validation is not None else None,
            callbacks=callbacks,
        )
        self.loss_is_scaled_for_ga = False
        self.anchor = None if num_anchored is None else TypeAnchor(matcher.model, matcher.batcher)
        self.remove_callback(ProgressCallback)
        if not args.disable_tqdm:
            self.add_callback(LossAndF1Progress())
        if train_dataset is not None:
            self.add_callback(EpochOfViews(train_dataset))
        if self.is_fsdp_enabled:
            make_shardable(matcher.model)

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor | tuple[torch.Tensor, Any]:
        """The objective on the scores of a batch, in float32."""
        del num_items_in_batch
        types = inputs["types"]
        # A cross-encoder's types are in the texts.
        anchor = None if self.matcher.batcher.is_cross_encoder else self.anchor
        outputs = model(
            inputs["texts"].to(self.args.device),
            None if types is None else [own.to(self.args.device) for own in types],
            boundaries=self.boundaries,
            anchors_CH=None if anchor is None else anchor.states(inputs["type_texts"]),
        )
        loss = self.loss(outputs, inputs["positives"], inputs["valid"])
        if self.anchor is not None and outputs.type_states is not None:
            held = drift(outputs.type_states, self.anchor.states(inputs["held_texts"]))
            loss = loss + self.arguments.type_anchor * held
        return (loss, outputs) if return_outputs else loss

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Groups with a learning rate each for text encoder, type encoder and head; no decay on biases and norms."""
        if self.optimizer is None:
            optimizer_class, options = self.get_optimizer_cls_and_kwargs(self.args)
            self.optimizer = optimizer_class(self._parameter_groups(model or self.matcher.model), **options)
        return self.optimizer

    def _parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        decayed = set(self.get_decay_parameter_names(model))
        base = self.args.learning_rate
        rates = {
            "text_encoder": base,
            "type_encoder": _or(self.arguments.type_encoder_learning_rate, base),
            "head": _or(self.arguments.head_learning_rate, base * HEAD_LEARNING_RATE_FACTOR),
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
        assert isinstance(dataset, TrainingViews)
        if self.args.train_sampling_strategy != "group_by_length":
            return super()._get_train_sampler(dataset)
        return EpochSampler(dataset.group(self.args.train_batch_size * self.args.world_size))

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: list[str] | None = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """F1 on the validation file at its best single threshold, the same on every process."""
        del eval_dataset, ignore_keys
        assert self.validation is not None, "evaluation during training needs a validation file"
        matcher = copy.copy(self.matcher)
        matcher.model = self.whole_model()
        scores = best_f1(matcher, self.validation, format=self.arguments.format, batch_size=self.args.per_device_eval_batch_size)
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in scores.items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def whole_model(self) -> SpanMatcherModel:
        """The model, with FSDP a copy that has the weights of all shards; every process has to ask for it."""
        model = self.matcher.model
        if not self.is_fsdp_enabled:
            return model
        whole = SpanMatcherModel(model.matcher_config)
        whole.load_state_dict(get_model_state_dict(model, options=StateDictOptions(full_state_dict=True)))
        return whole.to(self.args.device)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, torch.Tensor] | None = None) -> None:
        """Each checkpoint is a folder that `SpanMatcher.from_pretrained` reads; the Trainer has every process call this."""
        if not self.args.should_save:
            return
        tokenizers = self.matcher.text_tokenizer, self.matcher.type_tokenizer
        save_checkpoint(Path(output_dir or str(self.args.output_dir)), self.matcher.model, *tokenizers, state=state_dict)


def make_shardable(model: nn.Module) -> None:
    """What FSDP asks for: no scalar weights (vectors of one are read back as scalars), and which modules to shard apart."""
    modules = list(model.modules())
    for module in modules:
        for name, parameter in list(module.named_parameters(recurse=False)):
            if not parameter.ndim:
                setattr(module, name, nn.Parameter(parameter.detach()[None]))
    unsplit = {name for module in modules for name in getattr(module, "_no_split_modules", None) or ()}
    setattr(model, "_no_split_modules", sorted(unsplit & {type(module).__name__ for module in modules}))  # noqa: B010


def _num_anchored(model: SpanMatcherModel, arguments: MatcherArguments) -> int | None:
    """How many types and phrases of a step a tower is held on to: none where it is frozen, None where it may move."""
    if model.type_encoder is not None and arguments.type_encoder_learning_rate == 0:
        return 0
    return NUM_ANCHORED if arguments.type_anchor else None


def _or(value: float | None, default: float) -> float:
    """The value, also where it is 0."""
    return default if value is None else value


