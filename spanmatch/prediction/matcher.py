"""`SpanMatcher`: a model of torch with its tokenizers and thresholds, which turns texts into entities."""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from spanmatch.batching.batcher import Batcher
from spanmatch.batching.stored_tokenizer import StoredTokenizer
from spanmatch.config import MatcherConfig
from spanmatch.model import devices
from spanmatch.model.model import EvaluationMode, SpanMatcherModel
from spanmatch.prediction import hub
from spanmatch.prediction.checkpoint import load_checkpoint, save_checkpoint
from spanmatch.prediction.shipped import checkpoint_folder
from spanmatch.prediction.span_tagger import SpanTagger
from spanmatch.prediction.thresholds import Calibration
from spanmatch.prediction.torch_backend import TorchBackend
from spanmatch.prediction.type_embeddings import weights_digest
from spanmatch.prediction.weight_files import StoredWeights

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class SpanMatcher(SpanTagger):
    """Tags texts with a trained model; a `Tagger` (see `prediction.tagger`). Several threads may use it at the same time.

    >>> matcher = SpanMatcher.from_pretrained("spanmatch-mini")
    >>> matcher.predict("Ada Lovelace met Charles Babbage in London.", ["person", "city"])
    """

    push_to_hub = hub.push_to_hub  # a method

    def __init__(
        self,
        model: SpanMatcherModel,
        text_tokenizer: "PreTrainedTokenizerBase | StoredTokenizer",
        type_tokenizer: "PreTrainedTokenizerBase | StoredTokenizer",
        *,
        calibration: Calibration | None = None,
        autocast: torch.dtype | None = None,
        stored: StoredWeights | None = None,
    ) -> None:
        """Make a matcher around a model.

        Args:
            model: the model.
            text_tokenizer: the tokenizer of its text encoder.
            type_tokenizer: the tokenizer of its type encoder, the same object where one encoder serves both.
            calibration: its calibrated thresholds, if there are any.
            autocast: dtype of mixed precision, for a training; None for none.
            stored: the file that the weights were read from, if they were and are not trained any more.
        """
        self.text_tokenizer, self.type_tokenizer = text_tokenizer, type_tokenizer
        self._autocast, self._model, self._mode, self._stored = autocast, model, EvaluationMode(model), stored
        batcher = Batcher.of(model.matcher_config, text_tokenizer, type_tokenizer)
        super().__init__(batcher, calibration, TorchBackend(model, batcher, self.inference))

    @property
    def model(self) -> SpanMatcherModel:
        """Return the model. If it is replaced, types are encoded anew."""
        return self._model

    @model.setter
    def model(self, model: SpanMatcherModel) -> None:
        self._model, self._mode, self._stored = model, EvaluationMode(model), None
        self._use(TorchBackend(model, self.batcher, self.inference))

    @property
    def config(self) -> MatcherConfig:
        """Return the configuration of the model."""
        return self.model.matcher_config

    @property
    def device(self) -> torch.device:
        """Return the device that the model is on."""
        return next(self.model.parameters()).device

    @classmethod
    def from_pretrained(
        cls, name_or_path: str | Path, *, device: str | None = None, dtype: str | torch.dtype | None = None,
        compile: bool = False, revision: str | None = None, token: str | bool | None = None, local_files_only: bool = False,
    ) -> "SpanMatcher":  # fmt: skip
        """Load a checkpoint.

        Args:
            name_or_path: a folder, a name that ships ("spanmatch-mini"), or a hub id ("owner/name", "owner/name@revision").
            device: "cpu", "cuda", "mps", ...; by default the accelerator where there is one.
            dtype: "float32", "bfloat16", "float16" or a `torch.dtype`; by default what the device computes natively.
            compile: compile the encoder (torch.compile): half a minute at the first text, faster from then on.
            revision: a branch, a tag or a commit of the hub; by default the main branch.
            token: a token of the hub, or False for none; by default that of `hf auth login` or of HF_TOKEN.
            local_files_only: take what was downloaded before, and ask no hub.

        Raises:
            InputError: no such folder, files missing from it, or weights that do not fit its configuration.
        """
        target = devices.default_device() if device is None else devices.named_device(device)
        precision = devices.native_dtype(target) if dtype is None else devices.named_dtype(dtype)
        folder = checkpoint_folder(name_or_path, revision=revision, token=token, local_files_only=local_files_only)
        model, text_tokenizer, type_tokenizer, calibration, stored = load_checkpoint(folder, dtype=precision)
        model.to(device=target, dtype=precision).eval()
        if compile:
            devices.compile_encoder(model.text_encoder)
        stored = replace(stored, is_rounded=precision != torch.float32)
        return cls(model, text_tokenizer, type_tokenizer, calibration=calibration, stored=stored)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write a checkpoint that `from_pretrained` reads: configuration, safetensors, tokenizers, thresholds.

        Weights are saved as they were loaded, not in the precision that they compute in, except for those that were
        changed since.

        Args:
            folder: made if it is not there.

        Raises:
            InputError: the matcher computes in a lower precision, and the file that it was loaded from is gone.
        """
        tokenizers = self.text_tokenizer, self.type_tokenizer
        save_checkpoint(Path(folder), self.model, *tokenizers, calibration=self.calibration, stored=self._stored)
        if self._stored is not None and self._stored.folder.is_dir() and Path(folder).samefile(self._stored.folder):
            self._stored = StoredWeights.of(Path(folder), is_rounded=self._stored.is_rounded)

    def fingerprint(self) -> dict[str, str]:
        """Return what the output depends on: a digest of weights, configuration and calibration, the device, the dtype."""
        found = self.calibration
        calibration = [found.threshold, dict(found.per_type), found.slot] if found is not None else None
        settings = json.dumps([self.config.as_dict(), calibration], sort_keys=True, default=str)
        digest = hashlib.sha256((settings + weights_digest(self.model.state_dict().items())).encode()).hexdigest()
        dtype = str(next(self.model.parameters()).dtype).removeprefix("torch.")
        return {"model": f"SHA-256 {digest[:12]}", "device": self.device.type, "dtype": dtype}

    @contextlib.contextmanager
    def inference(self) -> Iterator[None]:
        """Compute without gradients and dropout inside a `with` statement."""
        devices.use_no_lost_threads()
        mixed = torch.autocast(self.device.type, dtype=self._autocast) if self._autocast else contextlib.nullcontext()
        with self._mode, torch.inference_mode(), mixed:
            yield
