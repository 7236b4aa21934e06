"""Define entity types, gold mentions and predicted entities. All offsets are half-open."""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property


def normalise(name: str) -> str:
    """Normalise a type name for comparison: `Product_Name ` and `product name` are one type.

    Args:
        name: a name as a user writes it.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(folded.replace("_", " ").replace("-", " ").split())


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

Types = Sequence[str] | Sequence[EntityType] | Mapping[str, str]


def as_entity_types(types: Types) -> Inventory:
    """Return the inventory of types as a user gives them.

    Args:
        types: names, `EntityType`s, or `{name: description}`.

    Raises:
        ValueError: there is no type, a name is empty, or two types have one label.
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
    """Return the inventory of each text.

    Args:
        types: one list of types for all texts, or one list per text; each as for `as_entity_types`.
        num_texts: the number of texts.

    Raises:
        ValueError: a list is invalid, see `as_entity_types`, or the number of lists is not that of texts.
    """
    if isinstance(types, Inventory):
        return [types] * num_texts
    is_one = isinstance(types, (str, Mapping)) or all(isinstance(item, (str, EntityType)) for item in types)
    if is_one:
        return [as_entity_types(types)] * num_texts  # type: ignore[arg-type]
    if len(types) != num_texts:
        raise ValueError(f"{len(types)} lists of types for {num_texts} texts; give one list for all, or one per text")
    return [as_entity_types(own) for own in types]  # type: ignore[arg-type]
