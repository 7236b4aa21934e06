"""What the page shows and does, without a browser; `tests/end_to_end/test_demo_page.py` looks at it in one."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from spanmatch.apps.demo.options import DemoOptions
from spanmatch.apps.demo.page import MAX_SHOWN, MAX_TYPES, types_of
from spanmatch.apps.demo.presets import PRESETS
from spanmatch.apps.demo.sources import FLOOR, Found, TaggerSource
from spanmatch.entities import Entity, EntityType, as_entity_types
from spanmatch.errors import InputError

Opened = Callable[..., AppTest]


def shown(options: dict[str, object]) -> None:
    """Run as a script: names of this file are not there."""
    from spanmatch.apps.demo.options import DemoOptions
    from spanmatch.apps.demo.page import show_page

    show_page(DemoOptions(**options))  # type: ignore[arg-type]


@pytest.fixture
def open_page() -> Opened:
    def opened(**options: Any) -> AppTest:
        page = AppTest.from_function(shown, kwargs={"options": asdict(DemoOptions(**options))}, default_timeout=60)
        return page.run()

    return opened


def marked(page: AppTest) -> str:
    """Return the HTML of the texts."""
    return "".join(
        item.proto.body for item in page.get("html") if "tagged" in item.proto.body and "<style>" not in item.proto.body
    )


def write(page: AppTest, text: str) -> AppTest:
    return page.text_area(key="text").set_value(text).run()


def files(page: AppTest) -> list[str]:
    return [item.proto.label for item in page.get("download_button")]


def test_it_begins_with_an_example_that_is_tagged(open_page: Opened) -> None:
    page = open_page()
    assert not page.exception and not page.error
    assert page.text_area(key="text").value == PRESETS["News"].text
    assert 'data-type="person">Emmanuel Macron</span>' in marked(page)
    assert page.slider(key="threshold spanmatch-mini").value == 0.5  # what the model stores
    assert "Emmanuel Macron" in list(page.dataframe[-1].value["entity"])
    assert files(page) == ["Download JSONL", "Download CSV"]


def test_an_example_brings_its_text_unless_one_was_written(open_page: Opened) -> None:
    page = open_page()
    page.pills(key="preset").set_value("Biomedical").run()
    assert page.text_area(key="text").value == PRESETS["Biomedical"].text
    assert 'data-type="disease">type 2 diabetes' in marked(page)
    write(page, "Ada took aspirin.")
    page.pills(key="preset").set_value("News").run()
    assert page.text_area(key="text").value == "Ada took aspirin." and 'data-type="person">Ada' in marked(page)


def test_moving_the_threshold_computes_nothing(open_page: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    find = TaggerSource.find

    def counted(self: TaggerSource, texts: Any, types: Any, lowest: float) -> list[Found]:
        asked.append(lowest)
        return find(self, texts, types, lowest)

    monkeypatch.setattr(TaggerSource, "find", counted)
    page = write(open_page(), "Reuters opened an office in Mobile, and Ada moved there.")
    before = len(asked)
    assert before and set(asked) == {FLOOR}
    num_found = []
    for threshold in (0.01, 0.5, 0.99):
        page.slider(key="threshold spanmatch-mini").set_value(threshold).run()
        num_found.append(marked(page).count('class="entity"'))
    page.checkbox(key="under spanmatch-mini").check().run()
    assert len(asked) == before
    assert num_found == sorted(num_found, reverse=True) and num_found[0] > num_found[1] > num_found[2] == 0
    assert page.info[0].value.startswith("Nothing scores above the threshold")


def test_what_is_just_under_is_shown_on_request(open_page: Opened) -> None:
    page = open_page()
    page.slider(key="threshold spanmatch-mini").set_value(0.9).run()
    above = marked(page).count('class="entity"')
    assert 'class="under"' not in marked(page)
    page.checkbox(key="under spanmatch-mini").check().run()
    assert marked(page).count('class="entity"') == above and 'class="under"' in marked(page)


@pytest.mark.parametrize("text", ["", "  \n"])
def test_no_text_is_a_sentence(text: str, open_page: Opened) -> None:
    page = write(open_page(), text)
    assert [item.value for item in page.error] == [
        r"There is no text yet\; write or paste one\, or upload a file that has some\."
    ]
    assert marked(page) == "" and not page.exception


def test_markup_of_a_text_is_text(open_page: Opened) -> None:
    page = write(open_page(), "<script>alert(1)</script> Ada Lovelace <img src=x onerror=alert(2)>")
    assert "&lt;script&gt;" in marked(page) and "<script" not in marked(page) and "<img" not in marked(page)


def test_files(open_page: Opened) -> None:
    """A good one is tagged, each text by itself; a bad one is a sentence, and the text that was written is kept."""
    page = write(open_page(), "Ada Lovelace slept.")
    page.segmented_control(key="way").set_value("Upload a file").run()
    assert page.error[0].value.startswith("There is no file yet")
    lines = "".join(json.dumps({"text": f"Ada Lovelace left Oslo on day {number}."}) + "\n" for number in range(MAX_SHOWN + 5))
    page.file_uploader(key="file").set_value(("a.jsonl", lines.encode(), "application/jsonl")).run()
    assert not page.error and marked(page).count("Ada Lovelace</span>") == MAX_SHOWN
    assert set(page.dataframe[-1].value["record"]) == set(range(1, MAX_SHOWN + 6))
    page.text_input(key="column").set_value("body").run()
    assert [item.value.replace("\\", "") for item in page.error] == [
        "a.jsonl:1: no \"body\"; it has 'text' (name it beside the file)"
    ]
    page.file_uploader(key="file").set_value(("b.txt", b"\xff\xfe\x00", "text/plain")).run()
    assert len(page.error) == 1 and page.error[0].value.startswith(r"b\.txt\:") and not page.exception
    page.segmented_control(key="way").set_value("Write or paste").run()
    assert page.text_area(key="text").value == "Ada Lovelace slept." and not page.error


def test_two_models_side_by_side(open_page: Opened) -> None:
    page = open_page(compare="http://127.0.0.1:9")
    assert [item.value.replace("\\", "") for item in page.subheader] == ["spanmatch-mini", "http://127.0.0.1:9"]
    assert "Emmanuel Macron" in marked(page)
    assert len(page.error) == 1 and "no answer" in page.error[0].value and not page.exception


def test_a_model_that_is_missing(open_page: Opened) -> None:
    page = open_page(model="no/such/model", compare="spanmatch-mini")
    assert len(page.error) == 1 and "no such folder" in page.error[0].value and not page.exception
    assert "Emmanuel Macron" in marked(page)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "There is no type to look for"),
        ([{"type": None, "description": None}, {}], "There is no type to look for"),
        ([{"type": " ", "description": "names of people"}], 'The type with the description "names of people" has no name'),
        ([{"type": "a"}, {"type": "A "}], "entity types must differ"),
        ([{"type": str(number)} for number in range(MAX_TYPES + 1)], f"The table has 101 types, and the page takes {MAX_TYPES}"),
    ],
)
def test_types_that_are_refused(rows: list[dict[str, str | None]], said: str) -> None:
    with pytest.raises(InputError, match=said):
        types_of(rows)


def test_types_of_a_table() -> None:
    rows: list[dict[str, str | None]] = [{"type": " person ", "description": None}, {"type": "city", "description": "towns"}, {}]
    assert types_of(rows) == as_entity_types([EntityType(name="person"), EntityType(name="city", description="towns")])


class Kept:
    """A source that keeps thresholds for single types, or has to be asked for each threshold."""

    name, threshold, types = "kept", 0.6, None

    def __init__(self, per_type: dict[str, float], floor: float | None) -> None:
        self.per_type, self.floor, self.asked = per_type, floor, []

    def find(self, texts: Any, types: Any, lowest: float) -> list[Found]:
        self.asked.append(lowest)
        city = Entity(start=8, end=12, label="city", text="Oslo", score=0.5)
        person = Entity(start=0, end=3, label="person", text="Ada", score=0.55)
        scored = [item for item in (person, city) if item.score > lowest]
        return [Found(scored=scored, own=[city] if self.per_type else None) for _ in texts]


def show_kept(source: object) -> None:
    """Run as a script."""
    from spanmatch.apps.demo.page import show_results
    from spanmatch.entities import as_entity_types

    show_results(source, [{"text": "Ada saw Oslo"}], ["Ada saw Oslo"], as_entity_types(["person", "city"]), is_wide=True)


def test_thresholds_of_single_types_count_until_they_are_switched_off() -> None:
    page = AppTest.from_function(show_kept, kwargs={"source": Kept({"city": 0.4}, FLOOR)}).run()
    assert list(page.dataframe[0].value["entity"]) == ["Oslo"] and page.slider[0].disabled
    page.toggle[0].set_value(False).run()
    assert not page.slider[0].disabled and page.info
    page.slider[0].set_value(0.3).run()
    assert list(page.dataframe[0].value["entity"]) == ["Ada", "Oslo"]


def test_an_api_is_asked_with_the_threshold() -> None:
    source = Kept({}, None)
    page = AppTest.from_function(show_kept, kwargs={"source": source}).run()
    page.slider[0].set_value(0.52).run()
    page.checkbox[0].check().run()
    assert source.asked == [0.6, 0.52, 0.32]
    assert list(page.dataframe[0].value["entity"]) == ["Ada"] and 'class="under"' in marked(page)
