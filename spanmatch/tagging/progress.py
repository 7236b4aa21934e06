"""How far a tagging is: a bar while it goes on, a line when it is done."""

import time

from tqdm.auto import tqdm

from spanmatch.tagging.chunks import Chunk
from spanmatch.tagging.files import CorpusFiles


class Progress:
    """Texts done of all where their number is known, else bytes read of all, else texts; with speed and time left."""

    def __init__(self, files: CorpusFiles | None, *, hidden: bool) -> None:
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
        """The texts that are done, those of an earlier run included."""
        return self.num_earlier + self.num_texts

    def resume(self, num_earlier: int, num_bytes: int) -> None:
        """Begin where an earlier run stopped."""
        self.num_earlier = num_earlier
        self._bar.initial = self._bar.n = num_bytes if self._in_bytes else num_earlier
        self._bar.refresh()

    def advance(self, num_texts: float) -> None:
        """Texts that were read through, in parts where a text is long."""
        if not self._in_bytes:
            self._bar.update(num_texts)

    def end(self, chunk: Chunk, num_entities: int) -> None:
        """A chunk is done."""
        self.num_texts += len(chunk.texts)
        self.num_entities += num_entities
        if self._in_bytes:
            self._bar.update(chunk.num_bytes - self._bar.n)
            self._bar.set_postfix_str(f"{self.num_texts / self._seconds():.1f} texts/s")
        else:
            self._bar.update(self.num_until - self._bar.n)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()

    def summary(self, num_skipped: int) -> str:
        """`12,345 texts, 6,789 entities, 45 s, 274 texts/s`"""
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


