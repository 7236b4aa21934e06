"""The gallery of the documentation: twenty sentences of ten domains, tagged by the checkpoint that comes with the package.

    python benchmarks/gallery.py                          # the table, as it stands in docs/gallery.md
    python benchmarks/gallery.py --model models/mine      # with another checkpoint

What a person would expect was written down before any model had tagged the sentences.
"""

import argparse

from spanmatch.entities import Entity
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.shipped import DEFAULT_MODEL

# Domain, types, and a sentence in which what a person would find is marked [so|type].
SENTENCES = (
    ("news", "person, organization, city", "[Amara Okafor|person] left [Reuters|organization] in [Nairobi|city] to advise "
     "the [World Bank|organization]."),
    ("news", "politician, country, event", "[Jacinda Ardern|politician] hosted the [Pacific Islands Forum|event] in "
     "[New Zealand|country]."),
    ("sport", "athlete, sports team, competition", "[Megan Rapinoe|athlete] scored twice as [Seattle Reign|sports team] won the "
     "[Challenge Cup|competition]."),
    ("sport", "athlete, city, year", "[Usain Bolt|athlete] ran his record in [Berlin|city] in [2009|year]."),
    ("products", "brand, color, size", "[Nordvale|brand] wool scarf, [charcoal grey|color], [180 cm|size]"),
    ("products", "brand, product type, capacity", "[Bosch|brand] cordless [drill|product type], two [4 Ah|capacity] batteries"),
    ("biomedicine", "disease, drug", "Patients with [type 2 diabetes|disease] were given [metformin|drug] for twelve weeks."),
    ("biomedicine", "gene, disease", "Mutations in [BRCA1|gene] raise the risk of [breast cancer|disease]."),
    ("cooking", "ingredient, quantity, unit", "Add [2|quantity] [cups|unit] of [flour|ingredient] and a [pinch|unit] of "
     "[salt|ingredient]."),
    ("cooking", "dish, cuisine", "We had [tacos al pastor|dish] at a [Mexican|cuisine] place, then [tiramisu|dish]."),
    ("assistants", "city, date, airline", "book me a flight to [Lisbon|city] with [TAP|airline] on [Friday|date]"),
    ("assistants", "song, artist", "play [Hurt|song] by [Johnny Cash|artist]"),
    ("software", "programming language, library, operating system", "The [Python|programming language] bindings of "
     "[OpenCV|library] fail on [Windows 11|operating system]."),
    ("software", "malware, vulnerability, company", "[Emotet|malware] used [CVE-2017-11882|vulnerability], which "
     "[Microsoft|company] patched."),
    ("literature", "writer, book, award", "[Toni Morrison|writer] won the [Pulitzer Prize|award] for [Beloved|book]."),
    ("literature", "book, character", "In [Dracula|book], [Jonathan Harker|character] keeps a diary."),
    ("science", "scientist, theory, university", "[Albert Einstein|scientist] worked on [general relativity|theory] at "
     "[Humboldt University|university]."),
    ("science", "algorithm, dataset, metric", "We train [random forests|algorithm] on [ImageNet|dataset] and report "
     "[accuracy|metric]."),
    ("law and finance", "company, money, date", "[Siemens|company] paid [$800 million|money] in [December 2008|date]."),
    ("law and finance", "court, law, person", "The [Supreme Court|court] upheld the [Clean Air Act|law], wrote Justice "
     "[Elena Kagan|person]."),
)  # fmt: skip


def read(marked: str) -> tuple[str, set[tuple[int, int, str]]]:
    """A sentence without its marks, and what they mark: start and end in characters, and the type."""
    text, expected = "", set()
    for part in marked.split("["):
        inside, closed, rest = part.partition("]")
        if not closed:
            text += part
            continue
        mention, _, label = inside.partition("|")
        expected.add((len(text), len(text) + len(mention), label))
        text += mention + rest
    return text, expected


def marked_text(text: str, entities: list[Entity], expected: set[tuple[int, int, str]]) -> str:
    """The sentence as Markdown: what was found is bold with its type, struck through where a person would not find it."""
    shown, cursor = "", 0
    for entity in entities:
        is_right = (entity.start, entity.end, entity.label) in expected
        mention = f"**{entity.text}** *{entity.label}*" if is_right else f"~~{entity.text} *{entity.label}*~~"
        shown += text[cursor : entity.start] + mention
        cursor = entity.end
    return shown + text[cursor:]


def main() -> None:
    """Tag and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT_MODEL, help=f"checkpoint folder ({DEFAULT_MODEL})")
    options = parser.parse_args()
    matcher = SpanMatcher.from_pretrained(options.model)
    print("| domain | types asked for | found | missed |\n|---|---|---|---|")
    num_expected = num_right = num_found = 0
    for domain, types, marked in SENTENCES:
        text, expected = read(marked)
        entities = matcher.predict(text, types.split(", "))
        found = {(item.start, item.end, item.label) for item in entities}
        missed = [f"{text[start:end]} *{label}*" for start, end, label in sorted(expected - found)]
        print(f"| {domain} | {types} | {marked_text(text, entities, expected)} | {', '.join(missed)} |")
        num_expected, num_found, num_right = (
            num_expected + len(expected),
            num_found + len(found),
            num_right + len(found & expected),
        )
    print(f"\n{num_right} of {num_expected} entities found, {num_found - num_right} found that a person would not find.")


if __name__ == "__main__":
    main()
