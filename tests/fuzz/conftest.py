"""The clock of the fuzz tests: each has an equal share of `--fuzz-minutes`."""

import pytest
from helpers_fuzz import Fuzz

FUZZ = pytest.StashKey[Fuzz]()


@pytest.fixture(scope="session")
def fuzz(request: pytest.FixtureRequest) -> Fuzz:
    """What tries inputs until a test's share of the time is over."""
    tests = [item for item in request.session.items if "fuzz" in getattr(item, "fixturenames", ())]
    minutes, first_round = request.config.getoption("--fuzz-minutes"), request.config.getoption("--fuzz-seed")
    made = Fuzz(seconds=minutes * 60 / len(tests), first_round=first_round)
    request.config.stash[FUZZ] = made
    return made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how many inputs were tried."""
    if FUZZ in config.stash and config.stash[FUZZ].num_inputs:
        counts = config.stash[FUZZ].num_inputs
        terminalreporter.section("inputs tried")
        for name, count in sorted(counts.items()):
            terminalreporter.line(f"{name}: {count:,}")
        terminalreporter.line(f"all: {sum(counts.values()):,}")
