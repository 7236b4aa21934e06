"""The protocol of what computes with weights: both that there are fulfil it, by their methods and by what these take."""

import inspect

import pytest

from spanmatch.integrations.onnx import NumpyBlocks, OnnxBackend
from spanmatch.prediction.backend import Backend, Blocks
from spanmatch.prediction.torch_backend import TorchBackend, TorchBlocks


@pytest.mark.parametrize(
    ("kind", "protocol"), [(TorchBackend, Backend), (OnnxBackend, Backend), (TorchBlocks, Blocks), (NumpyBlocks, Blocks)]
)
def test_methods(kind: type, protocol: type) -> None:
    asked = {name: item for name, item in vars(protocol).items() if inspect.isfunction(item) and not name.startswith("_")}
    assert asked
    for name, item in asked.items():
        # `TorchBackend` is given its context, which no method of the class is.
        if hasattr(kind, name) or name != "inference":
            assert list(inspect.signature(getattr(kind, name)).parameters) == list(inspect.signature(item).parameters)
