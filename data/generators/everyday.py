"""A set of everyday texts for the types that people ask for first: person, organization, location, date and their kin.

`everyday/*.txt` hold the sentences, one a line, with every mention of every kind in `KINDS` marked:

    # domain
    [Larry Page|per] founded [Google|com] in [California|reg]. A line break in a text is written \\n.

Since all kinds are marked everywhere, a sentence is completely annotated for any type that is a set of kinds: "location" is
cities, countries, regions, ... Each sentence makes two lines, with two lists of types.
`python data/generators/everyday.py FILE...` checks files and says what is wrong with them.
"""

import random
import sys
from pathlib import Path
from typing import Any

if __package__:
    from generators import kinds
else:  # started as a script, to check files
    import kinds

FOLDER = Path(__file__).parent / "everyday"
VALIDATION_SHARE = 0.05
SEED = 0
# What is marked in the sentences. A nation as a team ("England beat France") is a place to most who ask for places.
KINDS = (
    "per", "com", "org", "team", "nteam", "band", "city", "cou", "reg", "nature", "fac", "road", "nat", "evt", "wrk", "prd",
    "awd", "law", "lng", "date", "time", "mon", "job", "mail", "tel", "url",
)  # fmt: skip
PLACES = ("city", "cou", "reg", "nature", "fac", "road", "nteam")
ORGANIZATIONS = ("com", "org", "team", "band")
NEITHER = ("nat", "evt", "wrk", "prd", "awd", "law", "lng")
# Name of a type, its kinds, what it means.
TYPES: dict[str, tuple[tuple[str, ...], str]] = {
    "person": (("per",), "names of people, real or fictional: given names, family names, nicknames"),
    "people": (("per",), "people by their names"),
    "person name": (("per",), "the name of a person, without title"),
    "organization": (ORGANIZATIONS, "named groups of people: companies, agencies, parties, schools, clubs, teams, bands"),
    "organisation": (ORGANIZATIONS, "companies, public bodies, associations, institutions, sports clubs and bands by name"),
    "location": (PLACES, "named places: countries, cities, regions, rivers, mountains, streets, buildings"),
    "place": (PLACES, "where something is or happens: towns, countries, landscapes, buildings, streets"),
    "miscellaneous": (NEITHER, "names that are no person, organization or place: nationalities, events, works, products, languages"),
    "other name": (NEITHER, "a name of anything but a person, an organization or a place"),
    "company": (("com",), "businesses: firms, banks, airlines, shops, publishers"),
    "business": (("com",), "a company or firm by its name"),
    "institution": (("org",), "public bodies, schools, parties, associations: organizations that are no business, club or band"),
    "sports team": (("team", "nteam"), "sports clubs and teams, national sides included"),
    "team": (("team", "nteam"), "clubs and national sides that play"),
    "band": (("band",), "groups of musicians"),
    "geopolitical entity": (("city", "cou", "reg", "nteam"), "countries, cities, states and provinces"),
    "city": (("city",), "cities, towns and villages"),
    "town": (("city",), "towns, cities and villages"),
    "country": (("cou", "nteam"), "sovereign states"),
    "region": (("reg",), "states, provinces, regions, islands, continents"),
    "natural feature": (("nature",), "rivers, lakes, seas, mountains, forests, deserts"),
    "building": (("fac",), "buildings and other structures by name: stadiums, airports, bridges, museums, hotels"),
    "facility": (("fac",), "airports, stations, stadiums, bridges and buildings that have a name"),
    "street": (("road",), "streets, roads, squares, districts"),
    "nationality": (("nat",), "words for nationalities, peoples, religious and political groups"),
    "nationality, religion or political group": (("nat",), "who belongs to a nation, a people, a faith or a party"),
    "event": (("evt",), "named events: wars, tournaments, festivals, storms, conferences"),
    "work of art": (("wrk",), "titles of books, films, songs, paintings, programmes"),
    "title of a work": (("wrk",), "what a book, film, song, series or newspaper article is called"),
    "product": (("prd",), "things that are made and sold, by name: devices, vehicles, software, food brands"),
    "award": (("awd",), "prizes, medals and honours"),
    "law": (("law",), "acts, treaties and regulations by name"),
    "language": (("lng",), "languages"),
    "date": (("date",), "days, months, years, seasons, also relative ones such as yesterday"),
    "time": (("time",), "times of the day"),
    "date or time": (("date", "time"), "days, months, years and times of the day"),
    "money": (("mon",), "amounts of money with their currency"),
    "job title": (("job",), "professions, offices and roles"),
    "occupation": (("job",), "what somebody works as"),
    "email address": (("mail",), "e-mail addresses"),
    "phone number": (("tel",), "telephone numbers"),
    "url": (("url",), "addresses of web pages"),
}  # fmt: skip
# What most people ask for. The rest of a sentence's lists is drawn.
USUAL_LISTS = (
    ("person", "organization", "location"),
    ("person", "organization", "location", "miscellaneous"),
    ("person", "organization", "location", "date"),
    ("person", "organisation", "place"),
    ("person", "organization", "location", "event", "product"),
    ("person", "company", "city", "country"),
    ("person", "organization", "geopolitical entity", "facility", "date", "money"),
    ("person", "place", "organization", "event", "time"),
    ("people", "place", "company", "date"),
)
WEIGHTS = (6, 6, 4, 3, 2, 2, 2, 2, 1)
SIZES = (1, 1, 1, 2, 3, 4, 5, 6, 8, 12)


def _drawn_list(rng: random.Random) -> tuple[str, ...]:
    """Return types in random order no two of which share a kind: a text has one answer for them."""
    size, covered, chosen = rng.choice(SIZES), set[str](), list[str]()
    for name in rng.sample(sorted(TYPES), len(TYPES)):
        own = set(TYPES[name][0])
        if len(chosen) < size and not own & covered:
            covered |= own
            chosen.append(name)
    return tuple(chosen)


def record_of(text: str, spans: list[dict[str, Any]], names: tuple[str, ...]) -> dict[str, Any]:
    """Return a sentence as it is annotated for some types."""
    return kinds.record_of(text, spans, {name: TYPES[name][0] for name in names})


def generate() -> dict[str, list[dict[str, Any]]]:
    """The records of each split, two of each sentence."""
    texts, problems = kinds.read(sorted(FOLDER.glob("*.txt")), KINDS)
    assert not problems, problems[0]
    sentences = [(own.text, own.spans) for own in texts]
    rng = random.Random(SEED)
    rng.shuffle(sentences)
    size = round(VALIDATION_SHARE * len(sentences))
    splits = {"validation": sentences[:size], "train": sentences[size:]}
    made = {}
    for split, own in splits.items():
        records = [record_of(*item, rng.choices(USUAL_LISTS, WEIGHTS)[0]) for item in own]
        for item, usual in zip(own, list(records), strict=True):
            names = _drawn_list(rng)
            while sorted(names) == usual["labels"]:
                names = _drawn_list(rng)
            records.append(record_of(*item, names))
        rng.shuffle(records)
        made[split] = records
    return made


def labels() -> dict[str, dict[str, str]]:
    """Every type with its name and its description."""
    return {name: {"name": name, "description": TYPES[name][1]} for name in sorted(TYPES)}


if __name__ == "__main__":
    sys.exit(kinds.report(*kinds.read(map(Path, sys.argv[1:]), KINDS)))
