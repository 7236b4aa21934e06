"""Define entity types, gold mentions and predicted entities. All offsets are half-open."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from spanmatch.errors import InputError

# Lists of at most so many names are remembered.
MAX_REMEMBERED = 1000


def normalise(name: str) -> str:
    """Normalise a type name for comparison: `Product_Name ` and `product name` are one type.

    Args:
        name: a name as a user writes it.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    if not folded.isascii():
        # Upper and lower case can be composed in different ways. What cannot be seen (category Cf) makes no other name.
        folded = unicodedata.normalize("NFKC", folded).casefold().replace("\u2010", "-")
        folded = "".join(char for char in folded if unicodedata.category(char) != "Cf")
    return " ".join(folded.replace("_", " ").replace("-", " ").split()) or folded


def is_blank(name: str) -> bool:
    """Return whether nothing of a name can be seen.

    Args:
        name: any text.
    """
    return all(char.isspace() or unicodedata.category(char) in {"Cc", "Cf"} for char in name)


@dataclass(frozen=True, kw_only=True, slots=True)
class EntityType:
    """Holds an entity type as a user names or describes it.

    Attributes:
        name: what the model reads, together with the description.
        description: what the type means, in a sentence; may be empty.
        aliases: other names of the same type; name and aliases are never trained as negatives of each other.
        label: what its entities are called in files and results, such as the tag `PER` of the type "person"; by default
            the name.
        key: the normalised name; types with one key are one type.
        alias_keys: the normalised aliases.

    Raises:
        InputError: the name is empty, or something is no text.
    """

    name: str
    description: str = ""
    aliases: tuple[str, ...] = ()
    label: str = ""
    key: str = field(init=False, repr=False, compare=False)
    alias_keys: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        aliases: Any = self.aliases
        if isinstance(aliases, str):
            raise InputError(f'aliases must be several texts, got the text "{aliases}"; write ("{aliases}",)')
        for text in (self.name, self.description, self.label, *self.aliases):
            check_text(text, "a name, description, label or alias of an entity type")
        if is_blank(self.name):
            raise InputError("an entity type needs a name, got an empty one; give it a name or remove it")
        object.__setattr__(self, "label", self.label or self.name)
        object.__setattr__(self, "key", normalise(self.name))
        object.__setattr__(self, "alias_keys", frozenset(map(normalise, self.aliases)) - {self.key})

    @property
    def text(self) -> str:
        """Return what the type encoder reads."""
        return f"{self.name}: {self.description}" if self.description else self.name


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Mention:
    """Holds a labelled span of a text.

    Attributes:
        start: the first position, in characters or in tokens, as the place says that uses it.
        end: the position after the last.
        label: the label of its entity type.

    Raises:
        ValueError: the span is empty or starts before the text.
    """

    start: int
    end: int
    label: str

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a span needs 0 <= start < end, got [{self.start}, {self.end})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entity:
    """Holds a predicted entity.

    Attributes:
        start: its first character.
        end: the character after its last.
        label: the label of its entity type.
        text: the span as it stands in the text, from `start` to `end`.
        score: how sure the model is, in (0, 1].
    """

    start: int
    end: int
    label: str
    text: str
    score: float

    @property
    def mention(self) -> Mention:
        """Return the entity without its score, to compare it with gold."""
        return Mention(start=self.start, end=self.end, label=self.label)


class Inventory(tuple[EntityType, ...]):
    """Holds the types that a text is asked for, in order.

    It is a tuple that computes its hash once, because inventories are the keys of many look-ups, and one may have a hundred
    thousand types.
    """

    @cached_property
    def _hash(self) -> int:
        return super().__hash__()

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[type["Inventory"], tuple[tuple[EntityType, ...]]]:
        """Pickle the types without the hash, because the hash of a text differs between processes."""
        return Inventory, (tuple(self),)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Return what the type encoder reads of each type."""
        return tuple(item.text for item in self)


NO_TYPES = Inventory()

Types = Iterable[str] | Iterable[EntityType] | Mapping[str, str]


def check_text(text: Any, what: str) -> None:
    """Refuse what is no text, and text that no tokenizer reads.

    Args:
        text: any value.
        what: what the value is, for the error.

    Raises:
        InputError: it is no `str`, or has half of a surrogate pair in it.
    """
    if not isinstance(text, str):
        raise InputError(f"{what} must be a text (str), got {_shown(text)}")
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = text[error.start].encode("ascii", "backslashreplace").decode()
        raise InputError(f"{what} holds a lone surrogate ({half}), half a character; write it whole, or drop it") from error


def _shown(value: Any) -> str:
    """Return a value as an error shows it, with its class unless that is clear."""
    return "None" if value is None else f"{str(value)[:40]!r} ({type(value).__name__})"


def _items(values: Any, what: str) -> list[Any]:
    """Return the items of anything that can be gone through: a list, an array, a generator, the keys of a dict."""
    if not isinstance(values, Iterable) or isinstance(values, (bytes, bytearray, Mapping)):
        raise InputError(f"{what}, got {_shown(values)}")
    try:
        return list(values)
    except TypeError as error:  # an array without dimensions
        raise InputError(f"{what}, got {_shown(values)}") from error


def as_texts(texts: Iterable[str]) -> list[str]:
    """Return texts as a list, after checking each.

    Args:
        texts: a list, a tuple, a generator, an array: anything that gives texts one by one.

    Raises:
        InputError: one of them is no text; the message has its index.
    """
    listed = _items(texts, "texts must be a text or a list of texts")
    for index, text in enumerate(listed):
        if isinstance(text, (list, tuple)) and text and all(isinstance(token, str) for token in text):
            raise InputError(f'texts[{index}] must be a text (str), got tokens {_shown(text)}; join them: " ".join(tokens)')
        check_text(text, f"texts[{index}]")
    return listed


def as_entity_types(types: Types) -> Inventory:
    """Return the inventory of types as a user gives them.

    Args:
        types: names, `EntityType`s, or `{name: description}`. The types of a set are sorted.

    Raises:
        InputError: there is no type, a name is empty, two names or two labels are one, or something is no type.
    """
    if isinstance(types, str):
        raise InputError(f'types must be a list of names or {{name: description}}, got the text "{types}"; write ["{types}"]')
    if isinstance(types, Mapping):
        read = Inventory(EntityType(name=name, description=_description(name, given)) for name, given in types.items())
    else:
        listed = _items(types, "types must be a list of names or {name: description}")
        for index, item in enumerate(listed):
            if not isinstance(item, (str, EntityType)):
                raise InputError(f"types[{index}] must be a name (str) or an EntityType, got {_shown(item)}")
        is_set = isinstance(types, (set, frozenset))
        if not is_set and len(listed) <= MAX_REMEMBERED and all(type(item) is str for item in listed):
            return _of_names(tuple(listed))
        read = Inventory(item if isinstance(item, EntityType) else EntityType(name=item) for item in listed)
        if is_set:
            # The order of a set differs between processes, and it decides between equal scores.
            read = Inventory(sorted(read, key=lambda item: (item.name, item.label, item.description)))
    _check(read)
    return read


@lru_cache(maxsize=16)
def _of_names(names: tuple[str, ...]) -> Inventory:
    # Who tags one text after the other gives the same names each time, and checking them takes as long as splitting the text.
    read = Inventory(EntityType(name=name) for name in names)
    _check(read)
    return read


def _description(name: str, given: Any) -> str:
    if given is not None and not isinstance(given, str):
        raise InputError(f'the description of "{name}" must be a text (str) or None, got {_shown(given)}')
    return given or ""


def _check(types: Inventory) -> None:
    """Refuse no types, and types that are one, because their names agree or because their results could not be told apart."""
    if not types:
        raise InputError("no entity types given; name at least one")
    by_key: dict[str, EntityType] = {}
    labels: set[str] = set()
    for item in types:
        if (other := by_key.get(item.key)) is not None:  # it may be the same object, given twice
            same = item.name if other.name == item.name else f'"{other.name}" and "{item.name}" are one type'
            raise InputError(f"entity types must differ, given more than once: {same}; leave one out")
        if item.label in labels:
            raise InputError(f'two entity types have the label "{item.label}"; give each its own')
        by_key[item.key] = item
        labels.add(item.label)


def types_per_text(types: Types | Iterable[Types], num_texts: int) -> list[Inventory]:
    """Return the inventory of each text.

    Args:
        types: types for all texts, or a list of types per text; each as for `as_entity_types`.
        num_texts: the number of texts.

    Raises:
        InputError: a list is invalid, see `as_entity_types`, or the number of lists is not that of texts.
    """
    if isinstance(types, Inventory):
        return [types] * num_texts
    if isinstance(types, (str, Mapping, set, frozenset)):
        return [as_entity_types(types)] * num_texts
    listed = _items(types, "types must be a list of names or {name: description}")
    is_name = [isinstance(item, (str, EntityType)) for item in listed]
    if all(is_name):
        return [as_entity_types(listed)] * num_texts
    for index, item in enumerate(listed):
        if is_name[index] != is_name[0] or not isinstance(item, (str, EntityType, Iterable)):
            forms = "give names (str) or EntityTypes for all texts, or one list of them per text"
            raise InputError(f"types[{index}] is {_shown(item)}; {forms}")
    if len(listed) != num_texts:
        raise InputError(f"{len(listed)} lists of types for {num_texts} texts; give one list for all, or one per text")
    return [_of_text(index, own) for index, own in enumerate(listed)]


def _of_text(index: int, types: Types) -> Inventory:
    try:
        return as_entity_types(types)
    except InputError as error:
        raise InputError(f"types[{index}]: {error}") from error
