"""Product titles and search queries with their attributes: BRAND, COLOR, TYPE, SIZE, MATERIAL, GENDER.

Texts are put together from hand-written lexicons and templates by a seeded generator; see `data/products/README.md` for what is
annotated and what is not. A text is made as pieces, each with its label or None, so that the offsets are right by construction.
"""

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from .products_lexicon import Group, Lexicon, id_lexicon, ood_lexicon
from .products_noise import Style, draw_style
from .products_phrases import (
    ACCESSORIES,
    ADVERTISING,
    AUDIENCES,
    CHARTED_SIZES,
    FABRICS,
    FEMALE_TYPES,
    GENDERS,
    MALE_TYPES,
    NO_ENTITY,
    NO_ENTITY_WORDS,
    OOD_ACCESSORIES,
    OOD_QUERIES,
    OOD_TITLES,
    PACKS,
    QUERIES,
    TITLES,
)
from .products_sizes import size_of

Piece = tuple[str, str | None]

SPLIT_SIZES = {"train": 4500, "validation": 500, "test_id": 1000, "test_ood": 1000}
TITLE_SHARE = 0.55
NO_ENTITY_SHARE = 0.025
ACCESSORY_SHARE = 0.05
OPTIONAL_SHARE = 0.55
GENDERED_WEIGHT = 3


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a split's texts are drawn from."""

    lexicon: Lexicon
    titles: tuple[str, ...]
    queries: tuple[str, ...]
    accessories: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Product:
    """A product: a group and one of its types."""

    group: Group
    type: str


def _words(text: str) -> set[str]:
    """Return the lower-cased words of a text without a plural s, to see whether two phrases repeat each other."""
    return {word.rstrip("s") for word in re.findall(r"\w+", text.lower())}


def _draw_other(choices: Iterable[str], taken: str, rng: random.Random) -> str | None:
    """Draw a choice that shares no word with the text already there, or None if there is none."""
    free = [choice for choice in choices if not _words(choice) & _words(taken)]
    return rng.choice(free) if free else None


def _genders(product: Product, table: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the gender words that fit the product."""
    if not product.group.genders:
        return ()
    if product.type in FEMALE_TYPES:
        return table["female"]
    if product.type in MALE_TYPES:
        return ("men's", "mens") if table is GENDERS else ("men",)
    return table[product.group.genders]


def _model_number(rng: random.Random) -> str:
    """Draw a model number or the like."""
    letters = "".join(rng.choice("ABCDEFGHKLMNPRSTVXZ") for _ in range(rng.randint(1, 3)))
    number = rng.choice((rng.randint(2, 99), rng.randint(1, 99) * 10, rng.randint(100, 9999)))
    named = (f"V{rng.randint(2, 9)}", f"Gen {rng.randint(2, 6)}", f"Series {rng.randint(3, 9)}", f"Model {number}")
    return rng.choice((f"{letters}-{number}", f"{letters}{number}", f"{letters}{number}", *named))


def _price(rng: random.Random) -> str:
    """Draw a price."""
    amount = rng.choice((10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200))
    return rng.choice((f"${amount}", f"${amount}", f"{amount} dollars", f"${amount - 1}.99", f"£{amount}", f"€{amount}"))


def _fill_attribute(slot: str, product: Product, source: Source, taken: str, rng: random.Random) -> list[Piece] | None:
    """Fill a slot whose text is annotated, or return None if the product has no such attribute."""
    group = product.group
    if slot in "Ss":
        return size_of(group, rng, labelled=slot == "s") if group.sizes else None
    label, choices = {
        "B": ("BRAND", source.lexicon.brands[group.category]),
        "T": ("TYPE", (product.type,)),
        "C": ("COLOR", source.lexicon.palettes.get(group.palette, ())),
        "M": ("MATERIAL", group.materials),
        "G": ("GENDER", _genders(product, GENDERS)),
        "g": ("GENDER", _genders(product, AUDIENCES)),
    }[slot if slot == "g" else slot.upper()]
    text = rng.choice(choices) if label in ("BRAND", "TYPE") else _draw_other(choices, f"{taken} {product.type}", rng)
    if text is None:
        return None
    if " and " not in text or label != "GENDER":
        return [(text, label)]
    first, second = text.split(" and ")
    return [(first, label), (" and ", None), (second, label)]


def _fill(slot: str, product: Product, source: Source, taken: str, rng: random.Random) -> list[Piece] | None:
    """Fill any slot, or return None if nothing fits."""
    if slot in "BTCcMmGgSs":
        return _fill_attribute(slot, product, source, taken, rng)
    if slot in "Ff":
        text = _draw_other(product.group.features, f"{taken} {product.type}", rng)
    else:
        text = {"N": _model_number(rng), "X": rng.choice(ADVERTISING), "K": rng.choice(PACKS), "P": _price(rng)}[slot]
    return None if text is None else [(text, None)]


def _suits(template: str, group: Group) -> bool:
    """Say whether the fixed words of a template make sense for a group: shares of fabrics, charts and ranges of sizes."""
    if "%" in template:
        return len(FABRICS.intersection(group.materials)) > 1
    if "sizes S-XL" in template:
        return "letter" in group.sizes
    return "size chart" not in template or bool(CHARTED_SIZES.intersection(group.sizes))


def _fill_part(part: str, before: list[Piece], product: Product, source: Source, rng: random.Random) -> list[Piece] | None:
    """Fill all slots of a part of a template, or return None if one of them does not fit."""
    filled: list[Piece] = []
    for token in re.split(r"(\{\w\})", part):
        taken = " ".join(text for text, _ in before + filled)
        new = _fill(token[1], product, source, taken, rng) if token.startswith("{") else [(token, None)]
        if new is None:
            return None
        filled += new
    return filled


def _fill_template(template: str, product: Product, source: Source, rng: random.Random) -> list[Piece] | None:
    """Fill a template; parts in brackets are left out at random or if the product lacks an attribute; None if it does not fit."""
    pieces: list[Piece] = []
    for part in re.split(r"(\[[^]]*\])", template):
        optional = part.startswith("[")
        if optional and rng.random() > OPTIONAL_SHARE:
            continue
        filled = _fill_part(part.strip("[]") if optional else part, pieces, product, source, rng)
        if filled is None and not optional:
            return None
        pieces += filled or []
    return pieces


def _draw_no_entity(rng: random.Random) -> list[Piece]:
    """Draw a text in which nothing is annotated."""
    text = rng.choice(NO_ENTITY)
    for name, words in NO_ENTITY_WORDS.items():
        text = text.replace("{" + name + "}", rng.choice(words))
    text = text.replace("{P}", _price(rng)).replace("{n}", str(rng.randint(2, 17) * 5))
    text = text.replace("{code}", f"#{rng.randint(10000, 99999)}")
    return [(text, None)]


def _draw_accessory(source: Source, is_title: bool, rng: random.Random) -> list[Piece]:
    """Draw an accessory with what it is for: the attributes after "for" are another product's and are not annotated."""
    category, accessory, uses = rng.choice(source.accessories)
    brand: list[Piece] = []
    if rng.random() < (0.8 if is_title else 0.25):
        brand = [(rng.choice(source.lexicon.brands[category]), "BRAND"), (" ", None)]
    links = (" compatible with ", " - safe on ") if is_title else (" that works on ", " to use on ")
    link = rng.choice((" for ", " for ", " for ", *links))
    tails = ("", "", f", {rng.choice(PACKS)}", f" {_model_number(rng)}", f" - {rng.choice(ADVERTISING)}")
    tail = rng.choice(tails) if is_title else ""
    return [*brand, (accessory, "TYPE"), (link + rng.choice(uses.split("|")) + tail, None)]


def _draw_product(source: Source, is_title: bool, rng: random.Random) -> list[Piece]:
    """Draw a product and a template that fits it."""
    templates = source.titles if is_title else source.queries
    weights = [GENDERED_WEIGHT if group.genders else 1 for group in source.lexicon.groups]
    while True:
        group = rng.choices(source.lexicon.groups, weights)[0]
        template = rng.choice(templates)
        if not _suits(template, group):
            continue
        if "%" in template:
            group = replace(group, materials=tuple(material for material in group.materials if material in FABRICS))
        pieces = _fill_template(template, Product(group=group, type=rng.choice(group.types)), source, rng)
        if pieces is not None:
            return pieces


def _assemble(pieces: Iterable[Piece], style: Style, rng: random.Random) -> dict[str, Any]:
    """Join the pieces, styled one by one, and note where the labelled ones are."""
    text = ""
    spans: list[dict[str, Any]] = []
    for raw, label in pieces:
        piece = style.apply(raw, label, rng)
        if label is None:
            text += piece.lstrip(" ") if not text or text.endswith(" ") else piece
            continue
        spans.append({"start": len(text), "end": len(text) + len(piece), "label": label})
        text += piece
    last = spans[-1]["end"] if spans else 0
    return {"text": text[:last] + text[last:].rstrip(" ,-|:("), "char_spans": spans}


def _draw_record(source: Source, rng: random.Random) -> dict[str, Any]:
    """Draw one record."""
    is_title = rng.random() < TITLE_SHARE
    kind = rng.random()
    if kind < NO_ENTITY_SHARE:
        pieces = _draw_no_entity(rng)
    elif source.accessories and kind < NO_ENTITY_SHARE + ACCESSORY_SHARE:
        pieces = _draw_accessory(source, is_title, rng)
    else:
        pieces = _draw_product(source, is_title, rng)
    return _assemble(pieces, draw_style(is_title, rng), rng)


def draw_records(source: Source, number: int, rng: random.Random, seen: set[str]) -> list[dict[str, Any]]:
    """Draw records whose texts, whatever their case, are not in `seen`, which grows by them."""
    records: list[dict[str, Any]] = []
    while len(records) < number:
        record = _draw_record(source, rng)
        key = record["text"].casefold()
        if key not in seen:
            seen.add(key)
            records.append(record)
    return records


def generate(seed: int = 0) -> dict[str, list[dict[str, Any]]]:
    """Make the records of every split; no text is in them twice, whatever its case."""
    id_source = Source(lexicon=id_lexicon(), titles=TITLES, queries=QUERIES, accessories=ACCESSORIES)
    ood_source = Source(
        lexicon=ood_lexicon(), titles=TITLES + OOD_TITLES * 2, queries=QUERIES + OOD_QUERIES * 2, accessories=OOD_ACCESSORIES
    )
    seen: set[str] = set()
    return {
        split: draw_records(
            ood_source if split == "test_ood" else id_source, number, random.Random(f"products/{seed}/{split}"), seen
        )
        for split, number in SPLIT_SIZES.items()
    }


def labels() -> dict[str, dict[str, str]]:
    """Return the name and the description of every label."""
    return {
        "BRAND": {"name": "brand", "description": "The company, maker or product line under whose name an item is sold."},
        "COLOR": {
            "name": "color",
            "description": "A color or color combination in which the item comes, such as navy blue or black/white.",
        },
        "TYPE": {
            "name": "product type",
            "description": "The kind of item being sold or searched for, such as running shoes or a cordless drill.",
        },
        "SIZE": {
            "name": "size",
            "description": "A clothing size, dimension, volume or weight of the item, with its unit, such as XL or 12 oz.",
        },
        "MATERIAL": {
            "name": "material",
            "description": "What the item is made of, such as a fabric, metal, wood, plastic or glass.",
        },
        "GENDER": {
            "name": "gender",
            "description": "Whom the item is meant for by gender, such as men, women, boys, girls or unisex.",
        },
    }
