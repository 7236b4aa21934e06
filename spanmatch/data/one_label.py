"""Give each type one label, so that what is one type is one everywhere: trained, asked for, calibrated and scored as one.

Types are one if their normalised names agree (`EntityType.key`). A corpus may spell a type in several ways: as `PER` and
`person`, as `product-name` in one file and `Product_Name` in the next.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from spanmatch.data.examples import Example
from spanmatch.entities import EntityType, Inventory


def with_one_label(examples: Sequence[Example]) -> list[Example]:
    """Return examples in which every type has one label, in every inventory and every gold span, and each label one type.

    The label of a type is the first of its labels, in sorted order. Where one label stands for two types, because two files
    explain it differently, both types are called by their names.

    Args:
        examples: the examples of one corpus, or of several; the label of each gold span is in the example's inventory.
    """
    inventories = list(dict.fromkeys(example.types for example in examples))
    distinct = sorted({item for inventory in inventories for item in inventory}, key=_order)
    labels = _labels(distinct)
    plain = {item.key: item for item in reversed(distinct) if _is_plain(item)}
    new_types = {
        item: replace(plain[item.key] if _is_plain(item) else item, label=labels[item.key]) for item in distinct
    }
    if all(new_types[item] == item for item in distinct) and all(map(_has_no_twins, inventories)):
        return list(examples)
    renamed = {own: _without_twins(new_types[item] for item in own) for own in inventories}
    label_maps = {own: {item.label: labels[item.key] for item in own} for own in inventories}
    return [_relabelled(example, renamed[example.types], label_maps[example.types]) for example in examples]


def _order(item: EntityType) -> tuple[str, str, str, tuple[str, ...]]:
    return item.label, item.name, item.description, item.aliases


def _is_plain(item: EntityType) -> bool:
    """Return whether nothing but its name is known of a type; then it has one name in the whole corpus, too."""
    return not (item.description or item.aliases)


def _labels(types: Iterable[EntityType]) -> dict[str, str]:
    """Return a label for each key, no two of them equal.

    Args:
        types: the types, sorted by label.
    """
    labels: dict[str, str] = {}
    names: dict[str, str] = {}
    for item in types:
        labels.setdefault(item.key, item.label)
        names.setdefault(item.key, item.name)
    # Names of different keys differ, so this ends at the latest when every type is called by its name.
    while clashing := _clashing(labels):
        labels |= {key: names[key] for key in clashing}
    return labels


def _clashing(labels: dict[str, str]) -> list[str]:
    keys_of: dict[str, list[str]] = {}
    for key, label in labels.items():
        keys_of.setdefault(label, []).append(key)
    return [key for keys in keys_of.values() if len(keys) > 1 for key in keys]


def _has_no_twins(inventory: Inventory) -> bool:
    return len({item.key for item in inventory}) == len(inventory)


def _without_twins(types: Iterable[EntityType]) -> Inventory:
    """Return types in their order, each once; of several with one key the first that is described, else the first."""
    kept: dict[str, EntityType] = {}
    for item in types:
        if item.key not in kept or (item.description and not kept[item.key].description):
            kept[item.key] = item
    return Inventory(kept.values())


def _relabelled(example: Example, types: Inventory, labels: dict[str, str]) -> Example:
    mentions = (replace(mention, label=labels[mention.label]) for mention in example.mentions)
    return replace(example, mentions=tuple(dict.fromkeys(mentions)), types=types)
