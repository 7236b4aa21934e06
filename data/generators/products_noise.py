"""The way a text is typed: letter case, abbreviations, lost accents and slips of the keyboard, piece by piece."""

import random
import re
import unicodedata
from dataclasses import dataclass

from .products_phrases import ABBREVIATIONS

_MIN_LETTERS_TO_MISSPELL = 5


@dataclass(frozen=True, kw_only=True)
class Style:
    """The letter case of a text (title, brand, plain, lower, upper) and how often its words are altered."""

    case: str
    abbreviation_rate: float
    misspelling_rate: float
    keeps_accents: bool

    def apply(self, text: str, label: str | None, rng: random.Random) -> str:
        """Return a piece of text as it would be typed."""
        text = re.sub(r"[^\W\d_]+(?:'s)?", lambda match: self._alter(match.group(), label, rng), text)
        if not self.keeps_accents:
            text = "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))
        if self.case == "upper":
            return text.upper()
        if self.case == "lower" or (self.case == "brand" and label is None):
            return text.lower()
        if self.case == "title" and label != "SIZE":
            return re.sub(r"(?<![\w'’])[^\W\d_]", lambda match: match.group().upper(), text)
        return text

    def _alter(self, word: str, label: str | None, rng: random.Random) -> str:
        """Abbreviate or misspell a word, rarely."""
        short = ABBREVIATIONS.get(word.lower())
        if short and label != "BRAND" and rng.random() < self.abbreviation_rate:
            return rng.choice(short)
        if len(word) >= _MIN_LETTERS_TO_MISSPELL and word.isalpha() and rng.random() < self.misspelling_rate:
            return misspell(word, rng)
        return word


def misspell(word: str, rng: random.Random) -> str:
    """Drop, double or swap a letter after the first one."""
    at = rng.randrange(1, len(word) - 1)
    kind = rng.choice(("drop", "double", "swap", "swap"))
    if kind == "drop":
        return word[:at] + word[at + 1:]
    if kind == "double":
        return word[:at] + word[at] + word[at:]
    return word[:at] + word[at + 1] + word[at] + word[at + 2:]


def draw_style(is_title: bool, rng: random.Random) -> Style:
    """Draw the style of a title or of a query."""
    if is_title:
        case = rng.choices(("title", "brand", "plain", "lower", "upper"), (62, 12, 8, 8, 10))[0]
        return Style(case=case, abbreviation_rate=rng.choice((0.0, 0.0, 0.4)), misspelling_rate=0.015,
                     keeps_accents=rng.random() < 0.85)
    case = rng.choices(("lower", "plain", "title", "upper"), (82, 10, 5, 3))[0]
    return Style(case=case, abbreviation_rate=rng.choice((0.0, 0.0, 0.3)), misspelling_rate=rng.choice((0.0, 0.05, 0.08)),
                 keeps_accents=rng.random() < 0.5)
