"""Examples to start from: a text with types that suit it. All people, addresses and products in them are made up or public."""

from dataclasses import dataclass

from spanmatch.entities import EntityType


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """Holds a text and the types to look for in it.

    Attributes:
        text: the text.
        types: the types.
    """

    text: str
    types: tuple[EntityType, ...]


def _types(**described: str) -> tuple[EntityType, ...]:
    return tuple(EntityType(name=name.replace("_", " "), description=text) for name, text in described.items())


PRESETS = {
    "News": Preset(
        text="Emmanuel Macron will meet Kristalina Georgieva, the head of the International Monetary Fund, in Washington on "
        "Tuesday. Reuters reported that Christine Lagarde of the European Central Bank will join them. On Wednesday he visits "
        "the factory that Airbus opened in Mobile, Alabama, in 2015.",
        types=_types(person="", organization="companies, agencies, parties, clubs", location="", date="days, months, years"),
    ),
    "Biomedical": Preset(
        text="Patients with type 2 diabetes were given metformin or semaglutide for twelve weeks at Karolinska University "
        "Hospital. Mutations in BRCA1 raise the risk of breast cancer, and trastuzumab is used if HER2 is overexpressed. The "
        "most common side effects were nausea and headache.",
        types=_types(disease="", drug="medicines and active substances", gene="genes and proteins", symptom="", hospital=""),
    ),
    "Products": Preset(
        text="Nordvale scarf of merino wool, charcoal grey, 180 x 30 cm, machine washable.\n"
        "Sony wireless headphones in silver, 30 hours of battery, $279.99.\n"
        "Bosch cordless drill with two 4 Ah batteries.",
        types=_types(brand="", product="what is sold", color="", material="", size="", price=""),
    ),
    "Personal data": Preset(
        text="Hi Karen, please send the contract to Ana Lima (ana.lima@example.org, +351 21 555 0142) by Thursday. She lives at "
        "14 Rua Augusta and was born on 3 May 1984.\nThanks, Jeff Miller",
        types=_types(person="names of people", email_address="", phone_number="", address="street and number", date=""),
    ),
}
