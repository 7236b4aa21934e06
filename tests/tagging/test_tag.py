"""`spanmatch tag`: every input to one output, what is printed, types that are encoded once, and what is refused."""

import io
import json
import re
import select
from pathlib import Path
from typing import Any

import pytest
from helpers import make_matcher
from helpers_e2e import read_jsonl, snapshot, spanmatch
from helpers_tag import TEXTS, TYPES, make_texts, refused, start_tagging, tag, tagged, wait_until, write_source

from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.type_encoder import TypeEncoder
from spanmatch.tagging import tag as tagging
from spanmatch.tagging.resumable_file import ResumableFile

SUFFIXES = [".txt", ".txt.gz", ".jsonl", ".json", ".jsonl.gz", ".json.gz", ".parquet"]


@pytest.fixture(scope="module")
def expected(checkpoint: Path) -> list[list[dict[str, Any]]]:
    """The entities of the texts, as `predict` finds them."""
    found = SpanMatcher.from_pretrained(checkpoint, device="cpu").predict(TEXTS, TYPES.split(","))
    assert sum(map(len, found)) > 20
    return [
        [{"start": e.start, "end": e.end, "label": e.label, "text": e.text, "score": round(e.score, 6)} for e in entities]
        for entities in found
    ]


class TestInputs:
    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_every_format_is_tagged_alike(self, checkpoint: Path, expected: list[Any], tmp_path: Path, suffix: str) -> None:
        file = write_source(tmp_path / f"texts{suffix}", [{"id": f"t{n}", "text": text} for n, text in enumerate(TEXTS)])
        result = tag(checkpoint, file)
        assert result.status == 0, result.err
        rows = [json.loads(line) for line in result.out.splitlines()]
        assert [row["text"] for row in rows] == TEXTS
        assert [row["entities"] for row in rows] == expected
        if ".txt" not in suffix:
            assert [row["id"] for row in rows] == [f"t{n}" for n in range(len(TEXTS))]
        assert re.fullmatch(r"23 texts, \d+ entities, [\d.]+ s, [\d.]+ texts/s\n", result.err)

    @pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".parquet"])
    def test_another_column(self, checkpoint: Path, expected: list[Any], tmp_path: Path, suffix: str) -> None:
        file = write_source(tmp_path / f"texts{suffix}", [{"text": 3, "body": text} for text in TEXTS])
        rows = [json.loads(line) for line in tag(checkpoint, file, "--text_column", "body").out.splitlines()]
        assert [row["entities"] for row in rows] == expected
        assert [row["body"] for row in rows] == TEXTS and {row["text"] for row in rows} == {3}

    def test_a_glob_is_read_in_the_order_of_names(self, checkpoint: Path, expected: list[Any], tmp_path: Path) -> None:
        for first, name in [(10, "b.jsonl.gz"), (0, "a.jsonl.gz"), (20, "c.jsonl.gz")]:
            write_source(tmp_path / name, [{"text": text} for text in TEXTS[first : first + 10]])
        write_source(tmp_path / "other.txt", [{"text": "Ada"}])
        rows = [json.loads(line) for line in tag(checkpoint, tmp_path / "*.jsonl.gz").out.splitlines()]
        assert [row["text"] for row in rows] == TEXTS
        assert [row["entities"] for row in rows] == expected

    def test_line_ends_and_byte_order_mark(self, checkpoint: Path, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_bytes("\ufeffAda met Bob\r\n\r\nEva".encode())
        rows = [json.loads(line) for line in tag(checkpoint, tmp_path / "a.txt").out.splitlines()]
        assert [row["text"] for row in rows] == ["Ada met Bob", "", "Eva"]

    @pytest.mark.parametrize("suffix", [".txt", ".jsonl", ".txt.gz"])
    def test_nothing_in_it(self, checkpoint: Path, tmp_path: Path, suffix: str) -> None:
        assert tagged(checkpoint, write_source(tmp_path / f"a{suffix}", []), tmp_path / "out.jsonl") == b""

    def test_a_sentence_with_brackets(self, checkpoint: Path) -> None:
        assert json.loads(tag(checkpoint, "Is it [Ada] or *Bob* ?").out)["text"] == "Is it [Ada] or *Bob* ?"

    def test_as_text(self, checkpoint: Path, tmp_path: Path) -> None:
        file = write_source(tmp_path / "a.jsonl", [{"body": "Ada met Bob"}])
        result = tag(checkpoint, file, "--text_column", "body", "--output_format", "text", "--threshold", "1e-9")
        first, *others = result.out.splitlines()
        assert first == "Ada met Bob" and others
        assert all(re.fullmatch(r"  \[\d+:\d+\] .+  (person|city|company)  [01]\.\d\d", line) for line in others)


class TestStandardInput:
    def test_lines(self, checkpoint: Path, expected: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        content = "".join(f"{text}\n" for text in TEXTS).encode()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
        rows = [json.loads(line) for line in tag(checkpoint, "-").out.splitlines()]
        assert [row["text"] for row in rows] == TEXTS
        assert [[e["label"] for e in row["entities"]] for row in rows] == [[e["label"] for e in own] for own in expected]

    @pytest.mark.parametrize("num_workers", [0, 2])
    def test_results_come_before_the_input_ends(self, checkpoint: Path, num_workers: int) -> None:
        process = start_tagging(checkpoint, "-", "--num_workers", num_workers, stdin=-1)
        assert process.stdin is not None and process.stdout is not None
        for text in ["Ada met Bob", "Eva moved to Lima", "It rained"]:
            process.stdin.write(f"{text}\n")
            process.stdin.flush()
            assert select.select([process.stdout], [], [], 90)[0], "nothing comes while the input stays open"
            assert json.loads(process.stdout.readline())["text"] == text
        out, err = process.communicate(timeout=60)
        assert (out, process.returncode) == ("", 0)
        assert err.startswith("3 texts, ")

    def test_what_is_invalid_can_be_skipped(
        self, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"Ada\n\xff\nBob\n"), encoding="utf-8"))
        result = tag(checkpoint, "-", "--skip_invalid")
        assert [json.loads(line)["text"] for line in result.out.splitlines()] == ["Ada", "Bob"]
        assert "1 invalid record skipped" in result.err
        assert [item.message.partition(" (")[0] for item in caplog.records] == ["skipped: standard input:2: not UTF-8"]


class TestErrors:
    def test_a_column_of_a_text(self, checkpoint: Path, tmp_path: Path) -> None:
        refused(
            tag(checkpoint, write_source(tmp_path / "a.txt", [{"text": "Ada"}]), "--text_column", "body"), "a.txt", "no columns"
        )
        refused(tag(checkpoint, "Ada met Bob", "--text_column", "body"), "--text_column", "leave it out")

    def test_a_glob_without_files(self, checkpoint: Path, tmp_path: Path) -> None:
        refused(tag(checkpoint, tmp_path / "*.jsonl.gz"), "*.jsonl.gz: no file matches")

    def test_options_that_do_not_go_together(self, checkpoint: Path, tmp_path: Path) -> None:
        file = write_source(tmp_path / "a.txt", [{"text": "Ada"}])
        before = snapshot(tmp_path)
        output = ["--output", tmp_path / "out.jsonl"]
        refused(tag(checkpoint, file, *output, "--output_format", "text"), "--output writes JSONL")
        refused(tag(checkpoint, "-", *output), "standard input", "> FILE")
        refused(tag(checkpoint, "Ada met Bob", *output), "--output is for files")
        refused(tag(checkpoint, file, "--overwrite"), "--overwrite", "leave it out")
        refused(tag(checkpoint, file, "--num_workers", 2, "--device", "cuda"), "--num_workers 2", "CPU", "cuda")
        refused(tag(checkpoint, file, "--num_workers", -1), "--num_workers", "at least 0")
        refused(tag(checkpoint, file, "--output", tmp_path / "no" / "out.jsonl"), "no folder", "make it first")
        refused(tag(checkpoint, file, "--output", tmp_path), "a folder; name a file")
        refused(tag(checkpoint, file, "--output", file, "--overwrite"), "is an input, too")
        assert snapshot(tmp_path) == before

    def test_a_threshold_that_the_model_cannot_answer(self, checkpoint: Path, tmp_path: Path) -> None:
        file = write_source(tmp_path / "a.txt", [{"text": "Ada"}])
        refused(tag(checkpoint, file, "--threshold", "cls", "--output", tmp_path / "out.jsonl"), 'threshold "cls"', "null slot")
        assert {path.name for path in tmp_path.iterdir()} == {"a.txt"}

    def test_workers_on_a_machine_with_an_accelerator(
        self, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tagging, "has_accelerator", lambda: True)
        refused(tag(checkpoint, write_source(tmp_path / "a.txt", []), "--num_workers", 2), "accelerator", "--device cpu")

    def test_what_is_invalid_is_left_out_and_counted(self, checkpoint: Path, tmp_path: Path) -> None:
        file = tmp_path / "a.jsonl"
        good = b'{"text": "Ada met Bob"}\n'
        file.write_bytes(good + b"{\n" + good + b'{"text": 3}\n' + good)
        refused(tag(checkpoint, file), "a.jsonl:2: not JSON", "--skip_invalid")
        result = tag(checkpoint, file, "--skip_invalid")
        assert result.out.count("\n") == 3
        assert re.search(r"^3 texts, \d+ entities, 2 invalid records skipped, ", result.err, re.MULTILINE)


class TestWhatIsWrittenIsNeverRead:
    @pytest.fixture
    def corpus(self, tmp_path: Path) -> Path:
        folder = tmp_path / "corpus"
        folder.mkdir()
        for name in ("a", "b"):
            write_source(folder / f"{name}.jsonl", [{"text": text} for text in TEXTS[:5]])
        return folder

    def test_in_the_glob_of_the_inputs(self, checkpoint: Path, corpus: Path, tmp_path: Path) -> None:
        """Killed at its first chunk, again, and replaced: the inputs are the same two files each time."""
        whole = tagged(checkpoint, corpus / "*.jsonl", tmp_path / "whole.jsonl")
        (tmp_path / "link").symlink_to(corpus)
        output = tmp_path / "link" / "tagged.jsonl"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ResumableFile, "finish", interrupted)
            assert tag(checkpoint, corpus / "*.jsonl*", "--output", output).status == 130
        assert {path.name for path in corpus.iterdir()} > {"tagged.jsonl.partial", "tagged.jsonl.partial.json"}
        for more in ([], ["--overwrite"]):
            assert tagged(checkpoint, corpus / "*.jsonl*", output, *more) == whole

    def test_embeddings_of_types(self, checkpoint: Path, corpus: Path) -> None:
        for _ in range(2):
            result = tag(checkpoint, corpus / "*", "--type_embeddings", corpus / "types.safetensors")
            assert result.status == 0 and result.err.startswith("10 texts, "), result.err

    def test_standard_output(self, checkpoint: Path, corpus: Path) -> None:
        with (corpus / "tagged.jsonl").open("w") as out:
            process = start_tagging(checkpoint, corpus / "*.jsonl", stdout=out)
            assert process.communicate(timeout=60)[1].startswith("10 texts, ")
        with (corpus / "a.jsonl").open("a") as out:
            process = start_tagging(checkpoint, corpus / "a.jsonl", stdout=out)
            assert "a.jsonl: is an input, too" in process.communicate(timeout=60)[1] and process.returncode == 2
        assert len(read_jsonl(corpus / "tagged.jsonl")) == 10 and len(read_jsonl(corpus / "a.jsonl")) == 5

    def test_refusals(self, checkpoint: Path, corpus: Path, tmp_path: Path) -> None:
        types = tmp_path / "types.json"
        types.write_text('{"river": ""}')
        before = snapshot(tmp_path)
        output = ["--output", tmp_path / "corpus" / ".." / "types.json", "--overwrite"]
        refused(tag(checkpoint, corpus / "a.jsonl", "--entity_types", types, *output), "types.json: is an input, too")
        refused(tag(checkpoint, corpus / "a.jsonl", "--type_embeddings", types, "--entity_types", types), "is an input, too")
        refused(tag(checkpoint, corpus / "a.*", "--output", corpus / "a.jsonl", "--overwrite"), "no file matches but ", "a.jsonl")
        assert snapshot(tmp_path) == before


def interrupted(self: ResumableFile) -> None:
    raise KeyboardInterrupt


class TestNothingIsLeft:
    """A command that is refused leaves nothing, and the corrected one works."""

    @pytest.mark.parametrize(
        "wrong",
        [
            ["--overlap", "nestd"],
            ["--threshold", "cls"],
            ["--threshold", "persn=0.5"],
            ["--device", "toaster"],
            ["--dtype", "float3"],
            ["--text_column", "body"],
            ["--entity_types", "{folder}/none.json"],
            ["--type_embeddings", "{folder}/a.jsonl"],
            ["--output_format", "docano"],
            ["--output_format", "conll", "--overlap", "nested"],
            ["--output_format", "conll", "--type", "a\tb"],
            ["--types", "company"],
        ],
        ids=" ".join,
    )
    def test_after_a_wrong_option(self, checkpoint: Path, tmp_path: Path, wrong: list[str]) -> None:
        write_source(tmp_path / "a.jsonl", [{"text": "Ada met Bob"}])
        before = snapshot(tmp_path)
        given = [part.replace("{folder}", str(tmp_path)) for part in wrong]
        output = ["--output", tmp_path / "out.jsonl"]
        result = tag(checkpoint, tmp_path / "a.jsonl", *output, *given)
        assert result.status == 2 and len(result.err.splitlines()) == 1, result.err
        assert snapshot(tmp_path) == before
        assert tag(checkpoint, tmp_path / "a.jsonl", *output).status == 0

    @pytest.mark.parametrize("line", ["{", '{"txt": "Ada"}', '{"text": 3}', "[]", "\xff"])
    @pytest.mark.parametrize("is_first", [True, False])
    def test_after_a_wrong_record(self, checkpoint: Path, tmp_path: Path, line: str, is_first: bool) -> None:
        content = [line, '{"text": "Ada met Bob"}']
        (tmp_path / "a.jsonl").write_bytes("\n".join(content if is_first else content[::-1]).encode("latin-1"))
        before = snapshot(tmp_path)
        kept = ["--output", tmp_path / "out.jsonl", "--type_embeddings", tmp_path / "t.safetensors"]
        result = tag(checkpoint, tmp_path / "a.jsonl", *kept)
        assert result.status == 2 and len(result.err.splitlines()) == 1 and f"a.jsonl:{1 if is_first else 2}: " in result.err
        assert snapshot(tmp_path) == before

    def test_what_was_begun_is_not_lost(self, checkpoint: Path, tmp_path: Path) -> None:
        """A wrong command with --overwrite does not remove what another run has left."""
        file = write_source(tmp_path / "a.jsonl", [{"text": text} for text in TEXTS])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ResumableFile, "finish", interrupted)
            assert tag(checkpoint, file, "--output", tmp_path / "out.jsonl").status == 130
        before = snapshot(tmp_path)
        for wrong in (["--overlap", "nestd"], ["--text_column", "body"], ["--type_embeddings", file]):
            assert tag(checkpoint, file, "--output", tmp_path / "out.jsonl", "--overwrite", *wrong).status == 2
        assert snapshot(tmp_path) == before


def test_a_sentence_is_no_name_of_a_file(checkpoint: Path) -> None:
    """Neither one that is longer than a name may be, nor one that begins as the home folder of somebody does."""
    for sentence in ("Ada met Bob and " * 40, "~nobody-of-that-name met Bob"):
        assert json.loads(tag(checkpoint, sentence).out)["text"] == sentence
        assert json.loads(spanmatch("tag", sentence, "--types", "person").out)["text"] == sentence


class TestWithoutTypes:
    def test_asks_for_the_usual_ones_and_says_so(self, checkpoint: Path) -> None:
        sentence = "Ada met Bob in Rome"
        given = spanmatch("tag", checkpoint, sentence, "--types", "person,organization,location")
        result = spanmatch("tag", checkpoint, sentence)
        assert result.status == 0 and result.out == given.out
        [told, *further] = result.err.splitlines()
        assert "person, organization, location" in told and "--types" in told and len(further) == len(given.err.splitlines())

    def test_what_does_not_fit_them_is_refused(self, checkpoint: Path, tmp_path: Path) -> None:
        refused(spanmatch("tag", checkpoint, "Ada met Bob", "--threshold", "city=0.4"), 'threshold for "city"', "organization")
        (tmp_path / "a.jsonl").write_text("{")
        refused(spanmatch("tag", checkpoint, tmp_path / "a.jsonl"), "a.jsonl:1")


class TestTypeEmbeddings:
    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        return write_source(tmp_path / "a.jsonl", [{"text": text} for text in TEXTS])

    def test_are_written_once_and_read_later(
        self, checkpoint: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept = ["--type_embeddings", tmp_path / "types.safetensors"]
        fresh = tag(checkpoint, source).out
        assert tag(checkpoint, source, *kept).out == fresh
        written = snapshot(tmp_path)
        monkeypatch.setattr(TypeEncoder, "_encode", lambda self, texts, progress: pytest.fail("types are encoded again"))
        assert tag(checkpoint, source, *kept).out == fresh
        assert snapshot(tmp_path) == written

    def test_of_other_types(self, checkpoint: Path, source: Path, tmp_path: Path) -> None:
        kept = ["--type_embeddings", tmp_path / "types.safetensors"]
        assert spanmatch("tag", checkpoint, source, "--types", "person,city", *kept).status == 0
        before = snapshot(tmp_path)
        refused(tag(checkpoint, source, *kept), "types.safetensors: embeddings of 2 other types", '"company"', "another file")
        refused(spanmatch("tag", checkpoint, source, "--types", "person", *kept), "they are more")
        assert snapshot(tmp_path) == before

    def test_of_another_model(self, checkpoint: Path, source: Path, tmp_path: Path) -> None:
        kept = ["--type_embeddings", tmp_path / "types.safetensors"]
        assert tag(checkpoint, source, *kept).status == 0
        other = SpanMatcher.from_pretrained(checkpoint, device="cpu", dtype="float32")
        other.model.head.type_proj.weight.data.mul_(1.5)
        other.save_pretrained(tmp_path / "other")
        refused(tag(tmp_path / "other", source, *kept), "types.safetensors: embeddings of another model", "remove this one")

    def test_of_a_cross_encoder(self, tiny_encoder: Path, source: Path, tmp_path: Path) -> None:
        make_matcher(tiny_encoder, "cross").save_pretrained(tmp_path / "cross")
        refused(tag(tmp_path / "cross", source, "--type_embeddings", tmp_path / "t.safetensors"), "cross-encoder", "leave it out")
        assert tag(tmp_path / "cross", source).status == 0

    def test_broken_file_and_no_folder(self, checkpoint: Path, source: Path, tmp_path: Path) -> None:
        (tmp_path / "types.safetensors").write_bytes(b"nothing")
        refused(tag(checkpoint, source, "--type_embeddings", tmp_path / "types.safetensors"), "no type embeddings")
        refused(tag(checkpoint, source, "--type_embeddings", tmp_path / "no" / "t.safetensors"), "no folder")


def test_output_is_what_would_be_printed(checkpoint: Path, tmp_path: Path) -> None:
    file = write_source(tmp_path / "a.jsonl", [{"id": number, "text": text} for number, text in enumerate(TEXTS)])
    assert tagged(checkpoint, file, tmp_path / "out.jsonl").decode() == tag(checkpoint, file).out
    assert [row["id"] for row in read_jsonl(tmp_path / "out.jsonl")] == list(range(len(TEXTS)))


def test_a_reader_that_goes_away(checkpoint: Path, tmp_path: Path) -> None:
    file = write_source(tmp_path / "a.jsonl", [{"text": text} for text in make_texts(3000)])
    process = start_tagging(checkpoint, file)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert wait_until(lambda: process.poll() is not None, process) or process.returncode == 0
    assert "Traceback" not in process.stderr.read()
