"""The sizes of the products: each size kind is a list of forms, and a form may ask for a number."""

import random
import re

from .products_lexicon import Group

_INCH = '{n} inch|{n}"|{n}-inch|{n} in|{n}″|{n}in|{n} inches'
_FOOT = "{n} ft|{n}ft|{n} feet|{n}-foot|{n}'"
_OUNCE = "{n} oz|{n}oz|{n} ounce"
_LETTER = "XS|S|M|L|L|XL|XL|XXL|2XL|3XL|small|medium|large|x-large|extra large"

# Kind: forms separated by bars; the numbers that {n} (and {k}, drawn apart) may take. Several rows of a kind are alternatives.
_KINDS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "letter": ((_LETTER, "", ""),),
    "one": (("one size|one size|OS", "", ""),),
    "waist": (("{n}x{k}|{n}x{k}|{n}W x {k}L|W{n} L{k}", "28 30 31 32 33 34 36 38 40 42", "28 30 32 34 36"),),
    "waist2": (("waist {n}|{n}R|{n}L|EU {n}", "24 26 28 30 32 34 36 38", ""),),
    "dress": (("#{n}|US {n}|UK {n}", "0 2 4 6 8 10 12 14 16 18", ""), ("{n}X", "1 2 3", ""), ("{n} petite", "2 4 6 8", "")),
    "shoe": (("#{n}|#{n}|US {n}|UK {n}|{n}W|{n} wide", "5 6 6.5 7 7.5 8 8.5 9 9.5 10 10.5 11 12 13", ""),
             ("EU {n}", "36 37 38 39 40 41 42 43 44 45", "")),
    "ring": (("#{n}|#{n}|#{n}|US {n}", "4 5 5.5 6 6.5 7 7.5 8 9 10 11 12", ""),),
    "screen": ((_INCH, "11 13 13.3 14 15.6 16 24 27 32 34 43 50 55 65 75", ""),),
    "cm": (("{n} cm|{n}cm", "15 18 20 24 26 28 30 32", ""),),
    "inch": ((_INCH, "5 6 7 8 9 10 10.25 11 12 14", ""),),
    "hand": (("{n} inch|{n}\"|{n}-inch|{n} in", "2.5 3 3.5 4 4.5 5 6 7", ""),),
    "crate": ((_INCH, "18 22 24 28 30 36 42 48", ""),),
    "decor": ((_INCH, "8 10 12 16 18 20 24 30 36", ""),),
    "stud": (("{n}mm|{n} mm", "2 3 4 5 6 8 10 12 15 20", ""), ("1/2 inch|3/4 inch|1 inch|2\"", "", "")),
    "rim": ((_INCH, "14 15 16 17 18 20", ""),),
    "stick": ((_INCH, "26 28 36 40 48 60 72", ""),),
    "yarn": (("{n} g|{n}g", "25 50 100 200", ""), ("{n} yards|{n} yd", "50 110 220 400", "")),
    "wrist": (("{n} inch|{n}\"|{n} in", "6 6.5 7 7.25 7.5 8", ""), ("{n} cm|{n}cm", "16 17 18 19 21", "")),
    "watch": (("{n}mm|{n} mm", "36 38 40 41 42 44 46", ""),),
    "big": ((_INCH, "24 30 36 40 42 48 54 60 63 72 78 84 90", ""), ("{n} cm|{n}cm", "80 90 100 120 140 160 180 200 220", "")),
    "cm3": (("{n} x {k} x 75 cm|{n}×{k}×80 cm", "80 90 100 120 140 160 180", "40 45 50 60 70 80"),),
    "dims": (('{n} x {k}|{n}" x {k}"|{n}x{k} inch|{n} x {k} in', "12 16 18 20 24 30 36 48", "12 16 18 20 24 30 36 60"),
             ("{n} x {k} cm|{n}×{k} cm|{n}x{k}cm", "30 40 50 60 80 100", "45 60 70 90 120 140")),
    "rug": (("{n}x{k}|{n}' x {k}'|{n} x {k} ft|{n}x{k} feet", "2 3 4 5 6 8 9", "6 7 8 10 12"),
            ("160×230 cm|200 x 290 cm|120x170 cm", "", "")),
    "cable": ((_FOOT, "3 6 10 15 16 20 25 30 50 100", ""), ("{n} m|{n}m", "1 1.5 2 3 5 10", "")),
    "yard": ((_FOOT, "10 25 30 33 50 75 100", ""), ("{n} m|{n}m", "5 10 15 20 30", "")),
    "bit": (("{n} inch|{n}\"|{n}-inch|{n} in", "1/4 3/8 1/2 5/8 4-1/2 7-1/4", ""), ("{n}mm|{n} mm", "6 8 10 12 13 19", "")),
    "quart": (("{n} qt|{n}qt|{n} quart|{n}-quart", "1.5 2 2.5 3 3.5 4 5 5.5 6 7 8 12", ""),
              ("{n} L|{n}L|{n} liter", "1.5 2 3 4.5 5 6 7", "")),
    "liters": (("{n} L|{n}L|{n} liter|{n} litre", "5 10 15 20 25 30 35 40 50 65", ""),),
    "gallon": (("{n} gallon|{n} gal|{n}-gallon|{n}gal", "1 2 3 5 6.5 7 10 15 20 30 50", ""),),
    "volume": ((_OUNCE, "8 10 12 14 16 17 20 24 32 40 64", ""),
               ("{n} ml|{n}ml", "250 350 500 750 1000", ""),
               ("{n} cup|{n} cups", "2 4 6 8 12", "")),
    "beauty": (("{n} ml|{n}ml|{n} mL", "5 10 15 30 50 75 100 150 200 250 500", ""),
               ("{n} oz|{n} fl oz|{n}oz|{n} fl. oz", "0.5 1 1.7 2 3.4 4 8 12 16", "")),
    "vol2": (("{n} ml|{n}ml", "15 20 30 50 60 75", ""),),
    "babyvol": ((_OUNCE, "4 5 6 8 9 10", ""), ("{n} ml|{n}ml", "120 150 180 240 260", "")),
    "babyml": (("{n} oz|{n} fl oz|{n}oz", "4 8 10 13.5 16 20", ""), ("{n} ml|{n}ml", "100 200 300 400", "")),
    "mat": (("{n}mm|{n} mm|{n} mm thick|{n}mm thick", "4 5 6 8 10 12 15", ""), ("1/2 inch|1/4\"|1/3 in", "", "")),
    "weight": (("{n} lb|{n}lb|{n} lbs|{n} pound", "2 3 5 8 10 12 15 20 25 30 35 45 50", ""),
               ("{n} kg|{n}kg", "1 2 4 5 8 10 12 16 20 24", "")),
    "lb": (("{n} lb|{n}lb|{n} lbs|{n} pound", "1 2 3 4 5 10 15 20 25 30 40", ""),
           ("{n} kg|{n}kg", "1.5 2 3 5 10 12", "")),
    "wheel": (("{n} inch|{n}\"|{n}-inch|{n}in", "12 14 16 18 20 24 26 27.5 29", ""),
              ("700c|700x25c|700x28c|29x2.25|26x1.95", "", "")),
    "ball": (("#{n}|#{n}|#{n}|{n} inch", "3 4 5 6 7", ""),),
    "sportoz": (("{n} oz|{n}oz", "8 10 12 14 16", ""), ("S|M|L|XL", "", "")),
    "camp": ((_FOOT, "6 7 8 9 10 10.5 11 12", ""),
             ("{n} x {k} ft|{n}x{k} ft", "6 7 8 9 10", "7 8 9 10 12")),
    "toy": ((_INCH, "4 6 8 10 12 14 16 18 24 36", ""), ("{n} cm|{n}cm", "15 20 25 30 40 60", "")),
    "pet": ((_LETTER, "", ""),),
    "leash": ((_FOOT, "4 5 6 8 10 15 30", ""),),
    "paper": (("A4|A5|A5|A3|B5|A6|letter size|legal size|8.5 x 11|8.5x11 in|5 x 8|5.5 x 8.5 inch|9 x 12|11x17", "", ""),),
    "pen": (("{n}mm|{n} mm", "0.3 0.38 0.5 0.7 1.0", ""),),
    "bed": (("queen|queen size|king|king size|twin|twin XL|full|full size|cal king|california king|double|single", "", ""),),
    "beddims": (("{n} x {k}|{n} x {k} in|{n}\"x{k}\"|{n}x{k} inches", "50 60 68 80 90 104", "60 70 80 90 96"),
                ("{n} x {k} cm|{n}×{k} cm", "90 140 150 200", "200 220 240")),
    "necklace": ((_INCH, "14 16 18 20 22 24", ""), ("{n} cm|{n}cm", "38 40 42 45 50 60", "")),
    "mm": (("{n}mm|{n} mm", "4 6 8 10 12 14 18 20 22", ""),),
    "infant": (("newborn|0-3M|3-6M|6-9 months|6-12 months|12-18M|18-24 months|NB|2T|3T|4T|5T", "", ""),),
    "diaper": (("#{n}|#{n}|#{n}", "1 2 3 4 5 6", ""), ("newborn|2T-3T|3T-4T|4T-5T", "", "")),
    "instrument": (("1/2|3/4|3/4 size|4/4|full size|7/8|1/4 size", "", ""), (_INCH, "21 23 26 30 36 38 41", "")),
    "rod": (("{n} ft|{n}'|{n}ft|{n}-foot", "5 5.5 6 6.5 7 7.5 8 9 10 12", ""),
            ("7'6\"|6'8\"|9'0\"|5'10\"", "", ""),
            ("{n} m", "1.8 2.1 2.4 2.7 3.6", "")),
    "lure": (("{n} inch|{n}\"|{n} in", "2 2.5 3 3.5 4 5", ""),
             ("{n} oz|{n}oz", "1/8 1/4 3/8 1/2 3/4", ""),
             ("1/0|2/0|3/0|#{n}", "2 4 6 8 12", "")),
    "tank": (("{n} gallon|{n} gal|{n}-gallon|{n}gal", "2.5 5 10 20 29 40 55 75 120", ""),
             ("{n} L|{n} liter|{n}L", "10 20 35 60 120 200", "")),
    "part": (("{n}mm|{n} mm", "12 14 17 19 22 56 280 320", ""), ("M12x1.5|M14x1.5|M10", "", "")),
    "scope": (("{n}mm|{n} mm", "50 60 70 76 80 90 102 114 130 150 203", ""),
              ("{n} inch|{n}\"|1.25\"|2\"|1.25 in", "6 8 10 12", "")),
    "horse": (("cob|full|pony|oversize|cob size|full size|shetland", "", ""),
              ("{n} inch|{n}\"|5'3\"|6'0\"", "5 5.5 16.5 17 17.5 48 72", "")),
    "archery": (("{n} inch|{n}\"|{n}-inch|{n} in", "28 30 31 54 60 62 66 68 70", ""), ("{n} cm", "40 60 80 122", "")),
    "craft": (("US {n}|{n}mm|{n} mm|{n} inch|{n}\"", "3 4 4.5 5 6 8 10", ""),),
    "gi": (("#{n}|A{n}|{n}", "00 000", ""), ("A0|A1|A2|A3|A4", "", ""), ("{n} cm|{n}cm", "120 140 150 160 170 180 190", "")),
}


def draw_size(kind: str, rng: random.Random) -> tuple[bool, str]:
    """Draw a size of this kind; the first value says that the bare number needs the word "size" before it."""
    forms, first, second = rng.choice(_KINDS[kind])
    form = rng.choice(forms.split("|"))
    if "{n}" in form:
        form = form.replace("{n}", rng.choice(first.split()))
    if "{k}" in form:
        form = form.replace("{k}", rng.choice(second.split()))
    return form.startswith("#"), form.removeprefix("#")


def size_of(group: Group, rng: random.Random, *, labelled: bool) -> list[tuple[str, str | None]]:
    """Draw a size for a type of the group, as pieces of text; `labelled` says that the text before already names it a size."""
    needs_word, size = draw_size(rng.choice(group.sizes), rng)
    says_size = re.search(r"size|thick", size) is not None
    if not labelled and not says_size and (needs_word or (len(size) <= 3 and size.isalpha() and rng.random() < 0.3)):
        return [(rng.choice(("size ", "size ", "sz ")), None), (size, "SIZE")]
    return [(size, "SIZE")]
