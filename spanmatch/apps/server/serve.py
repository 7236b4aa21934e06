"""Run the server: one process, or several that share the port."""

import json
import logging
import os
import socket
import threading
from collections.abc import Mapping
from dataclasses import asdict
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn
from fastapi import FastAPI
from tqdm import tqdm
from uvicorn.supervisors import Multiprocess

from spanmatch.apps.server.app import Served, create_app
from spanmatch.apps.server.guard import LOG, log
from spanmatch.apps.server.metrics import FOLDER_VARIABLE
from spanmatch.apps.server.options import API_KEY_VARIABLE, ServeOptions
from spanmatch.data.labels import USUAL_TAGS, asked_types, unnamed_type
from spanmatch.entities import Inventory
from spanmatch.errors import InputError
from spanmatch.prediction.tagger import load_tagger

OPTIONS_VARIABLE = "SPANMATCH_SERVE_OPTIONS"  # what the processes of a server are told
# Answers name the usual types as data sets do: PER, ORG, LOC.
USUAL_TYPES = Inventory(tuple(map(unnamed_type, USUAL_TAGS)))


def serve(options: ServeOptions) -> None:
    """Answer requests until the process is told to end. Then answer those that were taken.

    Args:
        options: the options of the command.

    Raises:
        InputError: the model cannot be loaded, or the types cannot be read.
    """
    with _bound(options) as listening:
        app = load_app(options)  # also with several processes: what is wrong is told once, before anything starts
        host, port = listening.getsockname()[:2]
        settings: dict[str, Any] = {
            "access_log": False,
            "log_level": "warning",
            "timeout_graceful_shutdown": options.timeout,
            "workers": options.workers,
        }
        log(message=f"{options.model} answers at http://{host}:{port}; /docs says how to ask")
        if options.workers == 1:
            uvicorn.Server(uvicorn.Config(app, **settings)).run([listening])
            return
        with TemporaryDirectory(prefix="spanmatch-serve-") as folder:
            os.environ |= {FOLDER_VARIABLE: folder, OPTIONS_VARIABLE: json.dumps(asdict(options))}
            config = uvicorn.Config(f"{__name__}:{app_of_process.__name__}", factory=True, **settings)
            Multiprocess(config, sockets=[listening]).run()


def _bound(options: ServeOptions) -> socket.socket:
    """Return a socket at the address, before the model is loaded: that takes time, and the address may be taken."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    found = socket.socket(family)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.set_inheritable(True)
    try:
        found.bind((options.host, options.port))
    except (OSError, OverflowError) as error:
        found.close()
        remedy = "give another --host or --port"
        raise InputError(f"{options.host}:{options.port}: {getattr(error, 'strerror', None) or error}; {remedy}") from error
    return found


def load_app(options: ServeOptions) -> FastAPI:
    """Load the model, encode the types, and return the application.

    Args:
        options: the options of the command.

    Raises:
        InputError: the model cannot be loaded, or the types cannot be read.
    """
    _log_to_stderr()
    types = asked_types(options.types, options.entity_types) if options.types or options.entity_types else None
    first = _served(options.model, types, options)
    further = {name: _served(folder, types, options) for name, folder in options.further.items()}
    api_key = os.environ.get(API_KEY_VARIABLE) or None
    return create_app(first.tagger, first.types, options, api_key=api_key, further=further)


def _served(model: str, types: Inventory | None, options: ServeOptions) -> Served:
    """Load a model, and encode what is asked for where a request does not say: `types`, else what it knows or the usual ones."""
    tagger = load_tagger(model, device=options.device, dtype=options.dtype)
    if types is None:
        types = USUAL_TYPES if tagger.types is None else Inventory(tagger.types)
    tagger.prepare(types)
    return Served(tagger=tagger, types=types)


def app_of_process(environment: Mapping[str, str] = os.environ) -> FastAPI:
    """Return the application of one of several processes, as the first one says in the environment.

    Args:
        environment: variables and values.
    """
    from spanmatch.prediction.processes import quiet_libraries

    quiet_libraries()
    tqdm.set_lock(threading.RLock())  # its default is a semaphore of all processes, which Python misses when this one ends
    return load_app(ServeOptions(**json.loads(environment[OPTIONS_VARIABLE])))


def _log_to_stderr() -> None:
    """Write the log as lines of JSON and nothing else."""
    LOG.setLevel(logging.INFO)
    if not LOG.handlers:
        LOG.addHandler(logging.StreamHandler())
    LOG.propagate = False
