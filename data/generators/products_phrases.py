"""The templates of product titles and search queries, and the words around the entities that are not annotated.

In a template, `{X}` is a slot and `[...]` is a part that may be left out. Slots: B brand, G gender before the type ("men's"),
g gender after "for" ("men"), C and c colours, M and m materials, T type, S size, s size after a word that announces it, F and f
features, N model number, X advertising words, K number of pieces, P price.
"""

TITLES = (
    "{B} [{G} ][{C} ]{T}[, {S}][, {F}]",
    "{B} [{G} ][{M} ]{T} - {C}[, {S}]",
    "{B} [{N} ]{T}[ {F}][ ({S})][ - {C}]",
    "[{G} ]{M} {T} by {B}[, {C}][, {S}]",
    "{B} {T}, {M}[, {S}][, {C}]",
    "{C} {M} {T} [{S} ]- {B}",
    "{B} {S} [{C} ]{M} {T}[, {F}]",
    "{X} {B} {T} [{S} ]{C}",
    "{T} for {g} - {B} [{C} ][{S}]",
    "{B}® [{N} ]{T}, {C}[, {F}]",
    "{B} [{G} ]{T} in {C} and {c}[, {S}]",
    "{B} {T}, {M} and {m}[, {C}]",
    "{T} | {B} | {C}[ | {S}]",
    "{B} [{G} ]{T}, Size: {s}, Color: {C}",
    "{K} {B} [{C} ]{T}",
    "[{C} ]{T} {S} {M}[ {F}]",
    "{S} [{M} ]{T}, {F}[, {C}]",
    "{B} {T} {F}, {f}[ - {C}] - {X}",
    "{B} [{G} ]{T} {F} - {X}",
    "[{X}: ]{B} {N} {T}[ {S}][ {F}]",
    "{B} [{G} ]{T} {C}[ {S}] {P}",
    "[{G} ]{T} {F} {f}[ {C}]",
    "{B} [{M} ]{T} {S}, {K}",
    "{T}: {C}, {S}[, {M}] ({B})",
    "[{X} ]{G} {C} {T}, {F}[, sizes S-XL]",
    "{B} {T} ({C} & {c})[, {S}]",
    "60% {M} 40% {m} {T}[ - {C}] - {B}",
    "{B} 100% {M} {T}[ {S}][ {C}]",
)
QUERIES = (
    "{T}", "{C} {T}", "{C} {T}", "{B} {T}", "{B} {T}[ {C}]", "{G} {T}", "{M} {T}", "{T} {S}", "{C} {T} {S}",
    "{G} {C} {T}[ {S}]", "{B} {G} {T}", "{T} for {g}[ {S}]", "{C} {M} {T}", "best {T}[ for {g}]", "{T} under {P}",
    "{M} {T}[ {F}]", "{S} {T}[ {C}]", "cheap {C} {T}", "{B} {N}", "{T} near me", "{B}", "{T} {C} {c}", "{G} {T} {C} or {c}",
    "where to buy {B} {T}", "{T} made of {M}", "does {B} make {C} {T}", "{T} [{F} ]{C}", "{T} in {C}[ {S}]",
    "{S} {M} {T} under {P}", "{B} {C} {T} {S}", "{C} {G} {T}[ {B}]", "{T} {F}", "{T} {M} {C}", "{M} {T} {S}",
    "{T} {M} or {m}", "{B} vs other {T}", "{T} {F} {P}", "how to clean {M} {T}", "{C} and {c} {T}",
    "top rated {B} {T} 2024", "{F} {T}[ for {g}]", "{G} {M} {T}[ {S}]", "{B} {T} size chart", "{K} {T}[ {C}]",
)
OOD_TITLES = (
    "New! {B} — {T} / {C}[ / {S}]",
    "{C} edition {T} from {B}[, {S}]",
    "{T} · {M}[ · {C}] · {B}",
    "{B} presents: the {N} {T}[ in {C}]",
    "Handmade {M} {T}, {C}, {B} workshop",
    "{B} {T} // {S} // {F}",
    "Finish: {C}. {B} {T}[, {M}][, {S}]",
    "Pre-owned {B} {T}[ {S}], {F}[, {C}]",
)
OOD_QUERIES = (
    "looking for a {C} {T}", "{T} {B} review", "is there a {M} {T} in {C}", "i need {S} {T}", "used {B} {T}",
    "which {T} is better {M} or {m}", "{T} like {B}", "beginner {T}[ {C}] {F}", "{g} {T} {S}", "second hand {M} {T}",
)

NO_ENTITY = (
    "gift ideas under {P}", "gifts for {who}", "best {noun} for {who}", "free shipping on orders over {P}",
    "{sale} deals near me", "birthday present for {who}", "how do I return an order", "something for {who} under {P}",
    "{sale} coupon code {year}", "track my order {code}", "open now near me", "what to buy {who} for {event}",
    "new arrivals {year}", "{event} {noun} {year}", "{sale} sale up to {n}% off", "customer service hours {event}",
    "item {code} replacement parts", "gift card {P}", "{noun} for {who} {year}", "where is order {code}",
)
NO_ENTITY_WORDS: dict[str, tuple[str, ...]] = {
    "who": ("mom", "dad", "a 7 year old", "teachers", "grandma", "a coworker", "someone who has everything", "newlyweds",
            "college students", "my boss", "a new neighbor", "the host", "a chess fan", "my best friend", "a picky eater"),
    "noun": ("gifts", "presents", "stocking stuffers", "surprise ideas", "party supplies", "decor ideas", "must haves",
             "favors"),
    "sale": ("black friday", "cyber monday", "clearance", "green monday", "labor day", "memorial day", "flash sale",
             "golden week"),
    "event": ("christmas", "mother's day", "easter", "graduation", "a housewarming", "the holidays", "back to school",
              "valentine's day"),
    "year": ("2022", "2023", "2024", "2025"),
}

# The category of the seller, an accessory, and the goods it is for: only the accessory is annotated, since what follows "for"
# describes something else.
ACCESSORIES: tuple[tuple[str, str, str], ...] = (
    ("footwear", "shoe cleaner", "men's shoes|white sneakers|suede boots|black leather loafers"),
    ("footwear", "shoe laces", "women's size 8 boots|brown hiking boots"),
    ("furniture", "leather conditioner", "black leather sofas|brown leather jackets|leather car seats"),
    ("furniture", "sofa cover", "3 seater leather sofas|grey sectionals"),
    ("apparel", "fabric shaver", "wool sweaters|men's cashmere scarves|cotton sheets"),
    ("jewellery", "jewelry cleaner", "sterling silver rings|14k gold earrings"),
    ("kitchen", "silver polish", "sterling silver trays|silver cutlery"),
    ("kitchen", "cleaning wipes", "stainless steel appliances|55 inch TVs"),
    ("kitchen", "knife sharpener", "8 inch chef knives|ceramic blades|stainless steel scissors"),
    ("kitchen", "pan protector", "12 inch cast iron skillets|copper pans"),
    ("kitchen", "replacement lid", "16 oz tumblers|5 qt slow cookers|glass jars"),
    ("sports", "bike rack", "29 inch mountain bikes|kids bikes"),
    ("bedding", "mattress bag", "queen mattresses|king size memory foam beds"),
    ("tools", "wood filler", "oak floors|walnut tables|white doors"),
    ("kitchen", "granite cleaner", "black granite|white marble counters"),
    ("apparel", "iron-on patches", "blue denim jeans|boys jackets"),
    ("kitchen", "red wine stain remover", "white carpet|beige linen sofas"),
    ("beauty", "color protect spray", "blonde hair|red hair"),
    ("furniture", "hat rack", "women's hats|baseball caps"),
    ("furniture", "furniture pads", "oak chairs|metal bar stools|hardwood floors"),
    ("jewellery", "ring sizer", "men's gold rings|size 4 to 12 rings"),
    ("electronics", "screen cleaner", "65\" TVs|13 inch laptops"),
    ("sports", "tire sealant", "26 inch bike tires|700c tires"),
    ("apparel", "lint roller", "black coats|wool pants"),
    ("tools", "paint remover", "brick walls|steel gates"),
    ("tools", "grout pen", "white tile|grey tile"),
    ("office", "ink refills", "blue gel pens|brass fountain pens"),
)
OOD_ACCESSORIES: tuple[tuple[str, str, str], ...] = (
    ("music", "fretboard balm", "rosewood necks|maple necks"),
    ("music", "cymbal paste", "brass cymbals|bronze bells"),
    ("equestrian", "tack soap", "brown leather saddles|black bridles"),
    ("fishing", "line dressing", "green braided line|6 ft rods"),
    ("diving", "wetsuit detergent", "men's neoprene suits|women's size M wetsuits"),
    ("brewing", "keg lube", "stainless steel kegs|5 gallon kegs"),
    ("aquarium", "tank sealant kit", "55 gallon glass tanks|acrylic tanks"),
    ("beekeeping", "honey stickers", "8 oz glass jars"),
    ("automotive", "rim brightener", "black alloy wheels|18 inch rims"),
    ("archery", "bow wax", "60 inch longbows|wooden bows"),
    ("needlework", "seed bead tray", "size 11 glass beads"),
    ("bakery", "banneton brush", "9 inch rattan baskets"),
    ("fishing", "oar leathers", "8 ft ash oars"),
    ("astronomy", "lens blower", "114mm reflectors|glass optics"),
)

# Words that only some products can have after them: see `_suits` in `products`.
FABRICS = frozenset(
    ["cotton", "organic cotton", "polyester", "linen", "merino wool", "wool", "modal", "viscose", "bamboo viscose", "acrylic", "cashmere", "nylon", "spandex", "silk", "rayon", "recycled polyester", "alpaca", "mohair", "lycra", "hemp", "microfiber", "tencel"]
)
CHARTED_SIZES = frozenset(("letter", "waist", "waist2", "dress", "shoe", "ring", "infant", "gi", "pet"))

ADVERTISING = (
    "Best Seller", "New Arrival", "Free Shipping", "Hot Sale", "Gift Idea", "Black Friday Deal", "Limited Edition",
    "2024 Upgrade", "Premium Quality", "Top Rated", "Clearance", "As Seen on TV", "Red Hot Deal", "Green Choice",
    "Golden Week Sale", "2023 Model", "Save 20%", "Official Store", "Ships in 24 Hours", "Great Gift", "Back in Stock",
    "Deluxe", "Bundle", "Editor's Pick", "Blue Light Special", "Christmas Gift", "Pro",
)
PACKS = ("2-Pack", "Set of 3", "12-pack", "pack of 6", "3 pcs", "4 pk", "2 ct", "10 count", "6 pack", "5pcs")

GENDERS: dict[str, tuple[str, ...]] = {
    "adult": ("men's", "women's", "mens", "womens", "men's", "women's", "unisex", "ladies", "men", "women", "boys",
              "girls'", "boys'", "mens'"),
    "female": ("women's", "womens", "ladies", "women", "girls'", "women's"),
    "child": ("boys", "girls", "boys'", "girls'", "unisex", "boy", "girl"),
    "dancer": ("girls", "women's", "womens", "ladies", "boys", "men's", "girls'"),
}
AUDIENCES: dict[str, tuple[str, ...]] = {
    "adult": ("men", "women", "men", "women", "boys", "girls", "ladies", "men and women"),
    "female": ("women", "girls", "ladies", "women"),
    "child": ("boys", "girls", "girls and boys"),
    "dancer": ("girls", "women", "ladies", "boys", "men"),
}
# Types of the gender set "adult" that are sold to one gender only.
FEMALE_TYPES = frozenset(("sports bra", "engagement ring", "anklet", "charm bracelet", "drop earrings", "pendant necklace",
                          "choker", "clutch bag", "makeup brush set", "hair straightener", "curling iron"))
MALE_TYPES = frozenset(("beard oil", "aftershave", "cologne", "beard trimmer", "cufflinks", "tie clip", "pocket watch"))

ABBREVIATIONS: dict[str, tuple[str, ...]] = {
    "black": ("blk", "blk"), "white": ("wht",), "blue": ("blu",), "green": ("grn",), "brown": ("brn",), "grey": ("gry",),
    "yellow": ("ylw",), "heather": ("htr",), "multicolor": ("multi",), "burgundy": ("burg",), "women's": ("wmns", "w's"),
    "womens": ("wmns", "wmn"), "men's": ("mns", "m's"), "mens": ("mns",), "unisex": ("uni",), "stainless": ("stnls", "s/s"),
    "leather": ("lthr", "leath"), "polyester": ("poly",), "aluminum": ("alum", "alu"), "cotton": ("ctn",),
    "synthetic": ("synth",), "with": ("w/",), "without": ("w/o",), "pack": ("pk",), "large": ("lg", "lrg"), "small": ("sm",),
    "medium": ("med",), "inch": ("in",), "inches": ("in",), "gallon": ("gal",), "ounce": ("oz",), "jacket": ("jkt",),
    "sweatshirt": ("swtshrt",), "bluetooth": ("BT",), "wireless": ("wrls",), "rechargeable": ("rechrg",),
    "waterproof": ("wtrprf",), "adjustable": ("adj",), "shirt": ("shrt",),
}
