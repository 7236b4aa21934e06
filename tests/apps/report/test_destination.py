"""Where a report can be written, which is checked before any work is done."""

import sys
from pathlib import Path

import pytest
from helpers_report import FLOOR, Scored, evaluation_of

from spanmatch.apps.report.destination import report_to
from spanmatch.data.corpus import Corpus
from spanmatch.errors import InputError


def test_a_file_in_a_new_folder(tmp_path: Path, products: tuple[Corpus, list[Scored]]) -> None:
    corpus, scored = products
    write = report_to(str(tmp_path / "new" / "report.html"))
    assert not [*tmp_path.iterdir()]
    write(corpus=corpus, evaluation=evaluation_of(corpus, scored), format="text", floor=FLOOR, settings={})
    assert [item.name for item in (tmp_path / "new").iterdir()] == ["report.html"]
    assert (tmp_path / "new" / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("module", ["matplotlib", "jinja2"])
def test_the_extra_is_named(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"^--report needs {module}; pip install 'spanmatch\[report\]'$"):
        report_to(str(tmp_path / "report.html"))


@pytest.mark.parametrize("name", ["", "new/"])
def test_not_a_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--report is a folder; give a file, such as .*report\.html"):
        report_to(f"{tmp_path}/{name}")


def test_not_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written in"):
        report_to(str(tmp_path / "file" / "report.html"))
