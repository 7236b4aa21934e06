"""`spanmatch tag --num_workers`: what one process finds, several find, in the same order; their death is told, and no more."""

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import make_matcher
from helpers_e2e import spanmatch
from helpers_tag import (
    TYPES,
    children,
    is_alive,
    kill,
    make_texts,
    num_bytes,
    start_tagging,
    tagged,
    wait_until,
    write_corpus,
)

from spanmatch.entities import EntityType
from spanmatch.errors import InputError
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.tagging import tag as tagging
from spanmatch.tagging.chunks import Chunk, Chunks
from spanmatch.tagging.workers import CHUNKS_AHEAD, TagJob, WorkerError, Workers

needs_proc = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds processes by /proc")


@pytest.fixture(scope="module")
def checkpoint(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workers") / "checkpoint"
    make_matcher(tiny_encoder).save_pretrained(folder)
    return folder


def job(checkpoint: Path) -> TagJob:
    return TagJob(
        model=str(checkpoint),
        types=tuple(EntityType(name=name) for name in TYPES.split(",")),
        embeddings_file=None,
        threshold=None,
        overlap="flat",
        batch_size=None,
        dtype=None,
        compile=False,
    )


@pytest.mark.usefixtures("one_thread")
def test_two_are_one_are_none(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagging, "CHUNK_TEXTS", 64)
    corpus = write_corpus(tmp_path / "corpus.jsonl", [{"text": text} for text in make_texts(500)])
    none, one, two = (tagged(checkpoint, corpus, tmp_path / f"{n}.jsonl", "--num_workers", n) for n in (0, 1, 2))
    assert none == one == two
    assert none.count(b'"score"') > 500


class TestWorkers:
    def test_order_memory_and_death(self, checkpoint: Path) -> None:
        texts = make_texts(300)
        was_read: list[int] = []

        def read() -> Iterator[tuple[str, dict[str, str] | InputError]]:
            for number, text in enumerate(texts):
                was_read.append(number)
                yield f"test:{number}", {"text": text}

        types = TYPES.split(",")
        # In the very chunks, and in float32: an untrained model has many near ties, which the company of a batch decides.
        matcher = SpanMatcher.from_pretrained(checkpoint, device="cpu", dtype="float32")
        expected = [own for start in range(0, len(texts), 10) for own in matcher.predict(texts[start : start + 10], types)]
        done: list[Chunk] = []
        with Workers(replace(job(checkpoint), dtype="float32"), 2) as workers:
            processes = workers._processes
            with pytest.raises(WorkerError, match=r"worker [12] of 2 was killed by signal 9; if memory ran out, give fewer"):
                for chunk, found in workers.tag(Chunks(read(), size=10)):
                    assert [where for where, _ in chunk.texts] == [f"test:{n}" for n in range(chunk.num_before, chunk.num_until)]
                    assert len(was_read) <= chunk.num_before + 10 * CHUNKS_AHEAD * 2
                    labels = [[(item.start, item.end, item.label) for item in own] for own in found]
                    wanted = expected[chunk.num_before : chunk.num_until]
                    assert labels == [[(item.start, item.end, item.label) for item in own] for own in wanted]
                    done.append(chunk)
                    if len(done) == 10:
                        os.kill(processes[1].pid or 0, signal.SIGKILL)
        assert len(done) >= 10
        assert not any(process.is_alive() for process in processes)

    def test_what_is_before_an_invalid_record_comes_out(self, checkpoint: Path) -> None:
        records: list[tuple[str, dict[str, str] | InputError]] = [(f"test:{n}", {"text": "Ada met Bob"}) for n in range(25)]
        done = []
        with (
            Workers(job(checkpoint), 2) as workers,
            pytest.raises(InputError, match=r"^test:25: broken, or leave such records out"),
        ):
            for chunk, _ in workers.tag(Chunks([*records, ("test:25", InputError("test:25: broken"))], size=10)):
                done.append(chunk.number)
        assert done == [0, 1]

    def test_a_worker_that_fails_says_why(self, checkpoint: Path, tmp_path: Path) -> None:
        with Workers(job(tmp_path / "nothing"), 1) as workers, pytest.raises(WorkerError, match="no such folder"):
            list(workers.tag(Chunks([("test:0", {"text": "Ada"})], size=1)))


@needs_proc
class TestProcesses:
    @pytest.fixture
    def corpus(self, tmp_path: Path) -> Path:
        return write_corpus(tmp_path / "corpus.jsonl", [{"text": text} for text in make_texts(6000)])

    def start(self, checkpoint: Path, corpus: Path, output: Path) -> "tuple[subprocess.Popen[str], list[int]]":
        """Two workers, and at least one chunk written."""
        process = start_tagging(checkpoint, corpus, "--output", output, "--num_workers", 2)
        assert wait_until(lambda: num_bytes(Path(f"{output}.partial")) > 0, process), process.communicate()[1]
        workers = children(process)
        assert len(workers) == 2
        return process, workers

    def test_death_of_a_worker_ends_the_run_which_can_be_resumed(self, checkpoint: Path, corpus: Path, tmp_path: Path) -> None:
        output = tmp_path / "out.jsonl"
        process, workers = self.start(checkpoint, corpus, output)
        os.kill(workers[0], signal.SIGKILL)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 2
        assert "error: worker 1 of 2 was killed by signal 9" in err.splitlines()[-1]
        assert err.splitlines()[-1].endswith(f"the same command goes on from {output}.partial")
        assert "Traceback" not in err and not any(map(is_alive, workers))
        assert num_bytes(Path(f"{output}.partial")) > 0
        resumed = spanmatch("tag", checkpoint, corpus, "--types", TYPES, "--output", output)
        assert resumed.status == 0 and "of an earlier run" in resumed.err, resumed.err
        assert output.read_bytes() == tagged(checkpoint, corpus, tmp_path / "whole.jsonl")

    def test_interruption_ends_all(self, checkpoint: Path, corpus: Path, tmp_path: Path) -> None:
        process, workers = self.start(checkpoint, corpus, tmp_path / "out.jsonl")
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "goes on from" in err and err.splitlines()[-1] == "interrupted" and "Traceback" not in err
        assert not any(map(is_alive, workers))

    def test_workers_do_not_outlive_their_parent(self, checkpoint: Path, corpus: Path, tmp_path: Path) -> None:
        process, workers = self.start(checkpoint, corpus, tmp_path / "out.jsonl")
        kill(process)
        assert wait_until(lambda: not any(map(is_alive, workers)), seconds=30)
