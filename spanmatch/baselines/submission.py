"""Write `submission.zip` of the product assessment: a model that a bare transformers script loads, and its results.

Its receiver asks for weights as `pytorch_model.bin`, which is a pickle: the only one that this project writes, and that it
never loads but to check it here, as tensors alone (`weights_only=True`).
"""

import json
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors.torch import load_file

from spanmatch.data.files import whole_file
from spanmatch.errors import InputError
from spanmatch.prediction.shipped import CONFIG_FILE, WEIGHTS_FILE

PICKLED_WEIGHTS = "pytorch_model.bin"
_TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "vocab.json", "merges.txt",
    "sentencepiece.bpe.model", "spm.model", "added_tokens.json",
)  # fmt: skip


def write_submission(path: Path, model: Path, results: Mapping[str, Any]) -> None:
    """Write a submission, whole or not at all.

    Args:
        path: the zip file.
        model: folder of a token classifier.
        results: the content of `submission/results.json`.

    Raises:
        InputError: the folder has no weights in one file.
    """
    if not (model / WEIGHTS_FILE).is_file():
        raise InputError(f"{model}: no {WEIGHTS_FILE} in it; give a token classifier whose weights are one file")
    with TemporaryDirectory() as place:
        folder = Path(place) / "submission"
        (folder / "model").mkdir(parents=True)
        for name in (CONFIG_FILE, *_TOKENIZER_FILES):
            if (model / name).is_file():
                shutil.copy(model / name, folder / "model" / name)
        pickle_weights(model / WEIGHTS_FILE, folder / "model" / PICKLED_WEIGHTS)
        (folder / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        with whole_file(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in sorted(folder.rglob("*")):
                if file.is_file():
                    packed.write(file, file.relative_to(place))


def pickle_weights(source: Path, target: Path) -> None:
    """Convert weights from safetensors to a pickle of tensors, and check that they are read back as they are.

    Args:
        source: the safetensors file.
        target: the file to write.
    """
    weights = load_file(source)
    torch.save(weights, target)
    read = torch.load(target, weights_only=True)
    assert weights.keys() == read.keys() and all(torch.equal(tensor, read[name]) for name, tensor in weights.items())
