"""Encode types in batches of about one length. Each text is encoded once, and again only when the weights have changed.

Legend: C types, D head size.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from hashlib import sha256
from typing import Any

import torch
from tqdm.auto import tqdm

from spanmatch.batching.batcher import Batcher
from spanmatch.batching.collate import collate_types
from spanmatch.entities import Inventory
from spanmatch.errors import InputError
from spanmatch.model.devices import batch_tokens, check_range, use_no_lost_threads
from spanmatch.model.model import SpanMatcherModel
from spanmatch.prediction.type_embeddings import TypeEmbeddings, weights_digest

# Types that are tokenised and sorted by length together.
SORTED_TOGETHER = 8192
# Embeddings that are kept between calls: 32 MiB at 128 dimensions in half precision.
MAX_KEPT = 1 << 17


class TypeEncoder:
    """Turns the types of a bi-encoder into embeddings. Several threads may use it at the same time.

    Attributes:
        model: the model.
        batcher: its batcher.
    """

    def __init__(self, model: SpanMatcherModel, batcher: Batcher, inference: Callable[[], AbstractContextManager[None]]) -> None:
        """Make the type encoder of a model.

        Args:
            model: the model.
            batcher: its batcher.
            inference: makes a context without gradients and dropout.
        """
        self.model, self.batcher, self._inference = model, batcher, inference
        self._cache, self._watch = TypeCache(), WeightsWatch()
        # The list of the last call, with its embeddings: most texts that come one by one ask for one list.
        self._last: tuple[object, Inventory, torch.Tensor] | None = None
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
        embeddings = self._encode(distinct, progress)
        if len(distinct) < len(types):
            row_of = {text: row for row, text in enumerate(distinct)}
            embeddings = embeddings[[row_of[text] for text in types.texts]]
        with self._inference():
            corrected = self.model.corrected(embeddings)
        return TypeEmbeddings(types=types, embeddings=corrected, digest=self.digest())

    def prepare(self, embedded: TypeEmbeddings) -> None:
        """Use these embeddings whenever exactly their types are requested.

        Args:
            embedded: what `encode` returned.

        Raises:
            InputError: the embeddings are those of another model.
        """
        self.check(embedded)
        self._prepared = embedded

    def embed(self, types: Inventory) -> torch.Tensor:
        """Return the embeddings of the types of one list. What was prepared or requested before is not computed again.

        Args:
            types: all types of the list: which they are decides how each is corrected.

        Shape: (C, D).
        """
        prepared = self._prepared  # another thread may prepare others at any moment
        if prepared is not None and types == prepared.types:
            self.check(prepared)
            return prepared.embeddings
        with self._lock, self._inference():
            version = self._version()
            if self._last is not None and self._last[:2] == (version, types):
                return self._last[2]
            cache = self._cache.at(version)
            missing = cache.missing(types.texts)
            if missing:
                cache.put(missing, self._encode(missing, False))
            corrected = self.model.corrected(cache.get(types.texts))
            self._last = version, types, corrected
            return corrected

    @property
    def depends_on_list(self) -> bool:
        """Return whether the embedding of a type depends on what else is asked for."""
        return self.model.head.background is not None and bool(self.batcher.config.background_weight)

    def digest(self) -> str:
        """Return the SHA-256 of everything that embeddings depend on: the weights of the type encoder and the settings."""
        version = self._version()
        if self._digest[0] != version:
            config = self.batcher.config
            digest = weights_digest(self.model.type_weights().items())
            way = f"{config.type_pooling} {config.max_type_length} {config.background_weight} {digest}"
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

    def _version(self) -> object:
        use_no_lost_threads()
        head = self.model.head
        own = (head.scale, head.bias, head.background, head.usual_affinity)
        return self._watch.version([self.model.encoder_of_types, head.type_proj], [item for item in own if item is not None])

    def _encode(self, texts: Sequence[str], progress: bool) -> torch.Tensor:
        use_no_lost_threads()
        rows: list[torch.Tensor] = []
        device = self.model.head.scale.device
        with self._inference(), tqdm(total=len(texts), unit="type", desc="encoding types", disable=not progress) as bar:
            for start in range(0, len(texts), SORTED_TOGETHER):
                chosen = texts[start : start + SORTED_TOGETHER]
                block: torch.Tensor | None = None
                for places, sequences in self.batcher.type_batches(chosen, max_tokens=batch_tokens(device)):
                    batch = collate_types(sequences, self.batcher.lone_type_tokenizer)
                    embeddings = self.model.type_embeddings(batch.to(device))
                    if embeddings.dtype == torch.float16:
                        check_range(embeddings)
                    block = embeddings.new_empty(len(chosen), embeddings.shape[1]) if block is None else block
                    block[places] = embeddings
                    bar.update(len(places))
                assert block is not None, "there is a text in every block"
                rows.append(block)
        return torch.cat(rows)


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
        self._rows: OrderedDict[str, torch.Tensor] = OrderedDict()
        self._version: object = None

    def at(self, version: object) -> "TypeCache":
        """Return the cache itself, after emptying it if its embeddings are of other weights.

        Args:
            version: identifies the present weights (see `WeightsWatch`).
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

    def put(self, texts: Sequence[str], embeddings_CD: torch.Tensor) -> None:
        """Add embeddings. Even if they are more than the cache holds, all stay until the next `get`.

        Args:
            texts: the type texts.
            embeddings_CD: their embeddings. Shape: (C, D).
        """
        self._rows.update(zip(texts, embeddings_CD.unbind(), strict=True))

    def get(self, texts: Sequence[str]) -> torch.Tensor:
        """Return the embeddings of texts, then drop the least recently used ones that are too many.

        Args:
            texts: type texts that all have an embedding here.

        Shape: (C, D).
        """
        found = torch.stack([self._rows[text] for text in texts])
        for text in dict.fromkeys(texts[-self.max_types :]):
            self._rows.move_to_end(text)
        while len(self._rows) > self.max_types:
            self._rows.popitem(last=False)
        return found

    def __len__(self) -> int:
        return len(self._rows)


class WeightsWatch:
    """Notices when weights change, without reading all of them.

    PyTorch counts writes to a weight, but not those of fused optimizers, nor those to its `data`, such as a moving average
    of weights. So a few elements of each weight are read, too. A change of single elements through `data`, which no
    training makes, goes unnoticed.
    """

    def __init__(self) -> None:
        """Start without knowing any weights."""
        self._addresses: list[int] = []
        self._samples: list[list[torch.Tensor]] = []

    def version(self, modules: Iterable[torch.nn.Module], weights: Iterable[torch.Tensor]) -> tuple[object, ...]:
        """Return a value that changes when weights change: the address and the number of writes of each, and some elements.

        Args:
            modules: the modules whose weights and buffers are watched.
            weights: further weights that are watched.
        """
        # This runs before every prediction, and `Module.parameters()` takes several times as long as this walk.
        watched, waiting = list(weights), list(modules)
        while waiting:
            module = waiting.pop()
            watched += [weight for weight in module._parameters.values() if weight is not None]
            watched += [buffer for buffer in module._buffers.values() if buffer is not None]
            waiting += [child for child in module._modules.values() if child is not None]
        addresses = [weight.data_ptr() for weight in watched]
        if addresses != self._addresses:
            self._addresses = addresses
            self._samples = _sampled(watched)
        writes = tuple(0 if weight.is_inference() else weight._version for weight in watched)
        read = tuple(sample.contiguous().view(torch.uint8).cpu().numpy().tobytes() for sample in map(torch.cat, self._samples))
        return tuple(addresses), writes, read


def _sampled(weights: Sequence[torch.Tensor]) -> list[list[torch.Tensor]]:
    """Return views of three elements of each weight, those of one precision and device together."""
    groups: dict[tuple[torch.dtype, torch.device], list[torch.Tensor]] = {}
    for weight in weights:
        group = groups.setdefault((weight.dtype, weight.device), [])
        for quarter in (1, 2, 3) if weight.numel() else ():
            element = weight.detach()
            for size in weight.shape:
                element = element[size * quarter // 4]  # a view of the same memory, whatever the strides
            group.append(element[None])
    return [group for group in groups.values() if group]
