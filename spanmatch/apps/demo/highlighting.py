"""Show a text with its entities marked in it, as HTML.

Everything that comes from a user is escaped. The name of a type stands in an attribute that the style shows, so the text of the
page is the text itself, to be copied as it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from zlib import crc32

from spanmatch.entities import Entity, normalise

# Hues that are told apart. Each is mixed with the page's own colour, so that they suit light and dark pages alike.
HUES = (215, 25, 145, 325, 265, 48, 185, 0, 95, 295, 240, 165)

STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding-top: 2.2rem; }
.tagged { white-space: pre-wrap; overflow-wrap: anywhere; line-height: 2.15; font-size: 1.05rem; margin: 0 0 .6rem; }
.tagged span { padding: .18em .3em; border-radius: .35em; -webkit-box-decoration-break: clone; box-decoration-break: clone;
  background: hsl(var(--hue) 85% 55% / .22); border: 1.5px solid hsl(var(--hue) 75% 50% / .55); cursor: help; }
.tagged span::after { content: attr(data-type); font-size: .68em; font-weight: 600; margin-left: .45em; opacity: .8; }
.tagged span.under { background: none; border-style: dashed; border-color: hsl(var(--hue) 75% 50%); }
.place { font-size: .8rem; opacity: .7; }
</style>"""


def hues(labels: Iterable[str]) -> dict[str, int]:
    """Return a hue for each label, in degrees. It comes from the name, so that a type keeps it when others come and go.

    Args:
        labels: the labels, in order. If two would have the same hue, the later one takes the next that is free.
    """
    found: dict[str, int] = {}
    for label in labels:
        first = crc32(normalise(label).encode())
        in_order = [HUES[(first + step) % len(HUES)] for step in range(len(HUES))]
        taken = set(found.values())
        found.setdefault(label, next((hue for hue in in_order if hue not in taken), in_order[0]))
    return found


def as_html(text: str, entities: Sequence[Entity], under: Sequence[Entity], hue_of: Mapping[str, int]) -> str:
    """Return a text as HTML, with its entities marked. Their scores are shown to a mouse that rests on them.

    Args:
        text: the text.
        entities: entities above the threshold.
        under: entities under the threshold, which get a dashed border. No two entities overlap.
        hue_of: the hue of each label, in degrees.
    """
    parts, cursor = [], 0
    marked = [*((item, False) for item in entities), *((item, True) for item in under)]
    for item, is_under in sorted(marked, key=lambda pair: pair[0].start):
        title = f"{item.label}, score {item.score:.2f}" + (", under the threshold" if is_under else "")
        attributes = f'style="--hue: {hue_of[item.label]}" title="{escape(title)}" data-type="{escape(item.label)}"'
        start = f'<span class="{"under" if is_under else "entity"}" {attributes}>'
        parts += [escape(text[cursor : item.start]), start, escape(text[item.start : item.end]), "</span>"]
        cursor = item.end
    return f'<div class="tagged" dir="auto">{"".join(parts)}{escape(text[cursor:])}</div>'
