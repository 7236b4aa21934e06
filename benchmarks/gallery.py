"""The galleries of the documentation: sentences tagged by the checkpoint that comes with the package.

    python benchmarks/gallery.py                          # the tables, as they stand in docs/gallery.md
    python benchmarks/gallery.py --model models/mine      # with another checkpoint

Forty sentences are of the sort that people try first (news, sport, business, e-mail, chat, biography), twenty of ten special
domains. What a person would expect was written down before any model had tagged the sentences.
"""

import argparse

from spanmatch.entities import Entity
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.shipped import DEFAULT_MODEL

# Domain, types, and a sentence in which what a person would find is marked [so|type].
EVERYDAY = (
    ("news", "person, organization, location", "[Emmanuel Macron|person] will meet the head of the [International "
     "Monetary Fund|organization] in [Washington|location] next week."),
    ("news", "person, organization, location", "At least twelve people died when a ferry sank off "
     "[Zanzibar|location], the [Red Cross|organization] said."),
    ("news", "person, location, date", "[Sanna Marin|person] resigned on [Tuesday|date] after her party lost the "
     "vote in [Finland|location]."),
    ("news", "person, organization, location, date", "[Reuters|organization] reported on [3 May|date] that [Keiko "
     "Fujimori|person] had left [Peru|location]."),
    ("news", "country, city", "Flights from [Doha|city] to [Islamabad|city] were cancelled after [Pakistan|country] "
     "closed its airspace."),
    ("news", "person, place", "Firefighters in [Alberta|place] rescued [Joan Whitefeather|person] and her two sons."),
    ("news", "organization", "The [European Commission|organization] fined the firm, and [Greenpeace|organization] "
     "welcomed it."),
    ("sport", "person, organization, location", "[Lionel Messi|person] scored for [Barcelona|organization] against "
     "[Real Madrid|organization]."),
    ("sport", "person, team, location", "[Serena Williams|person] beat [Simona Halep|person] in "
     "[Melbourne|location]."),
    ("sport", "person, organization, location", "SOCCER - [LEVERKUSEN|organization] BEAT [BAYERN "
     "MUNICH|organization] 3-0"),
    ("sport", "person, country", "1. [Mo Farah|person] ([Britain|country]) 27:30.42 2. [Paul Tanui|person] "
     "([Kenya|country]) 27:31.86"),
    ("sport", "player, team", "[LeBron James|player] had 31 points as the [Los Angeles Lakers|team] lost to the "
     "[Denver Nuggets|team]."),
    ("sport", "person, organization, location, miscellaneous", "[Tadej Pogacar|person] won the [Tour de "
     "France|miscellaneous] again, with [Jonas Vingegaard|person] second."),
    ("sport", "person", "[Root|person] c [Smith|person] b [Cummins|person] 43"),
    ("business", "person, organization, location", "[Google|organization] was founded by [Larry Page|person] and "
     "[Sergey Brin|person] in [California|location]."),
    ("business", "company, person, money", "[Volkswagen|company] will cut costs by [10 billion euros|money], said "
     "[Oliver Blume|person]."),
    ("business", "company, location", "[Foxconn|company] plans a second plant in [Tamil Nadu|location]."),
    ("business", "person, organization, date", "[Mary Barra|person] has run [General Motors|organization] since "
     "[January 2014|date]."),
    ("business", "company, product", "[Nintendo|company] sold more than three million units of the [Switch "
     "2|product] in four days."),
    ("business", "person, organization, location", "Shares of [Tesco|organization] and [Sainsbury's|organization] "
     "fell in [London|location]."),
    ("business", "organization, money, date", "In [2016|date] [Microsoft|organization] bought "
     "[LinkedIn|organization] for [$26.2 billion|money]."),
    ("e-mail", "person, date, organization", "Hi [Karen|person], can you send the contract to "
     "[Deloitte|organization] by [Thursday|date]? Thanks, [Jeff|person]"),
    ("e-mail", "person, email address, phone number", "Please ask [Ana Lima|person] ([ana.lima@example.org|email "
     "address], [+351 21 555 0142|phone number])."),
    ("e-mail", "person, location, time", "[Priya|person] and I will be at the office in [Leeds|location] at "
     "[9:30|time]."),
    ("e-mail", "person", "Dear Mr. [Okonkwo|person], thank you for your order, which left our warehouse this "
     "morning."),
    ("e-mail", "person, organization, location", "[Stefan|person] from [Siemens|organization] lands in "
     "[Zurich|location] tonight, could you pick him up?"),
    ("e-mail", "person, organization, location", "I am out of the office and will answer when I am back."),
    ("chat", "person, location", "omg [taylor swift|person] is playing in [dublin|location] again"),
    ("chat", "person, place, date", "me and [josh|person] are going to [ikea|place] on [saturday|date], wanna come?"),
    ("chat", "person, organization, location", "just landed in [nairobi|location], [kenya airways|organization] "
     "lost my bag lol"),
    ("chat", "city, food", "anyone know a good [ramen|food] place in [Portland|city]?"),
    ("chat", "person, organization", "[Mike|person]: did [Netflix|organization] cancel it? [Sue|person]: yep"),
    ("chat", "person, product", "[ben|person] says the battery of his [pixel 8|product] dies by noon"),
    ("biography", "person, location, date", "[Marie Curie|person] was born in [Warsaw|location] in [1867|date]."),
    ("biography", "person, organization, award", "[Kip Thorne|person], a physicist at [Caltech|organization], "
     "shared the [Nobel Prize in Physics|award]."),
    ("biography", "person, organization, location", "After the war [Levi|person] returned to [Turin|location] and "
     "worked for a paint factory, [SIVA|organization]."),
    ("biography", "person, job title, country", "[Ellen Johnson Sirleaf|person] was [president|job title] of "
     "[Liberia|country] for twelve years."),
    ("biography", "person, work of art, date", "[Stanley Kubrick|person] made [Barry Lyndon|work of art] in "
     "[1975|date]."),
    ("biography", "person, university, city", "[Alan Turing|person] studied at [King's College|university] and died "
     "in [Wilmslow|city]."),
    ("biography", "person, nationality, location", "The [Chilean|nationality] poet [Gabriela Mistral|person] taught "
     "in [Temuco|location], where she met the young [Pablo Neruda|person]."),
)  # fmt: skip
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


def show(matcher: SpanMatcher, sentences: tuple[tuple[str, str, str], ...], threshold: float | None) -> None:
    """Tag sentences, and print a table of them and how many entities were found."""
    print("| domain | types asked for | found | missed |\n|---|---|---|---|")
    num_expected = num_right = num_found = 0
    for domain, types, marked in sentences:
        text, expected = read(marked)
        entities = matcher.predict(text, types.split(", "), threshold=threshold)
        found = {(item.start, item.end, item.label) for item in entities}
        missed = [f"{text[start:end]} *{label}*" for start, end, label in sorted(expected - found)]
        print(f"| {domain} | {types} | {marked_text(text, entities, expected)} | {', '.join(missed)} |")
        num_expected += len(expected)
        num_found += len(found)
        num_right += len(found & expected)
    print(f"\n{num_right} of {num_expected} entities found, {num_found - num_right} found that a person would not find.\n")


def main() -> None:
    """Tag and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT_MODEL, help=f"checkpoint folder ({DEFAULT_MODEL})")
    parser.add_argument("--threshold", type=float, help="by default the one that the checkpoint has stored")
    options = parser.parse_args()
    matcher = SpanMatcher.from_pretrained(options.model)
    for name, sentences in (("Everyday texts", EVERYDAY), ("Special domains", SENTENCES)):
        print(f"## {name}\n")
        show(matcher, sentences, options.threshold)


if __name__ == "__main__":
    main()
