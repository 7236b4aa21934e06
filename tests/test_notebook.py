"""The notebooks run, and are kept with what they print."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from helpers_e2e import ROOT
from helpers_generative import write_generator
from nbclient import NotebookClient
from nbformat import NotebookNode

DOCS = ROOT / "docs"
Printed = Mapping[str, str]
# Trainings and evaluations of the assessment are processes of their own, which take long to start.
ASSESS = "from spanmatch.baselines.assess import assess, scores_of\n"
IN_THIS_PROCESS = f"""
import sys

sys.path.insert(0, {str(ROOT / "tests")!r})
from helpers_compare import Steps

from spanmatch.baselines import compare

compare.run_measured = Steps().run_measured
"""


@dataclass(frozen=True, kw_only=True)
class Notebook:
    """How a notebook is executed here, and what it has to print then.

    Attributes:
        short: lines of the notebook, and what stands in their places, so that it takes seconds. "TINY" is a tiny decoder.
        as_kept: cells that print what is kept, whatever the trainings are.
        check: looks at what the cells print now, by their names.
        silent: cells that print nothing.
        pictures: cells with a picture.
    """

    short: Mapping[str, str]
    as_kept: tuple[str, ...]
    check: Callable[[Printed], bool]
    silent: tuple[str, ...] = ("folder",)
    pictures: tuple[str, ...] = ()


def quickstart(now: Printed) -> bool:
    trained = "'epoch': '0.0" in now["train"] or "'epoch': '0.1" in now["train"]
    return trained and now["errors"].startswith("micro F1: 0.735 before, ") and "Amara Okafor  NAME" in now["predict"]


def llm_tagger(now: Printed) -> bool:
    masks = now["mask"].splitlines()[:2]
    assert masks[0] == "causal: the state of the first word changes by 0.0%"
    assert masks[1].startswith("bidirectional: ") and not masks[1].endswith(" 0.0%")
    assert "Gemma3TextForTokenClassification: 48 numbers a token -> 9 labels" in now["mask"]
    assert now["train"].count("weights trained in") == 2
    rows = {line[:28].strip(): line[28:].split() for line in now["encoders"].splitlines()[3:]}
    assert list(rows) == [
        "Gemma, bidirectional", "Gemma, causal", "Gemma, prompted", "MiniLM, token classifier", "spanmatch-mini, as it ships",
    ]  # fmt: skip
    return rows["spanmatch-mini, as it ships"][3] == "0.735" and len(rows["Gemma, prompted"]) == 2


def product_assessment(now: Printed) -> bool:
    trained = re.findall(r"^(\w+): trained on (\d+) texts in \d+ s, 0 rows failed$", now["assess"], re.MULTILINE)
    assert [name for name, _ in trained] == ["plain", "swap"] and 32 == int(trained[0][1]) < int(trained[1][1])
    assert "submission/model/pytorch_model.bin" in now["submitted"] and "Trained on 32 texts" in now["submitted"]
    rows = [line[:30].strip() for line in now["mini"].splitlines()]
    return rows == ["macro F1", "token classifier, plain", "token classifier, swap", "spanmatch-mini, as it ships"]


NOTEBOOKS = {
    "quickstart": Notebook(short={"EPOCHS = 2\n": "EPOCHS = 0.05\n"}, as_kept=("read", "measure"), check=quickstart),
    "llm_tagger": Notebook(
        short={
            'MODEL = "google/gemma-3-270m"\n': 'MODEL = "TINY"\n',
            "\nEPOCHS = 3\n": "\nEPOCHS = 0.04\n",
            "SHOTS = 8\n": "SHOTS = 2\n",
            "\nPROMPTED = 10\n": "\nPROMPTED = 2\n",
            "ENCODER_EPOCHS = 10\n": "ENCODER_EPOCHS = 0.05\n",
        },
        as_kept=("read",),
        check=llm_tagger,
    ),
    "product_assessment": Notebook(
        short={"TRAIN, TEST = 1500, 500\n": "TRAIN, TEST = 32, 8\n", ASSESS: ASSESS + IN_THIS_PROCESS},
        as_kept=("read", "unseen", "budget"),
        check=product_assessment,
        pictures=("types",),
    ),
}


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Gemma 3 without a template for chats, as its base model has none."""
    folder = write_generator(tmp_path_factory.mktemp("notebooks") / "decoder", "Gemma3")
    (folder / "chat_template.jinja").unlink()
    return folder


def read(name: str) -> NotebookNode:
    return nbformat.read(DOCS / f"{name}.ipynb", as_version=4)


def programs(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(notebook: NotebookNode) -> dict[str, str]:
    """What each program prints to standard output, by the name of its cell."""
    return {cell.id: "".join(item.text for item in cell.outputs if item.get("name") == "stdout") for cell in programs(notebook)}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_runs(name: str, decoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not depend on a training prints what is kept; the rest, after trainings of a few steps, something else."""
    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "TMPDIR"):
        (tmp_path / variable).mkdir()
        monkeypatch.setenv(variable, str(tmp_path / variable))
    notebook, expected = read(name), NOTEBOOKS[name]
    kept = printed(notebook)
    for line, short in expected.short.items():
        [cell] = [cell for cell in programs(notebook) if line in cell.source]
        cell.source = cell.source.replace(line, short.replace("TINY", str(decoder)))
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(DOCS)}}).execute()
    now = printed(notebook)
    assert {cell: now[cell] for cell in expected.as_kept} == {cell: kept[cell] for cell in expected.as_kept}
    assert expected.check(now)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_is_kept_as_it_was_executed(name: str) -> None:
    notebook, expected = read(name), NOTEBOOKS[name]
    nbformat.validate(notebook)
    cells = programs(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [(cell.id, item) for cell in cells for item in cell.outputs]
    assert {item.output_type for _, item in outputs} <= {"stream", "display_data"}  # and no error
    assert {item.name for _, item in outputs if item.output_type == "stream"} == {"stdout"}  # and no warning
    assert tuple(cell for cell, item in outputs if "image/png" in item.get("data", {})) == expected.pictures
    assert tuple(cell for cell, text in printed(notebook).items() if not text) == expected.silent
    for line in expected.short:
        assert sum(line in cell.source for cell in cells) == 1


def test_every_notebook_is_tested() -> None:
    assert {path.stem for path in DOCS.glob("*.ipynb")} == NOTEBOOKS.keys()
