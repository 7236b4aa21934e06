"""`spanmatch tag --engine ray`: the lines of one process, whoever is killed; and what it cannot do is one line."""

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import ray
from helpers import make_matcher
from helpers_tag import (
    TEXTS,
    TYPES,
    kill,
    make_texts,
    num_bytes,
    num_lines,
    refused,
    start_tagging,
    tag,
    tagged,
    wait_until,
    write_source,
)
from ray._common.usage import usage_lib
from ray_engine import actors

from spanmatch.entities import as_entity_types
from spanmatch.errors import InputError
from spanmatch.integrations import ray_data
from spanmatch.integrations.ray_data import MAX_ATTEMPTS, Attempts, TaggingActor, read_chunks
from spanmatch.tagging.chunks import CHUNK_TEXTS
from spanmatch.tagging.options import TagOptions
from spanmatch.tagging.workers import TagJob, WorkerError

needs_proc = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds processes by /proc")


@pytest.fixture(scope="module")
def checkpoint(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ray") / "checkpoint"
    make_matcher(tiny_encoder).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def session() -> Iterator[None]:
    """One Ray for all tests: starting it takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ray._private.ray_constants.RAY_LOG_TO_DRIVER", False)  # it would be among what a test captures
        patch.setattr(ray_data, "OBJECT_STORE_BYTES", 80 << 20)
        assert ray_data._connect(None, 2)
    yield
    ray.shutdown()


def job(checkpoint: Path) -> TagJob:
    options = TagOptions(model=str(checkpoint), device="cpu")
    return TagJob(options=options, types=as_entity_types(TYPES.split(",")), threshold=None)


@pytest.mark.usefixtures("session", "one_thread")
class TestTheLinesOfOneProcess:
    @needs_proc
    def test_though_an_actor_is_killed(self, checkpoint: Path, tmp_path: Path) -> None:
        records: list[Any] = [{"id": number, "text": text} for number, text in enumerate(make_texts(6000))]
        source = write_source(tmp_path / "texts.jsonl", [*records[:3000], {"id": "broken"}, *records[3000:]])
        expected = tagged(checkpoint, source, tmp_path / "one.jsonl", "--skip_invalid")
        output, killed, is_over = tmp_path / "two.jsonl", [], threading.Event()

        def kill_one() -> None:
            wait_until(lambda: is_over.is_set() or num_bytes(Path(f"{output}.partial")) > 0, seconds=300)
            if not is_over.is_set():
                killed.append(actors(os.getpid())[0])
                os.kill(killed[0], signal.SIGKILL)

        killer = threading.Thread(target=kill_one)
        killer.start()
        result = tag(checkpoint, source, "--output", output, "--skip_invalid", "--engine", "ray", "--num_workers", 2)
        is_over.set()
        killer.join()
        assert result.status == 0 and "1 invalid record skipped" in result.err, result.err
        assert output.read_bytes() == expected and expected.count(b'"score"') > 6000
        assert len(killed) == 1

    def test_from_parquet_to_parquet_with_kept_types(self, checkpoint: Path, tmp_path: Path) -> None:
        records = [{"id": number, "body": text} for number, text in enumerate(TEXTS)]
        source = write_source(tmp_path / "texts.parquet", records, "body")
        kept = ["--text_column", "body", "--type_embeddings", tmp_path / "types.safetensors"]
        one = tagged(checkpoint, source, tmp_path / "one.parquet", "--text_column", "body")
        assert tagged(checkpoint, source, tmp_path / "two.parquet", *kept, "--engine", "ray", "--num_workers", 1) == one
        assert tagged(checkpoint, source, tmp_path / "three.parquet", *kept) == one  # the file of the types is a good one

    @needs_proc
    def test_after_the_command_was_killed(self, checkpoint: Path, tmp_path: Path) -> None:
        """... which had joined a cluster."""
        source = write_source(tmp_path / "texts.jsonl", [{"text": text} for text in make_texts(6000)])
        output, actor = tmp_path / "out.jsonl", ["--engine", "ray", "--num_workers", 1]
        address = ray.get_runtime_context().gcs_address
        process = start_tagging(checkpoint, source, "--output", output, *actor, "--ray_address", address)
        # A chunk is whole: what is written of one alone is done again, and nothing is said of it.
        assert wait_until(lambda: num_lines(Path(f"{output}.partial")) >= CHUNK_TEXTS, process, seconds=300), (
            process.communicate()[1]
        )
        found = actors(os.getpid())
        kill(process)
        assert len(found) == 1 and wait_until(lambda: not Path(f"/proc/{found[0]}").exists())
        result = tag(checkpoint, source, "--output", output, *actor)
        assert result.status == 0 and "of an earlier run" in result.err, result.err
        assert output.read_bytes() == tagged(checkpoint, source, tmp_path / "one.jsonl")


@pytest.mark.usefixtures("session")
class TestWhatCannotBeDone:
    def test_an_actor_that_dies_again_and_again(self, checkpoint: Path) -> None:
        attempts: Any = ray.remote(num_cpus=0)(Attempts).remote()
        actor = TaggingActor(job(checkpoint), attempts=attempts)
        batch = {"number": [7], "texts": [json.dumps([["texts.jsonl:7169", "Ada met Bob"]])]}
        for _ in range(MAX_ATTEMPTS + 1):  # a chunk that is done does not count
            [found] = actor(batch)["found"]
        assert json.loads(found)[0][0].keys() == {"start", "end", "label", "text", "score"}
        for number in range(MAX_ATTEMPTS):
            assert ray.get(attempts.begin.remote(7)) == number + 1
        with pytest.raises(WorkerError, match=f"^{MAX_ATTEMPTS} actors died of the chunk that begins at texts.jsonl:7169; if"):
            actor(batch)

    def test_a_threshold_that_an_actor_cannot_answer(self, checkpoint: Path, tmp_path: Path) -> None:
        source = write_source(tmp_path / "texts.jsonl", [{"text": "Ada met Bob"}])
        given = ["--engine", "ray", "--num_workers", 1, "--output", tmp_path / "out.jsonl"]
        refused(tag(checkpoint, source, *given, "--threshold", "cls"), 'threshold "cls" needs a null slot')

    def test_nothing_is_told_to_anyone(self) -> None:
        assert not usage_lib.usage_stats_enabled()
        assert not ray.get_runtime_context().worker.node.address_info["webui_url"]


def test_another_model_on_another_machine(checkpoint: Path) -> None:
    fingerprint = TaggingActor(job(checkpoint)).fingerprint()
    assert TaggingActor(job(checkpoint), fingerprint).fingerprint() == fingerprint
    with pytest.raises(InputError, match=f"^{socket.gethostname()}: the dtype is .*, on another machine float16; have the same"):
        TaggingActor(job(checkpoint), fingerprint | {"dtype": "float16"}).fingerprint()


def test_embeddings_of_other_types(checkpoint: Path) -> None:
    actor = TaggingActor(job(checkpoint))
    kept = actor.prepare(None, "mine.safetensors")
    assert kept is not None and actor.prepare(kept, "mine.safetensors") == kept
    other = TaggingActor(replace(job(checkpoint), types=as_entity_types(["animal"])))
    with pytest.raises(InputError, match=r"^mine\.safetensors: "):
        other.prepare(kept, "mine.safetensors")


class TestReadChunks:
    def read(self, path: Path, first: int = 0, **given: Any) -> list[tuple[int, list[str]]]:
        options = {"text_column": "text", "skip_invalid": False} | given
        rows = read_chunks({"first": [first]}, paths=[path], **options)
        return [(row["number"][0], [text for _, text in json.loads(row["texts"][0])]) for row in rows]

    def test_from_a_chunk_on(self, tmp_path: Path) -> None:
        texts = make_texts(2100)
        path = write_source(tmp_path / "texts.jsonl", [{"text": text} for text in texts])
        chunks = self.read(path)
        assert [number for number, _ in chunks] == [0, 1, 2]
        assert [text for _, own in chunks for text in own] == texts
        assert self.read(path, first=2) == chunks[2:]

    def test_invalid_records_are_told_by_the_process_that_writes(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        path = write_source(tmp_path / "texts.jsonl", [{"text": "Ada"}, {"body": "Bob"}, {"text": "Eva"}])
        assert self.read(path) == []
        assert self.read(path, skip_invalid=True) == [(0, ["Ada", "Eva"])]
        assert not caplog.records


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("nonsense", "--ray_address nonsense: expected HOST:PORT or auto"),
        ("ray://127.0.0.1:10001", "expected HOST:PORT or auto, given on a machine of the cluster"),
        ("127.0.0.1:1", "--ray_address 127.0.0.1:1: nothing answers ("),
        ("auto", "start a cluster (ray start --head), or leave --ray_address out"),
    ],
)
@pytest.mark.usefixtures("session")
def test_an_address_of_no_cluster(checkpoint: Path, tmp_path: Path, address: str, problem: str) -> None:
    source = write_source(tmp_path / "texts.jsonl", [{"text": "Ada met Bob"}])
    output = tmp_path / "out.jsonl"
    refused(tag(checkpoint, source, "--output", output, "--engine", "ray", "--ray_address", address), problem)


def test_ray_is_not_installed(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_source(tmp_path / "texts.jsonl", [{"text": "Ada met Bob"}])
    monkeypatch.setattr("spanmatch.apps.extras.missing_modules", lambda *names: list(names))
    output = tmp_path / "out.jsonl"
    refused(
        tag(checkpoint, source, "--output", output, "--engine", "ray"), "--engine ray needs ray; pip install 'spanmatch[ray]'"
    )


def test_a_sentence(checkpoint: Path, tmp_path: Path) -> None:
    refused(tag(checkpoint, "Ada met Bob", "--engine", "ray", "--output", tmp_path / "out.jsonl"), "--output is for files")
