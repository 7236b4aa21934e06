"""Where and in what precision to compute."""

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


def native_dtype(device: torch.device) -> torch.dtype:
    """The fastest type that the device computes natively and that keeps the range of float32: bfloat16, else float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if device.type == "cpu" and cpu_has_bfloat16():
        return torch.bfloat16
    return torch.float32


def cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 in hardware (AVX512-BF16, AMX); elsewhere it is emulated, and slower."""
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
