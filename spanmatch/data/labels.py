"""Names and descriptions of entity types: `labels.json` beside the data, or `--entity_types FILE`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from spanmatch.entities import EntityType, Inventory, as_entity_types, normalise
from spanmatch.errors import InputError, nearest

# What the tags of the usual corpora stand for, where no file says it (CoNLL-2003, PAN-X, OntoNotes 5, WNUT-17).
USUAL_NAMES = {
    "per": "person",
    "pers": "person",
    "loc": "location",
    "org": "organization",
    "misc": "miscellaneous",
    "gpe": "geopolitical entity",
    "norp": "nationality, religious or political group",
    "fac": "facility",
    "prod": "product",
    "evt": "event",
}


@dataclass(frozen=True, kw_only=True)
class TypeNames:
    """Entity types by name and by key.

    Where they are the `inventory` that the user asks for, results carry their labels; else the file's own.
    """

    by_name: Mapping[str, EntityType]
    by_key: Mapping[str, EntityType]
    is_inventory: bool = False

    @cached_property
    def inventory(self) -> Inventory:
        """One type per name."""
        return Inventory(self.by_name.values())

    def resolve(self, label: str) -> EntityType:
        """The type of a label: by name first, then by key, then what the tag usually stands for."""
        known = self.by_name.get(label) or self.by_key.get(label)
        if known is None:
            return unnamed_type(label)
        described = self.by_name[known.name]
        return described if self.is_inventory else replace(described, label=label)


def unnamed_type(label: str) -> EntityType:
    """The type of a label that no file names."""
    spoken = " ".join(label.replace("_", " ").split()) or label
    return EntityType(name=USUAL_NAMES.get(normalise(label), spoken), label=label)


def read_entity_types(path: Path | None, *, is_inventory: bool = False) -> TypeNames:
    """Read `{tag: {"name", "description", "aliases"}}` or `{tag: description}`; other keys are left alone.

    Of two entries with one name, the first that has a description counts.

    Raises:
        InputError: no such file, no JSON object, an entry of another form.
    """
    entries: dict[str, EntityType] = {}
    if path is not None:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            siblings = [item.name for item in path.parent.glob("*.json")]
            hint = nearest(path.name, siblings, otherwise="give a JSON file {tag: description}")
            raise InputError(f"{path}: no such file; {hint}") from error
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); give a JSON file {{tag: description}}") from error
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{path}:{getattr(error, 'lineno', 1)}: not JSON ({error}); write {{tag: description}}") from error
        if not isinstance(content, dict) or not content:
            raise InputError(f"{path}: expected a JSON object {{tag: description}} with at least one tag")
        blank = next((tag for tag in content if not tag.strip()), None)
        if blank is not None:
            raise InputError(f'{path}: the name "{blank}" of a tag is blank; give every tag a name')
        entries = {tag: _entry(f"{path}: {tag}", tag, value) for tag, value in content.items()}
    by_name: dict[str, EntityType] = {}
    for entity_type in entries.values():
        if entity_type.name not in by_name or (entity_type.description and not by_name[entity_type.name].description):
            by_name[entity_type.name] = entity_type
    return TypeNames(by_name=by_name, by_key=entries, is_inventory=is_inventory)


def _entry(where: str, tag: str, value: Any) -> EntityType:
    if isinstance(value, str):
        return EntityType(name=unnamed_type(tag).name, description=value, label=tag)
    if not isinstance(value, dict):
        raise InputError(f'{where}: expected a description or {{"name", "description"}}, got {json.dumps(value)[:60]}')
    name, description = value.get("name") or unnamed_type(tag).name, value.get("description") or ""
    aliases = value.get("aliases") or []
    if not isinstance(name, str) or not name.strip() or not isinstance(description, str) or not isinstance(aliases, list):
        raise InputError(f'{where}: "name" and "description" must be strings, "name" not blank, "aliases" a list of strings')
    return EntityType(name=name, description=description, aliases=tuple(map(str, aliases)), label=tag)


def asked_types(types: Sequence[str], entity_types: str | None) -> Inventory:
    """Types named on the command line, separated by commas, and those of a file.

    Raises:
        InputError: none, or one twice.
    """
    named = [name.strip() for item in types for name in item.split(",") if name.strip()]
    described = read_entity_types(Path(entity_types), is_inventory=True).inventory if entity_types else ()
    try:
        return as_entity_types([*(EntityType(name=name) for name in named), *described])
    except ValueError as error:
        raise InputError(f'{error} (--types "person,city" or --entity_types FILE)') from error
