"""What the end-to-end tests share: generated sentences, a checkpoint, and running a command as a user does."""

import io
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers.utils import logging as transformers_logging

from spanmatch.cli import main as cli

ROOT = Path(__file__).resolve().parent.parent
NAMES = {
    "person": ["Ada Lovelace", "Bob", "Carla Diaz", "Dmitri", "Eva Novak"],
    "city": ["Paris", "New York", "Lima", "Oslo", "Cape Town"],
    "company": ["Acme Corp", "Globex", "Initech", "Umbrella Works", "Hooli"],
}
PATTERNS = [
    "{person} moved to {city} .",
    "{person} works for {company} in {city} .",
    "Yesterday {company} hired {person} .",
    "The office of {company} is in {city} .",
    "It rained again in {city} .",
    "{person} met nobody .",
]


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a command ended."""

    status: int
    out: str
    err: str


def run_in_process(command: Callable[[], None], program: str, *arguments: object) -> Result:
    """Run a command as its script does, with `sys.argv` set; what it prints is captured, what it exits with returned."""
    out, err = io.StringIO(), io.StringIO()
    argv, status, verbosity = sys.argv, 0, transformers_logging.get_verbosity()
    sys.argv = [program, *map(str, arguments)]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            command()
    except SystemExit as end:
        status = int(end.code or 0)
    finally:
        sys.argv = argv
        transformers_logging.set_verbosity(verbosity)
    return Result(status=status, out=out.getvalue(), err=err.getvalue())


def train(*arguments: object, architecture: str = "bi") -> Result:
    """train_bi_encoder.py or train_cross_encoder.py in this process."""
    return run_in_process(lambda: cli.train_command(architecture), f"train_{architecture}_encoder.py", *arguments)


def evaluate(*arguments: object, architecture: str = "bi") -> Result:
    """evaluate_bi_encoder.py or evaluate_cross_encoder.py in this process."""
    return run_in_process(lambda: cli.evaluate_command(architecture), f"evaluate_{architecture}_encoder.py", *arguments)


def spanmatch(*arguments: object) -> Result:
    """`spanmatch ...` in this process."""
    return run_in_process(cli.main, "spanmatch", *arguments)


def offline_environment() -> dict[str, str]:
    """The environment of a subprocess: this checkout, one thread, no hub."""
    return os.environ | {
        "PYTHONPATH": str(ROOT),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


def run_subprocess(*arguments: object, cwd: Path = ROOT) -> Result:
    """`python ...` as a process of its own."""
    command = [sys.executable, *map(str, arguments)]
    ended = subprocess.run(command, cwd=cwd, env=offline_environment(), capture_output=True, text=True, timeout=120)
    return Result(status=ended.returncode, out=ended.stdout, err=ended.stderr)


def end_in_time(command: Sequence[str], environment: Mapping[str, str], seconds: float) -> Result:
    """Run a command from this checkout; if it takes longer, it fails, and all of its processes are killed."""
    pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True, **pipes) as process:
        try:
            out, err = process.communicate(timeout=seconds)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return Result(status=process.returncode, out=out, err=err)


def write_jsonl(path: Path, rows: Sequence[Any]) -> Path:
    """Write one JSON value per line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Read one JSON object per line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def sentences(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Generated sentences of people, cities and companies, with their character spans."""
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        text, spans = "", []
        for piece in rng.choice(PATTERNS).split(" "):
            label = piece.strip("{}")
            start = len(text) + (1 if text else 0)
            written = rng.choice(NAMES[label]) if label in NAMES else piece
            text = f"{text} {written}" if text else written
            if label in NAMES:
                spans.append({"start": start, "end": len(text), "label": label})
        rows.append({"text": text, "char_spans": spans, "labels": sorted(NAMES)})
    return rows


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with its content, and every folder: what must not change."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def write_tiny_encoder(folder: Path, max_positions: int = 64) -> Path:
    """A BERT of two small layers with random weights and a window of so many subwords, made for the sentences above."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    words = {word.lower() for names in NAMES.values() for name in names for word in name.split()}
    words |= {word.lower() for pattern in PATTERNS for word in pattern.split() if "{" not in word} | set(NAMES)
    characters = [*"abcdefghijklmnopqrstuvwxyz0123456789.,:-'"]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = [*special, *characters, *(f"##{item}" for item in characters), *sorted(words - set(characters))]
    tokenizer = BertTokenizerFast(
        tokenizer_object=BertWordPieceTokenizer({word: index for index, word in enumerate(vocabulary)})._tokenizer,
        model_max_length=max_positions,
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=max_positions,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


def trained_checkpoint(folder: Path, encoder: Path, *arguments: object, architecture: str = "bi") -> Path:
    """A checkpoint that finds the names of the sentences above, trained in a second and calibrated."""
    data = write_jsonl(folder.parent / f"{folder.name}_train.jsonl", sentences(60))
    given = ["--train_file", data, "--validation_file", data, "--text_encoder", encoder, "--output_dir", folder]
    epochs = [] if "--max_steps" in arguments else ["--num_train_epochs", 6]
    fast = [*epochs, "--per_device_train_batch_size", 8, "--learning_rate", 3e-3, "--max_span_width", 4]
    quiet = ["--eval_strategy", "no", "--save_strategy", "no", "--report_to", "none", "--disable_tqdm", "true", "--bf16", "false"]
    result = train(*given, *fast, *quiet, *arguments, architecture=architecture)
    assert result.status == 0, result.err
    return folder
