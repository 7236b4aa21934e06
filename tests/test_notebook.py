"""The notebook runs, and is kept with what it prints."""

from pathlib import Path

import nbformat
import pytest
from helpers_e2e import ROOT
from nbclient import NotebookClient
from nbformat import NotebookNode

NOTEBOOK = ROOT / "docs" / "quickstart.ipynb"
# The training of the notebook, and a short one in its place.
TRAINING, SHORT_TRAINING = "EPOCHS = 2\n", "EPOCHS = 0.05\n"


def printed(notebook: NotebookNode) -> dict[str, str]:
    """What each program prints to standard output, by the name of its cell."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return {cell.id: "".join(item.text for item in cell.outputs if item.get("name") == "stdout") for cell in cells}


def test_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the training it prints what is kept; after a training of one step, something else."""
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "TMPDIR"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    kept = printed(notebook)
    [training] = [cell for cell in notebook.cells if TRAINING in cell.source]
    training.source = training.source.replace(TRAINING, SHORT_TRAINING)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    now = printed(notebook)
    assert (now["read"], now["measure"]) == (kept["read"], kept["measure"])
    assert "'epoch': '0.0" in now["train"] or "'epoch': '0.1" in now["train"]
    assert now["errors"].startswith("micro F1: 0.746 before, ") and "Amara Okafor  NAME" in now["predict"]


def test_it_is_kept_as_it_was_executed() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert {item.output_type for cell in cells for item in cell.outputs} == {"stream"}  # and no error
    assert [name for name, text in printed(notebook).items() if not text] == ["folder"]
    assert sum(TRAINING in cell.source for cell in cells) == 1
