"""Whatever is loaded is data: no code of a checkpoint, an encoder or a data set runs, and nothing is written elsewhere."""

import ast
import gzip
import inspect
import io
import json
import os
import pickle
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch
from helpers_bad_input import Place
from helpers_e2e import (
    ROOT,
    Result,
    end_in_time,
    evaluate,
    offline_environment,
    sentences,
    snapshot,
    spanmatch,
    train,
    write_jsonl,
)
from helpers_training import arguments

pytestmark = pytest.mark.filterwarnings("ignore")
SOURCES = [*sorted((ROOT / "spanmatch").rglob("*.py")), *sorted(ROOT.glob("*.py")), *sorted((ROOT / "benchmarks").glob("*.py"))]
# Loaders of our own, which run no code of what they load and have no such argument.
OURS = {"SpanMatcher", "OnnxMatcher", "kind_of_tagger"}
# PEFT runs no code of what it loads, and has no such argument; `model.lora` makes sure that weights are safetensors.
OURS |= {"peft.PeftModel"}
LOADS_BY_NAME = {"SentenceTransformer", "CrossEncoder", "SparseEncoder", "pipeline"}
RUNS_TEXT = {"os.system", "os.popen", "yaml.load", "yaml.unsafe_load", "eval", "exec", "compile", "pd.eval", "pandas.eval"}


def unsafe_calls(source: str) -> list[str]:
    """Calls that could run what they load, or a text: loaders that do not say no to it, shells, pickles."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        owner, _, last = name.rpartition(".")
        given = {item.arg: ast.unparse(item.value) for item in node.keywords}
        loads = (last in {"from_pretrained", "from_config"} and owner not in OURS) or last in LOADS_BY_NAME
        if loads and given.get("trust_remote_code") != "False":
            found.append(f"line {node.lineno}: {name} without trust_remote_code=False")
        is_model = last == "from_pretrained" and ("model" in owner.lower() or owner.startswith("_auto_class"))
        if is_model and owner not in OURS and given.get("use_safetensors") != "True":
            found.append(f"line {node.lineno}: {name} without use_safetensors=True")
        if name in RUNS_TEXT or given.get("shell", "False") != "False":
            found.append(f"line {node.lineno}: {name} runs a text")
        if name == "torch.load" and given.get("weights_only") != "True":
            found.append(f"line {node.lineno}: torch.load without weights_only=True")
        if last == "load" and owner in {"np", "numpy"} and given.get("allow_pickle", "False") != "False":
            found.append(f"line {node.lineno}: {name} of pickles")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_loading_call_refuses_code(path: Path) -> None:
    assert unsafe_calls(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "call",
    [
        "AutoTokenizer.from_pretrained(x)",
        "AutoConfig.from_pretrained(x, trust_remote_code=True)",
        "AutoConfig.from_pretrained(x, trust_remote_code=flag)",
        "transformers.AutoModel.from_config(c)",
        "AutoModel.from_pretrained(x, trust_remote_code=False)",
        "AutoModel.from_pretrained(x, trust_remote_code=False, use_safetensors=False)",
        "_auto_class(c).from_pretrained(x, trust_remote_code=False)",
        "SentenceTransformer(x)",
        "sentence_transformers.CrossEncoder(x)",
        "pipeline('ner', model=x)",
        "torch.load(x)",
        "torch.load(x, weights_only=False)",
        "np.load(x, allow_pickle=True)",
        "yaml.load(x)",
        "os.system(x)",
        "subprocess.run(x, shell=True)",
        "eval(x)",
    ],
)
def test_a_call_that_does_not_is_found(call: str) -> None:
    assert unsafe_calls(f"def f(x):\n    return {call}")


@pytest.mark.parametrize(
    "call",
    [
        "AutoTokenizer.from_pretrained(x, trust_remote_code=False)",
        "AutoModel.from_pretrained(x, trust_remote_code=False, use_safetensors=True)",
        "SpanMatcher.from_pretrained(x)",
        "subprocess.run([x])",
        "re.compile(x)",
        "np.load(x)",
    ],
)
def test_a_call_that_does_passes(call: str) -> None:
    assert unsafe_calls(call) == []


def test_data_sets_have_no_scripts() -> None:
    """Since its version 4, the library runs no script of a data set, and has no argument to allow or forbid it."""
    assert "trust_remote_code" not in inspect.signature(datasets.load_dataset).parameters
    listed = re.search(r'"datasets>=(\d+)', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert listed is not None and int(listed.group(1)) >= 4


class Trap:
    """A file that code would write, and everything that would answer a question with yes."""

    def __init__(self, folder: Path) -> None:
        self.marker = folder / "it_ran"
        self.questions: list[str] = []

    @property
    def code(self) -> str:
        """A module that shows that it was run; its class is whatever is asked for."""
        return f"open({str(self.marker)!r}, 'w').close()\nclass Evil:\n    pass\n"

    @property
    def pickle(self) -> bytes:
        """A pickle that shows that it was loaded, as `torch.save` writes it."""
        buffer = io.BytesIO()
        torch.save({"weight": Payload(str(self.marker))}, buffer)
        return buffer.getvalue()

    def plant(self, folder: Path) -> None:
        for name in ("evil.py", "modeling_evil.py", f"{folder.name}.py"):
            (folder / name).write_text(self.code, encoding="utf-8")

    def is_untouched(self) -> bool:
        return not self.marker.exists() and self.questions == []


class Payload:
    """What opens a file for writing when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self.path, "w")


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trap]:
    trap = Trap(tmp_path)

    def answer(question: str = "") -> str:
        trap.questions.append(question)
        return "y"

    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"y\n" * 99)))
    monkeypatch.setattr("sys.path", [*sys.path])
    yield trap
    for name in ("evil", "modeling_evil"):
        sys.modules.pop(name, None)


def change(path: Path, **values: Any) -> None:
    """Change keys of a JSON file."""
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | values), encoding="utf-8")


def refused(result: Result) -> bool:
    """Exit 2 with one line."""
    return result.status == 2 and result.err.count("error: ") == 1 and "Traceback" not in result.err


AUTO_MAP = {"AutoConfig": "evil.Evil", "AutoModel": "evil.Evil", "AutoModelForTextEncoding": "evil.Evil"}


def tokenizer_with_code(folder: Path, trap: Trap) -> None:
    own = folder / "tokenizer" if (folder / "tokenizer").is_dir() else folder
    change(own / "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.Evil", "evil.Evil"]}, tokenizer_class="Evil")
    trap.plant(own)


def test_the_traps_close(trap: Trap, tmp_path: Path) -> None:
    """They would be of no use if nothing could fall into them."""
    pickle.loads(pickle.dumps(Payload(str(trap.marker)))).close()
    assert not trap.is_untouched()
    trap.marker.unlink()
    torch.load(io.BytesIO(trap.pickle), weights_only=False)["weight"].close()
    assert not trap.is_untouched()
    trap.marker.unlink()
    trap.plant(tmp_path)
    sys.path.insert(0, str(tmp_path))
    __import__("evil")
    assert not trap.is_untouched()


def only_pickle(folder: Path, trap: Trap) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(trap.pickle)


def pickle_by_another_name(folder: Path, trap: Trap) -> None:
    (folder / "model.safetensors").write_bytes(trap.pickle)


def pickle_beside(folder: Path, trap: Trap) -> None:
    (folder / "pytorch_model.bin").write_bytes(trap.pickle)


def encoder_of_checkpoint(folder: Path, trap: Trap, **values: Any) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    change(folder / "config.json", text_encoder=config["text_encoder"] | {"auto_map": AUTO_MAP} | values)
    trap.plant(folder)


def unknown_kind(folder: Path, trap: Trap) -> None:
    change(folder / "config.json", model_type="evil", auto_map=AUTO_MAP)
    trap.plant(folder)


def known_kind(folder: Path, trap: Trap) -> None:
    change(folder / "config.json", auto_map=AUTO_MAP)
    trap.plant(folder)


# How a checkpoint is changed, and whether it is then refused; else what is evil in it is passed over.
CHECKPOINTS: dict[str, tuple[Callable[[Path, Trap], None], bool]] = {
    "tokenizer with code": (tokenizer_with_code, False),
    "encoder with code": (encoder_of_checkpoint, False),
    "encoder of an unknown kind": (partial(encoder_of_checkpoint, model_type="evil"), True),
    "tagger by another name": (lambda folder, trap: change(folder / "config.json", tagger="os:system"), True),
    "pickle": (only_pickle, True),
    "pickle by another name": (pickle_by_another_name, True),
    "pickle beside": (pickle_beside, False),
    "nested deeply": (lambda folder, trap: (folder / "thresholds.json").write_text("[" * 99999, encoding="utf-8") and None, True),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_checkpoint(place: Place, trap: Trap, name: str) -> None:
    make, is_refused = CHECKPOINTS[name]
    checkpoint = place.folder / "checkpoint"
    make(checkpoint, trap)
    sys.path.insert(0, str(checkpoint))
    result = spanmatch("tag", checkpoint, "Ada Lovelace moved to Paris .", "--types", "person,city")
    assert trap.is_untouched()
    assert refused(result) if is_refused else result.status == 0, result.err


def test_a_line_of_the_corpus_is_no_answer(place: Place, trap: Trap) -> None:
    """As a user starts it: what arrives on standard input is text to tag."""
    checkpoint = place.folder / "checkpoint"
    tokenizer_with_code(checkpoint, trap)
    answers = "import io, sys\nsys.stdin = io.TextIOWrapper(io.BytesIO(b'y\\n1\\ny\\n'))\n"
    code = f"{answers}from spanmatch.cli.main import main\nmain()"
    command = [sys.executable, "-c", code, "tag", str(checkpoint), "-", "--types", "person"]
    ended = end_in_time(command, offline_environment(), 100)
    assert ended.status == 0 and trap.is_untouched(), ended.err
    assert [json.loads(line)["text"] for line in ended.out.splitlines()] == ["y", "1", "y"]


# How an encoder is changed, and whether it is then refused.
ENCODERS: dict[str, tuple[Callable[[Path, Trap], None], bool]] = {
    "tokenizer with code": (tokenizer_with_code, False),
    "code": (known_kind, False),
    "code of an unknown kind": (unknown_kind, True),
    "pickle": (only_pickle, True),
    "pickle by another name": (pickle_by_another_name, True),
    "pickle beside": (pickle_beside, False),
}


@pytest.mark.parametrize("key", ["text_encoder", "type_encoder"])
@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder(place: Place, trap: Trap, name: str, key: str) -> None:
    make, is_refused = ENCODERS[name]
    encoder = shutil.copytree(place.encoder, place.folder / "other")
    make(encoder, trap)
    sys.path.insert(0, str(encoder))
    flags = {"text_encoder": place.encoder, "max_steps": 1} | {key: encoder}
    result = train(*arguments(place.encoder, place.good, place.out, **flags))
    assert trap.is_untouched()
    assert refused(result) and not place.out.exists() if is_refused else result.status == 0, result.err


@pytest.mark.parametrize(
    "modules",
    [
        [{"idx": 0, "name": "0", "path": "", "type": "evil.Evil"}],
        [{"idx": 0, "name": "0", "path": "", "type": "evil.Transformer"}],
        [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
         {"idx": 1, "name": "1", "path": "1", "type": "evil.Pooling"}],
        [{"idx": 0, "name": "0", "path": ""}],
        {"type": "evil.Evil"},
        7,
    ],
    ids=["a class", "a name of theirs", "the second", "no class", "no list", "a number"],
)  # fmt: skip
def test_modules_of_a_type_encoder(place: Place, trap: Trap, modules: Any) -> None:
    """The library imports whatever class modules.json names, if it can be imported."""
    encoder = shutil.copytree(place.encoder, place.folder / "other")
    trap.plant(encoder)
    (encoder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    sys.path.insert(0, str(encoder))
    result = train(*arguments(place.encoder, place.good, place.out, type_encoder=encoder, max_steps=1))
    assert trap.is_untouched()
    assert refused(result) and not place.out.exists(), result.err


def test_a_type_encoder_cannot_trust_itself(place: Place, trap: Trap) -> None:
    encoder = shutil.copytree(place.encoder, place.folder / "other")
    unknown_kind(encoder, trap)
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
    (encoder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    yes = {"trust_remote_code": True}
    own = {"model_args": yes, "tokenizer_args": yes, "config_args": yes}
    (encoder / "sentence_bert_config.json").write_text(json.dumps(own), encoding="utf-8")
    sys.path.insert(0, str(encoder))
    result = train(*arguments(place.encoder, place.good, place.out, type_encoder=encoder, max_steps=1))
    assert trap.is_untouched()
    assert refused(result) and not place.out.exists(), result.err


@pytest.mark.parametrize("file", ["optimizer.pt", "scheduler.pt", "rng_state.pth"])
def test_the_state_of_a_training(place: Place, trap: Trap, file: str) -> None:
    schedule = {"max_steps": 4, "save_strategy": "steps", "save_steps": 2}
    assert train(*arguments(place.encoder, place.good, place.out, **schedule)).status == 0
    shutil.rmtree(place.out / "checkpoint-4")
    (place.out / "checkpoint-2" / file).write_bytes(trap.pickle)
    before = snapshot(place.out)
    result = train(*arguments(place.encoder, place.good, place.out, **schedule, resume_from_checkpoint=True))
    assert trap.is_untouched() and snapshot(place.out) == before
    assert refused(result) and "checkpoint-2: its state cannot be read" in result.err, result.err


class TestData:
    def test_a_loading_script(self, place: Place, trap: Trap) -> None:
        folder = place.folder / "corpus"
        folder.mkdir()
        trap.plant(folder)
        for result in (spanmatch("data", "stats", folder), train(*arguments(place.encoder, folder, place.out))):
            assert refused(result) and trap.is_untouched()

    @pytest.mark.parametrize("split", ["../elsewhere/evil", "/tmp/evil", "..", ".", ".a", "a/b", "a\\b", "", "a\nb", 7, None])
    def test_splits_are_names(self, place: Place, split: Any) -> None:
        data = datasets.Dataset.from_list([{"tokens": ["Ada"], "tags": ["B-person"]}])
        datasets.DatasetDict({"train": data}).save_to_disk(str(place.folder / "set"))
        data.save_to_disk(str(place.folder / "elsewhere" / "evil"))
        (place.folder / "set" / "dataset_dict.json").write_text(json.dumps({"splits": ["train", split]}), encoding="utf-8")
        before = snapshot(place.folder)
        for command in (
            partial(spanmatch, "convert", place.folder / "set", place.folder / "out", "--to", "tags"),
            partial(spanmatch, "data", "stats", place.folder / "set", "--split", "train"),
        ):
            result = command()
            assert refused(result) and "a split cannot be called" in result.err, result.err
            assert snapshot(place.folder) == before

    @pytest.mark.parametrize("split", ["../evil", "/evil", "..", "a/b"])
    def test_so_are_those_of_a_command(self, place: Place, split: str) -> None:
        before = snapshot(place.folder)
        result = spanmatch("convert", place.good, place.folder / "out", "--to", "tags", "--split", split)
        assert refused(result) and "a split cannot be called" in result.err, result.err
        assert snapshot(place.folder) == before

    @pytest.mark.parametrize(
        "line",
        [
            '{"text": "Ada", "char_spans": [{"start": 0, "end": 1e999, "label": "person"}]}',
            '{"text": "Ada", "char_spans": [{"start": 0, "end": ' + "9" * 5000 + ', "label": "person"}]}',
            '{"text": "Ada", "char_spans": [{"start": -9223372036854775809, "end": 3, "label": "person"}]}',
            '{"text": ' + "[" * 100_000 + "]" * 100_000 + "}",
            '{"a": ' * 100_000 + "1" + "}" * 100_000,
        ],
        ids=["infinite", "of 5000 digits", "below 64 bits", "lists", "objects"],
    )
    def test_numbers_and_depth(self, place: Place, line: str) -> None:
        file = place.file("bad.jsonl", json.dumps(sentences(1)[0]).encode() + b"\n" + line.encode())
        for command in (partial(spanmatch, "data", "stats", file), partial(train, *arguments(place.encoder, file, place.out))):
            result = command()
            assert refused(result) and f"{file}:2: " in result.err and len(result.err) < 1000, result.err[:500]


def running_parts(page: str) -> list[str]:
    """What of a page would run an alert: scripts, and attributes that handle events."""
    found: list[str] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(f"{tag} {name}" for name, value in attrs if name.startswith("on") or "javascript:" in (value or ""))

        def handle_data(self, data: str) -> None:
            if self.cdata_elem == "script" and "alert" in data:
                found.append(data)

    Parser().feed(page)
    return found


def test_what_runs_is_seen() -> None:
    for part in ("<script>alert(1)</script>", "<b onclick=alert(1)>", '<a href="javascript:alert(1)">'):
        assert running_parts(f"<p>{part}</p>")
    assert running_parts("<p>&lt;script&gt;alert(1) onclick=alert(1)</p><script>let a = 1</script>") == []


def test_a_report_shows_and_runs_nothing(place: Place) -> None:
    """Texts, labels and names of files and folders are shown as they are, markup and all."""
    evil = ["<script>alert(1)</script>", "<img src=x onerror=alert(2)>", '"><svg onload=alert(3)>']
    evil += ["</title><b onclick=alert(4)>", "</script><script>alert(7)"]
    model = place.folder / "<b onclick=alert(5)>"
    shutil.copytree(place.folder / "checkpoint", model)
    file = place.folder / "<img src=x onerror=alert(6)>.jsonl"
    rows = [row | {"text": f"{row['text']} {mark}", "labels": [*row["labels"], mark]} for row in sentences(8) for mark in evil]
    for row in rows:
        start = row["text"].index(row["labels"][-1])
        row["char_spans"] = [*row["char_spans"], {"start": start, "end": len(row["text"]), "label": row["labels"][-1]}]
    write_jsonl(file, rows)
    page = place.folder / "report.html"
    given = ["--pretrained_model_name_or_path", model, "--evaluation_file", file, "--evaluation_format", "text"]
    result = evaluate(*given, "--output_dir", place.out, "--report", page, "--threshold", "0.01")
    assert result.status == 0, result.err
    pages = [path for path in place.folder.rglob("*") if path.suffix in {".html", ".svg"}]
    written = {path.name: path.read_text(encoding="utf-8") for path in pages}
    assert "report.html" in written
    for content in written.values():
        assert running_parts(content) == []
    assert "&lt;script&gt;alert(1)" in written["report.html"] and "&lt;img src=x onerror=alert(6)&gt;" in written["report.html"]
    assert "&lt;b onclick=alert(5)&gt;" in written["report.html"]


class TestArchives:
    def tag(self, place: Place, name: str, content: bytes) -> Result:
        file = place.file(name, content)
        before = snapshot(place.folder)
        result = spanmatch("tag", place.folder / "checkpoint", file, "--types", "person")
        assert refused(result) and snapshot(place.folder) == before, result.err
        return result

    @pytest.mark.parametrize("name", ["bomb.jsonl.gz", "bomb.txt.gz"])
    def test_a_line_without_end(self, place: Place, name: str) -> None:
        """A bomb: as much as is asked for, from little. It is read as far as the longest line that is allowed."""
        packed = io.BytesIO()
        with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
            for _ in range(66):
                file.write(b" " * (1 << 20))
        assert "bomb" in (self.tag(place, name, packed.getvalue())).err

    def test_half_an_archive(self, place: Place) -> None:
        whole = gzip.compress(b'{"text": "Ada moved to Paris ."}\n' * 2000)
        assert "cut off or damaged" in self.tag(place, "half.jsonl.gz", whole[: len(whole) // 2]).err

    def test_no_archive(self, place: Place) -> None:
        assert "damaged" in self.tag(place, "none.jsonl.gz", os.urandom(999)).err
        assert "no Parquet file" in self.tag(place, "none.parquet", b"PAR1" + os.urandom(999) + b"PAR1").err
