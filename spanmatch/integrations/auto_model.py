"""Register checkpoints with transformers: after `import spanmatch.integrations.auto_model`, its Auto classes load them.

No code comes with a checkpoint: the classes are these, and `trust_remote_code` stays off.

>>> import spanmatch.integrations.auto_model
>>> from transformers import AutoConfig, AutoModel
>>> model = AutoModel.from_pretrained("models/quickstart")
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel

from spanmatch.batching.collate import TextBatch, TypeBatch
from spanmatch.config import MODEL_TYPE, MatcherConfig
from spanmatch.errors import InputError
from spanmatch.model.head import SpanScores
from spanmatch.model.model import SpanMatcherModel
from spanmatch.prediction.shipped import CONFIG_FILE


class SpanmatchConfig(PreTrainedConfig):
    """Holds a checkpoint's config.json, as transformers holds a configuration."""

    model_type = MODEL_TYPE

    # Declared, because undeclared keys that transformers knows as settings of text generation are dropped.
    max_length: int = 512

    @property
    def matcher_config(self) -> MatcherConfig:
        """Return the same as spanmatch holds it."""
        keys = {item.name for item in fields(MatcherConfig)}
        return MatcherConfig(**{key: getattr(self, key) for key in keys if hasattr(self, key)})


class SpanmatchModel(PreTrainedModel):
    """Wraps a model so that transformers loads it. To tag with it or save it, make a `SpanMatcher` of `matcher`.

    Attributes:
        matcher: the model.
    """

    config_class = SpanmatchConfig
    base_model_prefix = "matcher"  # not in the names of the weights of a checkpoint

    def __init__(self, config: SpanmatchConfig) -> None:
        """Build the model, with random weights.

        Args:
            config: the configuration.
        """
        super().__init__(config)
        self.matcher = SpanMatcherModel(config.matcher_config)
        self.post_init()

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *model_args: Any, **options: Any) -> Any:
        """Load a checkpoint, and refuse one whose weights do not fit; transformers alone would only warn.

        Args:
            pretrained_model_name_or_path: a folder or a hub id.
            *model_args: as transformers has them.
            **options: as transformers has them.

        Raises:
            InputError: weights are missing, or there are others.
        """
        others = {key: value for key, value in options.items() if key not in {"output_loading_info", "trust_remote_code"}}
        loaded: Any = super().from_pretrained(
            pretrained_model_name_or_path, *model_args, output_loading_info=True, trust_remote_code=False, **others
        )
        model, report = loaded
        wrong = sorted(map(str, report["missing_keys"] | report["unexpected_keys"]))
        if wrong:
            problem = f'{len(wrong)} weights such as "{wrong[0]}" do not fit {CONFIG_FILE}'
            raise InputError(f"{pretrained_model_name_or_path}: {problem}; copy or train the checkpoint again")
        return loaded if options.get("output_loading_info") else model

    def forward(self, texts: TextBatch, types: Sequence[TypeBatch] | None = None) -> SpanScores:
        """Score every candidate span of texts against every type.

        Args:
            texts: texts; those of a cross-encoder have their types behind them.
            types: type texts in groups of about one length; None for a cross-encoder.
        """
        scores: SpanScores = self.matcher(texts, types)
        return scores


AutoConfig.register(MODEL_TYPE, SpanmatchConfig)
AutoModel.register(SpanmatchConfig, SpanmatchModel)
