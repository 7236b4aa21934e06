"""Train a token classifier: what is particular to it; `fitting` does the rest.

Legend: B batch, T subwords, L labels.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import DataCollatorForTokenClassification, EarlyStoppingCallback, Trainer

from spanmatch.baselines.adapters import write_adapters
from spanmatch.baselines.fitting import Method
from spanmatch.baselines.token_arguments import TOKEN_RULES, LlmArguments, TokenArguments, TokenTrainingArguments
from spanmatch.baselines.token_classifier import Labels, TokenClassifier, load_model
from spanmatch.baselines.token_losses import Loss, cross_entropy, focal, inverse_frequencies, majority_or_minority, weighted
from spanmatch.baselines.word_windows import IGNORED, word_windows
from spanmatch.data.corpus import Corpus
from spanmatch.errors import InputError
from spanmatch.evaluation.calibration import calibrate
from spanmatch.model.lora import with_adapters
from spanmatch.model.pretrained import resolve_encoder
from spanmatch.training.corpora import Corpora
from spanmatch.training.trainer import prepare_trainer

logger = logging.getLogger(__name__)

ADAPTER = "adapter"  # the folder of the adapters alone, beside the weights that they are merged into


def build_tagger(arguments: TokenArguments, training: TokenTrainingArguments, corpus: Corpus) -> TokenClassifier:
    """Return the token classifier that a training starts from.

    Args:
        arguments: say what it is built from.
        training: says in which precision it computes.
        corpus: what it will be trained on; its types become the labels.

    Raises:
        InputError: the model cannot be loaded, or the data have no types.
    """
    if not corpus.types:
        raise InputError(f"{', '.join(arguments.train_file)}: no entity is annotated there, so there is nothing to learn")
    _warn_of_unknown(corpus)
    config: dict[str, Any] = Labels.of_types(corpus.types).for_config()
    if arguments.attention != "as_trained":
        config["is_causal"] = arguments.attention == "causal"
    loading: dict[str, Any] = {}
    if arguments.load_in_4bit:
        from transformers import BitsAndBytesConfig

        loading["quantization_config"] = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16)
    model, tokenizer = load_model(resolve_encoder(arguments.model), config, **loading)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if arguments.lora_rank:
        model = with_adapters(model, task="TOKEN_CLS", **arguments.adapters)
    return TokenClassifier(model, tokenizer, max_length=arguments.max_length)


def _warn_of_unknown(corpus: Corpus) -> None:
    """Say that a token classifier knows no unknown types: what a text was not annotated for counts as no entity in it."""
    keys = {item.key for item in corpus.types}
    partly = sum({item.key for item in example.types} != keys for example in corpus.examples)
    if partly:
        logger.warning(
            "%d of %d texts are annotated for some of the %d types only; a token classifier takes the others for no entity there",
            partly, len(corpus.examples), len(keys),
        )  # fmt: skip


def training_rows(tagger: TokenClassifier, corpus: Corpus) -> list[dict[str, list[int]]]:
    """Return the windows of a corpus as the Trainer reads them: ids, attention mask and labels of all subwords.

    Args:
        tagger: knows labels, tokenizer and window.
        corpus: annotated texts.
    """
    sequences = tagger.sequences
    before, after = list(sequences.prefix), list(sequences.suffix)
    labels = [tagger.labels.of_words(example) for example in corpus.examples]
    rows = []
    for window in word_windows(corpus.examples, tagger.tokenizer, sequences.max_tokens):
        ids = [*before, *window.ids, *after]
        own = [*([IGNORED] * len(before)), *window.labels(labels[window.text]), *([IGNORED] * len(after))]
        rows.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": own})
    return rows


class TokenTrainer(Trainer):
    """Trains a token classifier: adds our losses to the Trainer, and seqeval's scores after each epoch."""

    def __init__(
        self,
        tagger: TokenClassifier,
        arguments: TokenArguments,
        training: TokenTrainingArguments,
        corpus: Corpus,
        validation: Corpus | None,
    ) -> None:
        """Prepare a training.

        Args:
            tagger: what is trained, in place.
            arguments: our part of the configuration.
            training: the Trainer's part.
            corpus: what it is trained on.
            validation: what is scored during the training; None for nothing.
        """
        rows = training_rows(tagger, corpus)
        self.loss = _loss(arguments, [label for row in rows for label in row["labels"]], len(tagger.labels.tags))
        patience = arguments.early_stopping_patience if training.load_best_model_at_end else None
        super().__init__(
            model=tagger.model,
            args=training,
            data_collator=DataCollatorForTokenClassification(tagger.tokenizer),
            train_dataset=rows,
            eval_dataset=None if validation is None else training_rows(tagger, validation),
            processing_class=tagger.tokenizer,
            compute_metrics=_scores(tagger.labels.tags),
            preprocess_logits_for_metrics=lambda logits_BTL, _: logits_BTL.argmax(dim=-1),
            callbacks=[EarlyStoppingCallback(patience)] if patience else None,
        )
        prepare_trainer(self)

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor | tuple[torch.Tensor, Any]:
        """Return the loss of a batch, in float32.

        Args:
            model: the model, perhaps wrapped for several processes.
            inputs: a batch of the collator.
            return_outputs: whether to return the outputs of the model, too.
            num_items_in_batch: not used: a loss is a mean of its own batch.

        Returns:
            The loss, a scalar; with `return_outputs` a pair of it and the outputs.
        """
        del num_items_in_batch
        outputs = model(**{name: value for name, value in inputs.items() if name != "labels"})
        logits_NL = outputs.logits.float().flatten(0, 1)
        loss = self.loss(logits_NL, inputs["labels"].flatten())
        return (loss, outputs) if return_outputs else loss


def _loss(arguments: TokenArguments, labels: Sequence[int], num_labels: int) -> Loss:
    """Return the loss that is asked for."""
    makers: dict[str, Callable[[], Loss]] = {
        "cross_entropy": lambda: cross_entropy,
        "weighted": lambda: weighted(inverse_frequencies(labels, num_labels)),
        "focal": lambda: focal(arguments.focal_gamma),
        "mom": lambda: majority_or_minority(arguments.mom_share),
    }
    return makers[arguments.loss]()


def _scores(tags: Sequence[str]) -> Callable[[Any], dict[str, float]]:
    """Return what computes accuracy, precision, recall and F1 from predicted and gold labels, by seqeval."""

    def scores(predicted: Any) -> dict[str, float]:
        from seqeval.metrics import accuracy_score, f1_score, precision_score, recall_score

        pairs = list(zip(np.asarray(predicted.label_ids), np.asarray(predicted.predictions), strict=True))
        gold = [[tags[label] for label in labels if label != IGNORED] for labels, _ in pairs]
        found = [
            [tags[label] for label, own in zip(predictions, labels, strict=True) if own != IGNORED]
            for labels, predictions in pairs
        ]
        measures = {"precision": precision_score, "recall": recall_score, "f1": f1_score}
        rates = {name: float(measure(gold, found, zero_division=0)) for name, measure in measures.items()}
        return rates | {"accuracy": float(accuracy_score(gold, found))}

    return scores


def _trainer(
    tagger: TokenClassifier, arguments: TokenArguments, training: TokenTrainingArguments, corpora: Corpora
) -> TokenTrainer:
    assert corpora.train is not None, "a training has data to train on"
    return TokenTrainer(tagger, arguments, training, corpora.train, corpora.validation)


def _finish(tagger: TokenClassifier, arguments: TokenArguments, training: TokenTrainingArguments, corpora: Corpora) -> None:
    """Merge adapters into the weights, after writing them alone; choose thresholds."""
    if arguments.lora_rank:
        if training.should_save:
            write_adapters(tagger.model, tagger.tokenizer, Path(str(training.output_dir)) / ADAPTER)
        tagger.model = tagger.model.merge_and_unload()
    tagger.model.to(training.device).eval()
    if corpora.validation is not None:
        source, size = ", ".join(arguments.validation_file), training.per_device_eval_batch_size
        tagger.calibration = calibrate(tagger, corpora.validation, source=source, format=arguments.format, batch_size=size)


TOKEN = Method(
    made="token classifier",
    what="Train a token classifier.",
    arguments=TokenArguments,
    training=TokenTrainingArguments,
    rules=TOKEN_RULES,
    build=build_tagger,
    trainer=_trainer,
    finish=_finish,
)
LLM = replace(TOKEN, what="Turn a decoder into a token classifier that sees both sides of a word.", arguments=LlmArguments)
