"""Extras: which modules are missing, and what to install."""

import sys

import pytest
from helpers_e2e import run_subprocess

from spanmatch.apps.extras import missing_modules, require_extra
from spanmatch.errors import InputError


def test_missing_modules() -> None:
    assert missing_modules("no_such_module", "json", "nor_this_one") == ["no_such_module", "nor_this_one"]


def test_the_pip_command_is_named() -> None:
    require_extra("report", "json", purpose="--report")
    with pytest.raises(InputError, match=r"^--report needs no_such_module and nor_this_one; pip install 'spanmatch\[report\]'$"):
        require_extra("report", "no_such_module", "json", "nor_this_one", purpose="--report")


def test_modules_are_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    module = "wave"  # a module of the standard library that nothing here uses
    monkeypatch.delitem(sys.modules, module, raising=False)
    assert missing_modules(module) == [] and module not in sys.modules


@pytest.mark.parametrize("module", ["spanmatch.apps.training_curves", "spanmatch.apps.report.destination"])
def test_what_checks_for_an_extra_does_not_need_it(module: str) -> None:
    code = f"import sys; sys.modules |= dict.fromkeys(['matplotlib', 'jinja2', 'markupsafe']); import {module}"
    assert run_subprocess("-c", code).err == ""
