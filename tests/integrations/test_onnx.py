"""An exported matcher beside the one that it was exported from, and where torch is not installed."""

import json
import shutil
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import CORPUS, TEXTS, TYPES, make_example, scores_of
from helpers_e2e import Result, read_json, read_jsonl, run_subprocess, sentences, write_jsonl
from helpers_tag import tag, tagged
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.data.corpus import read_corpus
from spanmatch.entities import as_entity_types
from spanmatch.errors import InputError
from spanmatch.evaluation.evaluate import evaluate_corpus
from spanmatch.integrations import onnx as integration
from spanmatch.integrations.onnx import NumpyBlocks, OnnxBackend, OnnxMatcher
from spanmatch.model import rivals
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.scoring import passing_cells
from spanmatch.prediction.tagger import StreamOptions, load_tagger
from spanmatch.prediction.thresholds import above

Exported = tuple[SpanMatcher, Path]
ALL_TEXTS = [*TEXTS.values(), *CORPUS, "", "   ", "Ada", " ".join(CORPUS) * 2]
# A random encoder knows no character of these: their spans score the same to ten digits, and rounding decides which one wins.
TIED = (TEXTS["Chinese"], TEXTS["Thai"])
DECIDED_TEXTS = [text for text in ALL_TEXTS if text not in TIED]
# What a light environment lacks.
HEAVY = (
    "torch", "transformers", "accelerate", "datasets", "sentence_transformers", "seqeval", "sklearn", "scipy", "pandas",
    "pyarrow", "onnx", "onnxscript",
)  # fmt: skip
WITHOUT = "import sys\nfor name in {names!r}: sys.modules[name] = None\nsys.argv = ['spanmatch', *sys.argv[1:]]\n"


def without_heavy(*arguments: object) -> Result:
    """`spanmatch ...` in a process that cannot import what a light environment lacks."""
    code = WITHOUT.format(names=HEAVY) + "from spanmatch.cli.main import main\nmain()"
    return run_subprocess("-c", code, *arguments)


def assert_alike(expected: Sequence[Any], got: Sequence[Any], floor: float) -> None:
    """Scores within 1e-3; what only one side has is at the threshold."""
    for one, other in zip(map(scores_of, expected), map(scores_of, got), strict=True):
        for key in one.keys() | other.keys():
            assert abs(one.get(key, floor) - other.get(key, floor)) < 1e-3


class TestItFindsTheSame:
    def test_every_candidate(self, exported: Exported) -> None:
        matcher, folder = exported
        tagger = load_tagger(folder)
        threshold = above(0.05, matcher.null_slot)
        how: dict[str, Any] = {"threshold": threshold, "overlap": "multi-label"}
        expected, got = matcher.predict(ALL_TEXTS, TYPES, **how), tagger.predict(ALL_TEXTS, TYPES, **how)
        assert sum(map(len, got)) > 100
        assert_alike(expected, got, 0.05)

    @pytest.mark.parametrize("overlap", ["flat", "nested", "multi-label"])
    def test_the_entities(self, overlap: str, exported: Exported) -> None:
        """... with the thresholds of the matcher: calibrated, or above its null slot."""
        matcher, folder = exported
        tagger = load_tagger(folder)
        assert (tagger.kind, tagger.null_slot, tagger.types) == (matcher.kind, matcher.null_slot, None)
        assert tagger.calibration == matcher.calibration
        expected, got = (item.predict(DECIDED_TEXTS, TYPES, overlap=overlap) for item in (matcher, tagger))
        assert [scores_of(own).keys() for own in got] == [scores_of(own).keys() for own in expected]
        assert sum(map(len, got)) > 10

    def test_texts_with_other_types_each(self, exported: Exported) -> None:
        matcher, folder = exported
        types = [TYPES[: 1 + number % 3] for number in range(len(ALL_TEXTS))]
        threshold = above(0.3, matcher.null_slot)
        expected = matcher.predict(ALL_TEXTS, types, threshold=threshold)
        got = OnnxMatcher.from_pretrained(folder).predict(ALL_TEXTS, types, threshold=threshold, batch_size=3)
        assert_alike(expected, got, 0.3)

    def test_a_stream_with_scores(self, exported: Exported) -> None:
        matcher, folder = exported
        examples = [make_example(text, (), as_entity_types(TYPES)) for text in DECIDED_TEXTS]
        options = StreamOptions(buffer_size=4)
        expected, got = (
            list(item.stream_scored(examples, floor=0.1, threshold=None, overlap="flat", options=options))
            for item in (matcher, load_tagger(folder))
        )
        assert [scores_of(own).keys() for own, _ in got] == [scores_of(own).keys() for own, _ in expected]
        assert len(got) == len(examples) and any(len(scored) > len(own) for own, scored in got)

    def test_it_is_evaluated_the_same(self, exported: Exported, tmp_path: Path) -> None:
        matcher, folder = exported
        corpus = read_corpus(str(write_jsonl(tmp_path / "a.jsonl", sentences(20))))
        expected, got = (evaluate_corpus(item, corpus, format="text", threshold=None) for item in (matcher, load_tagger(folder)))
        assert expected.metrics.as_dict() == got.metrics.as_dict()
        assert matcher.unrepresentable(corpus.examples) == load_tagger(folder).unrepresentable(corpus.examples)


def test_the_correction_compares_as_torch_does() -> None:
    """These stand in two places, because one of them cannot import the other."""
    assert (integration.CORRECTED_TOGETHER, integration.MAX_COMPARED) == (rivals.COMPARED_TOGETHER, rivals.MAX_COMPARED)


class TestWithoutTorch:
    def test_it_tags(self, exported: Exported) -> None:
        matcher, folder = exported
        text = TEXTS["plain"]
        result = without_heavy("tag", folder, text, "--types", "person,city")
        assert result.status == 0, result.err
        found = json.loads(result.out)["entities"]
        expected = matcher.predict(text, ["person", "city"])
        assert [(item["start"], item["end"], item["label"]) for item in found] == [
            (item.start, item.end, item.label) for item in expected
        ]

    def test_a_corpus_is_tagged(self, bi: Exported, tmp_path: Path) -> None:
        """By two processes, of which none can import torch."""
        source = write_jsonl(tmp_path / "texts.jsonl", [{"text": text} for text in ALL_TEXTS if text.strip()])
        output = tmp_path / "out.jsonl"
        result = without_heavy("tag", bi[1], source, "--types", "person,city", "--output", output, "--num_workers", 2)
        assert result.status == 0, result.err
        assert len(read_jsonl(output)) == len(read_jsonl(source))

    def test_it_is_evaluated_and_calibrated(self, bi: Exported, tmp_path: Path) -> None:
        shutil.copytree(bi[1], tmp_path / "model")
        (tmp_path / "model" / "thresholds.json").unlink()
        file = write_jsonl(tmp_path / "a.jsonl", sentences(20))
        result = without_heavy("calibrate", tmp_path / "model", file)
        assert result.status == 0, result.err
        threshold = read_json(tmp_path / "model" / "thresholds.json")["threshold"]
        assert result.out.startswith(f"threshold {threshold:.4f}")
        result = without_heavy("evaluate", tmp_path / "model", file, "--output_dir", tmp_path / "results")
        assert result.status == 0, result.err
        assert len(read_jsonl(tmp_path / "results" / "predictions.jsonl")) == 20

    def test_tokens_are_scored_without_seqeval(self, bi: Exported, tmp_path: Path) -> None:
        rows = [{"tokens": ["Ada", "met", "Bob"], "token_spans": [{"start": 0, "end": 1, "label": "person"}]}]
        result = without_heavy("evaluate", bi[1], write_jsonl(tmp_path / "a.jsonl", rows), "--evaluation_format", "tokens")
        assert result.status == 0, result.err
        assert "seqeval is not installed" in result.err and "micro" in result.out

    def test_it_is_loaded(self, exported: Exported) -> None:
        code = WITHOUT.format(names=HEAVY) + (
            "from spanmatch.prediction.tagger import load_tagger\n"
            "print(len(load_tagger(sys.argv[1]).predict(['Ada Lovelace moved to New York.'], ['person'])))"
        )
        result = run_subprocess("-c", code, exported[1])
        assert (result.status, result.out.strip()) == (0, "1"), result.err

    def test_a_checkpoint_of_torch(self) -> None:
        result = without_heavy("tag", "spanmatch-mini", "Ada met Bob", "--types", "person")
        assert result.status == 2 and len(result.err.splitlines()) == 1
        assert "spanmatch-mini: it needs torch, which is not installed; install it, or give a folder of" in result.err

    def test_without_onnxruntime(self, bi: Exported) -> None:
        code = WITHOUT.format(names=(*HEAVY, "onnxruntime")) + "from spanmatch.cli.main import main\nmain()"
        result = run_subprocess("-c", code, "tag", bi[1], "Ada met Bob", "--types", "person")
        assert result.status == 2 and "pip install 'spanmatch[onnx]'" in result.err and len(result.err.splitlines()) == 1


def test_a_run_that_failed_goes_on(bi: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spanmatch.tagging.sources.CHUNK_TEXTS", 4)
    source = write_jsonl(tmp_path / "texts.jsonl", [{"text": text} for text in ALL_TEXTS])
    whole = tagged(bi[1], source, tmp_path / "whole.jsonl")
    num_batches, embed = count(), OnnxBackend.embed_spans

    def fail_later(*given: Any, **named: Any) -> Any:
        if next(num_batches) == 3:
            raise InputError("enough")
        return embed(*given, **named)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(OnnxBackend, "embed_spans", fail_later)
        assert tag(bi[1], source, "--output", tmp_path / "out.jsonl").status == 2
    assert 0 < len(read_jsonl(tmp_path / "out.jsonl.partial")) < len(ALL_TEXTS)
    assert tagged(bi[1], source, tmp_path / "out.jsonl") == whole


class TestTypeEmbeddings:
    def test_a_file(self, bi: Exported, tmp_path: Path) -> None:
        tagger, types = load_tagger(bi[1]), as_entity_types(TYPES)
        file = tmp_path / "types.safetensors"
        expected = tagger.predict(ALL_TEXTS, TYPES)
        tagger.prepare(types, file=str(file))
        other = load_tagger(bi[1])
        other.prepare(types, file=str(file))
        assert file.is_file() and other.predict(ALL_TEXTS, types) == expected

    def test_those_of_torch_are_of_another_model(self, bi: Exported, tmp_path: Path) -> None:
        matcher, folder = bi
        matcher.encode_types(TYPES).save(tmp_path / "types")
        with pytest.raises(InputError, match="embeddings of another model"):
            load_tagger(folder).prepare(as_entity_types(TYPES), file=str(tmp_path / "types"))


class TestItIsRefused:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"device": "cuda"}, "on the CPU, not on cuda; leave --device out"),
            ({"dtype": "bfloat16"}, "exported in float32, not in bfloat16"),
            ({"compile": True}, "leave --compile out"),
        ],
    )
    def test_an_option(self, options: dict[str, Any], message: str, bi: Exported) -> None:
        with pytest.raises(InputError, match=message):
            load_tagger(bi[1], **options)
        assert load_tagger(bi[1], device="cpu", dtype="float32").fingerprint()["dtype"] == "float32"

    @pytest.mark.parametrize(
        ("file", "content", "message"),
        [
            ("text_encoder.onnx", None, r"text_encoder\.onnx: cannot be loaded"),
            ("text_encoder.onnx", b"broken", r"text_encoder\.onnx: cannot be loaded"),
            ("spans.onnx", b"broken", r"spans\.onnx: cannot be loaded"),
            ("text_encoder.onnx.data", None, r"text_encoder\.onnx: cannot be loaded"),
            ("tokenizer/tokenizer.json", b"{", r"tokenizer: no tokenizer that can be read"),
            ("config.json", b'{"tagger": "onnx"}', r"config\.json"),
        ],
    )
    def test_a_broken_folder(self, file: str, content: bytes | None, message: str, cross: Exported, tmp_path: Path) -> None:
        shutil.copytree(cross[1], tmp_path / "model")
        if content is None:
            (tmp_path / "model" / file).unlink()
        else:
            (tmp_path / "model" / file).write_bytes(content)
        with pytest.raises(InputError, match=message):
            load_tagger(tmp_path / "model").predict(["Ada met Bob"], ["person"])

    def test_without_what_the_export_says(self, bi: Exported, tmp_path: Path) -> None:
        shutil.copytree(bi[1], tmp_path / "model")
        config = read_json(bi[1] / "config.json")
        del config["onnx"]["digest"]
        (tmp_path / "model" / "config.json").write_text(json.dumps(config), encoding="utf-8")
        with pytest.raises(InputError, match='"onnx" must hold digest, dtype;'):
            load_tagger(tmp_path / "model")


def test_the_fingerprint_is_that_of_graphs_and_thresholds(bi: Exported, cross: Exported) -> None:
    tagger = load_tagger(bi[1])
    before = tagger.fingerprint()
    assert before == load_tagger(bi[1]).fingerprint() and before["model"] != load_tagger(cross[1]).fingerprint()["model"]
    tagger.calibration = None
    assert tagger.fingerprint()["model"] != before["model"]


@given(seed=st.integers(0, 1 << 30), num_spans=st.integers(0, 9), num_types=st.integers(1, 9), best_only=st.booleans())
def test_blocks_are_brute_force(seed: int, num_spans: int, num_types: int, best_only: bool) -> None:
    """Whole numbers, some equal to their limit, in blocks of a few cells."""
    rng = np.random.default_rng(seed)
    spans, types = (rng.integers(-3, 4, (count, 3)).astype(np.float32) for count in (num_spans, num_types))
    limits = rng.choice([-np.inf, -6.0, 0.0, 3.0], num_types)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("spanmatch.prediction.scoring.MAX_CELLS", {"cpu": 5})
        passed = passing_cells(NumpyBlocks(spans, types), limits=limits, best_only=best_only)
    logits = spans @ types.T
    expected = {
        (span, column): logits[span, column]
        for span in range(num_spans)
        for column in range(num_types)
        if logits[span, column] > limits[column]
    }
    if best_only:
        order = sorted(expected, key=lambda cell: (cell[0], -expected[cell], cell[1]))
        expected = {cell: expected[cell] for place, cell in enumerate(order) if not place or order[place - 1][0] != cell[0]}
    assert (
        dict(zip(zip(passed.span.tolist(), passed.column.tolist(), strict=True), passed.logit.tolist(), strict=True)) == expected
    )
