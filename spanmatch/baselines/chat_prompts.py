"""Write the prompts of texts as tokens; long texts are cut into parts, so that no answer is cut off.

Legend: T tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spanmatch.baselines.chat_format import INSTRUCTION_PLACE, STOP, TEXT_PLACE, instruction, type_name
from spanmatch.data.examples import Example
from spanmatch.entities import Inventory
from spanmatch.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Words after which a sentence may be over.
_ENDS = frozenset(".!?…。！？")


@dataclass(frozen=True, kw_only=True)
class Part:
    """Holds a part of a text as a model reads it.

    Attributes:
        text: place of its text in the batch.
        words: its words.
        ids: the prompt. Length: T.
        max_answer: tokens of the longest answer: a line for each word.
    """

    text: int
    words: range
    ids: list[int]
    max_answer: int


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """Holds what the prompts of all texts with the same types share.

    Attributes:
        head: tokens before the text.
        of_tag: tokens of the tag in a line of an answer, at most.
    """

    head: list[int]
    of_tag: int


class ChatPrompts:
    """Makes prompts, and answers to learn from, with the tokenizer of a model."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase", form: str, max_length: int) -> None:
        """Tokenise what is the same in all prompts.

        Args:
            tokenizer: a fast tokenizer.
            form: a prompt with places for instruction and text (see `chat_format.prompt_form`).
            max_length: tokens of instruction, text and answer together.
        """
        self.tokenizer, self.max_length = tokenizer, max_length
        before, _, rest = form.partition(INSTRUCTION_PLACE)
        pieces = (before, *rest.split(TEXT_PLACE))
        self.before, self.between, self.after = (tokenizer(piece, add_special_tokens=False)["input_ids"] for piece in pieces)
        self.stop = self._ids([STOP])[0]

    def parts(self, examples: Sequence[Example]) -> list[Part]:
        """Return the parts of texts, in their order. A text without a word or without types has none.

        Args:
            examples: the texts with their words and types.

        Raises:
            InputError: the instruction alone takes all that the model may read at once.
        """
        asked: dict[Inventory, _Asked] = {}
        found = []
        for index, example in enumerate(examples):
            if not example.words or not example.types:
                continue
            if example.types not in asked:
                asked[example.types] = self._asked(example.types)
            own = asked[example.types]
            room = self.max_length - len(own.head) - len(self.after) - len(self.stop) - 1
            if room < own.of_tag + 2:
                problem = f"the instruction for {len(example.types)} types takes {len(own.head)} of {self.max_length} tokens"
                raise InputError(f"{example.where}: {problem}; ask for fewer types, or train with a higher max_length")
            surfaces = [example.text[start:end] for start, end in example.words]
            read = [len(ids) for ids in self._ids([f" {word}" for word in surfaces])]
            written = [len(ids) + own.of_tag for ids in self._ids([f"\n{word}" for word in surfaces])]
            # Each word is read once, and written once at most.
            for words in text_parts(example, [sum(both) for both in zip(read, written, strict=True)], room):
                text = example.text[example.words[words.start][0] : example.words[words.stop - 1][1]]
                ids = [*own.head, *self._ids([text])[0], *self.after]
                max_answer = sum(written[word] for word in words) + len(self.stop) + 1
                found.append(Part(text=index, words=words, ids=ids, max_answer=max_answer))
        return found

    def answer_ids(self, answer: str) -> list[int]:
        """Return the tokens of an answer, with the one that ends a text.

        Args:
            answer: the answer.
        """
        end = self.tokenizer.eos_token_id
        return [*self._ids([answer])[0], *([] if end is None else [int(end)])]

    def _asked(self, types: Inventory) -> _Asked:
        tags = self._ids([f": B-{type_name(item)}" for item in types])
        head = [*self.before, *self._ids([instruction(types)])[0], *self.between]
        return _Asked(head=head, of_tag=max(map(len, tags)))

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of texts, in which what looks like a special token stays text."""
        options: dict[str, Any] = {"add_special_tokens": False, "split_special_tokens": True, "verbose": False}
        found: list[list[int]] = self.tokenizer(list(texts), **options)["input_ids"]
        return found


def text_parts(example: Example, costs: Sequence[int], room: int) -> list[range]:
    """Cut a text where a sentence or a line ends, or else between words. A word that takes more than all room is in no part.

    Args:
        example: the text with its words.
        costs: how much room each word takes.
        room: how much a part has.

    Returns:
        The words of each part.
    """
    parts = []
    start, num_words = 0, len(example.words)
    while start < num_words:
        end, used = start, 0
        while end < num_words and used + costs[end] <= room:
            used += costs[end]
            end += 1
        if end < num_words:
            end = _last_end(example, start, end)
        if end > start:
            parts.append(range(start, end))
        start = max(end, start + 1)
    return parts


def _last_end(example: Example, start: int, end: int) -> int:
    """Return the last end of a sentence or line in the second half of a part; the end of the part if there is none."""
    text, words = example.text, example.words
    for place in range(end, start + (end - start) // 2, -1):
        first, last = words[place - 1]
        if text[first:last] in _ENDS or "\n" in text[last : words[place][0]]:
            return place
    return end
