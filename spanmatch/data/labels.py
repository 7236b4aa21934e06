"""Read names and descriptions of entity types: `labels.json` beside the data, or `--entity_types FILE`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from spanmatch.data.files import read_json
from spanmatch.entities import EntityType, Inventory, as_entity_types, is_blank, normalise
from spanmatch.errors import InputError

# The file of names and descriptions that belongs to the data files of its folder.
SIDECAR = "labels.json"

# What the tags of the usual corpora mean, where no file says it (CoNLL-2003, PAN-X, OntoNotes 5, WNUT-17).
USUAL_NAMES = {
    "per": "person", "pers": "person", "loc": "location", "org": "organization", "misc": "miscellaneous",
    "gpe": "geopolitical entity", "norp": "nationality, religious or political group", "fac": "facility",
    "prod": "product", "evt": "event",
}  # fmt: skip
# The tags of what is asked for where nobody names a type.
USUAL_TAGS = ("PER", "ORG", "LOC")


@dataclass(frozen=True, kw_only=True)
class TypeNames:
    """Holds the entity types of a file, to find the type of a label.

    Attributes:
        by_name: one type per normalised name.
        by_key: the types by the tags of the file; several tags may have one name.
        is_inventory: whether these are the types that the user asks for. Then results carry the labels of this file,
            else those of the data.
    """

    by_name: Mapping[str, EntityType]
    by_key: Mapping[str, EntityType]
    is_inventory: bool = False

    @cached_property
    def inventory(self) -> Inventory:
        """Return one type per name, in the order of the file."""
        return Inventory(self.by_name.values())

    def resolve(self, label: str) -> EntityType:
        """Find the type of a label: by name first, then by tag, else the type that `unnamed_type` gives.

        An entry that is written as the label is comes before one that agrees with it only after normalisation.

        Args:
            label: a label of the data.
        """
        if label not in self._found:
            self._found[label] = self._resolve(label)
        return self._found[label]

    def _resolve(self, label: str) -> EntityType:
        unnamed = unnamed_type(label)
        if not self.by_name:
            return unnamed
        normalised = normalise(label)
        named = self._by_exact_name.get(label)
        tagged = self.by_key[label].key if label in self.by_key else self._by_tag.get(normalised)
        in_order = [named, tagged if label in self.by_key else None, normalised, tagged, unnamed.key]
        described = next((self.by_name[key] for key in in_order if key is not None and key in self.by_name), None)
        if described is None:
            return unnamed
        return described if self.is_inventory else replace(described, label=label)

    @cached_property
    def _found(self) -> dict[str, EntityType]:
        return {}

    @cached_property
    def _by_exact_name(self) -> dict[str, str]:
        return {item.name: item.key for item in self.by_key.values()}

    @cached_property
    def _by_tag(self) -> dict[str, str]:
        """Return the keys of the types by their normalised tags; a tag that then stands for two types is left out."""
        keys: dict[str, set[str]] = {}
        for tag, item in self.by_key.items():
            keys.setdefault(normalise(tag), set()).add(item.key)
        return {tag: min(found) for tag, found in keys.items() if len(found) == 1}


def unnamed_type(label: str) -> EntityType:
    """Return the type of a label that no file names: the usual name of the tag, else the label with spaces for underscores.

    Args:
        label: a label of the data.
    """
    spoken = " ".join(label.replace("_", " ").split()) or label
    return EntityType(name=USUAL_NAMES.get(normalise(label), spoken), label=label)


def usual_types() -> Inventory:
    """Return the types that are asked for where nobody names any: person, organization, location."""
    return as_entity_types([unnamed_type(tag).name for tag in USUAL_TAGS])


def sidecar_of(data: Path) -> Path | None:
    """Find the `labels.json` that belongs to data; None if there is none.

    Args:
        data: a file, with its sidecar beside it, or a DatasetDict folder, with its sidecar in it.
    """
    sidecar = (data if data.is_dir() else data.parent) / SIDECAR
    return sidecar if sidecar.is_file() else None


def read_entity_types(path: Path | None, *, is_inventory: bool = False) -> TypeNames:
    """Read a file `{tag: {"name", "description", "aliases"}}` or `{tag: description}`; other keys of an entry are ignored.

    If two entries have one name after normalisation, the first that has a description counts, with the aliases of all.

    Args:
        path: the file; None gives no types.
        is_inventory: whether these are the types that the user asks for, see `TypeNames`.

    Raises:
        InputError: the file is missing, is no JSON object, or has an entry of another form.
    """
    content = {} if path is None else read_json(path, "give a JSON file {tag: description}")
    if path is not None and not (isinstance(content, dict) and content):
        raise InputError(f"{path}: expected a JSON object {{tag: description}} with at least one tag")
    blank = next((tag for tag in content if is_blank(tag)), None)
    if blank is not None:
        raise InputError(f'{path}: the name "{blank}" of a tag is blank; give every tag a name')
    by_key = {tag: _entry(f"{path}: {tag}", tag, value) for tag, value in content.items()}
    by_name: dict[str, EntityType] = {}
    for item in by_key.values():
        other = by_name.setdefault(item.key, item)
        chosen = item if item.description and not other.description else other
        by_name[item.key] = replace(chosen, aliases=tuple(dict.fromkeys((*other.aliases, *item.aliases))))
    return TypeNames(by_name=by_name, by_key=by_key, is_inventory=is_inventory)


def _entry(where: str, tag: str, value: Any) -> EntityType:
    if isinstance(value, str):
        return EntityType(name=unnamed_type(tag).name, description=value, label=tag)
    if not isinstance(value, dict):
        raise InputError(f'{where}: expected a description or {{"name", "description"}}, got {json.dumps(value)[:60]}')
    name, description = value.get("name") or unnamed_type(tag).name, value.get("description") or ""
    aliases = value.get("aliases") or []
    if not isinstance(name, str) or is_blank(name) or not isinstance(description, str) or not isinstance(aliases, list):
        raise InputError(f'{where}: "name" and "description" must be strings, "name" not blank, "aliases" a list of strings')
    return EntityType(name=name, description=description, aliases=tuple(aliases), label=tag)


def asked_types(types: Sequence[str], entity_types: str | None) -> Inventory:
    """Return the types that a command line asks for: those of `--types`, then those of `--entity_types`.

    Args:
        types: names, each item one name or several with commas between them.
        entity_types: a file of names and descriptions.

    Raises:
        InputError: no type is named, or one twice.
    """
    named = [name.strip() for item in types for name in item.split(",") if name.strip()]
    described = read_entity_types(Path(entity_types), is_inventory=True).inventory if entity_types else ()
    try:
        return as_entity_types([*(EntityType(name=name) for name in named), *described])
    except ValueError as error:
        raise InputError(f'{error} (--types "person,city" or --entity_types FILE)') from error
