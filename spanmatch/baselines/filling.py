"""Fill patterns of sentences from lists of values, and keep count of where each entity came to stand.

A pattern is text with slots in braces:

    {city}            draw from the list "city", annotate the result as city
    {city:capital}    draw from the list "capital", annotate the result as city
    {city=Lyon}       the fixed text "Lyon", annotated as city
    {room}            draw from the list "room", and annotate nothing if that is no label
    {3-40} {d4} {h6} {u2}   a number of the range, four digits, six hexadecimal digits, two capital letters
    a(n)              "a" or "an", as the word after it wants

Which names are labels, the caller says. Values may hold slots themselves, which are not annotated; a lower-case article that they
begin with stays outside the span. "lc|" before a pattern puts the filled text in lower case.
"""

import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Lexicons = Mapping[str, Sequence[str]]

SLOT = re.compile(r"\{([^{}]+)\}")
_RANGE, _RANDOM = re.compile(r"(\d+)-(\d+)"), re.compile(r"([dhu])(\d+)")
_ALPHABETS = {"d": "0123456789", "h": "0123456789abcdef", "u": "ABCDEFGHJKLMNPQRSTUVWXYZ"}
_ARTICLE = re.compile(r"\b([Aa])\(n\) (?=(\S+))")
_PLAIN_WORDS = re.compile(r"[a-zà-ÿ][a-zà-ÿ'-]*(\s.*|$)")
_LEADING_ARTICLE = re.compile(r"(a|an|the) ")
_SENTENCE_START = re.compile(r"(^|[.!?]\s+|\n)$")
# Labels of values that begin no sentence with a capital.
_AS_TYPED = frozenset({"USERNAME", "FILE_PATH", "URL", "EMAIL"})
_AN_LETTERS = "AEFHILMNORSX"


def label_in_capitals(name: str) -> str:
    """Return the name of a slot as its label if it is in capitals, else no label.

    Args:
        name: the name.
    """
    return name if name.isupper() else ""


def is_drawn_without_list(name: str) -> bool:
    """Return whether a slot draws numbers or letters, and so needs no list of values.

    Args:
        name: the name of the slot.
    """
    numbers, letters = _RANGE.fullmatch(name), _RANDOM.fullmatch(name)
    return (numbers is not None and int(numbers[1]) <= int(numbers[2])) or (letters is not None and int(letters[2]) > 0)


def _draw(name: str, lexicons: Lexicons, rng: random.Random) -> str:
    """Draw one value for a slot, filling the slots inside it."""
    if match := _RANGE.fullmatch(name):
        return str(rng.randint(int(match[1]), int(match[2])))
    if match := _RANDOM.fullmatch(name):
        alphabet = _ALPHABETS[match[1]]
        first = alphabet.replace("0", "") if match[1] == "d" else alphabet
        return rng.choice(first) + "".join(rng.choice(alphabet) for _ in range(int(match[2]) - 1))
    if name not in lexicons:
        raise ValueError(f"no lexicon named {name!r}: add it, or correct the slot")
    return SLOT.sub(lambda slot: _draw(slot[1], lexicons, rng), rng.choice(lexicons[name]))


def _draw_new(name: str, lexicons: Lexicons, rng: random.Random, used: set[str]) -> str:
    """Draw a value that this text does not hold yet, as far as twenty attempts find one."""
    value = _draw(name, lexicons, rng)
    for _ in range(20):
        if value.lower() not in used:
            break
        value = _draw(name, lexicons, rng)
    used.add(value.lower())
    return value


def _article(word: str) -> str:
    """Return the indefinite article that goes before a word (or before letters spoken one by one)."""
    if re.match(r"[A-Z]([A-Z0-9]|\b)", word):
        return "an" if word[0] in _AN_LETTERS else "a"
    if re.match(r"(?i)(uni|use|usu|eu|one\b|ura|ute|uti)", word):
        return "a"
    return "an" if re.match(r"(?i)([aeiou]|8|11\b|18\b|hour|honest)", word) else "a"


def _settle_articles(text: str, following: str) -> str:
    """Replace every "a(n)" of a text by the article that suits the word after it, be it in the text that follows."""
    settled, end = "", 0
    for match in _ARTICLE.finditer(text + following):
        if match.start() >= len(text):
            break
        settled += text[end : match.start()] + match[1] + _article(match[2])[1:] + " "
        end = match.end()
    return settled + text[end:]


def _pieces(pattern: str, lexicons: Lexicons, rng: random.Random, label_of: Callable[[str], str]) -> list[tuple[str, str, bool]]:
    """Fill the slots of a pattern: triples of text, label ("" for none) and whether a lexicon gave it."""
    pieces: list[tuple[str, str, bool]] = []
    used: set[str] = set()
    for position, part in enumerate(SLOT.split(pattern)):
        if position % 2 == 0:
            pieces.append((part, "", False))
        elif "=" in part:
            label, _, literal = part.partition("=")
            pieces.append((literal, label_of(label), False))
        else:
            label, _, name = part.partition(":")
            value = _draw_new(name or label, lexicons, rng, used)
            article = match[0] if (match := _LEADING_ARTICLE.match(value)) else ""
            pieces += [(article, "", True), (value[len(article) :], label_of(label), True)]
    return pieces


def fill(
    pattern: str, lexicons: Lexicons, rng: random.Random, *, label_of: Callable[[str], str] = label_in_capitals
) -> dict[str, Any]:
    """Fill one pattern, and return a record with its text and its character spans.

    Args:
        pattern: text with slots.
        lexicons: the lists of values, by their names.
        rng: draws.
        label_of: returns the label of a slot by its name, "" for a slot that is not annotated.

    Raises:
        ValueError: there is no list for a slot.
    """
    lower = pattern.startswith("lc|")
    pieces = _pieces(pattern.removeprefix("lc|").strip(), lexicons, rng, label_of)
    text = ""
    spans: list[dict[str, Any]] = []
    for position, (piece, label, is_drawn) in enumerate(pieces):
        if not label:
            piece = _settle_articles(piece, "".join(following for following, _, _ in pieces[position + 1 :]))
        is_first = bool(_SENTENCE_START.search(text)) and not lower and label not in _AS_TYPED
        if is_drawn and is_first and _PLAIN_WORDS.match(piece):
            piece = piece[0].upper() + piece[1:]
        if label:
            spans.append({"start": len(text), "end": len(text) + len(piece), "label": label})
        text += piece
    return {"text": text.lower() if lower else text, "char_spans": spans}


def sample(
    choices: Sequence[str],
    lexicons: Lexicons,
    count: int,
    rng: random.Random,
    seen: set[str],
    *,
    label_of: Callable[[str], str] = label_in_capitals,
    same_as: Callable[[str], str] = str,
) -> Iterable[dict[str, Any]]:
    """Yield records of new texts, going round all patterns in random order before any comes again.

    Args:
        choices: the patterns.
        lexicons: the lists of values, by their names.
        count: how many records to yield.
        rng: draws.
        seen: texts that count as known; those of the records are added.
        label_of: returns the label of a slot by its name, "" for a slot that is not annotated.
        same_as: returns what two texts have in common that count as one; by default they have to be equal.

    Raises:
        ValueError: there are not so many different texts, or there is no list for a slot.
    """
    queue: list[str] = []
    attempts = 0
    made = 0
    while made < count:
        if not queue:
            queue = rng.sample(list(choices), len(choices))
        record = fill(queue.pop(), lexicons, rng, label_of=label_of)
        attempts += 1
        if attempts > 50 * count:
            raise ValueError(f"only {made} of {count} different texts in {attempts} attempts: add patterns or entries")
        if same_as(record["text"]) in seen:
            continue
        seen.add(same_as(record["text"]))
        made += 1
        yield record
