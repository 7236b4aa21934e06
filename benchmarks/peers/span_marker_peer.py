"""SpanMarker (PyPI `span_marker`) as a tagger for a closed set of types, as it comes; runs in its own environment.

Its head was not trained: the bias of "no entity" is what a threshold is elsewhere. Settings: "encoder", "threads".
"""

import warnings
from typing import Any

import torch
from protocol import Entity, serve
from span_marker import SpanMarkerModel

warnings.filterwarnings("ignore")
BATCH_SIZE = 4  # the default of `predict`


class SpanMarkerTagger:
    """A model of its own for each set of types."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.encoder = settings["encoder"]
        self.model: Any = None

    def set_types(self, types: list[str]) -> None:
        """A new model with these labels; the label that is none comes first."""
        torch.manual_seed(0)
        self.model = SpanMarkerModel.from_pretrained(
            self.encoder, labels=["O", *types], model_max_length=256, entity_max_length=8
        ).eval()

    def set_threshold(self, value: float) -> None:
        """The bias of "no entity": spread over the narrow range of scores that an untrained head has."""
        with torch.no_grad():
            self.model.classifier.bias[self.model.config.label2id["O"]] = value / 4

    def tag(self, texts: list[str], *, single: bool = False) -> list[list[Entity]]:
        """With `predict`, which cuts a text beyond its longest sequence."""
        tagged = [self.model.predict(texts[0])] if len(texts) == 1 else self.model.predict(texts, batch_size=BATCH_SIZE)
        return [[[item["char_start_index"], item["char_end_index"], item["label"]] for item in own] for own in tagged]

    def share_read(self, texts: list[str]) -> float:
        """Words before the cut: the sequence holds the text, its markers come behind it."""
        limit = self.model.config.model_max_length - 2
        lengths = [len(self.model.tokenizer.tokenizer.encode(text, add_special_tokens=False)) for text in texts]
        return sum(min(length, limit) for length in lengths) / sum(lengths)


if __name__ == "__main__":
    serve(SpanMarkerTagger)
