"""News sentences of the mixed set: types, lexicons and patterns."""

from .blocks import patterns, terms

TYPES = {
    "PERSON": ("person", "Named private person, witness, expert or official in a report who is neither politician nor athlete"),
    "POLITICIAN": ("politician", "Named holder of or candidate for political office, such as a minister, mayor or senator"),
    "ATHLETE": ("athlete", "Named person who competes in sport, for example a runner, goalkeeper or tennis player"),
    "ORGANIZATION": ("organization", "Named public body, charity, union or agency that is neither a business nor a team"),
    "COMPANY": ("company", "Named business that sells goods or services, with its legal form where the text gives it"),
    "CITY": ("city", "Named town or city as a place on the map, not a team called after it"),
    "COUNTRY": ("country", "Sovereign state named as a place or as an actor in world affairs"),
    "EVENT": ("event", "Named happening people attend or follow, such as a summit, fair, marathon or tournament"),
    "DATE": ("date", "Calendar day, month, year, weekday or expression like yesterday that says when something happened"),
    "MONEY_AMOUNT": ("money amount", "Sum of money with its currency sign or word and any scale such as million"),
    "SPORTS_TEAM": ("sports team", "Club or side that plays matches, including a city or country name used for its team"),
    "NEWSPAPER": ("newspaper", "Printed or online daily or weekly paper cited as the source of a story"),
    "PERCENTAGE": ("percentage", "Share or rate given in percent, as figures with a sign or spelled out in words"),
}

UNSEEN_TYPES = {
    "MILITARY_UNIT": ("military unit", "Named regiment, brigade, squadron, division or battalion of an army, navy or air force"),
    "NATURAL_DISASTER": (
        "natural disaster",
        "Named storm, earthquake, wildfire, flood or eruption that causes damage to people or property",
    ),
    "SHIP": ("ship", "Individual vessel known by its own name, for example a ferry, trawler or tanker"),
}

LEXICONS = {
    "full": terms("{first} {last}"),
    "POLITICIAN": terms("{first} {last} | {first} {last} | {last}"),
    "ATHLETE": terms("{first} {last} | {first} {last} | {last}"),
    "ORGANIZATION": terms("""
        Harbour Workers' Union | National Weather Bureau | Open Water Trust | World Grain Council |
        Bridge to School Foundation | Federal Rail Inspectorate | Clean Air League | Northern Teachers' Association |
        Central Bank Supervisory Board | Institute for Coastal Research | Red Lantern Society | Drivers' Guild |
        Food Standards Authority | Border Police | Electoral Commission | Alpine Rescue Service | Society of Young Farmers |
        Refugee Housing Network | Space Debris Office | Ministry of Fisheries | National Audit Chamber |
        Consumer Rights League | Polar Science Agency | Nurses' Federation | Heritage Listing Board | Tenants' Union |
        Wildlife Watch | Department of Energy | European Court of Auditors | World Health Organization |
        Lake Basin Commission | Anti-Corruption Bureau | Small Islands Forum | Museum Trustees' Council
    """),
    "company_root": terms("""
        Velmont | Orbaline | Kestrel | Norbright | Quillon | Brightwater | Halden | Maplecross | Lumora | Oakhurst | Sundara |
        Tidewell | Greyfen | Copperfield | Ardent | Blue Heron | Castellane | Dravik | Eastgate | Falconer | Glasswing |
        Juniper | Korvan | Larkhill | Mistral | Ostrom
    """),
    "COMPANY": terms("""
        {company_root} | {company_root} | {company_root} Inc. | {company_root} Group | {company_root} Holdings |
        {company_root} AG | {company_root} Ltd | {company_root} Energy | {company_root} Airlines | {company_root} Bank |
        {company_root} Logistics | {company_root} Pharma | {company_root} Foods | Tamworth & Sons | Pacifica Solar |
        Zentivo Rail | Ferrocore | Hexa Motors | Nimbus Freight | Ivory Cocoa Traders | {last} & {last} | {last} Brothers |
        Banque {company_root}
    """),
    "CITY": terms("""
        Lisbon | Nairobi | Osaka | Winnipeg | Lyon | Leipzig | Kraków | Montevideo | Tbilisi | Hanoi | Accra | Sapporo |
        Antwerp | Porto | Cork | Aarhus | Tampere | Gdańsk | Bilbao | Graz | Basel | Turin | Cape Town | Durban | Casablanca |
        Amman | Karachi | Pune | Chennai | Dhaka | Busan | Cebu | Perth | Adelaide | Wellington | Recife | Quito | La Paz |
        Rosario | Guadalajara | Havana | Tucson | Omaha | Pittsburgh | Milwaukee | Halifax | Calgary | Glasgow | Leeds |
        Bristol | Tallinn | Riga | Vilnius | Brno | Plovdiv | Izmir | Almaty | Kigali | Lusaka | Valparaíso | Malmö |
        São Paulo | Nantes | Ghent
    """),
    "COUNTRY": terms("""
        Portugal | Kenya | Japan | Canada | France | Germany | Poland | Uruguay | Georgia | Vietnam | Ghana | Belgium |
        Ireland | Denmark | Finland | Spain | Austria | Switzerland | Italy | South Africa | Morocco | Egypt | Jordan |
        Pakistan | India | Bangladesh | South Korea | the Philippines | Australia | New Zealand | Brazil | Ecuador | Bolivia |
        Argentina | Mexico | Cuba | Chile | Estonia | Latvia | Lithuania | Bulgaria | Turkey | Kazakhstan | Rwanda | Zambia |
        Sweden | Norway | Peru
    """),
    "EVENT": terms("""
        {CITY} Marathon | {CITY} Book Fair | {CITY} Jazz Festival | {CITY} Motor Show | {CITY} Tech Week | {CITY} Grand Prix |
        Winter Games | Global Fisheries Summit | Harvest Fair | Ocean Forum | Continental Cup | World Chess Open |
        Night of Museums | Clean Energy Summit | Spring Regatta | Three Rivers Carnival | Tour of the Lakes |
        Junior Science Olympiad | Harbour Days | Women's Handball Championship | {CITY} Peace Conference |
        International Puppet Biennale | Trade Ministers' Meeting
    """),
    "day_on": terms("""
        Monday | Tuesday | Wednesday | Thursday | Friday | Saturday | Sunday | {1-28} {month} | {month} {1-28} |
        {1-28} {month} 20{10-24} | {month} {1-28}, 20{10-24} | Friday evening | Monday morning | New Year's Eve | Tuesday night
    """),
    "month": terms("January | February | April | May | June | July | August | September | October | November | December"),
    "period": terms("""
        {month} | {month} 20{10-24} | 20{10-24} | early {month} | late 20{10-24} | the summer of 20{10-24} | mid-{month}
    """),
    "ago": terms("""
        yesterday | last week | earlier this month | last {month} | two days ago | last Sunday | overnight on Monday |
        this spring
    """),
    "MONEY_AMOUNT": terms("""
        ${2-90} million | €{2-90} million | £{10-900},000 | {2-9}.{1-9} billion dollars | {20-400} million euros |
        ${1-9}.{1-9}bn | {2-80} million pounds | {d3} million yen | ${d3},000 | {2-9} million Swiss francs |
        half a million dollars | {d3} crore rupees | nearly €{2-9}bn | CAD {10-90} million | {10-90} million kronor |
        {d3},000 pesos | ¥{2-9} billion
    """),
    "SPORTS_TEAM": terms("""
        {CITY} | {CITY} United | {CITY} Rovers | {CITY} Wolves | {CITY} Falcons | Dynamo {CITY} | {CITY} Miners | {CITY} City |
        {CITY} Storks | the {CITY} Comets | Racing {CITY} | Real {CITY} | {CITY} Wanderers | Sporting {CITY} | {CITY} Thunder |
        Harbour Athletic | Northside Rangers | the Ironclads | the Night Herons | Old Mill Hockey Club | Seven Oaks Netball
    """),
    "NEWSPAPER": terms("""
        The {CITY} Herald | the {CITY} Morning Post | The {CITY} Ledger | the Daily Courier | The Evening Lantern |
        La Gaceta del Sur | Le Matin Libre | Die Neue Woche | The Coastal Times | Il Corriere Nuovo | The Sunday Register |
        the {CITY} Gazette | Nordlys Avis | The Weekly Compass | El Faro | The Business Mirror | The {CITY} Examiner |
        the Inland Chronicle | Dagens Post
    """),
    "PERCENTAGE": terms("""
        {2-98}% | {2-98} percent | {1-9}.{1-9}% | {1-9}.{1-9} per cent | twelve percent | forty percent | 0.{1-9}%
    """),
    "team_work": terms("""
        dam | bridge | hospital wing | tram line | wind farm | school roof | ferry terminal | desalination plant
    """),
    "goods": terms("""
        steel | cocoa | wheat | batteries | fertiliser | timber | tyres | frozen fish | vaccines | textbooks | used cars
    """),
    "sport": terms("800 metres | javelin | 100-metre butterfly | pole vault | slalom | 10,000 metres | women's single sculls"),
    "MILITARY_UNIT": terms("""
        14th Mountain Brigade | Third Armoured Division | Royal Fenland Regiment | 22nd Engineer Battalion |
        101st Signals Squadron | Seventh Coastal Artillery | Grey Lancers | 9th Parachute Battalion | Second Patrol Flotilla |
        36th Fighter Wing | Fusiliers of Saint Brice | 5th Field Ambulance Company | Northern Rifles | Eighth Army Corps |
        Desert Scouts Regiment | 61st Logistics Brigade | Black Stag Hussars | 17th Helicopter Squadron |
        First Marine Infantry | Highland Sappers
    """),
    "NATURAL_DISASTER": terms("""
        Hurricane Odette | Typhoon Kesari | Cyclone Marwen | the Black Ridge Fire | the Tamar Valley earthquake |
        Storm Eluned | the Pine Hollow wildfire | Tropical Storm Ruben | the Mount Asora eruption | the Great Vistula Flood |
        Cyclone Zubeda | Hurricane Percival | the Quillota landslide | Typhoon Haneul | the Low Creek Complex Fire |
        Storm Gerrit | the Andrada earthquake | Winter Storm Yvaine | the Sarawan tsunami | Hurricane Beatrix
    """),
    "SHIP": terms("""
        MV Northern Heron | Queen Adelheid | USS Garrick | HMS Penhale | Star of Trieste | Almira II | MS Fjordlys |
        SS Corrigan | the Esperanza Azul | RV Meridian | Ocean Matriarch | Maersk Tolvar | HMCS Wolfville | Silver Petrel |
        MT Kalliope | the Saint Brendan | Pearl Voyager | INS Tarini | Lady Rowena | MV Doña Paz Segunda
    """),
}

PATTERNS = patterns("""
- {POLITICIAN}, the mayor of {CITY}, resigned on {DATE:day_on} after {NEWSPAPER} published her expenses.
- Shares in {COMPANY} fell {PERCENTAGE} on {DATE:day_on}.
- {SPORTS_TEAM} beat {SPORTS_TEAM} 3-1, with two late goals by {ATHLETE}.
- {COUNTRY} and {COUNTRY} will share the cost of the {team_work}, put at {MONEY_AMOUNT}.
- "We heard a bang and then the lights went out," said {PERSON:full}, who lives in {CITY}.
- {COMPANY} is to buy its rival {COMPANY} for {MONEY_AMOUNT}, {NEWSPAPER} reported {DATE:ago}.
- The {ORGANIZATION} has warned that prices of {goods} could rise by {PERCENTAGE} before {DATE:period}.
- Thousands lined the streets of {CITY} for the {EVENT}.
- {ATHLETE} won the {sport} in {CITY} {DATE:ago}, ahead of {ATHLETE} and {ATHLETE}.
- Talks between {COUNTRY} and the {ORGANIZATION} broke down in {DATE:period} over {goods}.
- Nobody was hurt, police said.
- Why did {COMPANY} leave {COUNTRY}?
- {POLITICIAN} leads {POLITICIAN} by {PERCENTAGE}, according to a poll for {NEWSPAPER}.
- {CITY} lost at home to {SPORTS_TEAM:CITY} again; the fans of {SPORTS_TEAM} are used to it.
- {PERSON:full}, a spokeswoman for the {ORGANIZATION}, declined to comment.
- Rain stopped play.
- {MONEY_AMOUNT}: that is what the {team_work} in {CITY} has cost so far, and it is not finished.
- A court in {COUNTRY} ordered {COMPANY} to pay {MONEY_AMOUNT} to {PERSON:full}, a former driver, who had complained to the
  {ORGANIZATION} as long ago as {DATE:period}.
- {SPORTS_TEAM} have signed {ATHLETE} from {SPORTS_TEAM} for {MONEY_AMOUNT}.
- Turnout in {CITY} was {PERCENTAGE}, the lowest since {DATE:period}.
- {EVENT} cancelled over heat
- {COMPANY} cuts 400 jobs in {CITY}
- {COUNTRY} bans imports of {goods} from {COUNTRY}
- {POLITICIAN} to {NEWSPAPER}: "I will not stand again"
- The prime minister of {COUNTRY}, {POLITICIAN:full}, arrives in {CITY} on {DATE:day_on} for the {EVENT}, where she is expected
  to promise {MONEY_AMOUNT} for a new {team_work}.
- According to {PERSON:full} of the {ORGANIZATION}, only {PERCENTAGE} of the homes damaged {DATE:ago} were insured.
- {ATHLETE} limped off after nine minutes and will miss the {EVENT:cup}.
- After {SPORTS_TEAM} drew with {SPORTS_TEAM} on {DATE:day_on}, the coach blamed the grass, the referee and the long bus ride.
- In {DATE:period} the city fathers of {CITY} sold the old market hall to {COMPANY} for {MONEY_AMOUNT:token_sum}.
- {PERSON:full} has been missing since {DATE:day_on}. Anyone who has seen her is asked to call the {ORGANIZATION}.
- The {ORGANIZATION} fined {COMPANY} {MONEY_AMOUNT} for selling faulty {goods}.
- {SPORTS_TEAM:COUNTRY} beat {SPORTS_TEAM:COUNTRY} on penalties to reach the final of the {EVENT:cup}.
- Unemployment in {COUNTRY} fell to {PERCENTAGE} in {DATE:period}, from {PERCENTAGE} in {DATE:period}.
- Corrections: an article on {DATE:day_on} misspelled the name of {PERSON:full}, who runs the {EVENT}.
- {POLITICIAN} and {POLITICIAN} clashed over the price of {goods} in the first debate of the campaign.
- Inflation, at {PERCENTAGE}, is no longer the main worry of voters in {CITY}; the missing {team_work} is.
- Letters to {NEWSPAPER} ran two to one against the plan.
- The editor of {NEWSPAPER}, {PERSON:full}, will move to {NEWSPAPER} in {DATE:period}.
- For the first time, {COUNTRY} will host the {EVENT}; {CITY} and {CITY} have both offered their stadiums.
- {DATE=Yesterday}'s strike by the {ORGANIZATION} left passengers stranded in {CITY} and {CITY}.
- {COMPANY}, founded in {CITY} in {DATE:year}, makes a third of the world's {goods}.
- Asked about the {MONEY_AMOUNT} that {COMPANY} gave to his campaign, {POLITICIAN} hung up.
- It took rescuers from the {ORGANIZATION} eleven hours to reach {PERSON:full} and her two dogs.
- {ATHLETE}, 19, grew up in {CITY} but runs for {COUNTRY}.
- {SPORTS_TEAM} are for sale. Asking price: {MONEY_AMOUNT}.
- Profits at {COMPANY} were up {PERCENTAGE}, helped by demand for {goods} in {COUNTRY}, while {COMPANY} made a loss of
  {MONEY_AMOUNT}.
- Rents have doubled in {CITY} since {DATE:period}, and tenants such as {PERSON:full}, a baker, pay {PERCENTAGE} of what they
  earn.
- The trade minister, {POLITICIAN:full}, called the report in {NEWSPAPER} "a fairy tale".
""")

HELD_OUT_PATTERNS = patterns("""
- Fire destroyed a warehouse of {COMPANY} near {CITY} on {DATE:day_on}, with damage put at {MONEY_AMOUNT}.
- {ATHLETE} has broken the record in the {sport}.
- {POLITICIAN:full}, once a teacher in {CITY}, was sworn in as president of {COUNTRY} {DATE:ago}.
- The {ORGANIZATION} expects {PERCENTAGE} fewer visitors at the {EVENT} than in {DATE:period}.
- Interest stays at {PERCENTAGE}
- {NEWSPAPER} and {NEWSPAPER} both led with the defeat of {SPORTS_TEAM}.
- Who is {PERSON:full}, and why does {COMPANY} want her silence?
- {SPORTS_TEAM:CITY} go top after beating {SPORTS_TEAM} in {CITY}.
- {COUNTRY} will lend {COUNTRY} {MONEY_AMOUNT} to import {goods}.
""")

UNSEEN_PATTERNS = patterns("""
- {SHIP} ran aground off {COUNTRY} on {DATE:day_on} with 212 passengers on board.
- Soldiers of the {MILITARY_UNIT} filled sandbags in {CITY} as {NATURAL_DISASTER} came closer.
- {NATURAL_DISASTER} has killed at least nine people in {COUNTRY}, the {ORGANIZATION} said.
- Insurers put the bill for {NATURAL_DISASTER} at {MONEY_AMOUNT}.
- Colonel {PERSON:full}, who commands the {MILITARY_UNIT}, denied the story in {NEWSPAPER}.
- The tanker {SHIP}, owned by {COMPANY}, was towed to {CITY} {DATE:ago}.
- Long after {NATURAL_DISASTER}, families in {CITY} still live in trailers.
- {MILITARY_UNIT} to leave {COUNTRY} by {DATE:period}
- Crew of {SHIP} rescued
- What the sailors of {SHIP} saw out there, {PERSON:full} would not say.
- {COUNTRY} sent the {MILITARY_UNIT} and the {MILITARY_UNIT} to the border.
- Ferries {SHIP} and {SHIP} collided in fog; {NATURAL_DISASTER} was still far off.
- "{NATURAL_DISASTER} took the roof, the cows, everything," said {PERSON:full}.
- {POLITICIAN:full} thanked the {MILITARY_UNIT} for its help after {NATURAL_DISASTER}, and promised {MONEY_AMOUNT} for new
  roofs.
- Bidding for {SHIP}, which once carried {goods} between {CITY} and {CITY}, opens at {MONEY_AMOUNT}.
""")

LEXICONS["token_sum"] = terms("one euro | $1 | a single pound | ten dollars")
LEXICONS["cup"] = terms("""
    Continental Cup | Winter Games | {CITY} Trophy | World Handball Championship | Lakes Shield | {CITY} Open
""")
LEXICONS["year"] = terms("18{70-99} | 19{10-99}")
