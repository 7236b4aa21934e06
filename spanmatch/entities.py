"""The nouns: entity types, gold mentions, predicted entities. All offsets are half-open."""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property


def normalise(name: str) -> str:
    """Fold a type name for comparison: `Product_Name ` and `product name` are one type."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(folded.replace("_", " ").replace("-", " ").split())


@dataclass(frozen=True, kw_only=True, slots=True)
class EntityType:
    """An entity type as a user names or describes it.

    `name` is what the model reads, with the `description` where there is one. `label` is what its
    entities are called in files and results (the tag `PER` of the type "person"); it defaults to the
    name. `aliases` are other names of the same type, never trained as negatives of each other.
    `key` and `alias_keys` are the name and aliases, normalised: types of one key are one type.
    """

    name: str
    description: str = ""
    aliases: tuple[str, ...] = ()
    label: str = ""
    key: str = field(init=False, repr=False, compare=False)
    alias_keys: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("an entity type needs a name, got an empty one; give it a name or remove it")
        object.__setattr__(self, "label", self.label or self.name)
        object.__setattr__(self, "key", normalise(self.name))
        object.__setattr__(self, "alias_keys", frozenset(map(normalise, self.aliases)) - {self.key})

    @property
    def text(self) -> str:
        """What the type encoder reads."""
        return f"{self.name}: {self.description}" if self.description else self.name


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Mention:
    """A labelled stretch of text, start and end in characters or in tokens, as the context says."""

    start: int
    end: int
    label: str

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a span needs 0 <= start < end, got [{self.start}, {self.end})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entity:
    """A predicted entity: `text == source[start:end]` in characters, `score` in (0, 1]."""

    start: int
    end: int
    label: str
    text: str
    score: float

    @property
    def mention(self) -> Mention:
        """The entity without its score, to compare with gold."""
        return Mention(start=self.start, end=self.end, label=self.label)


class Inventory(tuple[EntityType, ...]):
    """Holds the types that a text is asked for, in order: a tuple that computes its hash once.

    Inventories are keys of many look-ups, and one may have a hundred thousand types.
    """

    @cached_property
    def _hash(self) -> int:
        return super().__hash__()

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[type["Inventory"], tuple[tuple[EntityType, ...]]]:
        """Leave the hash behind: that of a text differs from process to process."""
        return Inventory, (tuple(self),)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """What the encoder reads of each type."""
        return tuple(item.text for item in self)


NO_TYPES = Inventory()

Types = Sequence[str] | Sequence[EntityType] | Mapping[str, str]


def as_entity_types(types: Types) -> Inventory:
    """Read types as a user gives them: names, `EntityType`s, or `{name: description}`.

    Raises:
        ValueError: no type, an empty name, or two types of one name.
    """
    if isinstance(types, str):
        raise ValueError(f'types must be a list of names or {{name: description}}, got the text "{types}"; write ["{types}"]')
    if isinstance(types, Mapping):
        read = Inventory(EntityType(name=name, description=description or "") for name, description in types.items())
    else:
        read = Inventory(item if isinstance(item, EntityType) else EntityType(name=item) for item in types)
    if not read:
        raise ValueError("no entity types given; name at least one")
    twice = sorted(name for name, count in Counter(item.label for item in read).items() if count > 1)
    if twice:
        raise ValueError(f"entity types must differ, given more than once: {', '.join(twice)}")
    return read


def types_per_text(types: Types | Sequence[Types], num_texts: int) -> list[Inventory]:
    """Read one list of types for all texts, or a list of such, one per text.

    Raises:
        ValueError: as `as_entity_types`, or not one list per text.
    """
    if isinstance(types, Inventory):
        return [types] * num_texts
    is_one = isinstance(types, (str, Mapping)) or all(isinstance(item, (str, EntityType)) for item in types)
    if is_one:
        return [as_entity_types(types)] * num_texts  # type: ignore[arg-type]
    if len(types) != num_texts:
        raise ValueError(f"{len(types)} lists of types for {num_texts} texts; give one list for all, or one per text")
    return [as_entity_types(own) for own in types]  # type: ignore[arg-type]
