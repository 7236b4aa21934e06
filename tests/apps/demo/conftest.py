"""The page under test leaves the process as it was."""

import sys

import pytest


@pytest.fixture(autouse=True)
def same_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit's AppTest puts the page in the place of `__main__`, which processes that are started later would run."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
