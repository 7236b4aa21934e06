"""Linear layers whose weights are kept in a second order."""

import copy
import pickle
import subprocess
import sys
import textwrap

import pytest
import torch
from helpers_e2e import offline_environment
from torch import nn
from torch.nn import functional as F

from spanmatch.model import packed
from spanmatch.model.packed import PackedLinear


@pytest.fixture
def layer() -> PackedLinear:
    return PackedLinear(48, 80).to(torch.bfloat16)


@torch.inference_mode()
@pytest.mark.parametrize("shape", [(1, 48), (7, 48), (2, 9, 48), (300, 48), (0, 48)])
def test_products_are_those_of_torch(layer: PackedLinear, shape: tuple[int, ...]) -> None:
    rows = torch.randn(shape, dtype=torch.bfloat16)
    assert torch.equal(layer(rows), F.linear(rows, layer.weight, layer.bias))
    assert (layer._packed is not None) == bool(rows.numel() and packed.HAS_OPERATORS)


@torch.no_grad()
def test_a_weight_that_changes(layer: PackedLinear) -> None:
    rows = torch.randn(4, 48, dtype=torch.bfloat16)
    before = layer(rows)
    layer.weight *= 2
    assert torch.equal(layer(rows), F.linear(rows, layer.weight, layer.bias)) and not torch.equal(layer(rows), before)
    layer.weight = nn.Parameter(torch.randn(80, 48, dtype=torch.bfloat16))
    assert torch.equal(layer(rows), F.linear(rows, layer.weight, layer.bias))
    layer.float()
    assert torch.equal(layer(rows.float()), F.linear(rows.float(), layer.weight, layer.bias))


@torch.no_grad()
def test_copies(layer: PackedLinear) -> None:
    rows = torch.randn(4, 48, dtype=torch.bfloat16)
    expected = layer(rows)
    assert list(layer.state_dict()) == ["weight", "bias"]
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert other._packed is None and torch.equal(other(rows), expected)


def test_gradients_and_other_torches(layer: PackedLinear, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = torch.randn(4, 48, dtype=torch.bfloat16)
    assert layer(rows).requires_grad and layer._packed is None
    monkeypatch.setattr(packed, "HAS_OPERATORS", False)
    with torch.no_grad():
        assert torch.equal(layer(rows), F.linear(rows, layer.weight, layer.bias)) and layer._packed is None


def test_a_processor_without_the_instructions() -> None:
    """... as most of those that are older than 2020: a precision that the user asks for is computed all the same."""
    code = """
        import torch
        from spanmatch.model import packed
        layer = packed.PackedLinear(48, 80).to(torch.bfloat16)
        with torch.inference_mode():
            layer(torch.randn(4, 48, dtype=torch.bfloat16))
        print(packed.HAS_OPERATORS, layer._packed)
    """
    environment = offline_environment() | {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert (ended.stdout, ended.stderr) == ("False None\n", "")
