"""Chunks: the records that are tagged at once, written at once, and handed to one worker.

Where a chunk begins depends on the records alone. A text shares its batches with texts of its chunk and no others. So its
scores have the same last digits whether or not a run was killed and resumed, and whichever process tagged it.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from spanmatch.errors import InputError
from spanmatch.tagging.files import ReadRecord

logger = logging.getLogger(__name__)

CHUNK_TEXTS = 1024
# Chunks of long texts are shorter, so that memory stays flat.
CHUNK_CHARS = 1 << 22


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """Holds some records in order.

    Attributes:
        number: counts chunks from 0.
        num_before: texts in the chunks before this one.
        texts: where each record stands, and its text.
        records: the records.
        num_bytes: how far into the files the last record was read.
    """

    number: int
    num_before: int
    texts: list[tuple[str, str]]
    records: list[dict[str, Any]]
    num_bytes: int = 0

    @property
    def num_until(self) -> int:
        """Count the texts of this chunk and of those before it."""
        return self.num_before + len(self.texts)


class Chunks:
    """Puts records together to chunks. An invalid record ends the iteration, or is left out and counted in `num_skipped`.

    Raises:
        InputError: while iterating: a record is invalid and `skip_invalid` is False.
    """

    def __init__(
        self,
        read: Iterable[ReadRecord | None],
        *,
        size: int,
        first_size: int | None = None,
        text_column: str = "text",
        skip_invalid: bool = False,
        position: Callable[[], int] = lambda: 0,
    ) -> None:
        """Set the sizes of the chunks.

        Args:
            read: records with their places; None says that no more has come for a while, which ends a chunk.
            size: texts of a chunk, at most.
            first_size: texts of the first chunk, each later one has twice as many up to `size`; by default `size`.
            text_column: the key that holds the text.
            skip_invalid: leave invalid records out, with a warning for each.
            position: returns how many bytes were read so far.
        """
        self._read, self._text_column, self._skip_invalid = read, text_column, skip_invalid
        self._size, self._first_size, self._position = size, first_size or size, position
        self.num_skipped = 0

    def __iter__(self) -> Iterator[Chunk]:
        texts: list[tuple[str, str]] = []
        records: list[dict[str, Any]] = []
        size, number, num_before, num_chars = self._first_size, 0, 0, 0
        for item in chain(self._read, [None]):
            if item is not None:
                where, record = item
                if isinstance(record, InputError):
                    self._leave_out(record)
                    continue
                texts.append((where, record[self._text_column]))
                records.append(record)
                num_chars += len(record[self._text_column])
            if texts and (item is None or len(texts) >= size or num_chars >= CHUNK_CHARS):
                yield Chunk(number=number, num_before=num_before, texts=texts, records=records, num_bytes=self._position())
                number, num_before, num_chars = number + 1, num_before + len(texts), 0
                texts, records = [], []
                size = min(2 * size, self._size)

    def _leave_out(self, error: InputError) -> None:
        if not self._skip_invalid:
            raise InputError(f"{error}, or leave such records out (--skip_invalid)") from error
        self.num_skipped += 1
        logger.warning("skipped: %s", error)
