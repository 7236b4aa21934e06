"""The product types of the train, validation and test_id products, in groups that share sizes, materials and features.

A group is a paragraph: category | types | size kinds | materials | palette | gender set | features.
"""

ID_TYPES = """
apparel | t-shirt; polo shirt; hoodie; sweatshirt; cardigan; crew neck sweater; turtleneck; tank top; henley shirt; flannel
shirt; button-down shirt; graphic tee; zip-up hoodie; pajama set; bathrobe | letter | cotton; organic cotton; polyester;
linen; merino wool; bamboo; modal; viscose; cotton blend; jersey; flannel; fleece; cashmere; wool | fashion | adult | long
sleeve; short sleeve; slim fit; relaxed fit; regular fit; with pockets; machine washable; lightweight; pre-shrunk

apparel | jeans; chinos; cargo pants; joggers; dress pants; corduroy trousers; work pants; hiking pants | waist; waist; letter
| denim; cotton; stretch cotton; polyester; nylon; canvas; wool | fashion | adult | slim fit; straight leg; relaxed fit;
tapered; high rise; stretch; with belt loops

apparel | maxi dress; midi skirt; wrap dress; blouse; jumpsuit; cocktail dress; pencil skirt; sundress; romper; leggings |
dress; letter | cotton; chiffon; satin; silk; viscose; linen; lace; velvet; rayon; crepe | fashion | female | v-neck; floral;
sleeveless; with pockets; plus size; high waist; ruffle hem; off shoulder; a-line

apparel | puffer jacket; rain jacket; trench coat; bomber jacket; denim jacket; parka; windbreaker; vest; peacoat; blazer |
letter | leather; faux leather; wool; nylon; polyester; down; cotton; suede; waxed cotton | fashion | adult | waterproof;
hooded; windproof; lightweight; packable; full zip; with hood; insulated

apparel | beanie; bucket hat; scarf; gloves; mittens; fedora; crew socks; ankle socks | one; letter | wool; cotton; acrylic;
fleece; cashmere; merino wool; alpaca | fashion | adult | touchscreen; knit; reversible; handmade; cable knit; lightweight;
warm

apparel | baseball cap; belt; backpack; tote bag; crossbody bag; wallet; suspenders; clutch bag | one | leather; canvas; vegan
leather; suede; nylon; waxed canvas | fashion | adult | adjustable; RFID blocking; with zipper; reversible; handmade; vintage;
slim

footwear | running shoes; sneakers; trail running shoes; walking shoes; basketball shoes; slip-on shoes; training shoes;
tennis shoes; skate shoes; golf shoes | shoe | mesh; knit; leather; canvas; suede; synthetic | sport | adult | breathable;
non-slip; lightweight; with arch support; wide fit; cushioned; memory foam; lace-up

footwear | ankle boots; chelsea boots; hiking boots; work boots; rain boots; snow boots; loafers; oxfords; sandals; flip
flops; clogs; house slippers; espadrilles | shoe | leather; full-grain leather; suede; rubber; faux fur; patent leather; cork;
nubuck; canvas; EVA | fashion | adult | waterproof; steel toe; non-slip; with zipper; slip-on; wide width; open toe;
insulated; comfortable

electronics | smart TV; computer monitor; gaming monitor; portable monitor; projector screen; digital photo frame | screen | |
tech | | 4K; 144Hz; HDR; wall mountable; 1080p; curved; with remote; OLED; QLED; 60Hz; HDMI

electronics | laptop; tablet; e-reader; laptop sleeve; laptop stand; drawing tablet | screen; screen; cm | aluminum; neoprene;
plastic | tech | | 16GB RAM; 512GB SSD; 64GB; WiFi; touchscreen; lightweight; backlit; with stylus

electronics | USB-C cable; HDMI cable; extension cord; charging cable; ethernet cable; audio cable; power strip | cable |
braided nylon; nylon; copper; PVC | tech | | fast charging; 60W; 240W; Cat6; 8K; with surge protector; flat

electronics | wireless earbuds; bluetooth speaker; noise cancelling headphones; wireless mouse; mechanical keyboard; power
bank; webcam; soundbar; wifi router; dash cam; gaming headset; USB hub; wireless charger; action camera; turntable; film
camera; blue light glasses | | aluminum; plastic | tech | | 10000mAh; bluetooth 5.3; 40 hour battery; IPX7; 20W; RGB; with
mic; 1080p; 7-in-1; rechargeable; plug and play

electronics | phone case; earbud case; tablet case; watch strap; camera strap | | silicone; leather; TPU; vegan leather;
canvas; nylon | tech | | slim; shockproof; with stand; MagSafe compatible; drop tested; quick release

electronics | smartwatch; fitness tracker | watch | titanium; aluminum; stainless steel | tech | adult | GPS; 5 ATM; heart
rate; with sleep tracking; 10 day battery; AMOLED

electronics | screen protector; privacy filter | screen | tempered glass; matte film | | | 2 pack; 9H; bubble free;
anti-glare; easy install

kitchen | frying pan; skillet; wok; griddle; saute pan; crepe pan; grill pan | inch; cm | stainless steel; cast iron; carbon
steel; aluminum; hard-anodized aluminum; copper; ceramic | house | | with lid; nonstick; induction compatible; oven safe; PFOA
free; dishwasher safe; pre-seasoned

kitchen | saucepan; stockpot; dutch oven; casserole dish; slow cooker; pressure cooker; mixing bowl; stand mixer; rice cooker;
air fryer; bread machine | quart | stainless steel; enameled cast iron; ceramic; aluminum; glass | house | | with lid;
programmable; 1500W; digital; dishwasher safe; with glass lid; nonstick; 6-in-1

kitchen | water bottle; travel mug; coffee mug; thermos; tumbler; wine glass; pint glass; teapot; french press; milk frother;
measuring cup; carafe; cocktail shaker; electric kettle; green tea infuser; orange juice squeezer; food storage container;
spice jar; lunch box | volume | stainless steel; glass; borosilicate glass; ceramic; porcelain; BPA-free plastic; stoneware;
silicone; plastic | house | | with lid; leakproof; insulated; dishwasher safe; BPA free; double wall; with straw; with handle;
microwave safe

kitchen | chef knife; paring knife; bread knife; santoku knife; cheese knife | inch; cm | stainless steel; carbon steel;
high-carbon steel; damascus steel; ceramic | house | | full tang; with sheath; professional; serrated; hand forged

kitchen | cutting board; serving tray; rolling pin; salt and pepper grinder | inch; cm | bamboo; acacia wood; olive wood;
marble; walnut; maple | | | with handle; with juice groove; reversible; adjustable; gift boxed

kitchen | baking sheet; cake pan; muffin tin; pizza stone; dinner plate; colander; cheese grater; dish rack | inch; cm |
stainless steel; aluminized steel; carbon steel; stoneware; ceramic | house | | dishwasher safe; nonstick; heavy duty; set of
2; commercial grade

kitchen | spatula; whisk; ladle; tongs; oven mitts; slotted spoon; pastry brush; trivet | inch; cm | silicone; nylon; beech
wood; stainless steel | house | | heat resistant; non-slip; dishwasher safe; BPA free; with long handle

kitchen | apron; dish towels; table runner; placemats | | cotton; linen; waffle cotton; cotton blend | house | | with pockets;
adjustable; set of 6; machine washable; farmhouse

furniture | sofa; sectional sofa; loveseat; futon; sleeper sofa; sofa bed; chaise lounge | big; cm3 | velvet; linen; leather;
faux leather; microfiber; boucle; corduroy; chenille; polyester | neutral | | mid-century; with storage; tufted; modular;
reversible; with cup holders

furniture | coffee table; dining table; end table; console table; writing desk; standing desk; tv stand; nightstand; dresser;
bookshelf; bookcase; shoe cabinet; sideboard; wardrobe; plant stand; kitchen island; bar cart | big; dims; cm3 | solid wood;
oak; walnut; pine; acacia wood; bamboo; MDF; rattan; metal; steel; tempered glass; marble; particle board | neutral | | with
drawers; with storage; rustic; farmhouse; industrial; easy assembly; adjustable; with wheels; modern

furniture | accent chair; dining chair; bar stool; office chair; recliner; rocking chair; gaming chair; ottoman; bean bag
chair; bench | big | velvet; mesh; leather; faux leather; linen; boucle; beech wood; oak; rattan; metal | neutral | | set of
2; swivel; with armrests; ergonomic; with lumbar support; upholstered; folding; 300 lbs capacity

furniture | area rug; runner rug; shag rug; doormat | rug | jute; wool; cotton; polypropylene; sisal; coir; viscose | neutral
| | non-slip; washable; bohemian; vintage; low pile; for living room; hand tufted

furniture | wall mirror; picture frame; wall clock; candle holder; floor lamp; table lamp; pendant light | decor; dims |
brass; wood; metal; rattan; glass; iron; oak; marble | neutral | | minimalist; modern; dimmable; rustic; handmade;
mid-century; with shade

furniture | blackout curtains; sheer curtains; throw pillow; pillow cover; roman shade | dims | linen; velvet; cotton;
polyester; boucle | soft | | room darkening; set of 2; with grommets; modern; hidden zipper; washable

tools | cordless impact driver; cordless drill; angle grinder; circular saw; jigsaw; orbital sander; heat gun; rotary tool;
reciprocating saw; glass cutter; leaf blower; pressure washer; shop vacuum; air compressor; nail gun | bit | | tool | | 20V;
18V; brushless; with battery; 12 amp; tool only; variable speed; with case; 2000 PSI; 1/2 HP

tools | socket set; combination wrench; drill bit set; hex key set; torque wrench; screwdriver; claw hammer; pipe wrench;
utility knife; pliers; pry bar; hacksaw; chisel; wire stripper; tin snips; rubber mallet | bit; inch | chrome vanadium steel;
carbon steel; titanium; cobalt steel; forged steel; fiberglass; S2 steel; hickory | tool | | heavy duty; magnetic; insulated;
with case; non-slip grip; SAE; metric; 40 piece

tools | tape measure; ratchet straps; duct tape; moving blanket; paint roller; work light; wood glue; drop cloth | cable | |
tool | | heavy duty; magnetic; weatherproof; all purpose; self-locking; interior/exterior

tools | extension ladder; step ladder; toolbox; sawhorse; spirit level; wood screws; deck screws; tool chest | cable |
aluminum; steel; fiberglass; galvanized steel; stainless steel | tool | | heavy duty; foldable; weatherproof; 300 lb capacity;
rust resistant

beauty | face moisturizer; face serum; shampoo; conditioner; body lotion; sunscreen; body wash; hair oil; toner; micellar
water; hand cream; cuticle oil; eye cream; perfume; cologne; beard oil; aftershave; dry shampoo; face mask; purple shampoo;
hair gel; shaving cream | beauty | | | adult | SPF 50; fragrance free; vegan; for dry skin; hydrating; with vitamin C; cruelty
free; for sensitive skin; with hyaluronic acid; sulfate free; anti-aging; travel friendly

beauty | lipstick; matte lipstick; lip gloss; nail polish; eyeliner; eyeshadow palette; blush; mascara; lip liner; brow
pencil; gel nail polish | beauty | | cosmetic | | long lasting; waterproof; vegan; cruelty free; matte finish; smudge proof;
quick dry; with brush; shimmer

beauty | hair dryer; hair straightener; curling iron; beard trimmer; electric shaver; hair clipper | | ceramic; tourmaline;
titanium; stainless steel | soft | adult | 1875W; ionic; cordless; rechargeable; with diffuser; dual voltage; professional;
fast heating

beauty | makeup bag; shower cap; hair claw clips; sleep mask; scrunchies; headband; loofah | | satin; silk; velvet; faux
leather; cotton; nylon; acetate | soft | | large capacity; travel; set of 4; waterproof; with mirror; no crease

beauty | makeup brush set; vanity mirror; nail clippers; tweezers; jade roller; nail file | hand | stainless steel; bamboo;
glass; synthetic bristle | soft | adult | with LED light; professional; with case; 10x magnification; precision; travel

sports | yoga mat; exercise mat; foam roller; resistance bands; jump rope; pull-up bar; balance board; ab roller; battle rope
| dims; mat | TPE; cork; natural rubber; EVA foam; PVC; latex; steel; jute | sport | | non-slip; extra thick; with carrying
strap; eco friendly; anti-tear; for home gym; with handles

sports | dumbbells; kettlebell; barbell; weight plates; medicine ball; weighted vest; ankle weights; slam ball | weight | cast
iron; neoprene; vinyl; rubber; steel; urethane | sport | | adjustable; set of 2; hex; for home gym; non-slip grip; with rack

sports | mountain bike; road bike; hybrid bike; kids bike; cruiser bike | wheel | aluminum; carbon fiber; steel; chromoly |
sport | adult | 21 speed; with disc brakes; with training wheels; hydraulic; step-through; single speed

sports | bike tire; inner tube; bike wheel | wheel | butyl rubber; latex; rubber; carbon fiber | | | tubeless ready; puncture
resistant; presta valve; folding bead; with tire lever

sports | bike helmet; cycling gloves; bike jersey; bike shorts | letter | | sport | adult | with LED light; padded;
breathable; reflective; with visor; lightweight

sports | soccer ball; basketball; volleyball; football | ball | synthetic leather; rubber; composite leather; leather | sport
| child | indoor outdoor; match ball; training; with pump; hand stitched

sports | boxing gloves; punching bag | sportoz | leather; synthetic leather; microfiber leather | sport | adult | with hand
wraps; training; sparring; ventilated palm

sports | tennis racket; swim goggles; ski goggles; shin guards; pickleball paddle; swim cap; badminton set; rugby mouthguard;
bike lock | | | sport | adult | anti-fog; lightweight; with case; UV protection; beginner; tournament

sports | compression shorts; sports bra; swimsuit; running vest; track pants; football jersey; rash guard; running shorts |
letter | polyester; nylon; spandex; mesh; recycled polyester; merino wool | sport | adult | quick dry; moisture wicking;
breathable; UPF 50; with pockets; high impact; lightweight

sports | camping tent; sleeping bag; camping hammock; dry bag; tarp; gym bag | camp | ripstop nylon; polyester; nylon; oxford
fabric | tool | | 4 person; 3 season; waterproof; ultralight; with rain fly; 0 degree; with carry bag

sports | hiking backpack; hydration pack; cooler; duffel bag | liters | nylon; polyester; recycled nylon; canvas | tool |
adult | waterproof; with rain cover; insulated; lightweight; with chest strap; leakproof

sports | trekking poles; camp stove; headlamp; camping chair; camping lantern | | aluminum; carbon fiber; titanium; steel |
tool | | ultralight; collapsible; 350 lumens; foldable; with case; rechargeable

sports | inflatable kayak; paddle board; sleeping pad; air mattress; inflatable pool | camp | PVC; vinyl; drop-stitch PVC; TPU
| sport | | with pump; self-inflating; 2 person; heavy duty; with paddle; 400 lb capacity

toys | building blocks; puzzle; dollhouse; toy train set; play kitchen; stacking rings; marble run; toy drum; rocking horse;
balance bike | toy | wood; beech wood; solid wood; birch plywood; cardboard; plastic | bright | child | ages 3+; 1000 pieces;
250 pcs; educational; STEM; with storage box; montessori; non-toxic

toys | stuffed bear; teddy bear; doll; finger puppets; stuffed bunny; hand puppet; plush dinosaur | toy | plush; cotton; felt;
faux fur; velour; organic cotton | bright | child | super soft; machine washable; weighted; handmade; with sound; ages 1+;
birthday gift

toys | remote control car; action figure; toy dinosaur; water gun; bubble machine; yo-yo; ride-on car; toy truck; toy
helicopter | toy | plastic; die-cast metal; metal; ABS plastic | bright | child | 2.4GHz; battery operated; with remote; for
ages 5-7; rechargeable; collectible; 1:18 scale

toys | board game; card game; slime kit; play tent; kite; science kit; trading cards; jigsaw puzzle; play mat | | | bright |
child | ages 8+; 2-6 players; STEM; family; party; glow in the dark; award winning; 500 pieces

garden | garden hose; soaker hose | yard | rubber; vinyl; latex; PVC; hybrid polymer | tool | | heavy duty; kink free; with
nozzle; expandable; drinking water safe; lead free

garden | garden netting; landscape fabric; shade sail; patio umbrella; outdoor rug; bbq grill cover; outdoor cushion | dims;
yard | polyester; canvas; HDPE; polypropylene; olefin; oxford fabric | neutral | | UV resistant; weatherproof; fade resistant;
with grommets; heavy duty; waterproof

garden | trellis; raised garden bed; garden bench; fire pit; garden arch; bird bath; obelisk; plant shelf | dims; stick |
galvanized steel; cedar; teak; cast iron; wrought iron; bamboo; corten steel | neutral | | heavy duty; weatherproof; rust
resistant; with cover; easy assembly; outdoor

garden | string lights; solar path lights; flood light | yard | | house | | solar powered; 100 LED; dimmable; waterproof; 8
modes; with timer

garden | plant pot; planter; hanging basket; watering can; compost bin; rain barrel; window box; self-watering planter; seed
tray; fuel can; garden sprayer | gallon; inch | terracotta; ceramic; plastic; galvanized steel; copper; resin; zinc; concrete;
coir | house | | with drainage hole; with saucer; with spout; indoor outdoor; set of 3; with lid; BPA free

garden | pruning shears; garden trowel; garden rake; loppers; weed puller; bird feeder; wind chimes; hose nozzle; hand
cultivator | inch | carbon steel; stainless steel; ash wood; steel; aluminum; brass | tool | | heavy duty; ergonomic;
telescopic; squirrel proof; rust resistant

garden | lawn mower; hedge trimmer; wheelbarrow; gardening gloves; string trimmer; garden cart | | | tool | | 40V; cordless;
foldable; heavy duty; with wrist strap; self propelled

garden | potting soil; grass seed; mulch; plant food; weed killer; garden lime | lb | | | | organic; for tomatoes; fast
growing; all purpose; slow release; pet safe

pets | dog bed; cat tree; cat scratching post; dog sofa; cat cave; pet blanket; crate pad | pet; crate | memory foam; sisal;
plush; corduroy; faux fur; sherpa; felt | neutral | | washable; orthopedic; for large dogs; for small dogs; with removable
cover; calming

pets | dog crate; pet carrier; dog playpen; litter box; dog house; pet gate; bird cage | crate; pet | plastic; metal; steel;
wood; wicker | neutral | | foldable; chew proof; airline approved; with tray; double door; indoor outdoor

pets | dog collar; dog leash; dog harness; dog sweater; dog raincoat; cat collar; retractable leash; dog bandana; dog life
jacket | pet | nylon; leather; neoprene; cotton; biothane; polyester; rope; hemp | bright |  | reflective; no pull; with
handle; adjustable; breakaway; with bell; for puppies; heavy duty

pets | dog food; cat litter; cat food; bird seed; dog treats; dog shampoo; pet stain remover; rabbit hay | lb | | | | grain
free; for puppies; chicken flavor; clumping; unscented; for indoor cats; with probiotics; salmon flavor

pets | dog bowl; cat water fountain; slow feeder bowl; treat jar; elevated feeder | volume | ceramic; stainless steel;
silicone; melamine; bamboo | house | | non-slip; dishwasher safe; with filter; set of 2; anti-gulp; for cats

pets | chew toy; catnip toy; puppy pads; dog ball; squeaky toy; rope toy | | rubber; natural rubber; cotton; nylon; plush |
bright | | indestructible; for aggressive chewers; for puppies; floating; interactive

office | spiral notebook; dot grid journal; planner; sketchbook; desk calendar; guest book | paper | recycled paper; kraft
paper; leather; faux leather; linen | soft | | college ruled; 120 pages; acid free; with pockets; hardcover; perforated;
undated

office | copy paper; envelopes; file folders; sticky notes; cardstock; greeting cards | paper | recycled paper; kraft paper |
soft | | 500 sheets; self seal; acid free; 100 ct; multipurpose; super sticky

office | whiteboard; bulletin board; chalkboard; document frame | dims; decor | cork; aluminum; glass; bamboo; felt; wood | |
| dry erase; magnetic; wall mounted; with tray; double sided

office | clipboard; desk pad; mouse pad; letter tray; ring binder; laminator; laptop desk | paper; dims | faux leather; felt;
cork; wood; leather; recycled plastic | neutral | | with storage; non-slip; stackable; waterproof; with low profile clip; dual
sided

office | gel pens; ballpoint pens; highlighters; permanent markers; mechanical pencil; fountain pen; colored pencils; white
board markers | pen | metal; plastic; brass; aluminum; wood | bright | | fine point; retractable; refillable; quick dry;
assorted; with eraser; non-toxic; smooth writing

office | stapler; scissors; pencil case; desk organizer; paper shredder; label maker; rubber bands; pencil sharpener; binder
clips; desk lamp; hole punch | | metal; plastic; steel; acrylic | bright | | heavy duty; cross cut; compact; electric; with
1000 staples; non-slip; 25 sheet capacity

bedding | sheet set; duvet cover; fitted sheet; pillowcases; flat sheet; bed skirt | bed; bed; bed; beddims | cotton; egyptian
cotton; linen; bamboo viscose; microfiber; satin; silk; percale; sateen; flannel; tencel | soft | | deep pocket; 400 thread
count; cooling; hypoallergenic; wrinkle free; with zipper; breathable

bedding | comforter; quilt; weighted blanket; bedspread; coverlet; duvet insert | bed; bed; beddims | cotton; microfiber;
linen; velvet; down; down alternative; muslin; wool | soft | | all season; cooling; oversized; reversible; lightweight;
quilted; machine washable

bedding | mattress; mattress topper; mattress protector; mattress pad | bed | memory foam; gel memory foam; latex; bamboo;
wool; cotton | | | medium firm; cooling; waterproof; hybrid; quilted; with deep pocket; CertiPUR

bedding | bed frame; platform bed; box spring; headboard; bunk bed; daybed | bed | metal; steel; pine; velvet; linen; rattan;
solid wood; oak | neutral | | with storage; no box spring needed; with drawers; noise free; adjustable; tufted

bedding | throw blanket; heated blanket; baby blanket; bed throw | dims; beddims | cotton; fleece; sherpa; chenille; wool;
mohair; acrylic; merino wool | soft | | ultra soft; reversible; fluffy; machine washable; with tassels; chunky knit

bedding | bath towel; hand towel; beach towel; bath mat; shower curtain; washcloths | dims; beddims | turkish cotton; cotton;
microfiber; waffle cotton; bamboo; organic cotton; linen | soft | | 600 GSM; quick dry; absorbent; non-slip; with hooks; set
of 4; hotel quality

bedding | bed pillow; body pillow; wedge pillow; neck pillow | bed; decor | memory foam; down; latex; feather; buckwheat;
polyester | | | cooling; adjustable; for side sleepers; set of 2; with washable cover; hypoallergenic

jewellery | engagement ring; wedding band; signet ring; stacking ring; promise ring; eternity band | ring | sterling silver;
14k gold; 18k white gold; titanium; tungsten; 925 silver; platinum; moissanite; 10k rose gold | | adult | hypoallergenic;
engraved; cubic zirconia; comfort fit; adjustable; with gift box; minimalist

jewellery | pendant necklace; chain necklace; choker; rope chain; locket; pearl strand | necklace | sterling silver; 14k gold;
gold vermeil; stainless steel; leather; brass; titanium; lapis lazuli | tone | adult | hypoallergenic; with gift box; layered;
personalized; initial; waterproof; dainty; tarnish free

jewellery | tennis bracelet; charm bracelet; bangle; beaded bracelet; cuff bracelet; anklet | wrist | sterling silver; 14k
gold; gold vermeil; stainless steel; leather; brass; titanium; freshwater pearl; lapis lazuli | tone | adult | hypoallergenic;
with gift box; layered; personalized; initial; waterproof; dainty; tarnish free

jewellery | hoop earrings; stud earrings; drop earrings; huggie earrings; brooch; cufflinks; nose ring; tie clip | stud |
sterling silver; 14k gold; titanium; surgical steel; gold vermeil; resin; brass | tone | adult | hypoallergenic; with gift
box; lightweight; cubic zirconia; screw back; vintage; nickel free

jewellery | wrist watch; watch band; dive watch; pocket watch; chronograph watch | watch | stainless steel; leather; titanium;
silicone; rubber; ceramic | tone | adult | with gift box; quartz; automatic; quick release; with date window

baby | baby bodysuit; sleep sack; baby romper; footie pajamas; baby bib; baby leggings; diaper cover; baby cardigan; swaddle
blanket; sun hat; baby socks; toddler pajamas | infant | organic cotton; bamboo; muslin; cotton; fleece; merino wool; jersey;
terry cloth | soft | child | with snaps; two-way zipper; 2 TOG; long sleeve; tagless; machine washable; with mittens

baby | baby bottle; sippy cup; pacifier; teether; baby bowl; snack cup | babyvol | silicone; glass; stainless steel; natural
rubber; plastic | soft | child | BPA free; anti-colic; dishwasher safe; leakproof; with lid

baby | diapers; training pants; swim diapers; cloth diapers | diaper | cotton; bamboo; organic cotton | | child | fragrance
free; hypoallergenic; overnight; wetness indicator

baby | baby wipes; baby lotion; baby shampoo; diaper cream; baby oil | babyml | | | | fragrance free; hypoallergenic;
unscented; for sensitive skin; tear free; 99% water

baby | stroller; car seat; high chair; baby monitor; playard; bath tub; baby swing; baby gate; bassinet | | | neutral | |
foldable; with sunshade; lightweight; with storage basket; easy clean; compact; travel system; 5-point harness

baby | crib mattress; changing pad; baby carrier; nursing pillow; diaper bag; crib sheet; play gym | | cotton; organic cotton;
muslin; polyester; vegan leather; linen | soft | | waterproof; breathable; machine washable; with pockets; hypoallergenic;
ergonomic

footwear | ballet flats; wedge heels; mules; stiletto pumps; platform sandals; t-strap heels | shoe | leather; suede; satin;
patent leather; vegan leather; velvet; cork | fashion | female | open toe; slip-on; comfortable; with ankle strap; pointed toe
"""
