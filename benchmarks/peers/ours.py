"""spanmatch as a tagger among its peers, and its encoder alone over the same batches.

Settings: "model" (a checkpoint), "compile", "threads".
"""

from typing import Any

from protocol import Entity, serve

from spanmatch.entities import EntityType
from spanmatch.evaluation.speed import EncoderAlone, seconds_of, text_encoder_alone, type_encoder_alone
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.type_embeddings import TypeEmbeddings


class OurTagger:
    """A bi-encoder with its types cached, or a cross-encoder."""

    def __init__(self, settings: dict[str, Any]) -> None:
        options: dict[str, Any] = {"compile": True} if settings.get("compile") else {}
        self.matcher = SpanMatcher.from_pretrained(settings["model"], device="cpu", **options)
        self.threshold = 0.5
        self.types: list[EntityType] | TypeEmbeddings = []
        self.alone: tuple[Any, EncoderAlone] | None = None

    def set_types(self, types: list[str]) -> None:
        """A bi-encoder encodes them."""
        named = [EntityType(name=name) for name in types]
        self.types = named if self.matcher.batcher.is_cross_encoder else self.matcher.encode_types(named)
        self.alone = None

    def set_threshold(self, value: float) -> None:
        """It takes a probability."""
        self.threshold = 1 / (1 + 2.718281828**-value)

    def tag(self, texts: list[str], *, single: bool = False) -> list[list[Entity]]:
        """With `predict`."""
        if single:
            tagged = [self.matcher.predict(texts[0], self.types, threshold=self.threshold)]
        else:
            tagged = self.matcher.predict(texts, self.types, threshold=self.threshold)
        return [[[item.start, item.end, item.label] for item in own] for own in tagged]

    def share_read(self, texts: list[str]) -> float:
        """Nothing is cut."""
        return 1.0

    def encoder(self, texts: list[str]) -> dict[str, float]:
        """Seconds of the encoder alone over the batches that `tag` makes of these texts."""
        if self.alone is None or self.alone[0] != texts:
            self.alone = (texts, text_encoder_alone(self.matcher, texts, self.types))
        return {"seconds": seconds_of(self.alone[1], self.matcher.device)}

    def encode_types(self, types: list[str], repeats: int) -> dict[str, list[float]]:
        """Seconds of encoding types, and of the encoder alone over the same batches, in turn."""
        named = [EntityType(name=name) for name in types]
        alone = type_encoder_alone(self.matcher, named)
        seconds: dict[str, list[float]] = {"types": [], "encoder": []}
        for _ in range(repeats):
            seconds["types"].append(seconds_of(lambda: self.matcher.encode_types(named), self.matcher.device))
            seconds["encoder"].append(seconds_of(alone, self.matcher.device))
        return seconds


if __name__ == "__main__":
    serve(OurTagger)
