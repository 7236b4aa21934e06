"""`spanmatch tag --output`: a run that was killed goes on, loses and repeats nothing, and its result is that of one run."""

import json
import os
import random
import signal
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from helpers_e2e import Result, snapshot, spanmatch
from helpers_tag import TYPES, kill, make_texts, num_bytes, start_tagging, tagged, wait_until, write_source

from spanmatch.errors import InputError
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.tagging import sources
from spanmatch.tagging.chunks import CHUNK_TEXTS
from spanmatch.tagging.resumable_file import ResumableFile

# More kills than this are for those who have the time.
NUM_KILLS = int(os.environ.get("SPANMATCH_TEST_KILLS", "6"))
SMALL_CHUNK = 16


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "CHUNK_TEXTS", SMALL_CHUNK)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A hundred texts, so that the last chunk is not full."""
    return write_source(tmp_path / "texts.jsonl", [{"id": n, "text": text} for n, text in enumerate(make_texts(100))])


def run(checkpoint: Path, source: Path, output: Path, *arguments: object, types: str = TYPES) -> Result:
    return spanmatch("tag", checkpoint, source, "--types", types, "--output", output, *arguments)


def stop_after(checkpoint: Path, source: Path, output: Path, num_chunks: int, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A run that fails after so many chunks, as a full disk would have it; what it leaves is returned."""
    write = ResumableFile.write
    left = [num_chunks]

    def write_some(self: ResumableFile, lines: Any) -> None:
        if not left[0]:
            raise OSError(28, "No space left on device", str(self.partial))
        left[0] -= 1
        write(self, lines)

    with monkeypatch.context() as patch:
        patch.setattr(ResumableFile, "write", write_some)
        result = run(checkpoint, source, output)
    assert result.status == 2 and "No space left" in result.err and not output.exists()
    return Path(f"{output}.partial").read_bytes()


@pytest.mark.usefixtures("small_chunks")
class TestResuming:
    def test_wherever_the_file_was_cut(
        self, checkpoint: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """At any byte: in a line, at its end, in a chunk, at its end, before the first and behind the last."""
        whole = tagged(checkpoint, source, tmp_path / "whole.jsonl")
        output, partial = tmp_path / "out.jsonl", tmp_path / "out.jsonl.partial"
        stop_after(checkpoint, source, output, 1, monkeypatch)
        sidecar = Path(f"{partial}.json").read_bytes()
        ends = [index + 1 for index, byte in enumerate(whole) if byte == 10]
        chunk_end = ends[SMALL_CHUNK - 1]
        chosen = random.Random(0).sample(range(len(whole)), 12)
        for cut in [0, 1, ends[0] - 1, ends[0], chunk_end - 1, chunk_end, chunk_end + 1, *chosen, len(whole) - 1, len(whole)]:
            partial.write_bytes(whole[:cut])
            Path(f"{partial}.json").write_bytes(sidecar)
            output.unlink(missing_ok=True)
            assert tagged(checkpoint, source, output) == whole, cut

    def test_what_is_done_is_not_done_again(
        self, checkpoint: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        output = tmp_path / "out.jsonl"
        whole = tagged(checkpoint, source, tmp_path / "whole.jsonl")
        assert stop_after(checkpoint, source, output, 3, monkeypatch) == b"".join(whole.splitlines(True)[: 3 * SMALL_CHUNK])
        seen: list[str] = []
        stream = SpanMatcher.stream

        def watched(self: SpanMatcher, examples: Any, **options: Any) -> Any:
            examples = list(examples)
            seen.extend(example.where for example in examples)
            return stream(self, examples, **options)

        monkeypatch.setattr(SpanMatcher, "stream", watched)
        result = run(checkpoint, source, output)
        assert result.status == 0, result.err
        assert output.read_bytes() == whole
        assert seen == [f"{source}:{number}" for number in range(3 * SMALL_CHUNK + 1, 101)]
        assert result.err.startswith("52 texts (after 48 of an earlier run), ")

    def test_with_invalid_records(self, checkpoint: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stopped by one, it goes on with --skip_invalid; what is left out is counted from the beginning."""
        lines = source.read_bytes().splitlines(True)
        source.write_bytes(b"".join([*lines[:20], b"{\n", *lines[20:50], b'{"text": 3}\n', *lines[50:]]))
        whole = tagged(checkpoint, source, tmp_path / "whole.jsonl", "--skip_invalid")
        assert whole.count(b"\n") == 100
        output = tmp_path / "out.jsonl"
        result = run(checkpoint, source, output)
        assert result.status == 2 and f"{source}:21: not JSON" in result.err and "--skip_invalid" in result.err
        assert Path(f"{output}.partial").read_bytes().count(b"\n") == SMALL_CHUNK
        result = run(checkpoint, source, output, "--skip_invalid")
        assert (result.status, output.read_bytes()) == (0, whole)
        assert "2 invalid records skipped" in result.err

    def test_killed_between_the_last_two_steps(
        self, checkpoint: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        output, sidecar = tmp_path / "out.jsonl", tmp_path / "out.jsonl.partial.json"
        whole = tagged(checkpoint, source, tmp_path / "whole.jsonl")
        unlink = Path.unlink

        def killed(self: Path, **options: Any) -> None:
            if self != sidecar or not output.exists():
                unlink(self, **options)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", killed)
            assert run(checkpoint, source, output).status == 0
        assert output.read_bytes() == whole and sidecar.exists()
        result = run(checkpoint, source, output)
        assert result.status == 0 and "complete already" in result.err
        assert output.read_bytes() == whole and not sidecar.exists()
        assert "is already there" in run(checkpoint, source, output).err


@pytest.mark.usefixtures("small_chunks")
class TestRefusals:
    @pytest.fixture
    def stopped(self, checkpoint: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        output = tmp_path / "out.jsonl"
        assert stop_after(checkpoint, source, output, 2, monkeypatch)
        return output

    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            (["--types", "person,city"], "types 3 ("),
            (["--types", "city,person,company"], "types 3 ("),
            (["--threshold", "0.6"], "threshold the default, now 0.6"),
            (["--overlap", "nested"], "overlap flat, now nested"),
            (["--batch_size", "3"], "batch_size the default, now 3"),
            (["--text_column", "body"], "text_column text, now body"),
            (["--dtype", "float16"], "now float16"),
        ],
    )
    def test_another_request(self, checkpoint: Path, source: Path, stopped: Path, arguments: list[str], named: str) -> None:
        before = snapshot(stopped.parent)
        types = [] if "--types" in arguments else ["--types", TYPES]
        result = spanmatch("tag", checkpoint, source, "--output", stopped, *types, *arguments)
        assert result.status == 2 and len(result.err.splitlines()) == 1, result.err
        assert "out.jsonl.partial: begun with" in result.err and named in result.err and "--overwrite" in result.err
        assert snapshot(stopped.parent) == before

    def test_another_input(self, checkpoint: Path, source: Path, stopped: Path) -> None:
        content = source.read_bytes()
        source.write_bytes(content.replace(b'"id": 0', b'"id": 7'))  # of the same size
        assert "begun with input 1" in run(checkpoint, source, stopped).err
        source.write_bytes(content + b'{"text": "Ada"}\n')
        assert "begun with input 1" in run(checkpoint, source, stopped).err
        (source.parent / "texts2.jsonl").write_bytes(content)
        assert "begun with number of inputs 1, now 2" in run(checkpoint, source.parent / "texts*.jsonl", stopped).err

    def test_another_model(self, checkpoint: Path, source: Path, stopped: Path, tmp_path: Path) -> None:
        other = SpanMatcher.from_pretrained(checkpoint, device="cpu", dtype="float32")
        other.model.head.type_proj.weight.data.mul_(1.5)
        other.save_pretrained(tmp_path / "other")
        assert "begun with model" in run(tmp_path / "other", source, stopped).err

    def test_overwrite_begins_anew(self, checkpoint: Path, source: Path, stopped: Path) -> None:
        first = tagged(checkpoint, source, stopped, "--overwrite", "--threshold", "0.6")
        refused = run(checkpoint, source, stopped)
        assert refused.status == 2 and "is already there" in refused.err and "--overwrite" in refused.err
        assert stopped.read_bytes() == first
        assert tagged(checkpoint, source, stopped, "--overwrite") != first

    def test_what_is_overwritten_stays_until_the_new_is_whole(
        self, checkpoint: Path, source: Path, stopped: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old = tagged(checkpoint, source, stopped)

        def interrupted(self: ResumableFile) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(ResumableFile, "finish", interrupted)
            result = run(checkpoint, source, stopped, "--overwrite", "--threshold", "0.6")
        assert result.status == 130 and "goes on from" in result.err
        assert stopped.read_bytes() == old
        result = run(checkpoint, source, stopped, "--threshold", "0.6")  # --overwrite was said before
        assert result.status == 0 and "after 100 of an earlier run" in result.err
        assert stopped.read_bytes() != old

    def test_files_of_others_in_the_way(self, checkpoint: Path, source: Path, tmp_path: Path) -> None:
        (tmp_path / "out.jsonl.partial").write_text("mine\n")
        before = snapshot(tmp_path)
        result = run(checkpoint, source, tmp_path / "out.jsonl")
        assert result.status == 2 and "is in the way" in result.err and snapshot(tmp_path) == before
        (tmp_path / "out.jsonl.partial.json").write_text("{")
        result = run(checkpoint, source, tmp_path / "out.jsonl")
        assert result.status == 2 and "does not say what was asked for" in result.err

    def test_nothing_is_made_before_there_are_lines(self, tmp_path: Path) -> None:
        """Nor is anything of an earlier run lost that fails before."""
        with ResumableFile(tmp_path / "out", {"a": "1"}) as first:
            first.keep(0)
        assert not list(tmp_path.iterdir())
        with ResumableFile(tmp_path / "out", {"a": "1"}) as first:
            first.write(["one", "two"])
        before = snapshot(tmp_path)
        for overwrite in (False, True):
            with ResumableFile(tmp_path / "out", {"a": "1"}, overwrite=overwrite) as again:
                assert again.num_lines == (0 if overwrite else 2)
                again.keep(again.num_lines // 2)
        assert snapshot(tmp_path) == before

    def test_two_runs_at_once(self, tmp_path: Path) -> None:
        with ResumableFile(tmp_path / "out", {"a": "1"}) as first:
            first.keep(0)
            first.write(["one"])
            with pytest.raises(InputError, match="another run is writing it"):
                ResumableFile(tmp_path / "out", {"a": "1"})
            with pytest.raises(InputError, match="another run is writing it"):
                ResumableFile(tmp_path / "out", {"a": "1"}, overwrite=True)
            first.write(["two"])
            first.finish()
        assert (tmp_path / "out").read_text() == "one\ntwo\n"


class TestPlaces:
    def test_a_link_and_permissions_stay(self, checkpoint: Path, source: Path, tmp_path: Path) -> None:
        """What is written on the way is beside the file that the link leads to, and no more open than it."""
        (tmp_path / "far").mkdir()
        real, link = tmp_path / "far" / "real.jsonl", tmp_path / "out.jsonl"
        link.symlink_to(real)
        first = tagged(checkpoint, source, link)
        assert link.is_symlink() and real.read_bytes() == first
        real.chmod(0o600)
        modes = []
        write = ResumableFile.write

        def watched(self: ResumableFile, lines: Any) -> None:
            write(self, lines)
            modes.append((self.partial.parent, stat.S_IMODE(self.partial.stat().st_mode)))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ResumableFile, "write", watched)
            again = tagged(checkpoint, source, link, "--overwrite", "--threshold", "0.6")
        assert link.is_symlink() and real.read_bytes() == again != first
        assert stat.S_IMODE(real.stat().st_mode) == 0o600 and set(modes) == {(real.parent, 0o600)}
        assert {path.name for path in tmp_path.rglob("*")} == {"far", "real.jsonl", "out.jsonl", "texts.jsonl"}

    @pytest.mark.parametrize(
        ("output", "message"),
        [
            ("device", "a device or a pipe, not a file"),
            ("n" * 250, "File name too long"),
            ("none/out.jsonl", "there is no folder"),
        ],
    )
    def test_that_cannot_be_written(self, source: Path, tmp_path: Path, output: str, message: str) -> None:
        """Told before the model is looked for."""
        (tmp_path / "device").symlink_to(os.devnull)
        before = sorted(tmp_path.rglob("*"))
        result = run(tmp_path / "no model", source, tmp_path / output, "--overwrite")
        assert result.status == 2 and message in result.err and result.err.count("\n") == 1, result.err
        assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.usefixtures("small_chunks")
class TestConverted:
    """A file of another form than the lines that are kept on the way."""

    def test_goes_on(self, tmp_path: Path, checkpoint: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = tagged(checkpoint, source, tmp_path / "whole.conll")
        lines = tagged(checkpoint, source, tmp_path / "whole.jsonl")
        output = tmp_path / "out.conll"
        assert stop_after(checkpoint, source, output, 3, monkeypatch) == b"".join(lines.splitlines(True)[: 3 * SMALL_CHUNK])
        assert "begun with output_format conll, now none" in run(checkpoint, source, output, "--output_format", "jsonl").err
        result = run(checkpoint, source, output)
        assert result.status == 0 and "after 48 of an earlier run" in result.err
        assert output.read_bytes() == whole
        assert not list(tmp_path.glob("out.conll.*"))

    def test_killed_between_any_two_steps(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def convert(lines: Path, target: Path) -> None:
            target.write_text(lines.read_text().upper())

        replacing, unlinking = ("os.replace", os.replace), ("pathlib.Path.unlink", Path.unlink)
        steps = [(*replacing, n) for n in range(4)] + [(*unlinking, n) for n in range(6)]
        states = set()
        for function, real, allowed in steps:
            folder = tmp_path / f"{function}{allowed}"
            folder.mkdir()
            with ResumableFile(folder / "out", {"a": "1"}, convert=convert) as file:
                file.write(["one", "two"])
                with monkeypatch.context() as patch, suppress(Killed):
                    patch.setattr(function, killing(real, allowed))
                    file.finish()
            states.add(tuple(sorted(path.name for path in folder.iterdir())))
            if (folder / "out").exists() and len(list(folder.iterdir())) == 1:
                continue
            with ResumableFile(folder / "out", {"a": "1"}, convert=convert) as file:
                if not file.is_finished:
                    assert file.num_lines == 2
                    file.keep(2)
                    file.finish()
            assert snapshot(folder) == {"out": b"ONE\nTWO\n"}
        assert len(states) >= 4


class Killed(BaseException):
    pass


def killing(real: Callable[..., Any], allowed: int) -> Callable[..., Any]:
    """The function, which after so many calls ends the run instead."""
    left = [allowed]

    def called(*arguments: Any, **options: Any) -> Any:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return real(*arguments, **options)

    return called


def partial_outgrows(partial: Path, size: int) -> Callable[[], bool]:
    return lambda: num_bytes(partial) > size


class TestKills:
    def test_at_random_moments(self, checkpoint: Path, tmp_path: Path) -> None:
        """SIGKILL while it starts, right after it wrote, and while it tags."""
        texts = make_texts(2000 * (NUM_KILLS + 1))
        source = write_source(tmp_path / "texts.jsonl.gz", [{"id": n, "text": text} for n, text in enumerate(texts)])
        start = time.monotonic()
        whole = tagged(checkpoint, source, tmp_path / "whole.jsonl")
        seconds_per_chunk = (time.monotonic() - start) / len(texts) * CHUNK_TEXTS
        rng = random.Random(0)
        output, partial = tmp_path / "out.jsonl", tmp_path / "out.jsonl.partial"
        sizes = [0]
        for number in range(NUM_KILLS):
            process = start_tagging(checkpoint, source, "--output", output)
            if number % 3 == 2:
                time.sleep(rng.uniform(0, 1))  # it has not begun to tag then, on any machine
            else:
                assert wait_until(partial_outgrows(partial, num_bytes(partial)), process)
                time.sleep(rng.choice([0, rng.uniform(0, 1.5 * seconds_per_chunk)]))
            kill(process)
            sizes.append(num_bytes(partial))
            assert whole.startswith(partial.read_bytes() if partial.exists() else b"")
        assert not output.exists() and len(set(sizes)) > NUM_KILLS // 2, "too fast to be killed: give it more texts"
        result = run(checkpoint, source, output)
        assert result.status == 0, result.err
        assert output.read_bytes() == whole
        assert [json.loads(line)["id"] for line in whole.splitlines()] == list(range(len(texts)))
        assert {path.name for path in tmp_path.iterdir()} == {"texts.jsonl.gz", "whole.jsonl", "out.jsonl"}

    def test_interrupted(self, checkpoint: Path, tmp_path: Path) -> None:
        source = write_source(tmp_path / "texts.jsonl", [{"text": text} for text in make_texts(2_000)] * 100)
        process = start_tagging(checkpoint, source, "--output", tmp_path / "out.jsonl")
        assert wait_until(lambda: num_bytes(tmp_path / "out.jsonl.partial") > 0, process)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "goes on from" in err and "Traceback" not in err
        assert num_bytes(tmp_path / "out.jsonl.partial") > 0
