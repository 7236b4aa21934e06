"""Devices and their precision, the range of float16, and compiling."""

import copy
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import TYPES

from spanmatch.errors import InputError
from spanmatch.model import devices
from spanmatch.prediction.matcher import SpanMatcher

LONG = " ".join(["Ada Lovelace moved to New York, Zoë Müller to Montréal; 马云在杭州."] * 6)


class TestDevices:
    @pytest.mark.parametrize(
        ("device", "cpu_has", "cuda_has", "expected"),
        [
            ("cpu", True, False, torch.bfloat16),
            ("cpu", False, True, torch.float32),
            ("cuda", False, True, torch.bfloat16),
            ("mps", True, True, torch.float32),
        ],
    )
    def test_native_dtype(
        self, device: str, cpu_has: bool, cuda_has: bool, expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(devices, "cpu_has_bfloat16", lambda: cpu_has)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: cuda_has or including_emulation)
        assert devices.native_dtype(torch.device(device)) == expected

    def test_names_of_torch(self) -> None:
        assert devices.named_dtype(torch.bfloat16) == devices.named_dtype("torch.bfloat16") == devices.named_dtype("bfloat16")
        with pytest.raises(InputError, match='unknown dtype "int8"'):
            devices.named_dtype(torch.int8)

    def test_it_is_the_default(self, tiny_matcher: SpanMatcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        tiny_matcher.save_pretrained(tmp_path)
        for dtype in (torch.float32, torch.bfloat16):
            monkeypatch.setattr("spanmatch.model.devices.native_dtype", lambda device, own=dtype: own)
            loaded = SpanMatcher.from_pretrained(tmp_path, device="cpu")
            assert {weight.dtype for weight in loaded.model.parameters()} == {dtype}
        assert (
            next(SpanMatcher.from_pretrained(tmp_path, device="cpu", dtype="float32").model.parameters()).dtype == torch.float32
        )

    def test_what_float16_cannot_hold(self, tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
        """... is an error, rather than no entities: of texts as of types."""
        for part in ("text", "type"):
            matcher = make_loud(tiny_matcher, part)
            with pytest.raises(InputError, match='leaves the range of float16; use dtype "float32" or "bfloat16"'):
                matcher.predict("Ada met Bob", TYPES)

    def test_batches_fit_the_device(self, tiny_matcher: SpanMatcher, monkeypatch: pytest.MonkeyPatch) -> None:
        assert devices.batch_tokens(torch.device("cpu")) < devices.batch_tokens(torch.device("cuda"))
        matcher = tiny_matcher
        sizes: list[int] = []
        encode = matcher.model.encode_texts

        def counting(batch: Any) -> torch.Tensor:
            sizes.append(batch.input_ids.numel())
            return encode(batch)

        monkeypatch.setattr(matcher.model, "encode_texts", counting)
        matcher.predict([LONG] * 60, TYPES)
        assert len(sizes) > 3 and max(sizes) <= devices.batch_tokens(torch.device("cpu"))
        assert min(sizes[:-1]) > devices.batch_tokens(torch.device("cpu")) / 2


class TestCompile:
    def test_without_a_compiler(self, tiny_matcher: SpanMatcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        tiny_matcher.save_pretrained(tmp_path)
        monkeypatch.setattr(devices, "which", lambda name: None)
        with pytest.raises(InputError, match=r"compile needs a C\+\+ compiler, and there is none; install g\+\+, or leave"):
            SpanMatcher.from_pretrained(tmp_path, device="cpu", compile=True)
        assert SpanMatcher.from_pretrained(tmp_path, device="cpu").predict("Ada met Bob", TYPES) is not None

    @pytest.mark.parametrize("compiler", ["g++", "clang++", "own"])
    def test_with_any_compiler(self, compiler: str, tiny_matcher: SpanMatcher, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is looked for before anything is compiled; that begins with the first text."""
        if compiler == "own":
            monkeypatch.setenv("CXX", "own")
        else:
            monkeypatch.delenv("CXX", raising=False)
        monkeypatch.setattr(devices, "which", lambda name: name if name == compiler else None)
        encoder = copy.deepcopy(tiny_matcher.model.text_encoder)
        asked: list[dict[str, Any]] = []
        monkeypatch.setattr(type(encoder), "compile", lambda self, **options: asked.append(options))
        devices.compile_encoder(encoder)
        assert asked == [{"dynamic": True, "options": {"freezing": True}}]


def make_loud(matcher: SpanMatcher, part: str) -> SpanMatcher:
    """In float16, with states of texts or embeddings of types beyond its range."""
    model = copy.deepcopy(matcher.model).to(torch.float16)
    with torch.no_grad():
        if part == "text":
            dict(model.text_encoder.named_parameters())["encoder.layer.1.output.LayerNorm.bias"].fill_(math.inf)
        else:
            model.head.scale.fill_(60000.0)
            model.head.type_proj.bias.fill_(60000.0)
    return SpanMatcher(model, matcher.text_tokenizer, matcher.type_tokenizer)
