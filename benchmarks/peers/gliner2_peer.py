"""GLiNER2 (PyPI `gliner2`) as a tagger, as it comes, with a head that was not trained; runs in its own environment.

Settings: "encoder" (a folder), "threads".
"""

import warnings
from typing import Any

import torch
from gliner2 import GLiNER2
from gliner2.configuration import ExtractorConfig
from protocol import Entity, chunks, serve

warnings.filterwarnings("ignore")
BATCH_SIZE = 8  # the default of `batch_extract_entities`
MAX_TOKENS = 512
TEXT_ROOM = 160
LONG_WORDS = 100  # words above which the library's method for long documents is used
CHUNK_WORDS = 200  # its chunks: 384 words, its default, do not fit the encoder


class GLiNER2Tagger:
    """The types stand in front of each text; those that do not fit one pass are asked for in several."""

    def __init__(self, settings: dict[str, Any]) -> None:
        torch.manual_seed(0)
        self.model = GLiNER2(ExtractorConfig(model_name=settings["encoder"]))
        self.model.eval()
        self.threshold = 0.5
        self.types: list[str] = []

    def set_types(self, types: list[str]) -> None:
        """Nothing can be computed ahead."""
        self.types = types

    def set_threshold(self, value: float) -> None:
        """It takes a probability."""
        self.threshold = 1 / (1 + 2.718281828**-value)

    def tag(self, texts: list[str], *, single: bool = False) -> list[list[Entity]]:
        """With `batch_extract_entities`, and its form for long documents."""
        is_long = max(len(text.split()) for text in texts) > LONG_WORDS
        room = MAX_TOKENS - (2 * CHUNK_WORDS - 100 if is_long else TEXT_ROOM)
        found: list[list[Entity]] = [[] for _ in texts]
        options = {"threshold": self.threshold, "include_spans": True, "include_confidence": True, "batch_size": BATCH_SIZE}
        for run in chunks(self.types, self.model.processor.tokenizer, room=room, marker_tokens=2):
            if is_long:
                tagged = self.model.batch_extract_entities_long(texts, run, chunk_size=CHUNK_WORDS, **options)
            else:
                tagged = self.model.batch_extract_entities(texts, run, **options)
            for text, own, result in zip(texts, found, tagged, strict=True):
                # It ends a text with a full stop where there is none, and finds entities in that.
                own += [
                    [item["start"], item["end"], name]
                    for name, items in result["entities"].items()
                    for item in items
                    if item["end"] <= len(text)
                ]
        return found

    def share_read(self, texts: list[str]) -> float:
        """Nothing is cut."""
        return 1.0


if __name__ == "__main__":
    serve(GLiNER2Tagger)
