"""Read sentences whose mentions are marked in brackets: `[Mention|type] and text`."""

import re
from typing import Any

_WORD = re.compile(r"\w+|[^\w\s]")
_MENTION = re.compile(r"\[([^\[\]|]+)\|([^\[\]|]+)\]")


def read_marked(marked: str) -> tuple[str, list[dict[str, Any]], list[str]]:
    """Return the text without its marks, the spans in characters, and what is wrong with the line."""
    problems = []
    text, cursor = "", 0
    spans: list[dict[str, Any]] = []
    for found in _MENTION.finditer(marked):
        text += marked[cursor : found.start()]
        mention, label = found[1], found[2].strip().lower()
        if mention != mention.strip():
            problems.append(f"a mention begins or ends with a space: '{mention}'")
        spans.append({"start": len(text), "end": len(text) + len(mention), "label": label})
        text += mention
        cursor = found.end()
    text += marked[cursor:]
    if text != text.strip():
        problems.append("the text begins or ends with a space")
    if "[" in text or "]" in text or "|" in text:
        problems.append(f"a bracket or bar is left over: {text[:80]}")
    words = list(_WORD.finditer(text))
    bounds = {word.start() for word in words}, {word.end() for word in words}
    for span in spans:
        if span["start"] not in bounds[0] or span["end"] not in bounds[1]:
            problems.append(f"a mention begins or ends inside a word: '{text[span['start'] : span['end']]}'")
    return text, spans, problems
