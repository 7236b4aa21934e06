"""The reading of the product lexicons, and the invented brands and the colour palettes of train, validation and test_id.

A lexicon is text: paragraphs `name: item; item; ...`, and, for the types, the fields of a `Group`. A group's types share what is
plausible for them: how they are sized, what they are made of, the colours they come in, whether they are sold by gender, and the
unlabelled features that a seller would mention.
"""

from dataclasses import dataclass

from .products_lexicon_ood import OOD_BRANDS, OOD_PALETTES, OOD_TYPES
from .products_types import ID_TYPES

ID_PALETTES = """
neutral: black; white; grey; gray; charcoal; beige; cream; ivory; off-white; taupe; sand; brown; dark brown; tan; navy; light
grey

soft: sage; sage green; mint green; dusty rose; blush pink; lavender; lilac; sky blue; baby blue; light blue; peach; cream;
white; grey; pale yellow; oatmeal; mint

bright: red; blue; green; yellow; orange; pink; purple; hot pink; lime green; turquoise; teal; aqua; royal blue; magenta; neon
yellow; neon green; coral; black; white; multicolor; rainbow; dark green

fashion: black; white; navy blue; navy; heather grey; charcoal; burgundy; maroon; olive; olive green; forest green; khaki;
camel; mustard; rust; burnt orange; wine red; plum; teal; royal blue; light blue; red; pink; hot pink; dusty rose; brown;
beige; black/white; navy/white; red/black; emerald green; coral; purple; blue; green; grey; lavender; cream; off-white; dark
red

tech: black; white; silver; space gray; gunmetal; rose gold; midnight blue; matte black; red; blue; gold; ice blue; black/red;
white/grey; glossy white; pink; mint green; dark grey

house: black; white; red; matte black; silver; teal; cream; grey; navy; mint green; sage green; rust; mustard; blue; burgundy;
sky blue

tool: red; black; yellow; orange; blue; green; black/yellow; grey; red/black; lime green; dark green; matte black

tone: gold-tone; silver-tone; rose gold-tone; black; turquoise; emerald green; royal blue; blush pink; red; white; lavender;
teal

cosmetic: nude; rose pink; brick red; cherry red; berry; dark brown; coral; hot pink; plum; ballet pink; taupe; black; soft
brown; red

sport: black; white; red; blue; royal blue; neon yellow; neon green; orange; pink; purple; black/white; blue/orange;
grey/pink; black/red; teal; navy; lime green; silver
"""

ID_BRANDS = """
apparel: Ridge & Rowe; Velmora; Tarnwick; Ostrelle; Maison Évrelle; Hollin Thread Co.; Redwood Supply; Marlowe & Finch Row;
Quillby; Bramvale; Kestrel Yard; Dunmere; Lark & Loomis; Sorvana; Northquay Apparel; Grey Heronby

footwear: Strydelle; Halvorsten; Pacewick; Brogan & Teel; Solvane; Tredmoor; Oakhurl; Fellrunner Nine; Cobbledown; Zentrek
Lane; Blue Tarn; Vantrello

electronics: Voltara Labs; Nexivorn; Quantrel; Auralink Bay; Zynthe; Pixelgrove; Omnivar; Tekkuro; Hexabray; Sonivant;
Lumatrix One; Corvidyne; Blackwell Circuit

kitchen: Hearthmoor; Simmer & Stoke; Copperwick; Panivelle; Kitchen Wren; Brasserby; Forno Alto; Tablefox; Gustavelle; Orange
Larder; Stovecraft Mill; Épicérie Noll

furniture: Fjordhollow; Alderstead; Casa Brindle; Nookwright; Hemlock & Hale; Timbrel House; Lofton Grey; Modavista Home;
Åskeby; Settle & Sprig; Whitlow Joinery

tools: Ironvale; Torqwell Pell; Grindstone Bros; Forgelock; Hammerlin; Boltrix; Yellow Anvil; Steadrig; Makerby; Drivetek
Rowan; Kragmann

beauty: Lumière Dorne; Petalume; Velvet Sparrow; Glossamere; Bellavine; Aurelle Skin; Rosmarin & Co; Dewfolk; Nacréa; Scarlet
Fig; Honeywren; Purelith

sports: Summitra; Stridemoor; Apexmoor; Baltic Oar; Green Derailleur; Rallyhawk; Kinevane Field; Basecamp Yarrow; Ferrowild;
Corethrum; Trailmote; Gymnasta Pro

toys: Wobblekin; Playmoor; Tinker Toad; Puzzlewick; Zoomlings; Little Acornby; Brickaroo; Jolly Badger Toys; Whimsyforth;
Purple Yeti; Marbleton

garden: Fernhollow; Mossby & Sons; Rootwell; Gardenwick; Bloomstead; Greenthumb Alley; Loamcraft; Terravine; Hedgerow Nine;
Sproutley; Rainbarrow

pets: Pawlington; Barkmere; Whiskerby; Furrow & Fetch; Tailspun; Muttley Grange; Purrmoor; Red Kennel; Snoutwell; Houndsley;
Velvet Paw Lane

office: Inkwright; Desklark; Paperfold Co; Quill & Quire Row; Stapleford; Noteby; Officina Nord; Cleardesk; Graphvale; Silver
Ledger; Memorune

bedding: Slumberwick; Dreamalder; Cloudmere; Linen & Larke; Nuit Blanche Atelier; Restova; White Lapwing; Pillowby; Hushwell;
Cotton Comet; Downfield

jewellery: Orravelle; Gemmaro; Luneth; Brightwell & Stone; Solennarde; Silverbirch Lane; Adornique; Moonfinch; Caratella;
Golden Wren; Joaillerie Mirelle

baby: Tiny Teasel; Cradlewick; Bonnie Burrow; Snugglemoor; Nestlark; Lullabyrne; Petit Ourson; Babbleby; Pink Gosling;
Milkdrop; Cubby & Coo
"""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Product types with the size kinds, materials, palette and features that fit all of them."""

    category: str
    types: tuple[str, ...]
    sizes: tuple[str, ...]
    materials: tuple[str, ...]
    palette: str
    genders: str
    features: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Lexicon:
    """The groups of types, and the brands by category and the colours by palette that go with them."""

    groups: tuple[Group, ...]
    brands: dict[str, tuple[str, ...]]
    palettes: dict[str, tuple[str, ...]]


def _split(text: str) -> tuple[str, ...]:
    """Split a semicolon-separated list, ignoring blanks and line breaks."""
    return tuple(item for item in (" ".join(part.split()) for part in text.split(";")) if item)


def _read_lists(block: str) -> dict[str, tuple[str, ...]]:
    """Read paragraphs of the form `name: item; item`."""
    pairs = (paragraph.split(":", 1) for paragraph in block.strip().split("\n\n"))
    return {name.strip(): _split(items) for name, items in pairs}


def _read_groups(block: str) -> tuple[Group, ...]:
    """Read paragraphs of seven fields separated by bars."""
    groups = []
    for paragraph in block.strip().split("\n\n"):
        category, types, sizes, materials, palette, genders, features = (field.strip() for field in paragraph.split("|"))
        groups.append(Group(category=category, types=_split(types), sizes=_split(sizes), materials=_split(materials),
                            palette=palette, genders=genders, features=_split(features)))
    return tuple(groups)


def id_lexicon() -> Lexicon:
    """Return the lexicon of train, validation and test_id."""
    return Lexicon(groups=_read_groups(ID_TYPES), brands=_read_lists(ID_BRANDS), palettes=_read_lists(ID_PALETTES))


def ood_lexicon() -> Lexicon:
    """Return the lexicon of test_ood, whose brands, types and colours the other splits do not have."""
    return Lexicon(groups=_read_groups(OOD_TYPES), brands=_read_lists(OOD_BRANDS), palettes=_read_lists(OOD_PALETTES))
