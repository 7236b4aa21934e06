"""Where and in what precision to compute."""

import os
from shutil import which

import torch

from spanmatch.errors import InputError, nearest

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def default_device() -> torch.device:
    """The accelerator, where there is one."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def named_device(name: str) -> torch.device:
    """A device by name.

    Raises:
        InputError: no such device on this machine.
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = (str(error).splitlines() or ["unknown"])[0][:120]
        raise InputError(f'device "{name}" cannot be used here ({reason}); try "{default_device()}"') from error
    return device


def named_dtype(name: str) -> torch.dtype:
    """A floating-point type by name.

    Raises:
        InputError: an unknown name.
    """
    if name not in _DTYPES:
        raise InputError(f'unknown dtype "{name}"; {nearest(name, _DTYPES)}')
    return _DTYPES[name]


def batch_tokens(device: torch.device) -> int:
    """Tokens of a batch: on a processor what its caches like, on an accelerator what keeps it busy."""
    return 1024 if device.type == "cpu" else 32768


def compile_encoder(encoder: torch.nn.Module) -> None:
    """Have torch.compile fuse what an encoder does; weights are frozen into the result, which is for inference alone.

    Raises:
        InputError: this machine lacks the compiler that it takes.
    """
    if torch.device(next(encoder.parameters()).device).type == "cpu" and not any(
        map(which, (os.environ.get("CXX", "g++"), "clang++"))
    ):
        raise InputError("compile needs a C++ compiler, and there is none; install g++, or leave compile out")
    encoder.compile(dynamic=True, options={"freezing": True})


def native_dtype(device: torch.device) -> torch.dtype:
    """The fastest type that the device computes natively: bfloat16, which has the range of float32, where there is one.

    A CUDA device without it gets float16, whose range an encoder may leave: that is an error when it happens. Elsewhere float32.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "cpu" and cpu_has_bfloat16():
        return torch.bfloat16
    return torch.float32


def check_range(states: torch.Tensor) -> None:
    """Refuse what float16 cannot hold: scores of infinite states would find nothing, and say nothing.

    Raises:
        InputError: an infinite number, or none.
    """
    if states.dtype == torch.float16 and not bool(states.isfinite().all()):
        raise InputError('the encoder leaves the range of float16; use dtype "float32" or "bfloat16"')


def cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 in hardware (AVX512-BF16, AMX); elsewhere it is emulated, and slower."""
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
