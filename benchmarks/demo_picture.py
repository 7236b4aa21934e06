"""Take the pictures of the page that `spanmatch demo` serves.

    python benchmarks/demo_picture.py                             # writes docs/images/demo.png
    python benchmarks/demo_picture.py --width 390 --output narrow.png
    python benchmarks/demo_picture.py --scheme dark --output dark.png

It needs the package playwright and a Chromium (Debian: apt-get install chromium).
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "demo.png"
# What is off would ask servers of Google's, each time a browser starts.
CHROMIUM_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
START_SECONDS = 120


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def running(command: str, *arguments: object, health: str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run a command of spanmatch that serves, and yield its address when it answers.

    Args:
        command: its name.
        arguments: its arguments, without the port.
        health: the path that answers when it is ready.
        environment: further environment variables.
    """
    port = free_port()
    words = [sys.executable, "-m", "spanmatch", command, *map(str, arguments), "--port", str(port)]
    own = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"} | dict(environment or {})
    process = subprocess.Popen(words, env=own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(process, address + health)
        yield address
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _wait(process: "subprocess.Popen[str]", address: str) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"it ended with exit status {process.returncode}: {process.communicate()[0][-2000:]}")
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"{address} does not answer after {START_SECONDS} seconds")


def chromium() -> str:
    """Return the Chromium of this machine.

    Raises:
        RuntimeError: there is none; says how to install it.
    """
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise RuntimeError("no Chromium on this machine, which the page is looked at with; Debian: apt-get install chromium")
    return found


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Open a browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def new_page(browser: Browser, *, width: int, height: int, scheme: Any = "light") -> Page:
    """Open a page of a new visitor.

    Args:
        browser: the browser.
        width: width of its window, in pixels.
        height: height of its window, in pixels.
        scheme: "light" or "dark".
    """
    return browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, locale="en-GB").new_page()


def open_page(page: Page, address: str) -> None:
    """Go to the page, and wait until it shows what was found.

    Args:
        page: a page of a browser.
        address: where `spanmatch demo` listens.
    """
    page.goto(address)
    page.locator(".tagged").first.wait_for(timeout=60_000)
    settle(page)


def settle(page: Page) -> None:
    """Wait until the page has done what it was asked for.

    Args:
        page: a page of a browser.
    """
    page.wait_for_timeout(300)  # until it has begun
    page.locator("[data-testid='stApp'][data-test-script-state='notRunning']").wait_for(timeout=60_000)
    page.wait_for_timeout(200)


def main() -> None:
    """Take a picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=PICTURE)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=940)
    parser.add_argument("--scheme", choices=["light", "dark"], default="light")
    parser.add_argument("arguments", nargs="*", help="of spanmatch demo, after --")
    given = parser.parse_args()
    with running("demo", *given.arguments, health="/_stcore/health") as address, open_browser() as browser:
        page = new_page(browser, width=given.width, height=given.height, scheme=given.scheme)
        open_page(page, address)
        page.get_by_text("Biomedical", exact=True).click()
        settle(page)
        page.get_by_text("Also show what scores just under it").first.click()
        settle(page)
        given.output.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=given.output)


if __name__ == "__main__":
    main()
