"""Write what a generative model reads and answers, and read its answers back. Nothing here knows a model.

The instruction names the types. The answer has a line `word: B-type` or `word: I-type` for each word of an entity, in the order
of the text, and ends with the line `[stop]`. All other words are left out.

A label says which type a word has: 0 for none, `2 * column + 1` where an entity of the type in that column of the inventory
begins, `2 * column + 2` where it goes on.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from itertools import chain
from typing import Any

from spanmatch.data.examples import Example
from spanmatch.entities import EntityType, Inventory, normalise
from spanmatch.errors import InputError

STOP = "[stop]"
INSTRUCTION = (
    "Find the entities in the text. Write one line for each word of an entity, in the order of the text: the word, a colon, "
    "and its type behind B- (first word of an entity) or I- (further word). "
    f"Leave out all other words. End with {STOP}.\nTypes:\n"
)
# Where a prompt holds the instruction and the text.
INSTRUCTION_PLACE, TEXT_PLACE = "{instruction}", "{text}"
# For tokenizers without a template of their own, such as those of base models.
PLAIN_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}### {{ message['role'] }}\n{{ message['content'] }}\n\n{% endfor %}"
    "{% if add_generation_prompt %}### assistant\n{% endif %}"
)
# The word may hold ": ", so the last one counts.
_LINE = re.compile(r"(?P<word>.+): (?P<prefix>[BI])-(?P<type>.+)")


@dataclass(kw_only=True)
class AnswerCounts:
    """Counts what became of answers and of their lines: each line is aligned, or lost for one of three reasons.

    Attributes:
        answers: answers that were read.
        unfinished: answers without the line `[stop]`.
        lines: lines before it that are not blank.
        aligned: lines that gave a word of the text its type.
        malformed: lines of another form.
        unknown_type: lines with a type that was not asked for.
        not_in_text: lines with a word that is not in the text, or not that often.
        words_too_long: words of texts that were not read, because one alone is longer than what the model reads at once.
    """

    answers: int = 0
    unfinished: int = 0
    lines: int = 0
    aligned: int = 0
    malformed: int = 0
    unknown_type: int = 0
    not_in_text: int = 0
    words_too_long: int = 0

    def add(self, other: "AnswerCounts") -> None:
        """Add other counts to these.

        Args:
            other: what is added.
        """
        for item in fields(self):
            setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))

    def lost(self) -> str:
        """Return in words what could not be used, empty if everything could."""
        lines = {
            "of another form": self.malformed,
            "with a type that was not asked for": self.unknown_type,
            "with a word that is not in the text": self.not_in_text,
        }
        num_lost = sum(lines.values())
        told = []
        if num_lost:
            reasons = ", ".join(f"{count} {reason}" for reason, count in lines.items() if count)
            told.append(f"{num_lost} of {self.lines} lines could not be used ({reasons})")
        if self.unfinished:
            told.append(f"{self.unfinished} of {self.answers} answers do not end with {STOP}")
        if self.words_too_long:
            told.append(f"{self.words_too_long} words are too long to be read")
        return "; ".join(told)


@dataclass(frozen=True, kw_only=True, slots=True)
class TaggedWord:
    """Holds a word of a text to which a line of an answer gave a type.

    Attributes:
        word: place of the word.
        label: its label.
        start: the first character of the line in the answer.
        end: the character after its last.
    """

    word: int
    label: int
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class ReadAnswer:
    """Holds what was read from an answer.

    Attributes:
        words: the words that got a type, in the order of the answer.
        counts: what became of its lines.
    """

    words: list[TaggedWord] = field(default_factory=list)
    counts: AnswerCounts = field(default_factory=AnswerCounts)


def prompt_form(tokenizer: Any) -> str:
    """Return what a model reads before it answers, with places for the instruction and for the text.

    It is made once by the chat template of the tokenizer, or by `PLAIN_TEMPLATE` if that has none. Where a template knows no
    system's message, the instruction is in the user's message, before the text.

    Args:
        tokenizer: a tokenizer of transformers.

    Raises:
        InputError: the template does not show what it is given.
    """
    from jinja2 import TemplateError

    user = {"role": "user", "content": TEXT_PLACE}
    both = {"role": "user", "content": f"{INSTRUCTION_PLACE}\n\n{TEXT_PLACE}"}
    problem = "it leaves out a message"
    for messages in ([{"role": "system", "content": INSTRUCTION_PLACE}, user], [both]):
        try:
            form: str = tokenizer.apply_chat_template(
                messages,
                chat_template=None if tokenizer.chat_template else PLAIN_TEMPLATE,
                tokenize=False,
                add_generation_prompt=True,
                enable_thinking=False,  # of the Qwen3 family: the answer follows at once
            )
        except TemplateError as error:  # so say templates that they know no system's message
            problem = str(error)
            continue
        if is_form(form):
            return form
    raise InputError(f"the chat template of the tokenizer cannot be used ({problem}); take another model")


def is_form(prompt: str) -> bool:
    """Return whether a prompt has a place for the instruction, and behind it one for the text.

    Args:
        prompt: any text.
    """
    return all(prompt.count(place) == 1 for place in (INSTRUCTION_PLACE, TEXT_PLACE)) and prompt.index(
        INSTRUCTION_PLACE
    ) < prompt.index(TEXT_PLACE)


def instruction(types: Sequence[EntityType]) -> str:
    """Return the instruction that asks for types.

    Args:
        types: the types, with their descriptions.
    """
    return INSTRUCTION + "\n".join(f"- {_flat(item.text)}" for item in types)


def type_name(item: EntityType) -> str:
    """Return what answers call a type.

    Args:
        item: the type.
    """
    return _flat(item.name)


def flat_words(example: Example) -> list[str]:
    """Return the words of a text as answers have them. Tokens of the data may hold white space, lines may not break.

    Args:
        example: the text with its words.
    """
    return [_flat(example.text[start:end]) for start, end in example.words]


def write_answer(words: Sequence[str], labels: Sequence[int], types: Sequence[EntityType]) -> str:
    """Return the right answer for a text.

    Args:
        words: the words of the text, from `flat_words`.
        labels: the label of each word.
        types: the inventory that the labels refer to.
    """
    lines = [
        f"{word}: {'IB'[label % 2]}-{type_name(types[(label - 1) // 2])}"
        for word, label in zip(words, labels, strict=True)
        if label
    ]
    return "\n".join([*lines, STOP])


def read_answer(answer: str, words: Sequence[str], types: Inventory) -> ReadAnswer:
    """Align any answer to the words of a text. Nothing in it is an error; what cannot be used is counted.

    An entity (a line B and the lines I of its type that follow) is looked for as a whole, first behind the last word that was
    found, then anywhere among the words that have no type yet. If it is nowhere, its words are looked for one by one.

    Args:
        answer: what a model wrote.
        words: the words of the text, from `flat_words`.
        types: the types that were asked for.
    """
    read = ReadAnswer()
    lines = list(_lines(answer, types, read.counts))
    places: dict[str, list[int]] = {}
    for place, word in enumerate(words):
        places.setdefault(word, []).append(place)
    used: set[int] = set()
    position = 0
    for run in _runs(lines):
        first = _find([word for word, _ in run], words, places, used, position)
        for offset, (word, tagged) in enumerate(run):
            found = _find([word], words, places, used, position) if first is None else first + offset
            if found is None:
                read.counts.not_in_text += 1
                continue
            used.add(found)
            position = found + 1
            read.counts.aligned += 1
            read.words.append(TaggedWord(word=found, label=tagged.label, start=tagged.start, end=tagged.end))
    return read


def _lines(answer: str, types: Inventory, counts: AnswerCounts) -> Iterator[tuple[str, TaggedWord]]:
    """Yield the word of each line that can be read, and what the line says, with no place yet; count all lines."""
    by_label = {normalise(item.label): column for column, item in enumerate(types)}
    column_of = by_label | {normalise(type_name(item)): column for column, item in enumerate(types)}
    counts.answers = counts.unfinished = 1
    start = 0
    for line in answer.split("\n"):
        end = start + len(line)
        if line.strip() == STOP:
            counts.unfinished = 0
            return
        if line.strip():
            counts.lines += 1
            found = _LINE.fullmatch(_flat(line))
            column = column_of.get(normalise(found["type"])) if found else None
            if found is None:
                counts.malformed += 1
            elif column is None:
                counts.unknown_type += 1
            else:
                label = 2 * column + (1 if found["prefix"] == "B" else 2)
                yield found["word"], TaggedWord(word=-1, label=label, start=start, end=end)
        start = end + 1


def _runs(lines: Sequence[tuple[str, TaggedWord]]) -> Iterator[list[tuple[str, TaggedWord]]]:
    """Yield the lines of each entity: a first one, and those that go on with its type."""
    run: list[tuple[str, TaggedWord]] = []
    for line in lines:
        label = line[1].label
        if run and not (label % 2 == 0 and (label - 1) // 2 == (run[-1][1].label - 1) // 2):
            yield run
            run = []
        run.append(line)
    if run:
        yield run


def _find(wanted: Sequence[str], words: Sequence[str], places: dict[str, list[int]], used: set[int], position: int) -> int | None:
    """Return where words stand one after the other and are not used yet, from a position on or else before; None if nowhere."""
    starts = places.get(wanted[0], [])
    for start in chain((at for at in starts if at >= position), (at for at in starts if at < position)):
        span = range(start, start + len(wanted))
        if list(words[start : start + len(wanted)]) == list(wanted) and used.isdisjoint(span):
            return start
    return None


def _flat(text: str) -> str:
    """Return a text on one line."""
    return " ".join(text.split())
