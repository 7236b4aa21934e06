"""Questions and remarks about films of the mixed set: types, lexicons and patterns."""

from .blocks import patterns, terms

TYPES = {
    "MOVIE_TITLE": ("movie title", "Title of a film, short or long, even where it looks like an ordinary name or phrase"),
    "DIRECTOR": ("director", "Named film-maker who directed or is asked about as directing a picture"),
    "ACTOR": ("actor", "Named performer who plays, voices or stars in a film, woman or man"),
    "GENRE": ("genre", "Kind of film such as western, romantic comedy or space opera, as viewers sort them"),
    "CHARACTER": ("character", "Fictional figure in a story, by name or by the nickname used on screen"),
    "RELEASE_YEAR": ("release year", "Year or decade in which a picture came out or which the viewer asks for"),
    "FILM_AWARD": ("film award", "Prize or category of prize given to a picture or to the people who made it"),
    "SONG": ("song", "Title of a piece of music with lyrics that is heard in a film"),
    "RATING": ("rating", "Age classification or score that critics or viewers gave, in letters, stars or numbers"),
    "PLOT_KEYWORD": ("plot keyword", "Thing or theme the story is about, such as time travel or a bank heist"),
    "SCREENWRITER": ("screenwriter", "Named author of the script or screenplay on which the picture is based"),
    "COMPOSER": ("composer", "Named musician who wrote the score or theme music of a picture"),
}

UNSEEN_TYPES = {
    "STREAMING_SERVICE": ("streaming service", "Online platform where viewers can watch films and series on demand"),
    "FILM_STUDIO": ("film studio", "Company that finances, makes or distributes motion pictures under its name"),
    "FILM_FESTIVAL": ("film festival", "Recurring gathering at which new pictures are shown to a jury and the public"),
}

LEXICONS = {
    "MOVIE_TITLE": terms("""
        The Glass Orchard | Midnight at Pier Nine | {first} {last} | Seven Winters | A Dog Called Tuesday | {city_title} |
        Salt and Smoke | The Last Cartographer | Run, {first}, Run | Paper Moons of Mars | The Tailor's Apprentice |
        Nobody Waters the Roses | Iron Lullaby | Return to Hollow Creek | The Beekeeper's War | Zero Kelvin |
        Goodnight, {city_title} | Two Tickets to Yesterday | Starfall Protocol | The Quiet Ones Next Door |
        My Cousin the Vampire | Red Dust Riders | Love in Platform Shoes | Undertow | The {num_word} Doors of {city_title} |
        Kings of the Kitchen | Howl | Before the Ferry Leaves | Robot Summer | Moth | Sugar Rush Hour |
        Letters from the Lighthouse | Dead Men Don't Tango | Blackout | The Emperor of Ice Rinks | Grandma's Getaway |
        13 Candles Street | {first} and the Thunder Machine | Escape from Planet Lint | The Long Divorce |
        Ghosts of the Assembly Line | Velvet Hammer
    """),
    "city_title": terms("Lisbon | Trieste | Bombay | Santa Fe | Odessa | Tangier | Buffalo | Macao | Prague | Reykjavik"),
    "num_word": terms("Seven | Nine | Thirteen | Hundred"),
    "DIRECTOR": terms("{first} {last} | {first} {last} | {first} {u1}. {last} | {last}"),
    "ACTOR": terms("{first} {last} | {first} {last} | {first} {last}"),
    "SCREENWRITER": terms("{first} {last} | {first} {last} | {u1}. {u1}. {last}"),
    "COMPOSER": terms("{first} {last} | {first} {last} | {first} {last}"),
    "GENRE": terms("""
        horror | romantic comedy | western | film noir | science fiction | musical | thriller | coming-of-age drama |
        war film | mockumentary | space opera | documentary | heist movie | slasher | period drama | martial arts | fantasy |
        road movie | dark comedy | biopic | animated film | spy thriller | courtroom drama | disaster movie | silent film |
        superhero movie | anime | melodrama | whodunit
    """),
    "CHARACTER": terms("""
        Captain Brine | Agent Lemaire | Duchess Orla | Old Man Pike | Zibby the Robot | Professor Quill | Sister Agnes |
        Mad Jack Tully | The Locksmith | Queen Ysolde | Inspector Gallo | Little Fern | Baron von Stump | Doctor Umbra |
        Nana Bee | Sergeant Holt | Moonbeam Kelly | The Grey Widow | Uncle Dezi | Commander Voss | Pip Marlow | Tiberius Fang |
        Detective Rao | Wolfgirl
    """),
    "RELEASE_YEAR": terms("19{20-99} | 20{10-24} | 200{0-9} | the {decade} | the early {decade} | the late {decade}"),
    "decade": terms("1920s | 1940s | 1950s | 1960s | 1970s | 1980s | 1990s | 2000s | 2010s | eighties | nineties | '70s"),
    "FILM_AWARD": terms("""
        Golden Lantern | Best Picture | Silver Reel | Best Supporting Actress | Oscar | Critics' Choice Prize |
        Best Original Score | Palme d'Or | Golden Globe | Grand Jury Prize | Best Foreign Language Film | BAFTA |
        Audience Award | Best Costume Design | César | Best Debut | Golden Bear | Honorary Lifetime Award | Best Editing |
        Goya | Worst Sequel Raspberry
    """),
    "SONG": terms("""
        Dancing on the Ferry | Blue Umbrella | Carry Me, River | Neon Heart | Ten Miles of Rain | Hold the Elevator |
        Sweet Marigold | Goodbye, Harbour Lights | Rattlesnake Waltz | Never Been to Memphis | Lullaby for a Lion |
        We Were Kings | Paper Crown | Take the Night Train | Honey in the Engine | Ballad of the Broken Spoon | Shine Again |
        Moonlight on the Motorway
    """),
    "RATING": terms("""
        PG-13 | R | PG | NC-17 | {1-5} stars | {3-9}.{0-9} out of 10 | {40-99}% on the critics' meter | 12A | FSK 16 |
        two thumbs up | {2-9}/10 | certificate 15 | TV-MA | {1-4}.5 stars | U
    """),
    "PLOT_KEYWORD": terms("""
        time travel | bank heist | amnesia | talking animals | an alien invasion | a haunted house | mistaken identity |
        a prison break | a love triangle | a road trip | a zombie outbreak | body swap | revenge | a chess prodigy |
        a lost treasure | artificial intelligence | a summer camp | a serial killer | twins separated at birth | a volcano |
        a wedding gone wrong | a shipwreck | parallel universes | a spelling bee | a cursed painting | dragons |
        a kidnapped ambassador | first love | a secret twin | a submarine | beekeeping
    """),
    "STREAMING_SERVICE": terms("""
        Netflix | Hulu | Disney+ | StreamBarn | Filmic Now | Crunchyroll | Reelhouse Plus | Kinobox | Paramount+ | Vudu |
        Mubi | Peacock | WatchNest | Tubi | Curiosity Loft | ArteFlix
    """),
    "FILM_STUDIO": terms("""
        Pinewood Crescent Pictures | Paramount Pictures | Cinecittà | Blue Anvil Films | Studio Ghibli |
        Tall Giraffe Productions | Lionsgate | Dreamloom Animation | Toho | Gaumont | Miramax | Larkfield Entertainment |
        Nordisk Film | Universal Pictures
    """),
    "FILM_FESTIVAL": terms("""
        Sundance | the Berlinale | Cannes | the Locarno Film Festival | the Toronto International Film Festival |
        Midnight Shorts Weekend | Telluride | the Karlovy Vary festival | the Venice Film Festival | Fantasia Fest |
        the Rotterdam Festival | SXSW | Tribeca | Tallinn Black Nights | the Busan International Film Festival
    """),
}

PATTERNS = patterns("""
- lc| who directed {MOVIE_TITLE}
- What {GENRE} came out in {RELEASE_YEAR} with {ACTOR} and {ACTOR}?
- Did {MOVIE_TITLE} win the {FILM_AWARD}?
- lc| show me a(n) {GENRE} about {PLOT_KEYWORD} from {RELEASE_YEAR}
- Which song plays when {CHARACTER} leaves the bar in {MOVIE_TITLE}: "{SONG}" or "{SONG}"?
- {DIRECTOR} has never made a(n) {GENRE}, has she?
- Who plays {CHARACTER} in {MOVIE_TITLE}?
- lc| movies rated {RATING} starring {ACTOR}
- {MOVIE_TITLE} ({RELEASE_YEAR}), written by {SCREENWRITER}, scored by {COMPOSER}.
- I'm looking for a film from {RELEASE_YEAR} where {ACTOR} plays a pilot who gets mixed up in {PLOT_KEYWORD}; I think {DIRECTOR}
  directed it, and "{SONG}" is in the closing credits.
- Is {MOVIE_TITLE} suitable for children?
- lc| what is that {GENRE} with {PLOT_KEYWORD} and {PLOT_KEYWORD}
- How many times was {COMPOSER} nominated for {FILM_AWARD:score}?
- {ACTOR} was better as {CHARACTER} than as {CHARACTER}.
- Why is {MOVIE_TITLE} rated {RATING}?
- lc| any good {GENRE} by {DIRECTOR}
- Was {MOVIE_TITLE} shot before or after {MOVIE_TITLE}?
- "{SONG}" from {MOVIE_TITLE} has been in my head all day.
- lc| list films written by {SCREENWRITER} in {RELEASE_YEAR}
- Did {SCREENWRITER} and {DIRECTOR} ever work together again after {MOVIE_TITLE}?
- Name a(n) {GENRE} with {ACTOR} that got {RATING:stars}.
- Can you recommend something for tonight?
- My grandmother swears that {ACTOR} was married to {COMPOSER}, who wrote the music for {MOVIE_TITLE}. Is she right?
- The {GENRE} {MOVIE_TITLE} got {RATING:stars} and still lost the {FILM_AWARD} to {MOVIE_TITLE}.
- lc| film with {CHARACTER} and {CHARACTER}
- Whose voice is {CHARACTER}, {ACTOR}'s or {ACTOR}'s?
- lc| {MOVIE_TITLE} soundtrack composer
- In {RELEASE_YEAR} {DIRECTOR} turned down the {FILM_AWARD}.
- I liked it, but the ending made no sense.
- Does {CHARACTER} die?
- Which {GENRE} inspired {DIRECTOR} to make {MOVIE_TITLE} in {RELEASE_YEAR}?
- Best {GENRE} of {RELEASE_YEAR}, go!
- lc| {DIRECTOR} {GENRE} {RELEASE_YEAR}
- Who wrote {MOVIE_TITLE}, {SCREENWRITER} or {SCREENWRITER}?
- A story about {PLOT_KEYWORD} usually bores me, yet {MOVIE_TITLE} did not.
- What year was {MOVIE_TITLE} released? I say {RELEASE_YEAR}, my brother says {RELEASE_YEAR}.
- {ACTOR} sings "{SONG}" herself, according to {COMPOSER}.
- Before he became a director, {DIRECTOR} wrote a(n) {GENRE} called {MOVIE_TITLE} under another name, and nobody noticed until
  it won the {FILM_AWARD} in {RELEASE_YEAR}.
- How old was {ACTOR} in {MOVIE_TITLE}?
- lc| is there a sequel to {MOVIE_TITLE}
- I need a(n) {GENRE} for a class of twelve-year-olds, nothing above {RATING:age}, preferably about {PLOT_KEYWORD}.
- lc| movies with {PLOT_KEYWORD}
- Five nominations, among them {FILM_AWARD} and {FILM_AWARD}, and it won none.
- {CHARACTER}, {CHARACTER} and {CHARACTER} meet for the first time in {MOVIE_TITLE}.
- lc| which {ACTOR} movie has the song {SONG}
- Critics gave it {RATING:stars}, I would give it {RATING:stars}.
- lc| when did the {GENRE} with {ACTOR} win {FILM_AWARD}
- Was {COMPOSER}'s score for {MOVIE_TITLE} recorded with a real orchestra?
- Tell me everything about the making of {MOVIE_TITLE}.
- {SCREENWRITER}'s script put {CHARACTER} on a boat; {DIRECTOR} put her on a train.
""")

HELD_OUT_PATTERNS = patterns("""
- lc| what was {ACTOR} in
- In which film does {CHARACTER} sing "{SONG}"?
- Is {MOVIE_TITLE} a(n) {GENRE} or a(n) {GENRE}?
- lc| {RELEASE_YEAR} {GENRE} rated {RATING}
- Has {COMPOSER} ever scored a(n) {GENRE} for {DIRECTOR}?
- Give me three films about {PLOT_KEYWORD}, none older than {RELEASE_YEAR}.
- {ACTOR} deserved the {FILM_AWARD} for {MOVIE_TITLE}, don't you think?
- {SCREENWRITER} says {CHARACTER} is based on her landlord.
- lc| did {DIRECTOR} also act in {MOVIE_TITLE}
""")

UNSEEN_PATTERNS = patterns("""
- Is {MOVIE_TITLE} on {STREAMING_SERVICE} or {STREAMING_SERVICE}?
- lc| what's new on {STREAMING_SERVICE}
- {MOVIE_TITLE} had its premiere at {FILM_FESTIVAL} in {RELEASE_YEAR}.
- Which {GENRE} did {FILM_STUDIO} make in {RELEASE_YEAR}?
- Did {FILM_STUDIO} pay {ACTOR} for the reshoots?
- The jury of {FILM_FESTIVAL} walked out of {DIRECTOR}'s new picture.
- {STREAMING_SERVICE} took {MOVIE_TITLE} down again, so where can I watch it now?
- lc| {FILM_STUDIO} movies about {PLOT_KEYWORD}
- Who bought the rights, {FILM_STUDIO} or {FILM_STUDIO}?
- Can I still get tickets for {FILM_FESTIVAL}?
- {FILM_STUDIO} sold {MOVIE_TITLE} to {STREAMING_SERVICE} after {FILM_FESTIVAL} had turned it down, and {SCREENWRITER} was
  furious.
- I cancelled {STREAMING_SERVICE} because it had no {GENRE} from {RELEASE_YEAR}.
- {ACTOR} was seen at {FILM_FESTIVAL} with the head of {FILM_STUDIO}.
- lc| is {CHARACTER} owned by {FILM_STUDIO}
- {COMPOSER} played the score live at {FILM_FESTIVAL}; {STREAMING_SERVICE} showed it a week later.
""")

LEXICONS |= {
    "score": terms("Best Original Score | an Oscar | the Golden Globe | a BAFTA"),
    "age": terms("PG | PG-13 | 12A | FSK 12"),
    "stars": terms("{1-5} stars | {2-9}/10 | {3-9}.{0-9} out of 10 | {1-4}.5 stars"),
}
