"""One tagger in a process of its own, asked over standard input: a JSON line in, a JSON line out.

A process that waits for its next line takes no processor time, so taggers can be measured in turn. This file knows no
library but torch; it runs in the environment of each peer.
"""

import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch

Entity = list[Any]  # start, end, label


class Tagger(Protocol):
    """What a peer has to do."""

    def set_types(self, types: list[str]) -> None:
        """Take these types from now on; encode them where they can be encoded ahead."""

    def set_threshold(self, value: float) -> None:
        """Find less with a higher value; a logit."""

    def tag(self, texts: list[str], *, single: bool = False) -> list[list[Entity]]:
        """Entities of each text, with character offsets."""

    def share_read(self, texts: list[str]) -> float:
        """The share of the words that the model saw."""


def chunks(types: Sequence[str], tokenizer: Any, *, room: int, marker_tokens: int) -> list[list[str]]:
    """Types in runs that fit a prompt of `room` subwords, for models that read the types with each text."""
    runs: list[list[str]] = [[]]
    used = 0
    for name in types:
        needed = marker_tokens + len(tokenizer.encode(name, add_special_tokens=False))
        if runs[-1] and used + needed > room:
            runs.append([])
            used = 0
        runs[-1].append(name)
        used += needed
    # Of about equal size, rather than full ones and a small rest.
    count, size = len(runs), -(-len(types) // len(runs))
    even = [list(types[start : start + size]) for start in range(0, len(types), size)]
    assert len(even) <= count
    return even


def calibrate(tagger: Tagger, texts: list[str], per_text: float, high: float, step: float, finest: float) -> dict[str, float]:
    """The threshold at which about as many entities are found as wished, from above, so that never many are found."""
    value, found, lowest = high, 0.0, high - 30
    over = (float("inf"), high)
    while step > (0.1 if found else finest):
        candidate = value - step
        tagger.set_threshold(candidate)
        number = sum(map(len, tagger.tag(texts))) / len(texts)
        if number <= per_text:
            value, found = candidate, number
        else:
            over = min(over, (number, candidate))
            step /= 2
        if value < lowest or found > 0.7 * per_text:
            break
    if not found and over[0] < 20 * per_text:  # an untrained head gives all types about the same score
        found, value = over
    tagger.set_threshold(value)
    return {"threshold": value, "entities_per_text": found}


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of a piece of work, and what it gave."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def answer(tagger: Tagger, request: dict[str, Any]) -> dict[str, Any]:
    """Do what one line asks for."""
    op = request["op"]
    if op == "types":
        return {"seconds": timed(lambda: tagger.set_types(request["types"]))[0]}
    if op == "calibrate":
        return calibrate(tagger, **{key: value for key, value in request.items() if key != "op"})
    if op == "threshold":
        tagger.set_threshold(request["value"])
        return {}
    if op == "tag":
        seconds, found = timed(lambda: tagger.tag(request["texts"]))
        return {"seconds": seconds, "entities": found}
    if op == "latency":
        return {"seconds": [timed(lambda text=text: tagger.tag([text], single=True))[0] for text in request["texts"]]}
    if op == "read":
        return {"share": tagger.share_read(request["texts"])}
    if op == "memory":
        return {"bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)}
    # What only some can do, such as the encoder alone.
    result: dict[str, Any] = getattr(tagger, op)(**{key: value for key, value in request.items() if key != "op"})
    return result


def serve(make: Callable[[dict[str, Any]], Tagger]) -> None:
    """Load a tagger with the settings of the first argument, and answer until standard input ends."""
    settings = json.loads(sys.argv[1])
    torch.set_num_threads(settings["threads"])
    # Whatever the libraries print must not stand between the answers.
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    def reply(content: dict[str, Any]) -> None:
        replies.write(json.dumps(content) + "\n")
        replies.flush()

    try:
        seconds, tagger = timed(lambda: make(settings))
        reply({"load_seconds": seconds})
        for line in sys.stdin:
            reply(answer(tagger, json.loads(line)))
    except Exception as error:  # told to the driver, which decides
        reply({"error": f"{type(error).__name__}: {error}"[:300], "traceback": traceback.format_exc()[-3000:]})
        raise
