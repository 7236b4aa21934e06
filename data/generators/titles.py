"""A set of product titles, as shops and market places show them, for the attributes that shops list.

`titles/*.txt` hold the titles, one a line, with every mention of every kind in `KINDS` marked:

    # department: type of the product in this department
    [Fiskora|brand] [Daily Veil|line] [Face Lotion|ptype], [SPF 30|protect], [Unscented|scent], [2 fl oz|net] ([Pack of 2|pack])

Since all kinds are marked everywhere, a title is completely annotated for any type that is a set of kinds, and for the type of
product by the name that its department gives it ("shoe type"). Nearly every word belongs to some attribute, so lists are long.
`python data/generators/titles.py FILE...` checks files and says what is wrong with them.
"""

import random
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

if __package__:
    from generators import kinds
else:  # started as a script, to check files
    import kinds

FOLDER = Path(__file__).parent / "titles"
VALIDATION_SHARE = 0.05
SEED = 0
# What is marked in the titles, and by what convention. The first line of TYPES of each kind is what most shops call it.
KINDS = {
    "brand": "maker or brand, with 'by' left out; the first words of most titles",
    "line": "sub brand, series, range or collection, by its name, without the type of product behind it",
    "model": "name or number of the model, where it is no series: a shoe's name, WH-1000, 2051-014099",
    "ptype": "what the thing is, with the words that make it a kind of its own: High-Top Sneaker, Instant Oatmeal, Face Mask",
    "form": "the form that something sold by amount comes in: Softgels, Powder, Lotion, Spray, Whole Bean, Pods, Bar, Tea Bags",
    "color": "color or finish, whole: Heather Grey, Matte Black, Navy/White",
    "pattern": "pattern or print: Striped, Floral, Camo, Tie-Dye",
    "material": "what it is made of, with its share: 100% Cotton, Stainless Steel, Leather",
    "size": "size of clothes, shoes, beds or people, with its system: 10 D US, XL, Queen, 32x30, One Size",
    "dim": "measures of length, width, height, diameter or thickness: 24 x 36 in, 6 ft, 2mm",
    "weight": "weight of the thing itself, not of its contents: weighs 3 lb",
    "net": "how much is in one package, by weight or volume: 16 fl oz, 500 g, 1.75 Fl Oz (50ml)",
    "count": "how many pieces are in one package, the number with its unit if that is no form: 100, 40 ct, 12 Count, 3PCS, 250",
    "pack": "how many packages are sold together: Pack of 2, 6-Pack, Twin Pack, 3 bottles, Case of 12",
    "supply": "how long it lasts or how often it can be used: 30 Day Supply, 64 Loads, 2-month supply, 90 Washes",
    "dose": "strength of one dose: 1000 mg, 5,000 IU, 50 Billion CFU",
    "flavor": "taste, or the variety that decides it: Dark Chocolate, Honey Lemon, French Vanilla",
    "scent": "smell: Lavender, Fresh Linen, Unscented, Fragrance Free",
    "ingr": "what it contains, where that is no flavor, scent or material: with Aloe Vera, Rose Hips, Retinol (without 'with')",
    "benefit": "what it is good for in body, hair, skin or home: Immune Support, Moisturizing, Anti-Dandruff, Stain Removal",
    "feature": "what sets it apart, where no other kind fits: Waterproof, Noise Cancelling, BPA-Free, Foldable, Extra Strength",
    "diet": "what a diet asks for: Vegan, Gluten-Free, Kosher, Keto, Sugar Free, Non-GMO, Dairy Free",
    "cert": "seal, grade or standard: USDA Organic, Food Grade, FDA Registered, ISO 9001, Grade A",
    "gender": "whom it is for, by sex: Men's, Womens, Unisex, Boys'",
    "age": "whom it is for, by age: Kids, Adult, 3-6 Years, Toddler, Newborn",
    "pet": "animal that it is for or shows: Dogs, Cats, Large Breed Puppy",
    "skin": "skin that it is for: Sensitive Skin, Oily Skin, All Skin Types",
    "hair": "hair that it is for: Curly Hair, Color-Treated Hair, Fine Hair",
    "use": "occasion, place, sport or purpose that it is for: Running, Camping, Kitchen, Wedding, Travel (without 'for')",
    "season": "season: Winter, All Season, Spring 2024",
    "closure": "how it closes or is held: Zip, Slip-On, Lace-Up, Velcro, Adjustable Ear Loops, Button Down",
    "style": "style or cut: Vintage, V-Neck, Slim Fit, Mid-Century, Long Sleeve, High Waisted",
    "power": "how it is powered, and how strongly: Battery Operated, Cordless, 1500W, 110V, Rechargeable, Manual",
    "mode": "how it works: Automatic, Programmable, Semi-Automatic, One-Touch, Drip",
    "cap": "how much a container, machine or memory holds: 12-Cup, 64GB, 5 Quart, 20L",
    "perf": "other technical figures: 144Hz, 4K, 5000mAh, 800 lumens, 2.4 GHz, 300 DPI",
    "compat": "what it fits or works with: iPhone 14, Keurig, 2015-2020 Honda Civic (without 'for')",
    "conn": "how it connects: Bluetooth 5.3, USB-C, Wi-Fi, 3.5mm Jack",
    "vessel": "container or wrapping that it comes in: Bottle, Resealable Bag, Box, Can, Tube, Jar, Canister",
    "protect": "level of protection: SPF 50, IP67, N95, UPF 50+, UV400",
    "firm": "softness or hardness: Soft, Medium Firm, Extra Firm",
    "roast": "roast of coffee: Dark Roast, Medium, French Roast",
    "caff": "caffeine in it: Decaf, Caffeinated, Half Caff, Caffeine-Free",
    "layer": "layers or ply: 3-Ply, 2 Layers, Filter Pocket",
    "reuse": "whether it is used again, and washed: Reusable, Disposable, Machine Washable, Single Use",
    "country": "where it was made or comes from: Made in USA, Italian, Imported from Japan, Product of Spain",
    "cond": "condition: New, Refurbished, Used, Open Box, Overstock",
    "year": "year or edition: 2023, 2nd Gen, 10th Anniversary Edition",
    "theme": "figure, franchise, team or motif that it shows: Star Wars, Hello Kitty, Unicorn, Dallas Cowboys",
    "extra": "what comes with it: with Carrying Case, 2 Spare Blades, Free Filter (without 'with')",
    "lang": "language",
    "price": "price or discount: $9.99, 20% off",
}
# Name of a type, its kinds, what it means. The type of product has the name that its department gives it, too.
TYPES: dict[str, tuple[tuple[str, ...], str]] = {
    "brand": (("brand",), "the maker or brand of a product, mostly the first words of its title"),
    "brand name": (("brand",), "the name under which a maker sells its products"),
    "manufacturer": (("brand",), "the company that made the product"),
    "sub brand": (("line",), "series, range or collection within a brand, by its name"),
    "product line": (("line",), "the name of a line or collection of a brand"),
    "series": (("line",), "the named series or range that a product belongs to"),
    "model name": (("model",), "the name or number of one model of a brand"),
    "model number": (("model",), "letters and digits by which a maker tells its models apart"),
    "model": (("model", "line"), "the name or number by which a brand calls this product or its series"),
    "product type": (("ptype",), "what the thing is, with the words that make it a kind of its own"),
    "product": (("ptype",), "the thing that is sold, as a kind and not by its brand"),
    "item": (("ptype",), "what is sold"),
    "item form": (("form",), "the form in which something sold by amount comes: softgels, powder, lotion, pods, bar"),
    "form": (("form",), "liquid, powder, tablets, spray: the form that the product has"),
    "dosage form": (("form",), "the form in which a supplement, drug or food is given"),
    "color": (("color",), "color or finish of the product, all words of it"),
    "colour": (("color",), "the colour of the product"),
    "colour or pattern": (("color", "pattern"), "colours, prints and patterns"),
    "pattern": (("pattern",), "print or pattern of a surface: striped, floral, plaid, camouflage"),
    "material": (("material",), "what the product is made of, with its share"),
    "fabric": (("material",), "cloth, fibre or other material"),
    "size": (("size",), "size of clothes, shoes or beds, with its system"),
    "clothing or shoe size": (("size",), "the size that a wearer needs"),
    "dimensions": (("dim",), "length, width, height, diameter or thickness"),
    "length": (("dim",), "how long, wide, high or thick the product is"),
    "size or dimensions": (("size", "dim"), "sizes of wearers or beds, and measures of length"),
    "item weight": (("weight",), "what the thing itself weighs"),
    "net content": (("net", "count"), "how much or how many are in one package: ounces, millilitres, grams, pieces"),
    "net weight or volume": (("net",), "how much is in one package, by weight or volume"),
    "volume": (("net",), "how much is in a bottle, tube or can"),
    "amount": (("net", "count", "pack"), "how much or how many one gets"),
    "count": (("count",), "number of pieces in one package"),
    "quantity": (("count", "pack"), "number of pieces or packages"),
    "pack size": (("pack",), "how many packages are sold together"),
    "number of packages": (("pack",), "how many units of the same product are in a bundle"),
    "supply size": (("supply",), "for how many days or months it lasts"),
    "load size": (("supply",), "for how many loads, washes or uses it lasts"),
    "servings": (("supply",), "how often it can be used, or how long it lasts"),
    "dosage": (("dose",), "strength of one dose, in milligrams or units"),
    "strength": (("dose",), "how much of the active substance one dose has"),
    "flavor": (("flavor",), "taste of a food, drink, supplement or toothpaste"),
    "taste": (("flavor",), "what it tastes of"),
    "flavor or scent": (("flavor", "scent"), "what it tastes or smells of"),
    "scent": (("scent",), "smell of a product, also that it has none"),
    "fragrance": (("scent",), "what it smells of"),
    "ingredient": (("ingr",), "what the product contains, beside its taste and smell"),
    "active ingredient": (("ingr",), "a substance in it that does the work"),
    "benefit": (("benefit",), "what it does for body, hair, skin or home"),
    "health benefit": (("benefit",), "what it is good for in the body"),
    "special feature": (("feature",), "a property that sets the product apart"),
    "feature": (("feature",), "what the product can or has that others do not"),
    "specialty": (("feature", "diet", "cert"), "properties, diets and seals that a title points out"),
    "diet": (("diet",), "a way to eat that it suits: vegan, gluten-free, kosher, keto"),
    "dietary claim": (("diet",), "what a food is free of, or which diet it suits"),
    "certification": (("cert",), "a seal, grade or standard"),
    "certified grade": (("cert",), "grade or standard that was certified"),
    "gender": (("gender",), "the sex that a product is for"),
    "target gender": (("gender",), "men, women, boys, girls or unisex"),
    "age": (("age",), "the age that a product is for"),
    "age range": (("age",), "whom it is for by age: adults, kids, babies, 3-6 years"),
    "target group": (("gender", "age"), "whom it is for: men, women, kids"),
    "animal": (("pet",), "the animal that it is for"),
    "pet type": (("pet",), "the kind of pet that a product is for"),
    "skin type": (("skin",), "the skin that it is for"),
    "hair type": (("hair",), "the hair that it is for"),
    "skin or hair type": (("skin", "hair"), "the skin or hair that it is for"),
    "specific uses": (("use",), "what or where it is used for: occasion, room, sport"),
    "occasion": (("use",), "event or purpose that it is bought for"),
    "sport or activity": (("use",), "what one does with it"),
    "season": (("season",), "the season that it is for"),
    "closure": (("closure",), "how it is closed: zip, laces, buttons, hook and loop"),
    "closure type": (("closure",), "how it is closed, fastened or held in place"),
    "style": (("style",), "style or cut"),
    "fit or style": (("style",), "cut, fit, neckline or look"),
    "power source": (("power",), "battery, mains, hand: where its power comes from, and how much it has"),
    "power": (("power",), "how it is powered, and how strongly"),
    "operation mode": (("mode",), "how it works: automatic, programmable, manual"),
    "capacity": (("cap",), "how much it holds: cups, litres, gigabytes"),
    "technical specification": (("perf",), "figures of performance such as resolution, frequency and brightness"),
    "technical data": (("perf", "cap", "power", "dim"), "all figures of size, capacity and performance"),
    "compatible device": (("compat",), "what it fits or works with"),
    "compatibility": (("compat",), "devices, cars or machines that it is made for"),
    "connectivity": (("conn",), "how it is connected to other devices"),
    "container": (("vessel",), "what it is filled in: bottle, bag, box, can, tube"),
    "container type": (("vessel",), "the kind of package that holds it"),
    "package type": (("vessel",), "bag, box, jar, bottle: how it is packed"),
    "protection level": (("protect",), "a rating of protection: SPF, IP, N95, UV"),
    "firmness": (("firm",), "how soft or hard it is"),
    "roast type": (("roast",), "how darkly coffee was roasted"),
    "caffeine content": (("caff",), "whether there is caffeine in it"),
    "layer": (("layer",), "layers, plies or filters"),
    "reusability": (("reuse",), "whether it can be washed and used again"),
    "country": (("country",), "the country that it comes from"),
    "country of origin": (("country",), "where it was made or grown"),
    "condition": (("cond",), "new, used, refurbished"),
    "edition or year": (("year",), "year, generation or edition of a model"),
    "theme": (("theme",), "figure, franchise or motif that it shows"),
    "included accessories": (("extra",), "what comes with it"),
    "language": (("lang",), "the language of a book, game or label"),
    "price": (("price",), "price or discount"),
}
# How many types a list has. Shops list dozens.
SIZES = (4, 8, 16, 30, 45, 45)


def read(files: Iterable[Path]) -> tuple[list[kinds.Marked], list[str]]:
    """Return titles, whose heading is the name of the type of product, and what is wrong with the files."""
    titles, problems = kinds.read(files, KINDS)
    named = [own._replace(heading=own.heading.partition(":")[2].strip()) for own in titles]
    problems += [f"no heading '# department: type of the product' before '{own.text[:60]}'" for own in named if not own.heading]
    return named, problems


def _drawn_list(rng: random.Random, mentioned: set[str], product: str, products: list[str]) -> dict[str, tuple[str, ...]]:
    """Return types with their kinds, no two of which share a kind: a title has one answer for them.

    Most of those that the title mentions come first, so that short lists have them. Of other departments, the types of their
    products are asked for, too, which this title does not mention.
    """
    size, covered, chosen = rng.choice(SIZES), set[str](), dict[str, tuple[str, ...]]()
    names = rng.sample(sorted(TYPES), len(TYPES))
    for name in sorted(names, key=lambda name: not mentioned & set(TYPES[name][0]) or rng.random() < 0.2):
        own = TYPES[name][0]
        if len(chosen) < size and not covered & set(own):
            covered |= set(own)
            chosen[name] = own
    general = next((name for name, own in chosen.items() if own == ("ptype",)), None)
    if general is not None and rng.random() < 0.6:
        del chosen[general]
        others = [name for name in products if name != product]
        chosen |= dict.fromkeys(rng.sample(others, rng.randint(0, min(len(others), size // 5))), ()) | {product: ("ptype",)}
    return chosen


def generate() -> dict[str, list[dict[str, Any]]]:
    """The records of each split, two of each title."""
    titles, problems = read(sorted(FOLDER.glob("*.txt")))
    assert not problems, problems[0]
    products = sorted({own.heading for own in titles})
    rng = random.Random(SEED)
    rng.shuffle(titles)
    size = round(VALIDATION_SHARE * len(titles))
    made = {}
    for split, part in {"validation": titles[:size], "train": titles[size:]}.items():
        records = []
        for text, spans, product in part:
            lists: list[dict[str, tuple[str, ...]]] = []
            while len(lists) < 2:
                drawn = _drawn_list(rng, {span["label"] for span in spans}, product, products)
                lists += [drawn] if sorted(drawn) not in map(sorted, lists) else []
            records += [kinds.record_of(text, spans, own) for own in lists]
        rng.shuffle(records)
        made[split] = records
    return made


def labels() -> dict[str, dict[str, str]]:
    """Every type with its name and its description."""
    products = {own.heading for own in read(sorted(FOLDER.glob("*.txt")))[0]}
    described = {name: f"what kind of thing it is, in the department of this: {name}" for name in products}
    described |= {name: meaning for name, (_, meaning) in TYPES.items()}
    return {name: {"name": name, "description": described[name]} for name in sorted(described)}


if __name__ == "__main__":
    sys.exit(kinds.report(*read(map(Path, sys.argv[1:]))))
