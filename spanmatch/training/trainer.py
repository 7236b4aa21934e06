"""Train a matcher with `transformers.Trainer`: its loss, learning rates, evaluation and checkpoints."""

import copy
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.utils.data import DataLoader, Sampler
from transformers import ProgressCallback, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from spanmatch.data.corpus import Corpus
from spanmatch.data.files import write_whole
from spanmatch.errors import InputError, one_line
from spanmatch.evaluation.calibration import best_f1
from spanmatch.model.model import SpanMatcherModel
from spanmatch.prediction.checkpoint import save_checkpoint
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.training.arguments import MatcherArguments, MatcherTrainingArguments
from spanmatch.training.dataset import FurtherTypes, TrainingCollator, TrainingViews
from spanmatch.training.record import RECORD_FILE
from spanmatch.training.sampler import EpochSampler
from spanmatch.training.teacher import Teacher, soft_loss
from spanmatch.training.type_anchor import TypeAnchor, drift

# The head is new and the encoders are pretrained, so by default it learns this many times as fast.
HEAD_LEARNING_RATE_FACTOR = 5.0
# Types and phrases of a step whose states are regularised towards their anchors.
NUM_ANCHORED = 24


class LossAndF1Progress(ProgressCallback):
    """Shows the Trainer's progress bar with the latest loss and F1 beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.latest: dict[str, str] = {}

    def on_log(self, args: Any, state: TrainerState, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Show the loss or F1 that was just logged; the base class would print it.

        Args:
            args: not used.
            state: says which process this is.
            control: not used.
            logs: what was logged, by name.
            **kwargs: not used.
        """
        for key, name in (("loss", "loss"), ("eval_f1", "F1")):
            if logs and key in logs:
                self.latest[name] = f"{float(logs[key]):.4f}"
        bar: Any = self.training_bar
        if state.is_world_process_zero and bar is not None:
            bar.set_postfix(self.latest)


class EpochOfViews(TrainerCallback):
    """Tells the training views their epoch; in a launch of several processes, accelerate tells only the sampler."""

    def __init__(self, views: TrainingViews) -> None:
        """Watch a training.

        Args:
            views: the views that are trained on.
        """
        self.views = views

    def on_epoch_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Set the epoch of the views.

        Args:
            args: not used.
            state: has the epochs that are over, as a fraction if a training was resumed within an epoch.
            control: not used.
            **kwargs: not used.
        """
        self.views.set_epoch(int(state.epoch or 0))


class StopAtDivergence(TrainerCallback):
    """Ends a training whose loss is no number any more: all of its weights are lost with the next step."""

    def on_log(self, args: Any, state: TrainerState, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Look at the loss that was just logged.

        Args:
            args: not used.
            state: has the number of steps.
            control: not used.
            logs: what was logged, by name.
            **kwargs: not used.

        Raises:
            InputError: the loss is infinite or NaN.
        """
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            raise diverged(f"the loss is {loss}", state.global_step)


def prepare_trainer(trainer: Trainer) -> None:
    """Have a trainer average micro-batches, end where its loss is no number any more, and show our progress bar.

    Args:
        trainer: any trainer whose loss is a mean of its micro-batch.
    """
    trainer.loss_is_scaled_for_ga = False  # the Trainer averages the micro-batches
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(StopAtDivergence())
    if not trainer.args.disable_tqdm:
        trainer.add_callback(LossAndF1Progress())


class MatcherTrainer(Trainer):
    """Trains a matcher: adds our objectives, a learning rate per part, F1 of entities and our checkpoints to the Trainer."""

    def __init__(
        self,
        *,
        matcher: SpanMatcher,
        arguments: MatcherArguments,
        args: MatcherTrainingArguments,
        train_dataset: TrainingViews | None,
        validation: Corpus | None,
        callbacks: list[TrainerCallback] | None = None,
        record: Mapping[str, Any] | None = None,
    ) -> None:
        """Prepare a training.

        Args:
            matcher: the matcher, which is trained in place.
            arguments: our part of the configuration.
            args: the Trainer's part of the configuration.
            train_dataset: the texts with their types; None to do anything but train.
            validation: examples to measure F1 on during the training; None to measure none.
            callbacks: further callbacks of the Trainer.
            record: the `training_record`, which each checkpoint gets; by default none.
        """
        self.matcher = matcher
        self.arguments = arguments
        self.loss, self.boundaries = arguments.objective.loss, arguments.objective.boundaries
        self.validation = validation
        self.record = record
        num_anchored = _num_anchored(matcher.model, arguments)
        self.teacher = None
        if arguments.teacher:
            self.teacher = Teacher(arguments.teacher, matcher.batcher, args.device, temperature=arguments.teacher_temperature)
        views_of_teacher = None if self.teacher is None else self.teacher.views
        further = None
        if self.teacher is not None and train_dataset is not None and arguments.teacher_types:
            all_types, number = train_dataset.types, arguments.teacher_types
            further = FurtherTypes(types=all_types, number=number, type_texts=arguments.type_texts, seed=args.seed)
        super().__init__(
            model=matcher.model,
            args=args,
            data_collator=TrainingCollator(
                batcher=matcher.batcher, num_anchored=num_anchored, teacher=views_of_teacher, further=further
            ),
            train_dataset=train_dataset,
            eval_dataset=[] if validation is not None else None,
            callbacks=callbacks,
        )
        dtype = torch.bfloat16 if args.bf16 else torch.float32
        anchored = matcher.model, matcher.batcher
        self.anchor = None if num_anchored is None else TypeAnchor(*anchored, device=args.device, dtype=dtype)
        prepare_trainer(self)
        if train_dataset is not None:
            self.add_callback(EpochOfViews(train_dataset))
            if args.dataloader_num_workers:
                train_dataset.share_epoch()
        if self.is_fsdp_enabled:
            make_shardable(matcher.model)

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor | tuple[torch.Tensor, Any]:
        """Return the loss of a batch, in float32: the objective, the penalty on drift from an anchor, what a teacher says.

        Args:
            model: the model, perhaps wrapped for several processes.
            inputs: a batch of `TrainingCollator`.
            return_outputs: whether to return the scores, too.
            num_items_in_batch: not used: a loss is normalised by the positives of its own batch.

        Returns:
            The loss, a scalar; with `return_outputs` a pair of it and the scores.
        """
        del num_items_in_batch
        types = inputs["types"]
        # Where types are read with their text alone, an anchor has no states to match with; only the penalty is left.
        anchor = self.anchor if self.matcher.config.reads_types_apart else None
        places = inputs.get("type_places")
        outputs = model(
            inputs["texts"].to(self.args.device),
            None if types is None else [own.to(self.args.device) for own in types],
            boundaries=self.boundaries,
            anchors_CH=None if anchor is None else anchor.states(inputs["type_texts"]),
            places_BC=None if places is None else places.to(self.args.device),
        )
        bounds = {name: inputs[name] for name in ("gold_starts", "gold_ends")}
        loss = self.loss(outputs, inputs["positives"], inputs["valid"], **bounds)
        if self.anchor is not None and outputs.type_states is not None:
            moved = drift(outputs.type_states, self.anchor.states(inputs["anchored_texts"]))
            loss = loss + self.arguments.type_anchor * moved
        if self.teacher is not None and inputs["teacher_texts"] is not None:
            rows, share = inputs["teacher_rows"], self.arguments.teacher_weight
            logits, candidates = outputs.spans.logits[rows], inputs["texts"].candidates.to(self.args.device)[rows]
            asked = inputs["teacher_texts"], inputs["teacher_units"], inputs["type_texts"]
            taught = self.teacher.logits(*asked, *candidates.shape[1:])
            loss = (1 - share) * loss + share * soft_loss(logits, taught, candidates)
        return (loss, outputs) if return_outputs else loss

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Return the optimizer: text encoder, type encoder and head have a learning rate each; biases and norms no decay.

        Args:
            model: the model to optimise, by default the matcher's.
        """
        if self.optimizer is None:
            optimizer_class, options = self.get_optimizer_cls_and_kwargs(self.args)
            self.optimizer = optimizer_class(self._parameter_groups(model or self.matcher.model), **options)
        return self.optimizer

    def _parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        decayed = set(self.get_decay_parameter_names(model))
        base, own = self.args.learning_rate, self.arguments
        rates = {
            "text_encoder": base,
            "type_encoder": base if own.type_rate is None else own.type_rate,
            "head": base * HEAD_LEARNING_RATE_FACTOR if own.head_learning_rate is None else own.head_learning_rate,
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

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return the data loader of the training, with random numbers of its own.

        It draws a seed for its workers whenever they start. From the generator that dropout draws from, that would make the
        weights depend on the number and the life of the workers.
        """
        loader = super().get_train_dataloader()
        getattr(loader, "base_dataloader", loader).generator = torch.Generator().manual_seed(self.args.seed)
        return loader

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int] | None:
        dataset = train_dataset or self.train_dataset
        assert isinstance(dataset, TrainingViews)
        if self.args.train_sampling_strategy != "group_by_length":
            return super()._get_train_sampler(dataset)
        return EpochSampler(dataset.group(self.args.train_batch_size * self.args.world_size))

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: list[str] | None = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Return micro precision, recall and F1 on the validation data, at the single threshold with the best F1.

        Args:
            eval_dataset: not used.
            ignore_keys: not used.
            metric_key_prefix: put before each name, with an underscore.

        Returns:
            Metrics by name, such as "eval_f1"; the same on every process.
        """
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
        """Return the model; with FSDP, a copy with the weights of all shards. Every process has to call this."""
        model = self.matcher.model
        if not self.is_fsdp_enabled:
            return model
        whole = SpanMatcherModel(model.matcher_config)
        whole.load_state_dict(get_model_state_dict(model, options=StateDictOptions(full_state_dict=True)))
        return whole.to(self.args.device)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        with _reading(checkpoint):
            super()._load_optimizer_and_scheduler(checkpoint)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        with _reading(checkpoint):
            super()._load_rng_state(checkpoint)

    def _issue_warnings_after_load(self, load_result: Any) -> None:
        """Refuse a checkpoint without all weights. Beside adapters it holds none that the encoders started with."""
        is_adapted = bool(self.arguments.lora_rank)
        missing = [name for name in load_result.missing_keys if not (is_adapted and name.startswith("text_encoder."))]
        if missing or load_result.unexpected_keys:
            found = ", ".join([*missing, *load_result.unexpected_keys][:3])
            raise InputError(f"resume_from_checkpoint: its weights are not those of this model ({found}); copy it again")

    def _save(self, output_dir: str | None = None, state_dict: dict[str, torch.Tensor] | None = None) -> None:
        """Write a checkpoint that `SpanMatcher.from_pretrained` reads."""
        # The Trainer calls this on every process.
        if not self.args.should_save:
            return
        check_weights(state_dict or self.matcher.model.state_dict(), self.state.global_step)
        tokenizers = self.matcher.text_tokenizer, self.matcher.type_tokenizer
        folder = Path(output_dir or str(self.args.output_dir))
        save_checkpoint(folder, self.matcher.model, *tokenizers, state=state_dict)
        if self.record is not None:
            write_whole(folder / RECORD_FILE, json.dumps(self.record, indent=1) + "\n")


def diverged(what: str, step: int) -> InputError:
    """Return the error for a training that computes with infinite numbers or NaN.

    Args:
        what: what is infinite or NaN.
        step: the number of steps so far.
    """
    remedy = "lower learning_rate, raise warmup_steps, or train without fp16; earlier checkpoints are as they were"
    return InputError(f"the training diverged: {what} at step {step}; {remedy}")


def check_weights(weights: Mapping[str, torch.Tensor], step: int) -> None:
    """Refuse weights that are infinite or NaN: they find nothing, and a checkpoint of them is worth nothing.

    Args:
        weights: the weights by name.
        step: the number of steps that they were trained.

    Raises:
        InputError: always then.
    """
    broken = next((name for name, weight in weights.items() if not bool(weight.isfinite().all())), None)
    if broken is not None:
        raise diverged(f'the weights "{broken}" are infinite or NaN', step)


@contextmanager
def _reading(checkpoint: str | None) -> Iterator[None]:
    """Tell in one line that the state in a checkpoint cannot be read: broken, or more than tensors and numbers."""
    try:
        yield
    except Exception as error:  # the libraries raise many kinds
        remedy = "copy it again, or resume from another one"
        raise InputError(f"{checkpoint}: its state cannot be read ({one_line(error)}); {remedy}") from error


def make_shardable(model: nn.Module) -> None:
    """Change a model in place so that FSDP can shard it: no scalar weights, and a list of the modules to shard apart.

    A scalar weight becomes a vector of one element; loading a checkpoint makes it a scalar again.

    Args:
        model: the model.
    """
    modules = list(model.modules())
    for module in modules:
        for name, parameter in list(module.named_parameters(recurse=False)):
            if not parameter.ndim:
                setattr(module, name, nn.Parameter(parameter.detach()[None]))
    unsplit = {name for module in modules for name in getattr(module, "_no_split_modules", None) or ()}
    setattr(model, "_no_split_modules", sorted(unsplit & {type(module).__name__ for module in modules}))  # noqa: B010


def _num_anchored(model: SpanMatcherModel, arguments: MatcherArguments) -> int | None:
    """Return how many texts of a step are compared with their anchors, None for a training without an anchor.

    A frozen type encoder cannot drift: 0, but its states are kept in an anchor, so that each type is encoded once.
    """
    if model.type_encoder is not None and arguments.type_rate == 0:
        return 0
    return NUM_ANCHORED if arguments.type_anchor else None
