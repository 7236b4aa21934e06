"""Broken files for the fuzz tests: a good file of any format, and what people, tools and disks do to it."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

# Names that a key is renamed to: typos, other tools' names, other meanings.
NAMES = [
    "char_span",
    "spans",
    "entities",
    "label",
    "labels",
    "ner",
    "tags",
    "token",
    "Text",
    "start_offset",
    "begin",
    "type",
    "id",
]
VALUES: list[Any] = [None, True, 0, -1, 2.5, 10**400, "", "Ada", " ", "\u200b", [], {}, [[]], [None], {"a": {}}, ["O"]]


def nodes(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a JSON value with each of its keys or positions."""
    if isinstance(value, (dict, list)):
        for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from nodes(item)


def _drop(rng: random.Random, holder: Any, key: Any) -> None:
    del holder[key]


def _rename(rng: random.Random, holder: Any, key: Any) -> None:
    if isinstance(holder, dict):
        holder[rng.choice([*NAMES, str(key)[:-1], f"{key}s", str(key).upper()])] = holder.pop(key)


def _retype(rng: random.Random, holder: Any, key: Any) -> None:
    holder[key] = rng.choice([*VALUES, [holder[key]], str(holder[key])])


def _shift(rng: random.Random, holder: Any, key: Any) -> None:
    if type(holder[key]) is int:
        holder[key] += rng.choice([-100, -2, -1, 1, 2, 100, 2**40])


def _double(rng: random.Random, holder: Any, key: Any) -> None:
    if isinstance(holder, list):
        holder.append(holder[key])


CHANGES: list[Callable[[random.Random, Any, Any], None]] = [_drop, _rename, _retype, _shift, _shift, _double]


def broken_json(content: bytes, rng: random.Random) -> bytes:
    """Change one place of one JSON file, or of one of its lines."""
    text = content.decode()
    try:
        values, is_lines = [json.loads(text)], False
    except ValueError:
        values, is_lines = [json.loads(line) for line in text.splitlines() if line], True
    places = [place for value in values for place in nodes(value)]
    holder, key = rng.choice(places)
    rng.choice(CHANGES)(rng, holder, key)
    dumped = [json.dumps(value, ensure_ascii=rng.random() < 0.5) for value in values]
    return ("\n".join(dumped) + "\n" if is_lines else dumped[0]).encode()


def broken_bytes(content: bytes, rng: random.Random) -> bytes:
    """Do to a file what editors, downloads and disks do."""
    lines = content.split(b"\n")
    place, size = rng.randrange(len(lines)), rng.randrange(len(content) + 1)
    return rng.choice(
        [
            lambda: content[:size],
            lambda: b"\xef\xbb\xbf" + content,
            lambda: content.replace(b"\n", b"\r\n"),
            lambda: b"\n".join([*lines[:place], *lines[place + 1 :]]),
            lambda: b"\n".join([*lines[:place], b"", *lines[place:]]),
            lambda: b"\n".join([*lines[:place], lines[place], *lines[place:]]),
            lambda: content[:size] + bytes([rng.randrange(256)]) + content[size + 1 :],
            lambda: (
                content[:size]
                + rng.choice([b"\x00", b"\t", b" ", "\u00a0".encode(), b'"', b",", b"# a = 1\n", "\u2028".encode()])
                + content[size:]
            ),
            lambda: content.replace(b"\t", rng.choice([b" ", b"  ", b",", b"\t\t"]), rng.choice([-1, 1])),
            lambda: content.decode(errors="replace").encode("utf-16"),
            lambda: content + content,
            lambda: b"",
        ]
    )()


def shown_spans(value: Any) -> set[str]:
    """Find what looks like a labelled span in a JSON value, whatever its format; none is there twice."""
    if isinstance(value, dict):
        pairs = [value.get(name) for name in ("start", "end")], [value.get(f"{name}_offset") for name in ("start", "end")]
        named = any(isinstance(value.get(key), kind) and value[key] for key, kind in (("label", str), ("labels", list)))
        is_span = named and any(all(type(end) is int for end in pair) for pair in pairs)
        below = [shown_spans(item) for item in value.values()]
    elif isinstance(value, list):
        is_span = [type(item) for item in value] == [int, int, str]
        below = [shown_spans(item) for item in value]
    else:
        return set()
    return {json.dumps(value, sort_keys=True)} if is_span else set().union(*below)
