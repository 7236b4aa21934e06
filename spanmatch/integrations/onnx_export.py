"""Export a matcher as a folder that tags without torch, in float32 or with its encoders in int8 (`spanmatch export`).

Nothing is written that was not tried: the exported matcher has to find what the matcher finds, and int8 must not cost more
than `MAX_LOSS` of F1 on annotated texts.
"""

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import spanmatch
from spanmatch.data.corpus import Corpus, read_corpus
from spanmatch.data.files import folder_to_write, read_json
from spanmatch.entities import Entity
from spanmatch.errors import InputError
from spanmatch.evaluation.calibration import check_gold
from spanmatch.evaluation.evaluate import evaluate_corpus
from spanmatch.integrations.onnx import ONNX_KEY, TEXT_ENCODER, TYPE_ENCODER, OnnxMatcher
from spanmatch.integrations.onnx_graphs import quiet_exporter, write_config, write_graphs
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.shipped import CONFIG_FILE, MATCHER, checkpoint_folder, tagger_kind
from spanmatch.prediction.thresholds import above

# What the encoders of an exported model may compute in, beside float32.
QUANTISATIONS = ("int8",)
# The operations whose weights are quantised: products, and the look-up of embeddings, which are half of a small model. They
# cost no F1 that could be measured.
QUANTISED = ["MatMul", "Gemm", "Gather"]
# How much F1 int8 may cost, from 0 to 1.
MAX_LOSS = 0.005
# The annotated texts that ship, to measure int8 on: in a clone of the repository, and in an installed package.
CHECK_FILES = ("../data/everyday/validation.jsonl", "pretrained/everyday/validation.jsonl")
# How much a score in float32 may differ from that of torch, and the score above which candidates are compared.
TOLERANCE, FLOOR = 1e-3, 1e-3
PROBE_TYPES = (("person", "organization", "city where people live", "date"), ("animal",))
PROBE_TEXT = "Ada Lovelace met Charles Babbage of Globex in São Paulo on 3 May 1842."


def export(
    model: str, output: str, *, quantize: str | None = None, check_file: str | None = None, entity_types: str | None = None
) -> str:
    """Export a checkpoint; return what was written, in a line. The folder appears complete or not at all.

    Args:
        model: checkpoint folder, name that ships, or hub id.
        output: the folder to write, which must not be there, or be empty.
        quantize: "int8" for encoders in int8; by default they stay in float32.
        check_file: annotated texts to measure int8 on; by default those that ship.
        entity_types: JSON file of the types to ask for in them.

    Raises:
        InputError: the model or the output is not as it should be, the encoder cannot be exported, or int8 costs too much.
    """
    folder, source = folder_to_write(output), checkpoint_folder(model)
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{output}: there is something in it already; name a new folder")
    if tagger_kind(source) != MATCHER:
        raise InputError(f"{model}: not a checkpoint of torch but {tagger_kind(source)}; give what a training wrote")
    if quantize is None and (check_file is not None or entity_types is not None):
        raise InputError("--check_file is for --quantize, and so are its --entity_types; leave them out")
    corpus = None if quantize is None else _check_corpus(check_file, entity_types)
    matcher = SpanMatcher.from_pretrained(source, device="cpu", dtype="float32")
    there = next(path for path in folder.absolute().parents if path.is_dir())
    with TemporaryDirectory(prefix=f".{folder.name}-", dir=there) as place:
        made = Path(place) / "float32"
        made.mkdir()
        write_graphs(matcher, made)
        exported = OnnxMatcher.from_pretrained(made)
        _check_parity(matcher, exported)
        told = "float32"
        if corpus is not None:
            made, before = Path(place) / "int8", made
            told = _quantise(exported, before, made, corpus)
        if (source / "README.md").is_file():
            shutil.copyfile(source / "README.md", made / "README.md")
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.is_dir():
            folder.rmdir()
        os.replace(made, folder)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return f"{output}: {told}, {size / 2**20:.0f} MiB"


def _check_corpus(file: str | None, entity_types: str | None) -> Corpus:
    """Read the texts that int8 is measured on, before anything takes time."""
    package = Path(spanmatch.__file__).parent
    shipped = next((path for path in (package / name for name in CHECK_FILES) if path.is_file()), None)
    source = file or (None if shipped is None else str(shipped.resolve()))
    if source is None:
        raise InputError("--quantize int8 is measured on annotated texts, and none ship here; name some (--check_file FILE)")
    corpus = read_corpus(source, entity_types=entity_types)
    check_gold(corpus, source)
    return corpus


def _check_parity(matcher: SpanMatcher, exported: OnnxMatcher) -> None:
    """Refuse an export that does not score candidates as the matcher does: a text, a long one, and a single word."""
    threshold = above(FLOOR, matcher.null_slot)
    for types in PROBE_TYPES:
        how: dict[str, Any] = {"threshold": threshold, "overlap": "multi-label"}
        texts = [PROBE_TEXT, f"{PROBE_TEXT} " * (1 + matcher.config.max_length // 8), "Ada"]
        pairs = zip(matcher.predict(texts, types, **how), exported.predict(texts, types, **how), strict=True)
        for expected, got in (map(_by_place, pair) for pair in pairs):
            for key in expected.keys() | got.keys():
                difference = abs(expected.get(key, FLOOR) - got.get(key, FLOOR))
                if not difference <= TOLERANCE:
                    problem = f"the exported model scores {key} by {difference:.4f} differently from torch"
                    raise InputError(f"{problem}, more than {TOLERANCE}; train with another encoder")


def _by_place(entities: list[Entity]) -> dict[tuple[int, int, str], float]:
    return {(entity.start, entity.end, entity.label): entity.score for entity in entities}


def _quantise(exported: OnnxMatcher, before: Path, folder: Path, corpus: Corpus) -> str:
    """Write an exported matcher once more, with its encoders in int8, if that costs little; return what it costs, in words.

    The weights of an encoder are quantised once, by columns of each matrix, and what they are multiplied with when it is
    computed. The head stays in float32: it is small, and scores come from it.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    encoders = [file for file in (before / f"{name}.onnx" for name in (TEXT_ENCODER, TYPE_ENCODER)) if file.is_file()]
    shutil.copytree(before, folder, ignore=shutil.ignore_patterns(*(f"{file.name}*" for file in encoders)))
    for file in encoders:
        with quiet_exporter():
            quantize_dynamic(
                file, folder / file.name, op_types_to_quantize=QUANTISED, per_channel=True, weight_type=QuantType.QInt8,
                use_external_data_format=True,
            )  # fmt: skip
    for file in folder.glob("*.onnx*"):
        file.chmod((before / CONFIG_FILE).stat().st_mode)  # the library writes weights for their owner alone
    stored = read_json(before / CONFIG_FILE)[ONNX_KEY] | {"dtype": "int8"}
    write_config(folder, exported.config, stored)
    plain, quantised = (_f1(tagger, corpus) for tagger in (exported, OnnxMatcher.from_pretrained(folder)))
    if not plain:
        problem = "nothing that the model finds in the check file is right, so it does not show what int8 costs"
        raise InputError(f"{problem}; name texts with the types of the model (--check_file FILE)")
    told = f"{100 * plain:.2f} in float32, {100 * quantised:.2f} in int8, F1 on {len(corpus.examples)} texts"
    if quantised < plain - MAX_LOSS:
        problem = f"int8 costs {100 * (plain - quantised):.2f} points ({told}), more than {100 * MAX_LOSS}"
        raise InputError(f"{problem}; export without --quantize, or name texts of your own (--check_file FILE)")
    write_config(folder, exported.config, stored | {"f1_float32": plain, "f1_int8": quantised})
    return f"int8 ({told})"


def _f1(tagger: OnnxMatcher, corpus: Corpus) -> float:
    return evaluate_corpus(tagger, corpus, format="text", threshold=None).metrics.micro.f1
