"""The command `spanmatch serve`."""

from typing import Any

from spanmatch.apps.extras import require_extra
from spanmatch.apps.server.options import ServeOptions


def run_serve(**given: Any) -> None:
    """Answer HTTP requests (POST /predict/), described at /docs. The key is read from SPANMATCH_API_KEY, if that is set.

    Args:
        given: the options that the user gave, by their names.
    """
    options = ServeOptions(**given)
    require_extra("serve", "fastapi", "uvicorn", "prometheus_client", purpose="spanmatch serve")
    from spanmatch.apps.server.serve import serve
    from spanmatch.prediction.processes import quiet_libraries

    quiet_libraries()
    serve(options)
