"""Fine-tune a causal language model to write down the entities of a text: what is particular to it; `fitting` does the rest.

Legend: B batch, T tokens, V vocabulary.
"""

import logging
from dataclasses import asdict
from typing import Any

import torch
from torch import nn
from transformers import DataCollatorForSeq2Seq, EarlyStoppingCallback, Trainer

from spanmatch.baselines.chat_format import flat_words, write_answer
from spanmatch.baselines.fitting import Method
from spanmatch.baselines.generative import GenerativeTagger, load_model, merged, new_settings
from spanmatch.baselines.generative_arguments import GENERATIVE_RULES, GenerativeArguments, GenerativeTrainingArguments
from spanmatch.baselines.token_classifier import Labels
from spanmatch.baselines.word_windows import IGNORED
from spanmatch.data.corpus import Corpus
from spanmatch.errors import InputError
from spanmatch.evaluation.evaluate import evaluate_corpus
from spanmatch.model.lora import with_adapters
from spanmatch.model.pretrained import resolve_encoder
from spanmatch.training.corpora import Corpora
from spanmatch.training.trainer import prepare_trainer

logger = logging.getLogger(__name__)


def build_tagger(arguments: GenerativeArguments, training: GenerativeTrainingArguments, corpus: Corpus) -> GenerativeTagger:
    """Return the generative model that a training starts from.

    Args:
        arguments: say what it is built from.
        training: not used.
        corpus: not used: it takes any types.

    Raises:
        InputError: the model cannot be loaded, or adapters cannot be put into it.
    """
    del training, corpus
    source = resolve_encoder(arguments.model)
    model, tokenizer = load_model(source, source)
    settings = new_settings(
        model,
        tokenizer,
        max_length=arguments.max_length,
        constrained=arguments.constrained,
        base=arguments.model if arguments.lora_rank else None,
    )
    if arguments.lora_rank:
        model = with_adapters(model, task="CAUSAL_LM", **arguments.adapters)
    return GenerativeTagger(model, tokenizer, settings)


def training_rows(tagger: GenerativeTagger, corpus: Corpus) -> list[dict[str, list[int]]]:
    """Return prompts with their answers as the Trainer reads them: ids, attention mask, and labels of the answer alone.

    Args:
        tagger: knows how texts are cut and written.
        corpus: annotated texts.

    Raises:
        InputError: there is no text to learn from.
    """
    examples = corpus.examples
    words = [flat_words(example) for example in examples]
    labels = [Labels.of_types(example.types).of_words(example) for example in examples]
    rows, num_read = [], 0
    for part in tagger.prompts.parts(examples):
        own = slice(part.words.start, part.words.stop)
        answer = tagger.prompts.answer_ids(write_answer(words[part.text][own], labels[part.text][own], examples[part.text].types))
        ids = [*part.ids, *answer]
        rows.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": [*[IGNORED] * len(part.ids), *answer]})
        num_read += len(part.words)
    too_long = sum(map(len, words)) - num_read
    if too_long:
        logger.warning(
            "%d words are not trained on: one alone is longer than max_length allows, or its text has no types", too_long
        )
    if not rows:
        raise InputError("there is no text with a word and a type in the training data; give others")
    return rows


class GenerativeTrainer(Trainer):
    """Trains a generative model: computes only the scores that its loss needs, and evaluates by generating."""

    def __init__(
        self,
        tagger: GenerativeTagger,
        arguments: GenerativeArguments,
        training: GenerativeTrainingArguments,
        rows: list[dict[str, list[int]]],
        validation: Corpus | None,
    ) -> None:
        """Prepare a training.

        Args:
            tagger: what is trained, in place.
            arguments: our part of the configuration.
            training: the Trainer's part.
            rows: what it is trained on.
            validation: what F1 is measured on during the training; None for nothing.
        """
        self.tagger, self.arguments, self.validation = tagger, arguments, validation
        patience = arguments.early_stopping_patience if training.load_best_model_at_end else None
        super().__init__(
            model=tagger.model,
            args=training,
            data_collator=DataCollatorForSeq2Seq(tagger.tokenizer),
            train_dataset=rows,
            eval_dataset=None if validation is None else [],
            processing_class=tagger.tokenizer,
            callbacks=[EarlyStoppingCallback(patience)] if patience else None,
        )
        prepare_trainer(self)

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: list[str] | None = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Return micro precision, recall and F1 of what the model writes about the validation data.

        Args:
            eval_dataset: not used.
            ignore_keys: not used.
            metric_key_prefix: put before each name, with an underscore.

        Returns:
            Metrics by name, such as "eval_f1".
        """
        del eval_dataset, ignore_keys
        assert self.validation is not None, "evaluation during training needs a validation file"
        size = self.args.per_device_eval_batch_size
        scored = evaluate_corpus(self.tagger, self.validation, format=self.arguments.format, threshold=None, batch_size=size)
        micro = scored.metrics.micro
        found = {"precision": micro.precision, "recall": micro.recall, "f1": micro.f1}
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in found.items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor | tuple[torch.Tensor, Any]:
        """Return the cross-entropy of the answers, in float32.

        The prompts are padded on the left, so all answers are at the end. Only there are tokens scored, because of a large
        vocabulary that takes most of the time and of the memory.

        Args:
            model: the model, perhaps wrapped for several processes.
            inputs: a batch of the collator.
            return_outputs: whether to return the outputs of the model, too.
            num_items_in_batch: not used: a loss is a mean of its own batch.

        Returns:
            The loss, a scalar; with `return_outputs` a pair of it and the outputs.
        """
        del num_items_in_batch
        labels_BT, mask_BT = inputs["labels"], inputs["attention_mask"]
        first = int((labels_BT != IGNORED).any(dim=0).int().argmax())
        wanted_BT = labels_BT[:, first:]
        outputs = model(
            input_ids=inputs["input_ids"],
            attention_mask=mask_BT,
            position_ids=(mask_BT.cumsum(dim=-1) - 1).clamp(min=0),
            logits_to_keep=wanted_BT.shape[1] + 1,  # a token is scored at the one before it
        )
        logits_NV = outputs.logits[:, -wanted_BT.shape[1] - 1 : -1].float().flatten(0, 1)
        loss = nn.functional.cross_entropy(logits_NV, wanted_BT.flatten(), ignore_index=IGNORED)
        return (loss, outputs) if return_outputs else loss


def _trainer(
    tagger: GenerativeTagger, arguments: GenerativeArguments, training: GenerativeTrainingArguments, corpora: Corpora
) -> GenerativeTrainer:
    assert corpora.train is not None, "a training has data to train on"
    return GenerativeTrainer(tagger, arguments, training, training_rows(tagger, corpora.train), corpora.validation)


def _finish(
    tagger: GenerativeTagger, arguments: GenerativeArguments, training: GenerativeTrainingArguments, corpora: Corpora
) -> None:
    del arguments, corpora
    merged(tagger.model).to(training.device)


GENERATIVE = Method(
    made="generative model",
    what="Fine-tune a causal language model to write down the entities of a text.",
    arguments=GenerativeArguments,
    training=GenerativeTrainingArguments,
    rules=GENERATIVE_RULES,
    build=build_tagger,
    trainer=_trainer,
    finish=_finish,
    facts=lambda tagger: {"answers": asdict(tagger.counts)},
)
