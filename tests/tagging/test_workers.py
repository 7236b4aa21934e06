"""`spanmatch tag --num_workers`: what one process finds, several find, in the same order; their death is told, and no more."""

import inspect
import json
import multiprocessing
import os
import signal
import struct
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

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
    refused,
    start_tagging,
    tag,
    tagged,
    wait_until,
    write_source,
)

from spanmatch.entities import NO_TYPES, as_entity_types
from spanmatch.errors import InputError
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.tagging import sources, workers
from spanmatch.tagging.chunks import Chunk, Chunks
from spanmatch.tagging.files import ReadRecord
from spanmatch.tagging.options import TagOptions
from spanmatch.tagging.workers import CHUNKS_AHEAD, TagJob, WorkerError, Workers

needs_proc = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds processes by /proc")


def job(checkpoint: Path, **given: Any) -> TagJob:
    options = TagOptions(model=str(checkpoint), num_workers=2, **given)
    return TagJob(options=options, types=as_entity_types(TYPES.split(",")), threshold=None)


def die_while_writing() -> None:
    """Write the length of a result and no more, with the lock that the pool's processes share, then die."""
    frame = inspect.currentframe()
    while frame is not None and "result_queue" not in frame.f_locals:
        frame = frame.f_back
    assert frame is not None
    results = frame.f_locals["result_queue"]
    results._wlock.acquire()
    os.write(results._writer.fileno(), struct.pack("!i", 1000))
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def cross_encoder(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workers") / "cross"
    make_matcher(tiny_encoder, "cross").save_pretrained(folder)
    return folder


@pytest.mark.usefixtures("one_thread")
class TestTwoAreOneAreNone:
    @pytest.fixture
    def source(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(sources, "CHUNK_TEXTS", 64)
        return write_source(tmp_path / "texts.jsonl", [{"text": text} for text in make_texts(500)])

    def test_bi_encoder(self, checkpoint: Path, source: Path, tmp_path: Path) -> None:
        none, one, two = (tagged(checkpoint, source, tmp_path / f"{n}.jsonl", "--num_workers", n) for n in (0, 1, 2))
        assert none == one == two
        assert none.count(b'"score"') > 500

    def test_types_of_a_file(self, checkpoint: Path, source: Path, tmp_path: Path) -> None:
        """The first to come writes it, whoever comes later reads it."""
        kept = ["--type_embeddings", tmp_path / "types.safetensors"]
        none = tagged(checkpoint, source, tmp_path / "none.jsonl")
        assert tagged(checkpoint, source, tmp_path / "two.jsonl", "--num_workers", 2, *kept) == none
        written = (tmp_path / "types.safetensors").read_bytes()
        assert tagged(checkpoint, source, tmp_path / "one.jsonl", "--num_workers", 1, *kept) == none
        assert (tmp_path / "types.safetensors").read_bytes() == written

    def test_cross_encoder(self, cross_encoder: Path, tmp_path: Path) -> None:
        source = write_source(tmp_path / "few.jsonl", [{"text": text} for text in make_texts(40)])
        none, two = (tagged(cross_encoder, source, tmp_path / f"{n}.jsonl", "--num_workers", n) for n in (0, 2))
        assert none == two
        kept = ["--type_embeddings", tmp_path / "types.safetensors"]
        refused(tag(cross_encoder, source, "--num_workers", 2, *kept), "cross-encoder", "leave it out")
        assert not (tmp_path / "types.safetensors").exists()


    def test_types_that_nobody_named(self, checkpoint: Path, tmp_path: Path) -> None:
        source = write_source(tmp_path / "few.jsonl", [{"text": text} for text in make_texts(40)])
        none, one = (spanmatch("tag", checkpoint, source, "--num_workers", n) for n in (0, 1))
        assert none.out == one.out and '"label": "organization"' in none.out
        assert none.err.partition("\n")[0] == one.err.partition("\n")[0]


class TestAsked:
    """Which types a job looks for."""

    def asked(self, named: Sequence[str], known: Sequence[str] | None) -> list[str]:
        types = as_entity_types(named) if named else NO_TYPES
        tagger: Any = SimpleNamespace(types=None if known is None else as_entity_types(known))
        return [item.name for item in TagJob(options=TagOptions(model=""), types=types, threshold=None).asked(tagger)]

    def test_those_that_the_user_named(self) -> None:
        assert self.asked(["river"], None) == self.asked(["river"], ["river", "city"]) == ["river"]

    def test_all_of_a_closed_set(self) -> None:
        assert self.asked([], ["river", "city"]) == ["river", "city"]

    def test_the_usual_ones(self) -> None:
        assert self.asked([], None) == ["person", "organization", "location"]


def test_the_parent_loads_no_model(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "load_tagger", lambda *_, **__: pytest.fail("loaded in the parent"))
    source = write_source(tmp_path / "texts.jsonl", [{"text": "Ada met Bob"}])
    assert tagged(checkpoint, source, tmp_path / "out.jsonl", "--num_workers", 1).count(b"\n") == 1


class TestWorkers:
    def test_order_memory_and_death(self, checkpoint: Path) -> None:
        texts = make_texts(300)
        was_read: list[int] = []

        def read() -> Iterator[ReadRecord]:
            for number, text in enumerate(texts):
                was_read.append(number)
                yield f"test:{number}", {"text": text}

        types = TYPES.split(",")
        # In the very chunks, and in float32: an untrained model has many near ties, which the company of a batch decides.
        matcher = SpanMatcher.from_pretrained(checkpoint, device="cpu", dtype="float32")
        expected = [own for start in range(0, len(texts), 10) for own in matcher.predict(texts[start : start + 10], types)]
        done: list[Chunk] = []
        with (
            pytest.raises(WorkerError, match=r"^a worker died; if memory ran out, give fewer --num_workers$"),
            Workers(job(checkpoint, dtype="float32"), 2) as pool,
        ):
            assert pool.fingerprint()["dtype"] == "float32"
            pool.prepare(as_entity_types(types))
            processes = list(pool._processes)
            assert len(processes) == 2
            for chunk, found in pool.tag(Chunks(read(), size=10)):
                assert [where for where, _ in chunk.texts] == [f"test:{n}" for n in range(chunk.num_before, chunk.num_until)]
                assert len(was_read) <= chunk.num_before + 10 * CHUNKS_AHEAD * 2
                labels = [[(item.start, item.end, item.label) for item in own] for own in found]
                wanted = expected[chunk.num_before : chunk.num_until]
                assert labels == [[(item.start, item.end, item.label) for item in own] for own in wanted]
                done.append(chunk)
                if len(done) == 10:
                    for process in processes:  # one alone may have nothing to do, and the other one then does the rest
                        os.kill(process.pid or 0, signal.SIGKILL)
        assert len(done) >= 10
        assert not any(process.is_alive() for process in processes)

    def test_death_half_way_through_a_result(self, checkpoint: Path) -> None:
        with (
            pytest.raises(WorkerError, match=r"^a worker died; if memory ran out, give fewer --num_workers$"),
            Workers(job(checkpoint), 2) as pool,
        ):
            future = pool._submit(die_while_writing)
            assert future.exception(timeout=60)
            workers._result(future)

    def test_what_is_before_an_invalid_record_comes_out(self, checkpoint: Path) -> None:
        records: list[ReadRecord] = [(f"test:{n}", {"text": "Ada met Bob"}) for n in range(25)]
        done = []
        with (
            pytest.raises(InputError, match=r"^test:25: broken, or leave such records out"),
            Workers(job(checkpoint), 2) as pool,
        ):
            for chunk, _ in pool.tag(Chunks([*records, ("test:25", InputError("test:25: broken"))], size=10)):
                done.append(chunk.number)
        assert done == [0, 1]

    def test_what_cannot_be_loaded(self, checkpoint: Path, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="no such folder"), Workers(job(tmp_path / "nothing"), 1) as pool:
            pool.fingerprint()
        with pytest.raises(InputError, match='threshold "cls"'), Workers(replace(job(checkpoint), threshold="cls"), 1) as pool:
            pool.fingerprint()

    def test_any_other_failure_is_one_line(self) -> None:
        future: Future[Any] = Future()
        future.set_exception(KeyError("a\nb"))
        with pytest.raises(WorkerError, match=r"^a worker failed \(KeyError: 'a\\nb'\); without --num_workers the cause"):
            workers._result(future)


@needs_proc
class TestProcesses:
    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        return write_source(tmp_path / "texts.jsonl", [{"text": text} for text in make_texts(6000)])

    def start(self, checkpoint: Path, source: Path, output: Path) -> "tuple[subprocess.Popen[str], list[int]]":
        """Two workers, and at least one chunk written."""
        process = start_tagging(checkpoint, source, "--output", output, "--num_workers", 2)
        assert wait_until(lambda: num_bytes(Path(f"{output}.partial")) > 0, process), process.communicate()[1]
        found = children(process)
        assert len(found) == 2
        return process, found

    def test_death_of_a_worker_ends_the_run_which_can_be_resumed(self, checkpoint: Path, source: Path, tmp_path: Path) -> None:
        output = tmp_path / "out.jsonl"
        process, found = self.start(checkpoint, source, output)
        os.kill(found[0], signal.SIGKILL)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 2
        hint = "a worker died; if memory ran out, give fewer --num_workers; the same command goes on from"
        assert err.splitlines()[-1] == f"error: {hint} {output}.partial"
        assert "Traceback" not in err and not any(map(is_alive, found))
        assert num_bytes(Path(f"{output}.partial")) > 0
        resumed = spanmatch("tag", checkpoint, source, "--types", TYPES, "--output", output)
        assert resumed.status == 0 and "of an earlier run" in resumed.err, resumed.err
        assert output.read_bytes() == tagged(checkpoint, source, tmp_path / "whole.jsonl")

    @pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["to the parent", "to all"])
    def test_interruption_ends_all(self, checkpoint: Path, source: Path, tmp_path: Path, send: Any) -> None:
        process, found = self.start(checkpoint, source, tmp_path / "out.jsonl")
        send(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130
        stopped, interrupted = err.splitlines()
        assert stopped.startswith("stopped after ") and stopped.endswith(f"goes on from {tmp_path / 'out.jsonl.partial'}")
        assert interrupted == "interrupted"
        assert not any(map(is_alive, found))

    def test_interruption_while_they_start(self, checkpoint: Path, source: Path, tmp_path: Path) -> None:
        process = start_tagging(checkpoint, source, "--output", tmp_path / "out.jsonl", "--num_workers", 2)
        assert wait_until(lambda: len(children(process)) == 2, process), process.communicate()[1]
        found = children(process)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (130, "interrupted\n")
        assert not any(map(is_alive, found))
        assert {path.name for path in tmp_path.iterdir()} == {"texts.jsonl"}

    def test_interruption_before_anything_would_end_them(self, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        @contextmanager
        def interrupted() -> Iterator[None]:
            yield
            raise KeyboardInterrupt

        monkeypatch.setattr(workers, "_interrupts_held", interrupted)
        earlier = set(multiprocessing.active_children())
        with pytest.raises(KeyboardInterrupt):
            Workers(job(checkpoint), 2)
        assert set(multiprocessing.active_children()) <= earlier

    def test_workers_do_not_outlive_their_parent(self, checkpoint: Path, source: Path, tmp_path: Path) -> None:
        process, found = self.start(checkpoint, source, tmp_path / "out.jsonl")
        kill(process)
        assert wait_until(lambda: not any(map(is_alive, found)), seconds=30)

    def test_what_all_would_warn_of_is_said_once(self, cross_encoder: Path, tmp_path: Path) -> None:
        source = write_source(tmp_path / "texts.txt", [{"text": "Ada"}] * 2100)
        types = tmp_path / "types.json"
        types.write_text(json.dumps({"animal": "beast " * 200}))
        process = start_tagging(cross_encoder, source, "--entity_types", types, "--num_workers", 2, stdout=subprocess.DEVNULL)
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0 and err.startswith("WARNING: ") and err.count("tokens; only") == 1, err
