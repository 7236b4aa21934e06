"""The command `spanmatch demo`."""

from typing import Any

from spanmatch.apps.demo.options import DemoOptions
from spanmatch.apps.extras import require_extra


def run_demo(**given: Any) -> None:
    """Show a page in which people type a text and the types to look for, with a model here or a running API.

    Args:
        given: the options that the user gave, by their names.
    """
    options = DemoOptions(**given)
    require_extra("demo", "streamlit", "httpx", purpose="spanmatch demo")
    from spanmatch.apps.demo.start import start
    from spanmatch.prediction.processes import quiet_libraries

    quiet_libraries()
    start(options)
