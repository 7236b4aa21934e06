"""Choose where and in what precision to compute."""

import logging
import os
from shutil import which

import torch

from spanmatch.errors import InputError, nearest

logger = logging.getLogger(__name__)

# The process that imported this module. In a process that was forked from it, the number differs.
_IMPORTED_IN = os.getpid()
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def default_device() -> torch.device:
    """Return the accelerator of this machine (CUDA, then MPS), or the CPU if it has none."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def named_device(name: str) -> torch.device:
    """Return a device by name, after trying that it can be used.

    Args:
        name: such as "cpu", "cuda", "cuda:1" or "mps".

    Raises:
        InputError: this machine has no such device.
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = (str(error).splitlines() or ["unknown"])[0][:120]
        raise InputError(f'device "{name}" cannot be used here ({reason}); try "{default_device()}"') from error
    return device


def named_dtype(name: str | torch.dtype) -> torch.dtype:
    """Return a floating-point type by name.

    Args:
        name: "float32", "bfloat16" or "float16", or torch's own name for it, such as `torch.float16`.

    Raises:
        InputError: the name is unknown.
    """
    name = str(name).removeprefix("torch.")
    if name not in _DTYPES:
        raise InputError(f'unknown dtype "{name}"; {nearest(name, _DTYPES)}')
    return _DTYPES[name]


def batch_tokens(device: torch.device) -> int:
    """Return how many tokens a batch should have: few enough for a CPU's caches, or enough to keep an accelerator busy.

    Args:
        device: where the batch is computed.
    """
    return 2048 if device.type == "cpu" else 32768


def use_no_lost_threads() -> None:
    """Compute with one thread in a forked process, from now on.

    A fork copies one thread only. OpenMP does not notice that its other threads are missing, and would wait for them for ever.
    """
    if os.getpid() != _IMPORTED_IN and torch.get_num_threads() > 1:
        torch.set_num_threads(1)
        logger.warning("a forked process computes with one thread; for more, start it with multiprocessing's method spawn")


def compile_encoder(encoder: torch.nn.Module) -> None:
    """Compile an encoder for inference with torch.compile. Its weights are frozen into the compiled code.

    Args:
        encoder: the encoder, changed in place. It is compiled when it reads its first batch.

    Raises:
        InputError: the encoder is on the CPU, and this machine has no C++ compiler.
    """
    if torch.device(next(encoder.parameters()).device).type == "cpu" and not any(
        map(which, (os.environ.get("CXX", "g++"), "clang++"))
    ):
        raise InputError("compile needs a C++ compiler, and there is none; install g++, or leave compile out")
    encoder.compile(dynamic=True, options={"freezing": True})


def native_dtype(device: torch.device) -> torch.dtype:
    """Return the fastest floating-point type that a device computes natively.

    This is bfloat16 where the hardware has it, because it has the range of float32. Other CUDA devices get float16, whose
    range an encoder may leave (see `check_range`). Everything else gets float32.

    Args:
        device: where to compute.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "cpu" and cpu_has_bfloat16():
        return torch.bfloat16
    return torch.float32


def check_range(states: torch.Tensor) -> None:
    """Refuse states that left the range of float16: no score of an infinite state passes a threshold, so entities would be lost.

    Args:
        states: states that were computed in float16, of any shape.

    Raises:
        InputError: a state is infinite or NaN.
    """
    if not bool(states.isfinite().all()):
        raise InputError('the encoder leaves the range of float16; use dtype "float32" or "bfloat16"')


def cpu_has_bfloat16() -> bool:
    """Return whether the CPU multiplies bfloat16 in hardware (AVX512-BF16 or AMX). Emulated, it is slower than float32."""
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
