"""Exported to ONNX: what it costs to start, to tag and in F1, in float32 and int8, beside torch.

    python benchmarks/onnx_export.py                      # the checkpoint that ships
    python benchmarks/onnx_export.py --model models/mine --num_examples 400

Each way is measured in a process of its own. torch computes with the processor's widest vectors and once more with AVX2.
onnxruntime picks its kernels by the processor alone: there is no setting, so its rows have no second figure.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from common import RESULTS, machine, write_table
from quality_data import DEV_9

from spanmatch.data.corpus import Corpus, read_corpus
from spanmatch.evaluation.evaluate import evaluate_corpus
from spanmatch.integrations.onnx_export import export
from spanmatch.prediction.shipped import DEFAULT_MODEL
from spanmatch.prediction.tagger import load_tagger

TEXT = "Ada Lovelace met Charles Babbage in London."
SUPERVISED = "conll2003"
TYPES = (
    "person", "organization", "location", "date", "time", "money", "event", "product", "work of art", "language", "law", "award",
    "job title", "animal", "plant", "food", "drink", "medication", "chemical", "gene", "body part", "vehicle", "software",
    "disease", "currency",
)  # fmt: skip
NUM_SINGLE = 50
# What only the commands of torch need: an exported model is started as if none of it were installed.
HEAVY = (
    "torch", "transformers", "accelerate", "datasets", "sentence_transformers", "seqeval", "sklearn", "scipy", "pandas",
    "pyarrow",
)  # fmt: skip
AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
# The peak of memory is read from the process itself: what the system counts for a child begins with that of its parent.
START = """
import atexit, re, sys
atexit.register(lambda: sys.stderr.write(re.search(r"VmHWM:.*", open("/proc/self/status").read())[0]))
for name in sys.argv[1].split():
    sys.modules[name] = None
sys.argv = ["spanmatch", *sys.argv[2:]]
from spanmatch.cli.main import main
main()
"""


def cold_start(model: str, hidden: Sequence[str], repeats: int) -> tuple[float, float]:
    """Seconds and MiB of `spanmatch tag MODEL "..."`, from the start of the process to its end; the median."""
    seconds, memory = [], []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        command = [sys.executable, "-c", START, " ".join(hidden), "tag", model, TEXT, "--types", "person,city"]
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds.append(time.perf_counter() - start)
        memory.append(int(ended.stderr.rpartition("VmHWM:")[2].split()[0]) / 1024)
    return statistics.median(seconds[1:]), statistics.median(memory[1:])  # the first one fills the disk's cache


def speed(model: str, dtype: str, file: str, repeats: int, num_texts: int) -> dict[str, float]:
    """Milliseconds for a single text, and texts a second, with 25 types. Runs in a process of its own."""
    tagger = load_tagger(model, device="cpu", dtype=dtype)
    texts = [example.text for example in read_corpus(file, max_examples=num_texts).examples]
    tagger.predict(texts[:8], TYPES)
    single, rates = [], []
    for text in texts[:NUM_SINGLE]:
        start = time.perf_counter()
        tagger.predict([text], TYPES)
        single.append(time.perf_counter() - start)
    for _ in range(repeats):
        start = time.perf_counter()
        tagger.predict(texts, TYPES)
        rates.append(len(texts) / (time.perf_counter() - start))
    return {"milliseconds": 1000 * statistics.median(single), "texts_per_second": statistics.median(rates)}


def speed_apart(
    model: str, dtype: str, file: str, options: argparse.Namespace, instructions: Mapping[str, str]
) -> dict[str, Any]:
    """Measure the speed in a new process, with these instructions of the processor."""
    command = [sys.executable, __file__, "--model", model, "--measure", dtype, "--file", file, "--repeats", str(options.repeats)]
    command += ["--num_texts", str(options.num_texts)]
    environment = os.environ | dict(instructions) | {"OMP_NUM_THREADS": str(options.threads)}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    figures: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return figures


def f1(model: str, dtype: str, corpora: Mapping[str, Corpus]) -> dict[str, float]:
    """Micro F1 in percent on each set, at the threshold of the checkpoint."""
    tagger = load_tagger(model, device="cpu", dtype=dtype)
    return {
        name: 100 * evaluate_corpus(tagger, corpus, format="text", threshold=None).metrics.micro.f1
        for name, corpus in corpora.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--datasets", type=Path, default=Path("../shared/datasets"), help="public data sets, a folder each")
    parser.add_argument("--num_examples", type=int, help="of each set; by default all")
    parser.add_argument("--num_texts", type=int, default=400, help="that the speed is measured with")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, default=RESULTS / "onnx.md")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(speed(options.model, options.measure, options.file, options.repeats, options.num_texts)))
        return
    sets = (SUPERVISED, *DEV_9)
    files = {name: str(options.datasets / name / "test.jsonl") for name in sets}
    corpora = {name: read_corpus(file, max_examples=options.num_examples) for name, file in files.items()}
    with TemporaryDirectory() as place:
        told = {}
        for dtype in ("float32", "int8"):
            start = time.perf_counter()
            told[dtype] = export(options.model, f"{place}/{dtype}", quantize=None if dtype == "float32" else dtype)
            told[dtype] = f"{told[dtype].partition(': ')[2]}, in {time.perf_counter() - start:.0f} s"
        ways = {
            "torch, float32": (options.model, "float32"),
            "torch, bfloat16": (options.model, "bfloat16"),
            "ONNX, float32": (f"{place}/float32", "float32"),
            "ONNX, int8": (f"{place}/int8", "int8"),
        }
        rows = []
        for way, (model, dtype) in ways.items():
            is_torch = way.startswith("torch")
            seconds, memory = cold_start(model, () if is_torch else HEAVY, options.repeats)
            speeds = [speed_apart(model, dtype, files[SUPERVISED], options, own) for own in ({}, AVX2)[: 1 + is_torch]]
            single, rate = ([f"{figures[key]:.1f}" for figures in speeds] for key in ("milliseconds", "texts_per_second"))
            scores = f1(model, dtype, corpora)
            quality = f"{scores[SUPERVISED]:.2f}", f"{np.mean([scores[name] for name in DEV_9]):.2f}"
            missing = [] if is_torch else ["-"]
            rows.append([way, f"{seconds:.2f}", f"{memory:.0f}", *single, *missing, *rate, *missing, *quality])
    header = [
        "", "start, s", "start, MiB", "a text, ms", "with AVX2", "texts/s", "with AVX2", f"F1, {SUPERVISED}",
        "F1, average of nine",
    ]  # fmt: skip
    facts = machine() | {"threads": str(options.threads), "types": f"{len(TYPES)} for speed, those of each set for F1"}
    facts |= {"examples of each set": str(options.num_examples or "all")}
    facts |= {f"exported, {name}": line for name, line in told.items()}
    facts["a start"] = f'spanmatch tag MODEL "{TEXT}" --types person,city; ONNX where no package of torch can be imported; '
    facts["a start"] += "torch in the precision that the processor has"
    write_table(options.output, title="Exported to ONNX", doc=__doc__ or "", header=header, rows=rows, facts=facts)


if __name__ == "__main__":
    main()
