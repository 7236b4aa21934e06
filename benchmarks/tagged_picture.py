"""Draw the picture of the README: sentences of the gallery with the entities that the shipped checkpoint finds in them.

    python benchmarks/tagged_picture.py                       # writes docs/images/tagged.svg
    python benchmarks/tagged_picture.py --output other.svg

The picture is an SVG without fonts of its own: every piece of text says how wide it is, so that marks fit in any viewer.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from spanmatch.entities import Entity
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.shipped import DEFAULT_MODEL

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "images" / "tagged.svg"
# Sentences of four domains, each with its own types.
SENTENCES = (
    ("Reuters reported on 3 May that Keiko Fujimori had left Peru.", ("person", "organization", "location", "date")),
    ("Albert Einstein worked on general relativity at Humboldt University.", ("scientist", "theory", "university")),
    ("Mutations in BRCA1 raise the risk of breast cancer.", ("gene", "disease")),
    ("Megan Rapinoe scored twice as Seattle Reign won the Challenge Cup.", ("athlete", "sports team", "competition")),
)
# Light fills with dark text; a type keeps the colour of its place in the list of its sentence.
FILLS = ("#cfe8ff", "#d8f0d0", "#ffe3bf", "#eadcff")
INKS = ("#0b4f8a", "#2b5f1a", "#8a4a00", "#5a2d91")
TEXT_SIZE, LABEL_SIZE = 17.0, 11.5
# Width of a character of a monospaced font, in its size.
ADVANCE = 0.6
MARGIN, LINE_HEIGHT, MARK_HEIGHT, PADDING = 22.0, 50.0, 30.0, 6.0


def written(text: str, x: float, y: float, size: float, style: str) -> str:
    """Return a piece of text as SVG, as wide as its characters in a monospaced font are; nothing for an empty one.

    Args:
        text: one line.
        x: its left end, in pixels.
        y: its base line, in pixels.
        size: size of the font, in pixels.
        style: attributes of the element.
    """
    if not text:
        return ""
    width = len(text) * size * ADVANCE
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" textLength="{width:.1f}" lengthAdjust="spacingAndGlyphs" '
        f'xml:space="preserve" {style}>{escape(text)}</text>'
    )


def draw_line(text: str, entities: Sequence[Entity], types: Sequence[str], y: float) -> tuple[list[str], float]:
    """Return a sentence with its entities marked, and where it ends.

    Args:
        text: the sentence.
        entities: what was found in it, in order and without overlaps.
        types: the types that were asked for, which set the colours.
        y: the base line, in pixels.
    """
    shapes: list[str] = []
    x, cursor = MARGIN, 0
    for entity in entities:
        color = types.index(entity.label) % len(FILLS)
        before = text[cursor : entity.start]
        shapes.append(written(before, x, y, TEXT_SIZE, 'fill="#24292f"'))
        x += len(before) * TEXT_SIZE * ADVANCE + PADDING / 2
        mention = len(entity.text) * TEXT_SIZE * ADVANCE
        label = len(entity.label) * LABEL_SIZE * ADVANCE
        width = mention + label + 3 * PADDING
        shapes.append(
            f'<rect x="{x:.1f}" y="{y - 0.68 * MARK_HEIGHT:.1f}" width="{width:.1f}" height="{MARK_HEIGHT:g}" rx="6" '
            f'fill="{FILLS[color]}"/>'
        )
        shapes.append(written(entity.text, x + PADDING, y, TEXT_SIZE, 'fill="#24292f"'))
        shapes.append(written(entity.label, x + mention + 2 * PADDING, y, LABEL_SIZE, f'font-weight="bold" fill="{INKS[color]}"'))
        x += width + PADDING / 2
        cursor = entity.end
    rest = text[cursor:]
    shapes.append(written(rest, x, y, TEXT_SIZE, 'fill="#24292f"'))
    return shapes, x + len(rest) * TEXT_SIZE * ADVANCE


def draw(tagged: Sequence[tuple[str, Sequence[Entity], Sequence[str]]]) -> str:
    """Return the picture as SVG.

    Args:
        tagged: sentences, what was found in each, and the types that it was asked for.
    """
    shapes: list[str] = []
    ends = [0.0]
    for row, (text, entities, types) in enumerate(tagged):
        drawn, end = draw_line(text, entities, types, MARGIN + LINE_HEIGHT * (row + 0.5))
        shapes += drawn
        ends.append(end)
    width, height = max(ends) + MARGIN, LINE_HEIGHT * len(tagged) + 2 * MARGIN - LINE_HEIGHT / 4
    said = " ".join(f"{text} ({', '.join(f'{item.text}: {item.label}' for item in found)})" for text, found, _ in tagged)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
            f'height="{height:.0f}" font-family="ui-monospace, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" role="img">',
            f"<title>{escape(said)}</title>",
            f'<rect width="{width:.0f}" height="{height:.0f}" rx="10" fill="#ffffff" stroke="#d0d7de"/>',
            *filter(None, shapes),
            "</svg>\n",
        ]
    )


def main() -> None:
    """Tag and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT_MODEL, help=f"checkpoint folder ({DEFAULT_MODEL})")
    parser.add_argument("--output", type=Path, default=PICTURE, help="where the picture goes (docs/images/tagged.svg)")
    options = parser.parse_args()
    matcher = SpanMatcher.from_pretrained(options.model)
    tagged = [(text, matcher.predict(text, types), types) for text, types in SENTENCES]
    options.output.write_text(draw(tagged), encoding="utf-8")


if __name__ == "__main__":
    main()
