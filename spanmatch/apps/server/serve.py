"""Run the server."""

import logging
import os

import uvicorn

from spanmatch.apps.server.app import create_app
from spanmatch.apps.server.options import ServeOptions
from spanmatch.data.labels import asked_types
from spanmatch.entities import EntityType, Inventory
from spanmatch.prediction.tagger import load_tagger

API_KEY_VARIABLE = "SPANMATCH_API_KEY"  # a flag could be seen by everybody on the machine
USUAL_TYPES = Inventory(
    (
        EntityType(name="person", label="PER"),
        EntityType(name="organization", label="ORG"),
        EntityType(name="location", label="LOC"),
    )
)


def serve(options: ServeOptions) -> None:
    """Answer requests until the process is told to end. Then answer those that were taken.

    Args:
        options: the options of the command.

    Raises:
        InputError: the model cannot be loaded, or the types cannot be read.
    """
    types = asked_types(options.types, options.entity_types) if options.types or options.entity_types else USUAL_TYPES
    tagger = load_tagger(options.model, device=options.device, dtype=options.dtype)
    tagger.prepare(types)
    app = create_app(tagger, types, options, api_key=os.environ.get(API_KEY_VARIABLE) or None)
    logging.getLogger("spanmatch.server").setLevel(logging.INFO)
    config = uvicorn.Config(
        app,
        host=options.host,
        port=options.port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=options.timeout,
    )
    uvicorn.Server(config).run()
