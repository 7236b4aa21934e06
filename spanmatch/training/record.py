"""Record what a training was started with, so that it is not continued as another one."""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from spanmatch.data.corpus import Corpus
from spanmatch.data.files import read_json
from spanmatch.entities import Inventory
from spanmatch.errors import InputError
from spanmatch.model.model import SpanMatcherModel
from spanmatch.prediction.type_embeddings import weights_digest
from spanmatch.training.arguments import MatcherArguments, MatcherTrainingArguments

logger = logging.getLogger(__name__)

# The record in each `checkpoint-N` folder.
RECORD_FILE = "training.json"
# Keys that name files. They may have other names when a training is resumed; their content is compared.
OF_FILES = {"train_file", "validation_file", "entity_types", "text_encoder", "type_encoder", "pretrained_model_name_or_path"}
# Keys that may change when a training is resumed: they decide what is shown, kept or measured and how fast it goes, but not
# what is learnt. Every other key has to stay, also one that a later version of transformers adds.
MAY_CHANGE = {
    "skip_invalid", "max_train_samples", "max_eval_samples", "test_file", "early_stopping_patience", "overwrite_output_dir",
    "output_dir", "resume_from_checkpoint", "ignore_data_skip", "restore_callback_states_from_checkpoint", "do_train", "do_eval",
    "do_predict", "logging_strategy", "logging_steps", "logging_first_step", "logging_nan_inf_filter", "log_level",
    "log_level_replica", "log_on_each_node", "report_to", "run_name", "project", "trackio_space_id", "trackio_bucket_id",
    "trackio_static_space_id", "disable_tqdm", "skip_memory_metrics", "debug", "save_strategy", "save_steps",
    "save_total_limit", "save_on_each_node", "save_only_model", "enable_jit_checkpoint", "load_best_model_at_end",
    "eval_strategy", "eval_steps", "eval_delay", "eval_on_start", "per_device_eval_batch_size", "push_to_hub", "hub_token",
    "hub_private_repo", "hub_model_id", "hub_strategy", "hub_always_push", "hub_revision", "use_cpu", "local_rank",
    "full_determinism", "torch_compile", "torch_compile_backend", "torch_compile_mode", "torch_empty_cache_steps",
    "gradient_checkpointing", "gradient_checkpointing_kwargs", "activation_checkpointing", "activation_checkpointing_kwargs",
    "dataloader_num_workers", "dataloader_pin_memory", "dataloader_persistent_workers", "dataloader_prefetch_factor",
    "dataloader_multiprocessing_context", "dataloader_in_order", "ddp_find_unused_parameters", "ddp_bucket_cap_mb",
    "ddp_broadcast_buffers", "ddp_static_graph", "ddp_backend", "ddp_timeout",
}  # fmt: skip
# Differences that an error message lists.
MAX_LISTED = 4


def training_record(
    architecture: str,
    arguments: MatcherArguments,
    training: MatcherTrainingArguments,
    model: SpanMatcherModel,
    train: Corpus,
    validation: Corpus | None,
) -> dict[str, Any]:
    """Return what a training starts with: the keys that decide what is learnt, and digests of data and encoders.

    Args:
        architecture: "bi" or "cross".
        arguments: our part of the configuration.
        training: the Trainer's part.
        model: the model before the training.
        train: the examples to train on.
        validation: the examples that choose the best checkpoint, None without.

    Returns:
        An object with "keys" and "files", as JSON gives it back.
    """
    given = asdict(arguments) | training.to_dict() | {"loss": asdict(arguments.objective)}
    given |= {"architecture": architecture, "num_processes": training.world_size}
    files = {"train_file": _data(arguments.train_file, train)} | _encoders(arguments, model)
    if validation is not None:
        files["validation_file"] = _data(arguments.validation_file, validation)
    keys = {key: value for key, value in given.items() if key not in MAY_CHANGE | OF_FILES}
    record: dict[str, Any] = json.loads(json.dumps({"keys": keys, "files": files}, default=str))
    return record


def check_record(checkpoint: Path, record: Mapping[str, Any]) -> None:
    """Refuse to continue from a checkpoint of a training that was started with something else.

    Args:
        checkpoint: a `checkpoint-N` folder.
        record: the `training_record` of the training that is to be continued.

    Raises:
        InputError: something that decides what is learnt has changed; the message says what it was and what it is.
    """
    file = checkpoint / RECORD_FILE
    if not file.is_file():
        logger.warning("%s: no %s in it; whether it is of this training is not checked", checkpoint, RECORD_FILE)
        return
    earlier = read_json(file, "copy the checkpoint again")
    if not isinstance(earlier, dict) or not all(isinstance(earlier.get(part), dict) for part in record):
        raise InputError(f"{file}: not what a training writes; copy the checkpoint again")
    found = [*_changed_files(earlier["files"], record["files"]), *_changed_keys(earlier["keys"], record["keys"])]
    if found:
        more = f"; and {len(found) - MAX_LISTED} more" if len(found) > MAX_LISTED else ""
        remedy = f"restore this, or start another training from its weights (--pretrained_model_name_or_path {checkpoint})"
        raise InputError(f"{checkpoint} is of another training: {'; '.join(found[:MAX_LISTED])}{more}; {remedy}")


def _changed_files(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    nothing = {"name": "none", "size": "", "digest": ""}
    for key in sorted(was.keys() | now.keys()):
        old, new = was.get(key, nothing), now.get(key, nothing)
        # Without validation data before or now, there is no best checkpoint of other data.
        if old["digest"] == new["digest"] or (key == "validation_file" and nothing in (old, new)):
            continue
        if old["name"] != new["name"]:
            yield f"{key} was {old['name']}, is {new['name']}"
        else:
            yield f"{key} {new['name']} is not as it was ({old['size']} then, {new['size']} now)"


def _changed_keys(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(was.keys() & now.keys() - MAY_CHANGE):  # a key that only one version of a library has is passed over
        old, new = was[key], now[key]
        if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
            yield from (f"{key}.{part}" for part in _changed_keys(old, new))
        elif old != new:
            yield f"{key} was {json.dumps(old)}, is {json.dumps(new)}"


def _data(names: Sequence[str], corpus: Corpus) -> dict[str, str]:
    """Describe data: its name, its size, and a digest of all that is trained on or measured."""
    digest, number_of = hashlib.sha256(), dict[Inventory, int]()
    for example in corpus.examples:
        if example.types not in number_of:  # a file has few inventories, and each may be long
            number_of[example.types] = len(number_of)
            digest.update(repr(list(example.types)).encode())
        own = (example.text, example.words, [(item.start, item.end, item.label) for item in example.mentions])
        digest.update(repr((*own, number_of[example.types])).encode())
    return {"name": ", ".join(names), "size": f"{len(corpus.examples)} examples", "digest": digest.hexdigest()}


def _encoders(arguments: MatcherArguments, model: SpanMatcherModel) -> dict[str, dict[str, str]]:
    """Describe what the weights were before the training, but for what is drawn at random: the head, and added tokens."""
    if arguments.pretrained_model_name_or_path:
        return {"pretrained_model_name_or_path": _weights(arguments.pretrained_model_name_or_path, dict(model.state_dict()))}
    described = {}
    for key, encoder in (("text_encoder", model.text_encoder), ("type_encoder", model.type_encoder)):
        if encoder is not None:
            embeddings = encoder.get_input_embeddings().weight
            loaded = {name: weight for name, weight in encoder.named_parameters() if weight is not embeddings}
            described[key] = _weights(getattr(arguments, key), loaded)
    return described


def _weights(name: str, weights: Mapping[str, Any]) -> dict[str, str]:
    count = sum(weight.numel() for weight in weights.values())
    return {"name": name, "size": f"{count} weights", "digest": weights_digest(weights.items())}
