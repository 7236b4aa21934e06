"""The command `spanmatch serve`."""

import os
from typing import Any

from spanmatch.apps.extras import require_extra
from spanmatch.apps.server.options import ServeOptions, cores_of


def run_serve(**given: Any) -> None:
    """Answer HTTP requests (POST /predict/), described at /docs. The key is read from SPANMATCH_API_KEY, if that is set.

    Args:
        given: the options that the user gave, by their names.
    """
    options = ServeOptions(**given)
    require_extra("serve", "fastapi", "uvicorn", "prometheus_client", purpose="spanmatch serve")
    # Libraries read this when they are imported; the other processes of the server inherit it.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores_of(options.workers) // options.threads)))
    # For each shape of a batch, torch keeps some megabytes of code; of 1,024 shapes unless this says otherwise.
    os.environ.setdefault("LRU_CACHE_CAPACITY", "64")
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")
    from spanmatch.apps.server.serve import serve
    from spanmatch.prediction.processes import quiet_libraries

    quiet_libraries()
    serve(options)
