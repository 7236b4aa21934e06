"""The page in a real browser, with the model that ships, and with a running API.

Chromium is not one of Python's packages; on Debian, `apt-get install chromium` (as `.ci/run` does) installs it.
"""

import csv
import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from demo_picture import new_page, open_browser, open_page, running
from playwright.sync_api import Browser, Page

from spanmatch.apps.demo.presets import PRESETS
from spanmatch.entities import as_entity_types
from spanmatch.prediction.tagger import Tagger, load_tagger

HEALTH = "/_stcore/health"
PATIENCE_SECONDS = 60
ROW = 35  # height of a row of the table of types, in pixels
TEXT = "Ada Lovelace met Charles Babbage in London."
FOUND = [("Ada Lovelace", "person"), ("Charles Babbage", "person"), ("London", "location")]
EVIL = "<script>window.ran = 1</script> Ada Lovelace <img src=x onerror='window.ran = 1'> **bold** $x$ :smile:"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running("demo", "spanmatch-mini", health=HEALTH) as found:
        yield found


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return load_tagger("spanmatch-mini")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    opened = new_page(browser, width=1280, height=1000)
    open_page(opened, address)
    yield opened
    opened.context.close()


def until(holds: Callable[[], bool], page: Page) -> None:
    """Wait until something holds; the page does its work elsewhere, on a machine that may be busy."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, page.locator("body").inner_text()
        page.wait_for_timeout(50)


def marked(page: Page, kind: str = "entity") -> list[tuple[str, str]]:
    """The marked entities with their types, as the page shows them."""
    found = page.locator(f".tagged span.{kind}").evaluate_all("marks => marks.map(mark => [mark.textContent, mark.dataset.type])")
    return [(text, label) for text, label in found]


def shows(page: Page, text: str) -> bool:
    """Whether the page shows a text, and nothing more than its characters."""
    return page.locator(".tagged").all_inner_texts() == [text]


def write(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Text").fill(text)
    page.get_by_role("button", name="Find", exact=True).click()


def said(page: Page) -> list[str]:
    """What is wrong, as the page says it. A traceback is nowhere."""
    assert "Traceback" not in page.locator("body").inner_text() and page.get_by_test_id("stException").count() == 0
    return page.get_by_test_id("stAlertContentError").all_inner_texts()


def is_refused(page: Page, problem: str) -> bool:
    """Whether the page says what is wrong, and shows no results."""
    problems = said(page)
    return len(problems) == 1 and problems[0].startswith(problem) and page.locator(".tagged").count() == 0


def click_table(page: Page, x: float, row: int) -> None:
    """Click into the table of types, which is drawn: a row, counted from 0 for the header."""
    box = page.get_by_test_id("stDataFrame").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + x, box["y"] + ROW * (row + 0.5))


def type_into_table(page: Page, text: str, row: int) -> None:
    """Write the name of a type into its row; the row below the last adds one."""
    field = page.locator("textarea.gdg-input")

    def opened() -> bool:
        click_table(page, 100, row)  # one click selects a cell, or adds the row; the next opens it
        page.wait_for_timeout(700)
        return field.count() > 0

    until(opened, page)
    field.fill(text)
    page.keyboard.press("Enter")


def remove_rows(page: Page, row: int) -> None:
    """Tick a row, or with 0 all of them, and remove what is ticked."""
    click_table(page, 15, row)
    page.get_by_role("button", name="Delete row(s)").click()


def test_a_text_with_types_that_were_changed(page: Page, tagger: Tagger) -> None:
    """It begins with an example; a text is typed, a type renamed, one added, others removed; the entities follow."""
    assert ("Emmanuel Macron", "person") in marked(page) and said(page) == []
    write(page, TEXT)
    until(lambda: marked(page) == FOUND, page)
    type_into_table(page, "city", row=3)
    until(lambda: marked(page) == [*FOUND[:2], ("London", "city")], page)
    remove_rows(page, row=1)  # the people
    until(lambda: marked(page) == [("London", "city")], page)
    remove_rows(page, row=0)
    until(lambda: said(page) == ["There is no type to look for; add one to the table."], page)
    type_into_table(page, "mathematician", row=1)
    [found] = tagger.predict([TEXT], as_entity_types(["mathematician"]))
    assert found
    until(lambda: marked(page) == [(item.text, item.label) for item in found] and said(page) == [], page)


def test_threshold_score_and_what_lies_under_it(page: Page) -> None:
    mark = page.locator(".tagged span.entity").first
    assert (mark.get_attribute("title") or "").startswith("person, score 0.")
    before = len(marked(page))
    slider = page.get_by_role("slider")
    assert slider.input_value() == "0.5"  # what the model stores
    slider.fill("0.85")
    slider.press("ArrowRight")  # the page takes over what a key or the mouse has done
    until(lambda: 0 < len(marked(page)) < before, page)
    above = marked(page)
    assert marked(page, "under") == []
    page.get_by_text("Also show what scores just under it").click()
    until(lambda: len(marked(page, "under")) > 0, page)
    assert marked(page) == above
    assert page.locator(".tagged span.under").first.evaluate("mark => getComputedStyle(mark).borderTopStyle") == "dashed"


def test_the_downloads_hold_what_is_shown(page: Page) -> None:
    text = f"\U0001f600 {TEXT}"
    write(page, text)
    until(lambda: marked(page) == FOUND, page)

    def downloaded(kind: str) -> str:
        with page.expect_download() as waiting:
            page.get_by_role("button", name=f"Download {kind}").click()
        assert waiting.value.suggested_filename == f"entities.{kind.lower()}"
        return Path(waiting.value.path()).read_bytes().decode("utf-8-sig")

    # The buttons come after the marks: until then, they hold what was shown before.
    until(lambda: json.loads(downloaded("JSONL").splitlines()[0])["text"] == text, page)
    files = {kind: downloaded(kind) for kind in ("JSONL", "CSV")}
    [record] = map(json.loads, files["JSONL"].splitlines())
    assert [(text[item["start"] : item["end"]], item["label"]) for item in record["entities"]] == FOUND
    rows = list(csv.DictReader(io.StringIO(files["CSV"])))
    assert [(text[int(row["start"]) : int(row["end"])], row["label"]) for row in rows] == FOUND


def test_markup_is_shown_as_text(page: Page) -> None:
    """... that of a text, and that of a type."""
    write(page, EVIL)
    until(partial(shows, page, EVIL), page)
    assert ("Ada Lovelace", "person") in marked(page)
    label = "name of a person, not <img src=x onerror='window.ran = 1'>"
    type_into_table(page, label, row=1)
    until(lambda: ("Ada Lovelace", label) in marked(page), page)
    assert page.evaluate("window.ran") is None and page.locator(".tagged img").count() == 0


def test_files(page: Page, tmp_path: Path) -> None:
    """Good ones and bad ones."""
    page.get_by_text("Upload a file", exact=True).click()
    until(partial(is_refused, page, "There is no file yet"), page)
    upload = page.locator("input[type=file]")
    lines = b'{"text": "Ada Lovelace slept."}\n{"text": "Ada Lovelace woke up."}\n'
    upload.set_input_files({"name": "a.jsonl", "mimeType": "application/jsonl", "buffer": lines})
    until(lambda: marked(page) == [("Ada Lovelace", "person")] * 2, page)
    for name, content, problem in [
        ("b.jsonl", b'{"text": \n', "b.jsonl:1: "),
        ("c.txt", b"\xff\xfe\x00\x01", "c.txt: "),
        ("d.csv", b"body\nAda\n", 'd.csv:1: no column "text"'),
        ("![x](http:example.invalid).csv", b"", "![x](http:example.invalid).csv"),
    ]:
        upload.set_input_files({"name": name, "mimeType": "text/plain", "buffer": content})
        until(partial(is_refused, page, problem), page)
        assert page.locator("[data-testid=stAlert] img").count() == 0
    upload.set_input_files({"name": "e.txt", "mimeType": "text/plain", "buffer": TEXT.encode()})
    until(lambda: marked(page) == FOUND and said(page) == [], page)


def test_an_empty_text_is_a_sentence(page: Page) -> None:
    write(page, " ")
    until(partial(is_refused, page, "There is no text yet; write or paste one"), page)
    write(page, TEXT)
    until(lambda: marked(page) == FOUND and said(page) == [], page)


def test_a_narrow_screen_and_no_other_server(browser: Browser, address: str) -> None:
    """On a phone nothing is beside the screen. The browser asks no other server, such as one that counts visitors."""
    page = new_page(browser, width=390, height=800, scheme="dark")
    hosts = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    open_page(page, address)
    for name, preset in PRESETS.items():
        page.get_by_text(name, exact=True).click()
        until(partial(shows, page, preset.text), page)
        places = page.locator("html, body, [data-testid=stMain]")
        assert places.evaluate_all("places => places.filter(place => place.scrollWidth > place.clientWidth).length") == 0
        boxes = page.locator(".tagged, button, [data-testid=stDataFrame]").evaluate_all(
            "all => all.map(item => item.getBoundingClientRect()).filter(box => box.width).map(box => [box.left, box.right])"
        )
        assert len(boxes) > 6 and all(left >= 0 and right <= 390 for left, right in boxes)
    assert hosts == {"127.0.0.1"}
    page.context.close()


def test_an_api_and_a_model_side_by_side(browser: Browser) -> None:
    """Both find the same. When the API is gone, a sentence says so, and the model goes on."""
    key = {"SPANMATCH_API_KEY": "secret"}
    with ExitStack() as stack:
        api = stack.enter_context(running("serve", health="/ready", environment=key))
        arguments = ("--api", api, "--compare", "spanmatch-mini")
        with running("demo", *arguments, health=HEALTH, environment=key) as address:
            page = new_page(browser, width=1280, height=1000)
            open_page(page, address)
            write(page, TEXT)
            until(lambda: marked(page) == [*FOUND, *FOUND], page)
            assert said(page) == []
            stack.close()
            write(page, f"Yesterday {TEXT}")
            until(lambda: len(said(page)) == 1 and said(page)[0].startswith(f"{api}: no answer"), page)
            until(partial(shows, page, f"Yesterday {TEXT}"), page)
            page.context.close()
