"""The documentation is true: its programs and commands run, print what the pages say, and its links lead somewhere.

How a page is read is in `helpers_docs`. Every command is run here, or by `.ci/run`, or is listed below with the reason why
not; any other command fails.
"""

import dataclasses
import gzip
import importlib.util
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from helpers_chat import ChatServer, chat_server, writes_or_finds
from helpers_docs import KEEPS_RUNNING, Block, Workspace, is_output, open_workspace, read_blocks
from helpers_e2e import ROOT, sentences, trained_checkpoint, write_jsonl, write_tiny_encoder
from helpers_hub import WRITES, Hub, running_hub, use_hub

from spanmatch.data.formats.convert import convert
from spanmatch.training.arguments import MatcherArguments

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "data/README.md", "models/README.md", "models/spanmatch-*/README.md")
    for path in ROOT.glob(pattern)
)
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
# Commands that nothing runs, by how they begin, with the reason.
NOT_RUN = {
    "pip install torch": "it would replace the torch of the environment",
    "docker": "there is no container engine",
    "make clean": "it would remove the environment",
    "make data": "tests/data_sets compare the files with what the generators write",
    "PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make install-dev": "the same install, from another index",
    ".ci/run": "it runs these tests",
    "spanmatch demo": "tests/end_to_end/test_demo_page.py starts it, and looks at it in a browser",
    "source .venv/bin/activate": "it changes the shell alone",
    ".venv/bin/pytest": "it is what runs now",
    "hf auth login": "it asks for a token",
    "jupyter execute": "tests/test_notebook.py executes the notebook",
    'pip install -e ".[spacy]"': "the extra is part of the one that the tests run with",
    'pip install -e ".[serve,demo]"': "the extras are part of the one that the tests run with",
    'pip install -e ".[prompting]"': "the extra is part of the one that the tests run with",
    'pip install -e ".[presidio]"': "the extra is part of the one that the tests run with",
    'pip install -e ".[lora,constrained]"': "the extras are part of the one that the tests run with",
    "ray get-auth-token": "it writes into the home folder",
    "ray start": "it leaves processes behind; tests/integrations joins a cluster",
    "RAY_AUTH_MODE=token ray start": "the same, on another machine",
    "spanmatch tag MODEL": "a cluster has to be there",
    "spanmatch compare configs/": "it trains for hours; tests/cli checks the file, tests/baselines compare small models",
    "spanmatch assess": "it trains for an hour; tests/baselines/test_assess.py runs it with a small model",
}
# What a reader has exported from an annotation tool.
EXPORTS = {
    "label_studio.json": "label-studio",
    "doccano.jsonl": "doccano",
    "prodigy.jsonl": "prodigy",
    "corrected.spacy": "spacy",
}
# Programs that nothing runs, by their first line, with the reason.
OTHER_LIBRARIES = {"# GLiNER", "# SpanMarker", "# Otter", "# In the folder where submission.zip was unpacked"}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_encoder(tmp_path_factory.mktemp("docs") / "encoder")


@pytest.fixture(scope="module")
def checkpoint(encoder: Path) -> Path:
    return trained_checkpoint(encoder.parent / "checkpoint", encoder)


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    """A chat model of this machine, in place of the reader's."""
    with chat_server(writes_or_finds) as found:
        yield found


@pytest.fixture
def workspace(encoder: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chat: ChatServer) -> Workspace:
    """A folder in which a reader follows a page, with files of the reader's own."""
    found = open_workspace(tmp_path, checkpoint=checkpoint, encoder=encoder)
    found.addresses["http://localhost:11434/v1"] = chat.url
    write_own_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    # Scores on the pages are those of float32, which every machine computes alike.
    monkeypatch.setattr("spanmatch.model.devices.cpu_has_bfloat16", lambda: False)
    return found


def write_own_files(folder: Path) -> None:
    """Write what the pages suppose that a reader has."""
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Sequence, Value

    write_jsonl(folder / "my_data" / "train.jsonl", sentences(40))
    write_jsonl(folder / "corpus" / "part.jsonl", sentences(20))
    (folder / "exported").mkdir()
    plain = folder / "corpus" / "part.jsonl"
    (folder / "corpus" / "part.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes()))
    for name, file_format in EXPORTS.items():
        convert(str(folder / "my_data" / "train.jsonl"), str(folder / "exported" / name), target_format=file_format)
    (folder / "corpus.txt").write_text("Ada met Bob on Friday.\n", encoding="utf-8")
    (folder / "types.json").write_text('{"PER": "names of people"}', encoding="utf-8")
    tags = Sequence(ClassLabel(names=["O", "B-PER", "I-PER"]))
    rows = Dataset.from_dict(
        {"tokens": [["Ada", "met", "Bo"]], "ner_tags": [[1, 0, 1]]},
        features=Features({"tokens": Sequence(Value("string")), "ner_tags": tags}),
    )
    DatasetDict({"train": rows, "test": rows}).save_to_disk(str(folder / "my_dataset"))


def is_run_elsewhere(command: str) -> bool:
    """Say whether `.ci/run` runs a command, or why it is not run is known."""
    if any(command.startswith(begin) for begin in NOT_RUN):
        return True
    words = shlex.split(command)
    if words[0] == "make":
        return re.search(rf"^phase \w+ {words[1]}$", CI, re.MULTILINE) is not None
    if words[:2] == ["pip", "install"]:  # as the Makefile does it, which `.ci/run` calls
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        return words[words.index("-e") + 1] in makefile and words[-2:] == ["-c", "constraints.txt"]
    return False


def problems_of(block: Block, page: str, workspace: Workspace) -> list[str]:
    """Run a block of a page; return what is not as the page says."""
    where = f"{page}:{block.line}"
    if block.file is not None:
        workspace.write(block.file, block.content)
        return []
    if block.language == "python":
        if block.content.partition("\n")[0] in OTHER_LIBRARIES:
            return []
        results = [(where, workspace.run_python(block.content, where))]
    elif block.language == "bash":
        results = [(f"{where}: {item}", workspace.run_command(item)) for item in block.commands if not is_run_elsewhere(item)]
    else:
        return []
    failed = [f"{name}\nexit status {result.status}\n{result.err[-2000:]}" for name, result in results if result.status != 0]
    printed = "".join(result.out for _, result in results)
    if block.output is not None and not failed and not is_output(block.output, printed):
        failed.append(f"{where}: prints something else than the page says:\n{printed}")
    return failed


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub of this machine, with a reader who is logged in."""
    with running_hub() as found:
        use_hub(monkeypatch, found.address, str(tmp_path / "cache"))
        monkeypatch.setenv("HF_TOKEN", WRITES)
        yield found


@pytest.mark.parametrize("page", PAGES)
def test_page_is_true(page: str, workspace: Workspace, hub: Hub) -> None:
    """The blocks of a page run in their order, and print what it says."""
    blocks = read_blocks((ROOT / page).read_text(encoding="utf-8"))
    try:
        found = [problem for block in blocks for problem in problems_of(block, page, workspace)]
    finally:
        workspace.close()
    assert not found, "\n\n".join(found)


def test_there_is_something_to_run() -> None:
    blocks = read_blocks((ROOT / "README.md").read_text(encoding="utf-8"))
    assert [block.language for block in blocks if block.output is not None] == ["python", *["bash"] * 4]


@pytest.mark.parametrize("page", [page for page in PAGES if "](" in (ROOT / page).read_text(encoding="utf-8")])
def test_links_lead_to_files(page: str) -> None:
    """On the site, the build in strict mode checks them, anchors included; here, as the files are read."""
    hooks = load_hooks()
    hooks.rewrite_links((ROOT / page).read_text(encoding="utf-8"), page, hooks.elsewhere())


def load_hooks() -> ModuleType:
    """Return docs/hooks.py, which is no part of a package."""
    pytest.importorskip("mkdocs")
    spec = importlib.util.spec_from_file_location("docs_hooks", ROOT / "docs" / "hooks.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_links_on_the_site() -> None:
    hooks = load_hooks()
    pages = hooks.elsewhere()
    page = (
        "[a](tagging.md#input) [b](../data/README.md) [c](../spanmatch/config.py) ![d](../benchmarks/results/speed.png) [e](#f)"
    )
    rewritten = "[a](tagging.md#input) [b](data/README.md) c ![d](benchmarks/results/speed.png) [e](#f)"
    assert hooks.rewrite_links(page, "docs/index.md", pages) == rewritten
    assert hooks.rewrite_links("[a](../docs/migrate.md)", "data/README.md", pages) == "[a](../migrate.md)"
    with pytest.raises(Exception, match=r"docs/index.md: the link to nothing.md leads to no file"):
        hooks.rewrite_links("[a](nothing.md)", "docs/index.md", pages)


def test_a_notebook_becomes_a_page(tmp_path: Path) -> None:
    hooks = load_hooks()
    program = {"cell_type": "code", "id": "one", "source": ["print(1)\n", "2"]}
    outputs = [{"text": ["1\n"]}, {"data": {}}, {"data": {"image/png": ["iVBO\n", "Rw0K\n"], "text/plain": ["<Figure>"]}}]
    cells = [{"cell_type": "markdown", "source": ["# A [b](c.md)"]}, program | {"outputs": outputs}]
    (tmp_path / "n.ipynb").write_text(json.dumps({"cells": [*cells, program | {"outputs": []}]}), encoding="utf-8")
    shown = "```python\nprint(1)\n2\n```\n"
    picture = '<img alt="what the program one draws" src="data:image/png;base64,iVBORw0K">\n'
    assert hooks.notebook_page(tmp_path / "n.ipynb") == f"# A [b](c.md)\n\n{shown}\n```text\n1\n```\n\n{picture}\n{shown}"
    assert hooks.rewrite_links("[a](quickstart.ipynb)", "docs/index.md", hooks.elsewhere()) == "[a](quickstart.md)"


def test_every_key_of_a_training_is_explained() -> None:
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    missing = [item.name for item in dataclasses.fields(MatcherArguments) if f"`{item.name}`" not in page]
    assert not missing


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "README.md", "docs/architecture.md", "docs/training.md"])
def test_places_in_the_code_are_there(page: str) -> None:
    """A page says `path/of/module.py`: `name`, `name`."""
    text = (ROOT / page).read_text(encoding="utf-8")
    files = re.findall(r"`(spanmatch/[a-z_/]+(?:\.py)?)`", text)
    assert [file for file in files if not (ROOT / file).exists()] == []
    named = re.findall(r"`(spanmatch/[a-z_/]+\.py)`: ((?:`\w+`(?:, | and )?)+)", text)
    missing = [
        f"{file}: {name}"
        for file, names in named
        for name in re.findall(r"\w+", names.replace(" and ", " "))
        if not re.search(rf"^(?:def |class )?{name}\b", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert not missing


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    pages = [page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")]
    assert [page for page in pages if f"- {page}" not in navigation] == []


def test_the_gallery_is_what_the_model_finds(workspace: Workspace) -> None:
    printed = workspace.run_command("python benchmarks/gallery.py").out
    assert printed.strip() in (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")


def test_the_picture_is_what_the_model_finds(workspace: Workspace) -> None:
    result = workspace.run_command("python benchmarks/tagged_picture.py --output tagged.svg")
    assert result.status == 0, result.err
    drawn = (workspace.folder / "tagged.svg").read_text(encoding="utf-8")
    assert drawn == (ROOT / "docs" / "images" / "tagged.svg").read_text(encoding="utf-8")


def test_blocks_are_read_with_their_output() -> None:
    page = "```bash\na \\\n  b  # why\n# all of it\nc\n```\n\n```text\nd\n```\n\n"
    page += '```json title="e.json"\n{}\n```\n\nf\n\n```text\ng\n```\n'
    command, file, text = read_blocks(page)
    assert (command.line, command.commands, command.output) == (1, ["a    b", "c"], "d\n")
    assert (file.file, file.content) == ("e.json", "{}\n")
    assert (text.language, text.content) == ("text", "g\n")


@pytest.mark.parametrize(
    ("expected", "got", "is_same"),
    [
        ("a\nb\n", "a  \nb", True),
        ("a\n", "a\nb\n", False),
        ("50 texts in ... s\n", "50 texts in 0.3 s\n", True),
        ("50 texts in ... s\n", "51 texts in 0.3 s\n", False),
        ("a\n...\nb\n", "a\nx\ny\nb\n", True),
        ("a.b\n", "axb\n", False),
    ],
)
def test_output_is_compared(expected: str, got: str, is_same: bool) -> None:
    assert is_output(expected, got) is is_same


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ("```bash\nspanmatch tag --typ person 'Ada left.'\n```", "exit status 2"),
        ("```bash\nfrobnicate now\n```", "frobnicate: no such program here"),
        ("```bash\nmake nothing\n```", "make: no such program here"),
        ("```python\nprint(1 / 0)\n```", "ZeroDivisionError"),
        ("```python\nprint(1)\n```\n\n```text\n2\n```", "something else than the page says:\n1"),
    ],
)
def test_a_page_that_is_wrong_fails(block: str, problem: str, workspace: Workspace) -> None:
    [found] = read_blocks(block)
    try:
        told = "\n".join(problems_of(found, "page.md", workspace))
    except AssertionError as error:
        told = str(error)
    assert problem in told


def test_a_server_is_started_asked_and_stopped(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KEEPS_RUNNING, ("python", "server.py"), "--at={port}")
    code = (
        "import sys\nfrom http.server import *\nport = int(sys.argv[1].removeprefix('--at='))\n"
        "HTTPServer(('127.0.0.1', port), SimpleHTTPRequestHandler).serve_forever()\n"
    )
    monkeypatch.setattr("helpers_docs.ROOT", workspace.folder)
    (workspace.folder / "server.py").write_text(code, encoding="utf-8")
    (workspace.folder / "answer.txt").write_text("forty-two", encoding="utf-8")
    assert workspace.run_command("python server.py").status == 0
    asked = 'import urllib.request\nprint(urllib.request.urlopen("http://127.0.0.1:8000/answer.txt").read().decode())'
    assert workspace.run_python(asked, "page").out == "forty-two\n"
    [process] = workspace.servers.values()
    workspace.close()
    assert process.poll() is not None
