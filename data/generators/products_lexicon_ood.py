"""The brands, product types and colours of the test_ood products: none of them is in the other splits.

A group is a paragraph: category | types | size kinds | materials | palette | gender set | features.
"""

OOD_BRANDS = """
music: Cadenza Hollow; Thornbury Strings; Resonara; Ottavino Bros; Bluegill Acoustics; Fretmoor; Klangwerk Ost; Tremolo &
Pine; Luthier Vask; Percussorn; Drumlin Yard

fishing: Castaway Brine; Hookmere; Troutwyn; Gillbright; Angler's Marrow; Reelhaven Pike; Saltmarsh Lures; Eddyline Kyte;
Copper Minnow; Lake & Lure

aquarium: Aquavelle Reef; Finhollow; Tidepool Tess; Corallune; Nanoreef Jord; Bubblewick; Clearfin; Silver Tetra; Marinova
Tank

automotive: Gearhollow; Roadwyn; Torquay Auto; Motoravik; Axleby; Pistonmere; Black Piston Bay; Drivara; Garage Nineteen;
Velocarra

bakery: Flourish & Fold; Crumbwell; Levain Street; Ofenglut; Rye & Rosette; Piper Choux; Boulangère Maude; Sugarquill;
Doughmere

astronomy: Orbitelle; Stargrove Optics; Nebulark; Perihelion Works; Celestarn; Dark Meridian; Zenithal; Astrowick

equestrian: Canterfield; Stirrup & Rye; Equinora; Hoofbridge; Palomar Tack; Gallopine; Chestnut Mare Saddlery; Dressmere

archery: Fletchwood; Arrowmoor; Bullseye Tarn; Quiverin; Longbow Hythe; Archiva

diving: Abyssal Oak; Finwave; Depthora; Bathys Nord; Snorkelby; Blue Manta Dive; Océane Tiv

needlework: Threadneedle Wren; Purlhaven; Bobbin & Bracken; Stitchmoor; Yarnaby; Hoop & Thimble; Tricotine; Woolhollow

beekeeping: Apiarist Vale; Hivemoor; Honeycomb Rudd; Skep & Clover; Golden Drone; Beewyn

dance: Plié Lane; Arabesque Moth; Tutuvelle; Danseur Nové; Swanlight; Barre & Bow

brewing: Hopsgarth; Maltwick; Carboy Collective; Wort & Whistle; Brewmere; Fermenta Nine; Amber Kettle Co

martial arts: Dojomark; Kiaido; Steel Crane; Tatamira; Budovale

calligraphy: Scriptorelle; Nibwright; Vellum Fox; Flourish Ink Mill
"""

OOD_PALETTES = """
music: tobacco sunburst; cherry sunburst; honeyburst; sunburst; candy apple; surf green; seafoam; butterscotch blonde;
oxblood; natural satin; vintage amber; ultramarine; sunburst/ebony

fishing: firetiger; chartreuse; perch; watermelon seed; chrome shad; pumpkinseed; bubblegum; crawdad; chartreuse/pumpkinseed

muted: graphite; anthracite; vermilion; ochre; umber; sienna; ecru; mocha; espresso; cinnamon; oxblood; cognac; moss; fern;
petrol; indigo; cobalt; champagne; saffron; chestnut; sepia

vivid: periwinkle; fuchsia; scarlet; crimson; cerulean; cyan; cobalt; indigo; azure; mulberry; saffron; apricot; chartreuse;
pistachio; aubergine; violet; celadon; viridian; fuchsia/violet; indigo/ecru; mauve; heliotrope; raspberry

inks: sepia; indigo; viridian; crimson; umber; vermilion; ultramarine; verdigris; violet; heliotrope; cobalt
"""

OOD_TYPES = """
music | ukulele; acoustic guitar; mandolin; banjo; violin; cello; resonator guitar; soprano ukulele; lap steel; bass guitar;
dulcimer | instrument | mahogany; spruce; rosewood; maple; koa; ebony; cedar | music |  | with gig bag; cutaway; left handed;
beginner; 12 string; solid top; hand carved

music | clarinet; trumpet; harmonica; oboe; flute; alto saxophone; trombone; piccolo; melodica; kalimba | | brass; silver
plated brass; rosewood; nickel silver; ebony; mahogany | music | | key of C; student; with hard case; 17 key; B flat; 10 hole;
for beginners

music | capo; plectrums; metronome; guitar tuner; clarinet reeds; violin bow; rosin; guitar strings; kazoo | | nylon;
horsehair; carbon fiber; celluloid; phosphor bronze; brass | music | | for beginners; light gauge; quick change; vintage

fishing | spinning reel; baitcaster; fly rod; spinning rod; surf rod; ice fishing rod; telescopic rod; rod and reel combo |
rod | graphite composite; carbon fiber; fiberglass; bamboo; aluminum | muted | | 6.2:1 gear ratio; medium heavy; saltwater;
left hand; 12+1 BB

fishing | chest waders; wading smock; angler gaiters; hip waders | letter | neoprene; nylon; breathable nylon; rubber | muted
| adult | waterproof; with felt soles; stocking foot; with pockets; insulated

aquarium | canister filter; aquarium heater; air pump; protein skimmer; fish tank; betta tank; algae scraper; nano aquarium;
powerhead; terrarium; undergravel filter; fish net | tank | glass; acrylic; low iron glass; plastic; nylon mesh | vivid | |
200 GPH; 100W; adjustable; with light; submersible; for saltwater; rimless; quiet

aquarium | aquarium gravel; driftwood; fish flakes; nitrate tester; lava rock; shrimp substrate; dechlorinator; algae wafers;
coral frag plug; aquascape plants | lb; volume | | vivid | | nutrient rich; for shrimp; natural; for cichlids; pH neutral

bakery | rye flour; sourdough starter; fondant; food dye; edible glitter; vanilla extract; yeast; sprinkles; marzipan; gold
leaf | lb; volume | | vivid | | organic; gluten free; non GMO; kosher; bulk; stone ground; fine

astronomy | reflector telescope; refractor telescope; dobsonian; planetarium; telescope eyepiece; star diagonal; barlow lens;
equatorial mount; finderscope; astronomical binoculars; solar viewer; collimator; dew heater | scope | aluminum; carbon fiber;
brass; optical glass; steel | muted | | f/5; 10x50; with tripod; fully coated; motorized; for beginners; GoTo; 1000x

equestrian | jodhpurs; breeches; paddock half chaps; show stock tie; riding crop; hacking waistcoat | waist2; letter |
leather; cotton; microfibre; suede; wool; nylon | muted | adult | full seat; silicone grip; knee patch; high waist;
competition

diving | wetsuit; drysuit; dive hood; dive booties; dive fins | letter; shoe | neoprene; yamamoto neoprene; lycra; rubber;
nylon | vivid | adult | with zipper; back zip; thermal; full foot; long sleeve; hooded

diving | snorkel; dive mask; regulator; buoyancy compensator; dive torch; underwater housing; speargun; surface marker buoy |
| silicone; tempered glass; titanium; brass; aluminum; nylon | vivid | | dry top; 1000 lumens; low volume; anti fog;
prescription; with mouthpiece

music | cymbal; handpan; gong; crotales | inch | brass; bronze; B20 bronze; steel | | | hammered; with padded bag; hand tuned;
for beginners

music | snare; djembe; cajon; bongos; tambourine; tabla; drumsticks; timpani mallets | inch | birch; maple; hickory; mahogany;
walnut | music | | hand tuned; tunable; with padded bag; for beginners; student

fishing | crankbait; spinnerbait; topwater lure; wobbler; jig; bobber; soft plastic worm; fly assortment | lure | balsa;
silicone; feather; tungsten | fishing | | deep diving; barbless; for bass; with rattle; weedless; scented

fishing | treble hooks; swivels; sinkers; fishing line; leader spool | | fluorocarbon; monofilament; tungsten; lead-free tin;
high-carbon steel | muted | | 10 lb test; saltwater; invisible; 25 pieces; abrasion resistant

automotive | brake rotor; brake pads; spark plug; radiator; fuel injector; alternator; shock absorber; wheel bearing; lug
nuts; exhaust tip; tow hitch; wiper blades | part | stainless steel; cast iron; forged steel; iridium; aluminum | | | OEM fit;
front left; slotted; with hardware; heavy duty; direct replacement; 5 lug

automotive | steering wheel cover; car floor liners; windshield sunshade; sun visor extender; mud flaps; hubcaps; alloy rims;
roof rails; tonneau | rim | leather; neoprene; rubber; TPE; aluminum | muted | | universal; custom fit; all weather; non-slip;
easy install

bakery | banneton; proofing basket; baguette couche; dough docker; bread lame; bench scraper; pastry blender | inch; cm |
rattan cane; linen; beech wood; stainless steel | | | with liner; food grade; hand woven; professional

bakery | bundt mold; piping tips; springform; madeleine mold; cake turntable; sugar thermometer; canele mould | inch; cm |
silicone; stainless steel; aluminized steel; carbon steel; aluminum | muted | | dishwasher safe; nonstick; set of 6;
professional; food grade

equestrian | bridle; saddle; girth; halter; lead shank; martingale; reins; lunge line | horse | leather; nylon; waxed leather;
cotton; sheepskin | muted | | anatomical; padded; with reins; adjustable; quick release; english

equestrian | saddle pad; horse rug; fly veil; stable sheeting; tail wrap | horse | cotton; fleece; wool; sheepskin; polyester
| muted | | breathable; 200g fill; turnout; quilted; for shows

equestrian | stirrups; horse bit; curry comb; hoof pick; spurs; mane detangler | hand | stainless steel; rubber; aluminum;
brass | muted | | english; western; eggbutt; loose ring; ergonomic

archery | recurve bow; longbow; compound bow; crossbow; arrows; bow stringer; broadheads | archery | carbon; maple;
fiberglass; bamboo; aluminum; cedar | muted | | 40 lb draw; right handed; takedown; spine 500; for beginners

archery | quiver; bracer; finger tab; archery target; bow sight; fletching jig | | leather; suede; canvas; foam; cordura nylon
| muted | | right handed; with strap; adjustable; traditional; for beginners

needlework | circular needles; crochet hook; knitting loom; embroidery hoop; stitch markers; darning mushroom; thimble;
spindle | craft | bamboo; aluminum; beech wood; brass; rosewood; birch | vivid | | ergonomic; set of 12; interchangeable;
lightweight; for beginners

needlework | yarn; embroidery floss; roving; bias binding; lace trim | yarn | merino wool; cotton; alpaca; mohair; acrylic;
linen | vivid | | worsted weight; 5 skeins; hand dyed; DK; fingering; mercerized

needlework | sewing machine; bobbins; fabric shears; tapestry canvas; quilting ruler; pincushion; pattern weights | | | vivid
| | 60 stitches; left handed; with case; for beginners; heavy duty

beekeeping | bee smoker; hive tool; honey extractor; uncapping fork; queen excluder; frame gripper | inch | stainless steel;
galvanized steel | | | 2 frame; with bellows; for beginners; manual

beekeeping | beehive; swarm trap; nuc hive; hive frame foundation; entrance reducer | | cedar; pine; beeswax; fir | muted | |
10 frame; 8 frame; ventilated; unassembled; langstroth

beekeeping | bee suit; bee veil; apiary gauntlets; beekeeper smock | letter | cotton canvas; cowhide; cotton; polycotton |
muted | adult | ventilated; with fencing hood; 3 layer; elbow length

dance | leotard; tutu; unitard; dance tights; legwarmers; ballroom gown; ballet wrap; shrug bolero; pointe ribbons | letter |
lycra; tulle; cotton; spandex; mesh; velvet; satin; nylon | vivid | dancer | long sleeve; backless; footless; with gusset;
competition; convertible

dance | jazz pumps; pointe slippers; ballroom kitten pumps | shoe | leather; satin; canvas; suede | vivid | dancer | split
sole; full sole; with elastics; suede sole

brewing | fermenter; carboy; keg; mash tun; kombucha crock; beer growler | gallon; liters | glass; stainless steel; PET
plastic; stoneware | muted | | with spigot; food grade; ball lock; homebrew; with thermometer

brewing | airlock; hydrometer; bottle capper; wort chiller; siphon; grain mill; bung; refractometer | | copper; stainless
steel; silicone; glass | | | triple scale; homebrew; with case; food grade; 2 roller

martial arts | judo gi; karate uniform; taekwondo dobok; hakama; kendo armour | gi; letter | cotton; hemp; polyester; pearl
weave cotton | muted | adult | 450 gsm; competition; single weave; with sash; WKF style; training

martial arts | bo staff; bokken; nunchaku; kali sticks; escrima baton | stick | rattan; red oak; white oak; foam; hickory | |
| competition; training; with case; tapered; engraved

calligraphy | dip nib; oblique penholder; quill; wax seal; inkwell; burnisher | | brass; bronze; rosewood; glass; goose
feather; copper | inks | | flexible; with initial; for beginners; left-handed; italic

calligraphy | calligraphy ink; gouache; walnut ink; shellac ink; blotting sand | vol2 | | inks | | waterproof; pigment based;
archival; shimmering; lightfast

calligraphy | vellum leaves; blotter; calligraphy practice leaves | paper | cotton rag; goatskin; rice paper; kozo | | |
archival; 50 leaves; deckle edge; acid free
"""
