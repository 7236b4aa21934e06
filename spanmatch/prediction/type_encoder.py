"""Encode types in batches of about one length. Each text is encoded once, and again only when the weights have changed.

Legend: C types, D head size.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from tqdm.auto import tqdm

from spanmatch.batching.batcher import Batcher
from spanmatch.entities import Inventory
from spanmatch.errors import InputError
from spanmatch.prediction.backend import Array, Backend
from spanmatch.prediction.type_embeddings import TypeEmbeddings

# Types that are tokenised and sorted by length together.
SORTED_TOGETHER = 8192
# Embeddings that are kept between calls: 32 MiB at 128 dimensions in half precision.
MAX_KEPT = 1 << 17


class TypeEncoder:
    """Turns the types of a bi-encoder into embeddings. Several threads may use it at the same time.

    Attributes:
        backend: computes the embeddings.
        batcher: the batcher of the model.
    """

    def __init__(self, backend: Backend, batcher: Batcher) -> None:
        """Make the type encoder of a model.

        Args:
            backend: computes the embeddings.
            batcher: the batcher of the model.
        """
        self.backend, self.batcher = backend, batcher
        self._cache = TypeCache()
        # The list of the last call, with its embeddings: most texts that come one by one ask for one list.
        self._last: tuple[object, Inventory, Array] | None = None
        self._digest: tuple[object, str] = (None, "")
        self._prepared: TypeEmbeddings | None = None
        self._lock = threading.Lock()  # what is in the cache stays there until it was read

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_lock"}  # a lock cannot be copied or pickled

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.Lock())

    def encode(self, types: Inventory, *, progress: bool = False) -> TypeEmbeddings:
        """Return embeddings for the caller to keep. They are not added to the cache, because they may be more than it holds.

        Args:
            types: the types.
            progress: show a progress bar; by default none.
        """
        distinct = list(dict.fromkeys(types.texts))
        row_of = dict(zip(distinct, self._encode(distinct, progress), strict=True))
        embeddings = self.backend.join([row_of[text] for text in types.texts])
        with self.backend.inference():
            corrected = self.backend.corrected(embeddings)
        return TypeEmbeddings(types=types, embeddings=corrected, digest=self.digest())

    def prepare(self, embedded: TypeEmbeddings) -> None:
        """Use these embeddings whenever exactly their types are requested.

        Args:
            embedded: what `encode` returned.

        Raises:
            InputError: the embeddings are those of another model.
        """
        if embedded is not self._prepared:  # else `embed` checks them, with the weights of that moment
            self.check(embedded)
            self._prepared = embedded

    def embed(self, types: Inventory) -> Array:
        """Return the embeddings of the types of one list. What was prepared or requested before is not computed again.

        Args:
            types: all types of the list: which they are decides how each is corrected.

        Shape: (C, D).
        """
        prepared = self._prepared  # another thread may prepare others at any moment
        if prepared is not None and types == prepared.types:
            self.check(prepared)
            return prepared.embeddings
        with self._lock, self.backend.inference():
            version = self.backend.version()
            if self._last is not None and self._last[:2] == (version, types):
                return self._last[2]
            cache = self._cache.at(version)
            missing = cache.missing(types.texts)
            if missing:
                cache.put(missing, self._encode(missing, False))
            corrected = self.backend.corrected(self.backend.join(cache.get(types.texts)))
            self._last = version, types, corrected
            return corrected

    def digest(self) -> str:
        """Return the SHA-256 of everything that embeddings depend on: the weights of the type encoder and the settings."""
        version = self.backend.version()
        if self._digest[0] != version:
            config = self.batcher.config
            way = f"{config.type_pooling} {config.max_type_length} {config.background_weight} {self.backend.type_digest()}"
            # Files of embeddings are older than these settings: the digest of a model without them stays the same.
            if config.type_norm is not None or config.type_prompt:
                way += f" {config.type_norm} {config.type_prompt}"
            if config.background_weight:
                way += " by list"
            if config.type_state_scale != 1:
                way += f" scale {config.type_state_scale}"
            self._digest = version, sha256(way.encode()).hexdigest()
        return self._digest[1]

    def check(self, embedded: TypeEmbeddings) -> None:
        """Refuse embeddings of another model.

        Args:
            embedded: type embeddings from anywhere.

        Raises:
            InputError: the embeddings are those of another model, or this model is a cross-encoder, which takes none.
        """
        if self.batcher.is_cross_encoder:
            raise InputError("a cross-encoder reads types with each text and takes no embeddings of them; pass the types")
        if embedded.digest != self.digest():
            raise InputError("the type embeddings are those of another model; encode the types again with this one")

    def check_file(self, embedded: TypeEmbeddings, types: Inventory, file: str) -> None:
        """Refuse the embeddings of a file if they are of another model or of other types.

        Args:
            embedded: what the file holds.
            types: the types that it should hold.
            file: its name, for the error.

        Raises:
            InputError: always then.
        """
        remedy = "name another file, or remove this one to have it written anew"
        if embedded.digest != self.digest():
            raise InputError(f"{file}: embeddings of another model; {remedy}")
        if embedded.types != types:
            known = set(embedded.types)
            other = next((f'"{item.name}" is not among them, as it is asked for' for item in types if item not in known), None)
            reason = other or "they are more, or in another order"
            raise InputError(f"{file}: embeddings of {len(embedded.types)} other types: {reason}; {remedy}")

    def _encode(self, texts: Sequence[str], progress: bool) -> list[Array]:
        """Return the embedding of each text, as an array of one row."""
        rows: list[Array] = [None] * len(texts)
        with self.backend.inference(), tqdm(total=len(texts), unit="type", desc="encoding types", disable=not progress) as bar:
            for start in range(0, len(texts), SORTED_TOGETHER):
                chosen = texts[start : start + SORTED_TOGETHER]
                for places, sequences in self.batcher.type_batches(chosen, max_tokens=self.backend.batch_tokens):
                    embeddings = self.backend.embed_types(sequences)
                    for row, place in enumerate(places):
                        rows[start + place] = embeddings[row : row + 1]
                    bar.update(len(places))
        return rows


class TypeCache:
    """Keeps embeddings by the text of their type. The least recently used are dropped first, all when the weights change.

    Attributes:
        max_types: how many embeddings are kept.
    """

    def __init__(self, max_types: int = MAX_KEPT) -> None:
        """Make an empty cache.

        Args:
            max_types: how many embeddings to keep.
        """
        self.max_types = max_types
        self._rows: OrderedDict[str, Array] = OrderedDict()
        self._version: object = None

    def at(self, version: object) -> "TypeCache":
        """Return the cache itself, after emptying it if its embeddings are of other weights.

        Args:
            version: identifies the present weights (see `Backend.version`).
        """
        if version != self._version:
            self._rows.clear()
            self._version = version
        return self

    def missing(self, texts: Iterable[str]) -> list[str]:
        """Return the texts that have no embedding here, each once.

        Args:
            texts: the type texts.
        """
        return [text for text in dict.fromkeys(texts) if text not in self._rows]

    def put(self, texts: Sequence[str], embeddings: Sequence[Array]) -> None:
        """Add embeddings. Even if they are more than the cache holds, all stay until the next `get`.

        Args:
            texts: the type texts.
            embeddings: the embedding of each.
        """
        self._rows.update(zip(texts, embeddings, strict=True))

    def get(self, texts: Sequence[str]) -> list[Array]:
        """Return the embedding of each text, then drop the least recently used ones that are too many.

        Args:
            texts: type texts that all have an embedding here.
        """
        found = [self._rows[text] for text in texts]
        for text in dict.fromkeys(texts[-self.max_types :]):
            self._rows.move_to_end(text)
        while len(self._rows) > self.max_types:
            self._rows.popitem(last=False)
        return found

    def __len__(self) -> int:
        return len(self._rows)
