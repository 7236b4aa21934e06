"""Progress: what the bar counts, and what is said at the end."""

from pathlib import Path

import pytest
from helpers_tag import write_source

from spanmatch.tagging import progress as progresses
from spanmatch.tagging.chunks import Chunk
from spanmatch.tagging.files import SourceFiles
from spanmatch.tagging.progress import Progress


def chunk(num_texts: int, num_bytes: int = 0) -> Chunk:
    return Chunk(number=0, num_before=0, texts=[("a:1", "Ada")] * num_texts, records=[], num_bytes=num_bytes)


@pytest.mark.parametrize(
    ("seconds", "num_texts", "num_entities", "num_earlier", "num_skipped", "expected"),
    [
        (2.0, 1, 1, 0, 0, "1 text, 1 entity, 2.0 s, 0.5 texts/s"),
        (45.0, 12345, 6789, 0, 0, "12,345 texts, 6,789 entities, 45 s, 274 texts/s"),
        (10.0, 52, 0, 48, 1, "52 texts (after 48 of an earlier run), 0 entities, 1 invalid record skipped, 10 s, 5.2 texts/s"),
    ],
)
def test_summary(
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    num_texts: int,
    num_entities: int,
    num_earlier: int,
    num_skipped: int,
    expected: str,
) -> None:
    progress = Progress(None, hidden=True)
    progress.resume(num_earlier, 0)
    progress.end(chunk(num_texts), num_entities)
    assert progress.num_until == num_earlier + num_texts
    monkeypatch.setattr(progresses.time, "monotonic", lambda: progress._start + seconds)
    assert progress.summary(num_skipped) == expected


def test_the_bar_counts_texts_where_their_number_is_known(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    progress = Progress(SourceFiles([write_source(tmp_path / "a.txt", [{"text": "Ada"}] * 10)]), hidden=False)
    progress.resume(4, 999)
    progress.advance(1.5)
    assert progress._bar.n == 5.5
    progress.end(chunk(3), 0)
    assert progress._bar.n == 7 and progress._bar.total == 10
    progress.close()
    assert "7.0/10" in capfd.readouterr().err


def test_the_bar_counts_bytes_where_it_is_not(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = write_source(tmp_path / "a.txt.gz", [{"text": "Ada"}] * 10)
    progress = Progress(SourceFiles([file]), hidden=False)
    progress.advance(5)
    assert progress._bar.n == 0
    progress.end(chunk(3, num_bytes=20), 0)
    assert progress._bar.n == 20 and progress._bar.total == file.stat().st_size
    progress.close()
    assert "texts/s" in capfd.readouterr().err


def test_hidden(capfd: pytest.CaptureFixture[str]) -> None:
    progress = Progress(None, hidden=True)
    progress.end(chunk(3), 0)
    progress.close()
    assert capfd.readouterr().err == ""
