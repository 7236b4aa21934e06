"""Start the page."""

import json
import socket
from dataclasses import asdict
from pathlib import Path
from typing import Any

from streamlit.web import bootstrap

from spanmatch.apps.demo.options import DemoOptions, is_address
from spanmatch.apps.demo.sources import open_tagger
from spanmatch.apps.demo.uploads import MAX_UPLOAD_MB
from spanmatch.errors import InputError

PAGE = Path(__file__).with_name("page.py")


def start(options: DemoOptions) -> None:
    """Serve the page until the process is told to end.

    Models are loaded before the page is there, so that a broken one ends the command. The page finds them loaded.

    Args:
        options: the options of the command.

    Raises:
        InputError: a model cannot be loaded, or something else listens on the port.
    """
    check_port(options.host, options.port)
    for place in options.places:
        if not is_address(place):
            open_tagger(place)
    flags = settings(options)
    bootstrap.load_config_options(flags)
    bootstrap.run(str(PAGE), False, [json.dumps(asdict(options))], flags)


def settings(options: DemoOptions) -> dict[str, Any]:
    """Return the settings of Streamlit, which come before those of the user's own files.

    Args:
        options: the options of the command.
    """
    return {
        "server_address": options.host,
        "server_port": options.port,
        "server_headless": True,
        "server_fileWatcherType": "none",  # it would look into every module of torch
        "server_maxUploadSize": MAX_UPLOAD_MB,
        "browser_gatherUsageStats": False,
        "logger_level": "warning",
        "theme_light_primaryColor": "#2f6bd8",
        "theme_dark_primaryColor": "#3d7be8",
        "client_toolbarMode": "minimal",
        "client_showErrorDetails": "none",  # a traceback is for the log
        "client_disableDataExport": True,  # its CSV would keep what a spreadsheet takes for a formula
    }


def check_port(host: str, port: int) -> None:
    """Refuse an address that cannot be listened on.

    Args:
        host: the address.
        port: the port.

    Raises:
        InputError: it is taken, or is no address of this machine.
    """
    try:
        [family, kind, *_, address] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        raise InputError(f"{host}:{port}: cannot listen there ({error.strerror}); give another --host or --port") from error
