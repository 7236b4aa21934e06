"""Showing how far a tagging is: a bar while it goes on, a line when it is done."""

import time

from tqdm.auto import tqdm

from spanmatch.tagging.chunks import Chunk
from spanmatch.tagging.files import SourceFiles


class Progress:
    """Counts texts and entities, and shows a bar with speed and time left.

    The bar counts texts where their number is known, else bytes of the files, else texts without an end.
    """

    def __init__(self, files: SourceFiles | None, *, hidden: bool) -> None:
        """Start the clock and the bar.

        Args:
            files: the files that are tagged, None where the number of texts cannot be known.
            hidden: show no bar.
        """
        self.num_texts = self.num_entities = self.num_earlier = 0
        num_records = None if hidden or files is None else files.count_records()
        self._in_bytes = files is not None and num_records is None
        self._start = time.monotonic()
        self._bar = tqdm(
            total=sum(files.sizes) if files is not None and self._in_bytes else num_records,
            desc="tagging",
            unit="B" if self._in_bytes else "text",
            unit_scale=self._in_bytes,
            disable=hidden,
        )

    @property
    def num_until(self) -> int:
        """Count the texts that are done, those of an earlier run included."""
        return self.num_earlier + self.num_texts

    def resume(self, num_earlier: int, num_bytes: int) -> None:
        """Begin where an earlier run stopped.

        Args:
            num_earlier: texts that it has written.
            num_bytes: how far into the files it came.
        """
        self.num_earlier = num_earlier
        self._bar.initial = self._bar.n = num_bytes if self._in_bytes else num_earlier
        self._bar.refresh()

    def advance(self, num_texts: float) -> None:
        """Move the bar inside a chunk, unless it counts bytes.

        Args:
            num_texts: texts that were tagged since, in parts where a text is long.
        """
        if not self._in_bytes:
            self._bar.update(num_texts)

    def end(self, chunk: Chunk, num_entities: int) -> None:
        """Count a chunk that is done.

        Args:
            chunk: the chunk.
            num_entities: entities found in it.
        """
        self.num_texts += len(chunk.texts)
        self.num_entities += num_entities
        if self._in_bytes:
            self._bar.set_postfix_str(f"{self.num_texts / self._seconds():.1f} texts/s")
        self._bar.update((chunk.num_bytes if self._in_bytes else self.num_until) - self._bar.n)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()

    def summary(self, num_skipped: int) -> str:
        """Return a line such as `12,345 texts, 6,789 entities, 45 s, 274 texts/s`.

        Args:
            num_skipped: invalid records that were left out.
        """
        seconds = self._seconds()
        parts = [
            _counted(self.num_texts, "text") + (f" (after {self.num_earlier:,} of an earlier run)" if self.num_earlier else ""),
            _counted(self.num_entities, "entity"),
            *([f"{_counted(num_skipped, 'invalid record')} skipped"] if num_skipped else []),
            f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s",
            f"{self.num_texts / seconds:.{0 if self.num_texts >= 10 * seconds else 1}f} texts/s",
        ]
        return ", ".join(parts)

    def _seconds(self) -> float:
        return max(time.monotonic() - self._start, 1e-3)


def _counted(number: int, noun: str) -> str:
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"
