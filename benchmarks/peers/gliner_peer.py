"""GLiNER (PyPI `gliner`), uni-encoder and bi-encoder, as a tagger; runs in its own environment.

Settings: "model" (a folder that `gliner_training.py` wrote), "helped" (bfloat16, texts sorted by length), "threads".
"""

import warnings
from typing import Any

import torch
from gliner import GLiNER
from protocol import Entity, chunks, serve

warnings.filterwarnings("ignore")
BATCH_SIZE = 16  # the batch size of its documentation; the default of `inference` is 8
MAX_TOKENS = 512  # of the encoder, prompt and text together
TEXT_ROOM = 128  # subwords kept free for the text behind the types


class GLiNERTagger:
    """Cached type embeddings for the bi-encoder; a uni-encoder whose types do not fit one pass gets several."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.model = GLiNER.from_pretrained(settings["model"], local_files_only=True)
        self.model.eval()
        self.is_bi = bool(getattr(self.model.config, "labels_encoder", None))
        self.tokenizer = self.model.data_processor.transformer_tokenizer
        self.tokenizer.model_max_length = MAX_TOKENS
        self.helped = settings["helped"]
        if self.helped:
            self.model.to(torch.bfloat16)
        self.threshold = 0.5
        self.runs: list[list[str]] = []
        self.extra: dict[str, Any] = {}

    def set_types(self, types: list[str]) -> None:
        """A bi-encoder encodes them, with the library's own method."""
        if self.is_bi:
            self.runs = [types]
            self.extra = {"labels_embeds": self.model.encode_labels(types, batch_size=BATCH_SIZE)}
        else:
            self.runs = chunks(types, self.tokenizer, room=MAX_TOKENS - TEXT_ROOM, marker_tokens=1)

    def set_threshold(self, value: float) -> None:
        """It takes a probability."""
        self.threshold = 1 / (1 + 2.718281828**-value)

    def tag(self, texts: list[str], *, single: bool = False) -> list[list[Entity]]:
        """With `inference`, whose order is that of the texts."""
        order = sorted(range(len(texts)), key=lambda index: len(texts[index])) if self.helped else range(len(texts))
        found: list[list[Entity]] = [[] for _ in texts]
        for run in self.runs:
            given = [texts[index] for index in order]
            tagged = self.model.inference(given, run, threshold=self.threshold, batch_size=BATCH_SIZE, **self.extra)
            for index, entities in zip(order, tagged, strict=True):
                found[index] += [[item["start"], item["end"], item["label"]] for item in entities]
        return found

    def share_read(self, texts: list[str]) -> float:
        """Words with a subword in the batch that the model is given, of all words."""
        seen, total = 0, 0
        for text in texts:
            prepared = self.model.prepare_batch([text], self.runs[0])
            total += len(prepared["tokens"][0])
            batch = self.model.collate_batch(prepared["input_x"], prepared["entity_types"], self.model.create_collator())
            seen += int(batch["words_mask"].max())
        return seen / total


if __name__ == "__main__":
    serve(GLiNERTagger)
