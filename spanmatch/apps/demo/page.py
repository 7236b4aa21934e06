"""The page, as Streamlit runs it: from top to bottom, again after everything that the visitor does."""

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import streamlit as st

from spanmatch.apps.demo.downloads import as_csv, as_jsonl
from spanmatch.apps.demo.highlighting import STYLE, as_html, hues
from spanmatch.apps.demo.options import DemoOptions
from spanmatch.apps.demo.presets import PRESETS
from spanmatch.apps.demo.sources import FLOOR, Found, Source, known, open_source
from spanmatch.apps.demo.uploads import MAX_CHARS, SUFFIXES, check_texts, read_upload
from spanmatch.entities import Entity, EntityType, Inventory, as_entity_types, is_blank
from spanmatch.errors import InputError, printable

Result = TypeVar("Result")

MAX_TYPES = 100
MAX_SHOWN = 20  # texts of a file that are shown with their entities; the table and the downloads have all
UNDER = 0.2  # how far below the threshold "just under" goes
WRITE, UPLOAD = "Write or paste", "Upload a file"


def show_page(options: DemoOptions) -> None:
    """Show the page.

    Args:
        options: the options of the command.
    """
    st.set_page_config(page_title="spanmatch", layout="wide")
    st.html(STYLE)
    st.header("spanmatch", anchor=False)
    st.write("Finds in a text what you name. Any type will do; describe it if its name does not say enough.")
    st.session_state.setdefault("preset", next(iter(PRESETS)))
    st.session_state.setdefault("text", PRESETS[st.session_state.preset].text)
    st.pills("Start from an example", list(PRESETS), required=True, key="preset", on_change=_take_text)
    left, right = st.columns(2, gap="large")
    # What is wrong is said where it belongs, and the rest of the page stays.
    with left:
        read = _tried(ask_records)
    with right:
        types = _tried(partial(ask_types, st.session_state.preset))
    for place, side in zip(options.places, st.columns(len(options.places), gap="large"), strict=True):
        with side:
            if len(options.places) > 1:
                st.subheader(_as_markdown(place), anchor=False)
            source = _tried(partial(open_source, place))
            if source is not None and read is not None and types is not None:
                _tried(partial(show_results, source, *read, types, is_wide=len(options.places) == 1))


def ask_records() -> tuple[list[dict[str, Any]], list[str]]:
    """Ask for a text or a file. Return its records and their texts.

    Raises:
        InputError: the file cannot be read, there is no text yet, or too much.
    """
    way = st.segmented_control("Text", [WRITE, UPLOAD], default=WRITE, required=True, key="way")
    if way == WRITE:
        text = st.text_area(
            "Text", height=190, max_chars=MAX_CHARS, key="text", persist_state="session", label_visibility="collapsed"
        )
        # A click anywhere takes over what was written. This is where people look for it.
        st.button("Find", type="primary")
        check_texts([text])
        return [{"text": text}], [text]
    file = st.file_uploader(
        "File", type=[suffix[1:] for suffix in SUFFIXES], key="file", label_visibility="collapsed",
        help="A .txt file is one text. A .jsonl or .csv file has a text a row.",
    )  # fmt: skip
    column = "text"
    if file is None:
        raise InputError("There is no file yet; choose one: a .txt file is one text, a .jsonl or .csv file has a text a row.")
    if not file.name.lower().endswith(".txt"):
        column = st.text_input("Column that holds the text", "text", key="column").strip() or "text"
    records = read_upload(file.name, file.getvalue(), column=column)
    texts = [record[column] for record in records]
    check_texts(texts)
    return records, texts


def ask_types(preset: str) -> Inventory:
    """Ask for the types to look for, which begin with those of an example.

    Args:
        preset: the name of the example.

    Raises:
        InputError: there is none, two are the same, or one has no name.
    """
    st.markdown(":small[Types to look for]", help="To remove rows, tick them at the left, then click the bin above the table.")
    st.caption("Click a cell to change it; the empty row adds a type.")
    rows = st.data_editor(
        [{"type": item.name, "description": item.description} for item in PRESETS[preset].types],
        num_rows="dynamic",
        height=247,
        key=f"types of {preset}",
        column_config={
            "type": st.column_config.TextColumn("Type", default="", max_chars=100, width="small"),
            "description": st.column_config.TextColumn("Description, if you like", default="", max_chars=500, width="medium"),
        },
    )
    return types_of(rows)


def types_of(rows: Sequence[Mapping[str, str | None]]) -> Inventory:
    """Return the types of a table.

    Args:
        rows: each has a "type" and a "description", which may be empty. Rows without both are left out.

    Raises:
        InputError: there is no type, two are the same, or one has no name.
    """
    given = [((row.get("type") or "").strip(), (row.get("description") or "").strip()) for row in rows]
    named = [(name, description) for name, description in given if name or description]
    if not named:
        raise InputError("There is no type to look for; add one to the table.")
    without = next((description for name, description in named if is_blank(name)), None)
    if without is not None:
        raise InputError(f'The type with the description "{without[:60]}" has no name; give it one.')
    if len(named) > MAX_TYPES:
        raise InputError(f"The table has {len(named)} types, and the page takes {MAX_TYPES}; remove some.")
    return as_entity_types([EntityType(name=name, description=description) for name, description in named])


def show_results(
    source: Source, records: Sequence[Mapping[str, Any]], texts: Sequence[str], types: Inventory, *, is_wide: bool
) -> None:
    """Show what one model finds.

    Args:
        source: what tags.
        records: what was read.
        texts: their texts.
        types: what to look for.
        is_wide: whether there is place for the table beside the text.

    Raises:
        InputError: the model or the API refuses it.
    """
    asked = known(source, types)
    left, right = st.columns(2, gap="large", vertical_alignment="bottom") if is_wide else (st.container(), st.container())
    with left:
        limits = _ask_limits(source, asked)
    shows_under = right.checkbox("Also show what scores just under it, with a dashed border", key=f"under {source.name}")
    lowest = source.floor
    if lowest is None:
        lowest = max(FLOOR, min(limits.values()) - (UNDER if shows_under else 0))
    described = tuple((item.name, item.description) for item in asked)
    found = _search(source, source.name, tuple(texts), described, round(lowest, 4))
    above = [_above(item, limits) for item in found]
    under = [_under(item.scored, own, limits) if shows_under else [] for item, own in zip(found, above, strict=True)]
    hue_of = hues(item.label for item in types)
    parts = []
    for number, (text, own, low) in enumerate(zip(texts[:MAX_SHOWN], above, under, strict=False), 1):
        parts += [f'<div class="place">Text {number}</div>'] if len(texts) > 1 else []
        parts.append(as_html(text, own, low, hue_of))
    left, right = st.columns(2, gap="large") if is_wide else (st.container(), st.container())
    with left:
        st.html("".join(parts))
        if len(texts) > MAX_SHOWN:
            st.caption(f"These are the first {MAX_SHOWN} of {len(texts)} texts. The table and the downloads have all.")
    with right:
        _show_table(source.name, records, above)
    st.caption(f"Model: {_as_markdown(source.name)}")


def _ask_limits(source: Source, types: Inventory) -> dict[str, float]:
    """Ask for the threshold. Return what the score of each label has to exceed."""
    stored = {item.label: source.per_type[item.key] for item in types if item.key in source.per_type}
    keeps = bool(stored) and st.toggle("Use the threshold that the model keeps for each type", True, key=f"own {source.name}")
    threshold = st.slider(
        "Threshold: show what scores above it", FLOOR, 1 - FLOOR, min(max(FLOOR, round(source.threshold, 2)), 1 - FLOOR), 0.01,
        key=f"threshold {source.name}", disabled=keeps,
    )  # fmt: skip
    return {item.label: source.threshold if keeps else threshold for item in types} | (stored if keeps else {})


def _above(found: Found, limits: Mapping[str, float]) -> list[Entity]:
    """Return the entities above the threshold: those that the model found with its own, or those with higher scores."""
    if len(set(limits.values())) > 1 and found.own is not None:
        return found.own
    return [item for item in found.scored if item.score > limits[item.label]]


def _under(scored: Sequence[Entity], above: Sequence[Entity], limits: Mapping[str, float]) -> list[Entity]:
    low = [item for item in scored if limits[item.label] - UNDER < item.score <= limits[item.label]]
    return [item for item in low if not any(item.start < other.end and other.start < item.end for other in above)]


@st.cache_data(scope="session", max_entries=8, ttl=600, show_spinner="Looking ...")
def _search(
    _source: Source, name: str, texts: tuple[str, ...], described: tuple[tuple[str, str], ...], lowest: float
) -> list[Found]:
    """Return what a model finds. A visitor who moves the threshold of a model in this process gets it from the cache."""
    types = as_entity_types([EntityType(name=name, description=description) for name, description in described])
    return _source.find(texts, types, lowest)


def _show_table(name: str, records: Sequence[Mapping[str, Any]], found: Sequence[Sequence[Entity]]) -> None:
    rows = [
        {"record": number, "entity": item.text, "type": item.label, "score": item.score, "start": item.start, "end": item.end}
        for number, own in enumerate(found, 1)
        for item in own
    ]
    if not rows:
        st.info("Nothing scores above the threshold. Lower it, or describe the types in other words.")
    else:
        columns = {
            "record": st.column_config.NumberColumn("Text") if len(records) > 1 else None,
            "entity": "Entity",
            "type": "Type",
            "score": st.column_config.NumberColumn("Score", format="%.2f"),
            "start": st.column_config.NumberColumn("Start", help="Its first character, counted from 0."),
            "end": st.column_config.NumberColumn("End", help="The character after its last."),
        }
        st.dataframe(rows, hide_index=True, column_config=columns, key=f"table {name}")
    with st.container(horizontal=True):
        for kind, data, mime in (("JSONL", as_jsonl(records, found), "application/jsonl"), ("CSV", as_csv(found), "text/csv")):
            file = f"entities.{kind.lower()}"
            st.download_button(f"Download {kind}", data, file, mime, key=f"{kind} {name}", on_click="ignore")


def _take_text() -> None:
    """Take the text of the example that was chosen, unless the visitor has written one."""
    examples = {preset.text for preset in PRESETS.values()}
    if is_blank(st.session_state.text) or st.session_state.text in examples:
        st.session_state.text = PRESETS[st.session_state.preset].text


def _tried(work: Callable[[], Result]) -> Result | None:
    """Return what comes of some work; None, and show what is wrong as a sentence, if it is refused."""
    try:
        return work()
    except InputError as error:
        st.error(_as_markdown(printable(str(error))))
        return None


def _as_markdown(text: str) -> str:
    """Return a text as Markdown that shows it as it is. A name that a visitor gave could show a picture of another server."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)


if __name__ == "__main__":
    show_page(DemoOptions(**json.loads(sys.argv[1])))
