"""Encoding types: in batches of about one length, each text once, and not again while the weights stay the same.

Legend: C types, D head size.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from hashlib import sha256

import torch
from tqdm.auto import tqdm

from spanmatch.batching.batcher import Batcher
from spanmatch.entities import EntityType
from spanmatch.errors import InputError
from spanmatch.model.devices import batch_tokens, check_range
from spanmatch.model.model import SpanMatcherModel
from spanmatch.prediction.type_embeddings import TypeCache, TypeEmbeddings, weights_digest, weights_version

# Types that are tokenised and sorted by length together.
WINDOW = 8192


class TypeEncoding:
    """The types of a bi-encoder, from their texts to their embeddings."""

    def __init__(self, model: SpanMatcherModel, batcher: Batcher, inference: Callable[[], AbstractContextManager[None]]) -> None:
        self.model, self.batcher, self._inference = model, batcher, inference
        self._cache = TypeCache()
        self._digest: tuple[object, str] = (None, "")

    def encode(self, types: tuple[EntityType, ...], *, progress: bool = False) -> TypeEmbeddings:
        """Embeddings to be kept by the caller, however many."""
        texts = [item.text for item in types]
        distinct = list(dict.fromkeys(texts))
        embeddings = self._encode(distinct, progress)
        if len(distinct) < len(texts):
            row_of = {text: row for row, text in enumerate(distinct)}
            embeddings = embeddings[[row_of[text] for text in texts]]
        return TypeEmbeddings(types=types, embeddings=embeddings, digest=self.digest())

    def embed(self, types: Sequence[EntityType]) -> torch.Tensor:
        """Embeddings of types, of which those that were asked for last are kept here. Shape: (C, D)."""
        texts = [item.text for item in types]
        cache = self._cache.at(self._version())
        missing = cache.missing(texts)
        if missing:
            cache.put(missing, self._encode(missing, False))
        return cache.get(texts)

    def digest(self) -> str:
        """What embeddings depend on, as SHA-256: the weights of the encoder of types and the way to an embedding."""
        version = self._version()
        if self._digest[0] != version:
            config = self.batcher.config
            digest = weights_digest(self.model.type_weights().items())
            way = f"{config.type_pooling} {config.max_type_length} {config.background_weight} {digest}"
            self._digest = version, sha256(way.encode()).hexdigest()
        return self._digest[1]

    def check(self, embedded: TypeEmbeddings) -> None:
        """Refuse embeddings of another model.

        Raises:
            InputError: always then, and for a cross-encoder, which has none.
        """
        if self.batcher.types_stand_behind:
            raise InputError("a cross-encoder reads types with each text and takes no embeddings of them; pass the types")
        if embedded.digest != self.digest():
            raise InputError("the type embeddings are those of another model; encode the types again with this one")

    def _version(self) -> object:
        head = self.model.head
        probed = [head.type_proj.weight, head.type_proj.bias, head.scale]
        probed += [own for own in (head.bias, head.usual_affinity) if own is not None]
        return weights_version([self.model.encoder_of_types, head.type_proj], probed)

    def _encode(self, texts: Sequence[str], progress: bool) -> torch.Tensor:
        rows: list[torch.Tensor] = []
        device = self.model.head.scale.device
        with self._inference(), tqdm(total=len(texts), unit="type", desc="encoding types", disable=not progress) as bar:
            for start in range(0, len(texts), WINDOW):
                chosen = texts[start : start + WINDOW]
                window: torch.Tensor | None = None
                for places, batch in self.batcher.type_batches(chosen, max_tokens=batch_tokens(device)):
                    embeddings = self.model.encode_types(batch.to(device))
                    check_range(embeddings)
                    window = embeddings.new_empty(len(chosen), embeddings.shape[1]) if window is None else window
                    window[places] = embeddings
                    bar.update(len(places))
                assert window is not None, "a window has types"
                rows.append(window)
        return torch.cat(rows)


