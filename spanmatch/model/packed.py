"""Linear layers that keep their weights in the order in which they are multiplied.

oneDNN reads weights in blocks. PyTorch puts them in that order anew for every product, which takes as long as multiplying
fifteen rows.
"""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

# Rows that the order is chosen for. It hardly matters how many they are.
USUAL_ROWS = 128


class PackedLinear(nn.Linear):
    """Computes what `nn.Linear` computes, to the bit, and keeps its weight a second time, in the order that oneDNN reads.

    It does so only in bfloat16 on a CPU, without gradients. PyTorch has no public operator for this; where the private one is
    missing or the processor has no instructions for it, and where code is compiled, this is a plain `nn.Linear`. A weight that
    is replaced or written to is packed anew; only what is written through `data` goes unnoticed, since PyTorch does not count
    it.
    """

    _packed: tuple[object, Any] | None = None  # what the weight was, and its other order

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Multiply rows with the weight, and add the bias.

        Args:
            input: rows.

        Shape: (..., from) to (..., to).
        """
        if not self._is_faster(input):
            return F.linear(input, self.weight, self.bias)
        product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(input, self._packed_weight(), self.bias, "none", [], "")
        return product

    def _is_faster(self, rows: torch.Tensor) -> bool:
        return (
            rows.dtype == self.weight.dtype == torch.bfloat16
            and rows.device.type == "cpu"
            and rows.numel() > 0
            and not torch.is_grad_enabled()
            and not torch.compiler.is_compiling()
            and HAS_OPERATORS
        )

    def _packed_weight(self) -> Any:
        weight = self.weight
        written = 0 if weight.is_inference() else weight._version
        if self._packed is None or self._packed[0] != (weight.data_ptr(), written):
            packed = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), USUAL_ROWS)
            self._packed = (weight.data_ptr(), written), packed
        return self._packed[1]

    def __getstate__(self) -> dict[str, Any]:
        # The other order is made again: it can neither be copied nor pickled.
        return {name: value for name, value in self.__dict__.items() if name != "_packed"}


def _has_operators() -> bool:
    names = ("_linear_pointwise", "_reorder_linear_weight", "_is_mkldnn_bf16_supported")
    if not torch.backends.mkldnn.is_available() or not all(hasattr(torch.ops.mkldnn, name) for name in names):
        return False
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # not by a processor that has AVX2 alone


HAS_OPERATORS = _has_operators()
