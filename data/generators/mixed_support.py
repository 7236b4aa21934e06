"""Support tickets of the mixed set: types, lexicons and patterns."""

from .blocks import patterns, terms

TYPES = {
    "PRODUCT": ("product name", "Application, service or piece of software sold or offered under a brand of its own"),
    "ERROR_CODE": ("error code", "Short code or status number that a program reports when something goes wrong"),
    "SOFTWARE_VERSION": ("software version", "Version, build or release number of a program or driver, with its v if written"),
    "OPERATING_SYSTEM": (
        "operating system",
        "System software that runs a computer or phone, with its edition or number if given",
    ),
    "DEVICE": ("device", "Hardware a customer uses, such as a laptop, phone, printer or router, by model or kind"),
    "TICKET_ID": ("ticket id", "Reference under which a help request, incident or bug report is tracked"),
    "FEATURE": ("feature", "Function, setting or view inside a program that a user turns on, opens or misses"),
    "FILE_PATH": ("file path", "Location of a file or folder on disk, written with slashes or backslashes"),
    "URL": ("url", "Web address of a page or endpoint, with or without its protocol"),
    "BROWSER": ("browser", "Program for viewing web pages in which the customer has seen the problem"),
    "SUBSCRIPTION_PLAN": (
        "subscription plan",
        "Tier or package under which a customer pays, like a free, team or enterprise plan",
    ),
    "IP_ADDRESS": ("ip address", "Numeric network address of a machine, in version four or six notation"),
    "USERNAME": ("username", "Account name or login by which a user is known to a system"),
}

UNSEEN_TYPES = {
    "PROGRAMMING_LANGUAGE": (
        "programming language",
        "Language in which source code or scripts are written, compiled or interpreted",
    ),
    "KEYBOARD_SHORTCUT": ("keyboard shortcut", "Combination of keys pressed together to trigger an action without the mouse"),
    "DATABASE": ("database system", "Software that stores and queries records in tables, documents, graphs or key-value pairs"),
}

LEXICONS = {
    "PRODUCT": terms("""
        Fernwood Sync | Plinth Mail | Notary Cloud | DeskPilot | Quillpad | Larkspur Backup | TallyBooks | Mosaic CRM |
        Pingview | OpenHarbor | Cobalt VPN | Sketchwell | Vaultline | Chirp Meetings | InkDrop Sign | FleetLens |
        Beacon Analytics | Harvest Timer | Kiteboard | PaperTrail Pro | Strata Maps | Tundra Player | RoomKey | Zipline Forms |
        Marigold POS | Octave Studio | Granite Antivirus | Wren | Dockyard | Lumen Photo Editor | SparrowChat | Ledgerly |
        Anvil Build
    """),
    "ERROR_CODE": terms("""
        0x80{h6} | ERR_{err}_{err2} | E-{d4} | {400-599} | error {d3}-{d2} | E{d2} | SYNC-{d3} | 0xC00000{h2} | ORA{d4} |
        F{d3}:{d2} | EX_{err}_{d3} | -{d4} | PX{d4}{u1} | {u3}-{d3} | {err}_{err2}
    """),
    "err": terms("CONNECTION | CERT | AUTH | DISK | QUOTA | TOKEN | PRINT | UPLOAD | LICENSE | CACHE"),
    "err2": terms("REFUSED | EXPIRED | TIMEOUT | FULL | INVALID | MISSING | DENIED | RESET"),
    "SOFTWARE_VERSION": terms("""
        {1-12}.{0-9} | {1-12}.{0-9}.{0-20} | v{1-9}.{0-12} | version {2-19} | build {d5} | 20{19-25}.{1-4} |
        {1-6}.{0-9}.{0-9}-beta{1-4} | v{1-4}.{0-9}.{0-30} | release {2-40} | {1-9}.{10-40}.{d4} | r{d4} | {1-3}.0-rc{1-5}
    """),
    "OPERATING_SYSTEM": terms("""
        Windows 11 | Windows 10 | macOS Sonoma | macOS 14.{1-6} | Ubuntu 22.04 | Debian 12 | iOS 17 | Android 14 | Fedora |
        iPadOS | ChromeOS | Windows Server 2019 | Red Hat Enterprise Linux 9 | openSUSE | FreeBSD | Windows 7 | Android |
        Linux Mint | Arch Linux | macOS | iOS 16.{1-6} | Alpine Linux | watchOS 10
    """),
    "DEVICE": terms("""
        laptop | office printer | iPhone 13 | Galaxy S22 | ThinkPad X1 | MacBook Air | iPad | label printer | barcode scanner |
        router | docking station | Pixel 7 | Surface Pro | webcam | external hard drive | smart TV | Kindle |
        conference phone | Raspberry Pi 4 | card reader | wireless headset | Chromebook | desktop PC | thermal camera | NAS |
        OfficeJet 8020 | second monitor | smartwatch
    """),
    "TICKET_ID": terms("""
        #{d5} | INC{d7} | SUP-{d4} | REQ-{d6} | case {d6} | BUG-{d3} | HD{d5} | CS-{d4}-{u1} | T{d6} | SR {d7} | #{d6}
    """),
    "FEATURE": terms("""
        dark mode | two-factor login | offline mode | bulk import | autosave | screen sharing | spell check |
        push notifications | calendar view | single sign-on | shared folders | version history | live captions |
        read receipts | drag and drop | guest access | password reset | email templates | audit log | Smart Filters |
        custom domains | voice typing | split view | automatic backups | conditional formatting | breakout rooms |
        invoice reminders | location tracking | night light | undo send
    """),
    "folder": terms("cache | logs | temp | exports | profiles | plugins | archive | reports | drafts | fonts"),
    "file": terms("""
        settings.ini | app.log | backup.zip | invoice.docx | crash.dmp | config.yaml | setup.exe | photo.heic | data.bin |
        readme.txt
    """),
    "FILE_PATH": terms("""
        /var/log/{folder}/{file} | C:\\Users\\{user}\\{folder} | ~/Library/{folder}/{file} | /home/{user}/{folder}/{file} |
        D:\\{folder}\\{file} | C:\\Temp\\{file} | /etc/{folder} | ./{folder}/{file} | \\\\fileserver\\{folder} |
        /opt/app/{folder} | ~/{folder}/{folder}/{file} | /mnt/share/{file}
    """),
    "site": terms("""
        help.example.com | status.example.org | app.example.net | login.shop.example | portal.acme.test | docs.example.com
    """),
    "page": terms("""
        billing | reset-password | api/v{1-4}/orders | downloads | account/devices | invoices/{d4} | kb/{d5} | signup | faq
    """),
    "URL": terms("""
        https://{site}/{page} | https://{site}/{page} | {site}/{page} | http://{site} | {site} | https://{site}/{page}?id={d4}
    """),
    "BROWSER": terms("""
        Firefox | Chrome | Safari | Edge | Opera | Brave | Vivaldi | Internet Explorer | Samsung Internet | Tor Browser |
        Chromium
    """),
    "SUBSCRIPTION_PLAN": terms("""
        Free plan | Team plan | Enterprise plan | Pro plan | Starter tier | Gold package | Family plan | Student licence |
        Silver tier | Growth plan | Nonprofit plan | Developer tier | Solo plan | Premium Plus | Business Unlimited |
        Lifetime licence | Basic tier | Annual Pro | Campus licence | Duo plan | Startup package | Pay-as-you-go plan
    """),
    "IP_ADDRESS": terms("""
        192.0.2.{1-254} | 198.51.100.{1-254} | 203.0.113.{1-254} | 10.{0-99}.{0-99}.{1-254} | 192.168.{0-9}.{1-254} |
        2001:db8::{h4} | 2001:db8:{h4}::{h2} | 172.16.{0-40}.{1-254}/24
    """),
    "user": terms("""
        mkowalski | j.osei | tanaka_h | admin2 | lferrara | guest{10-99} | nina-p | rdubois{1-9} | svc_backup | okafor.n |
        bwhite | root
    """),
    "USERNAME": terms("{user} | {user} | {user} | sysop{10-99} | qa_{user} | pay.{user} | {u1}{d4}"),
    "when": terms("""
        since this morning | every few minutes | for the third time | after the update | out of the blue | at random | again
    """),
    "job": terms("payroll | the board meeting | our class | the shop floor | the audit | month-end closing | a customer call"),
    "PROGRAMMING_LANGUAGE": terms("""
        Python | JavaScript | TypeScript | Kotlin | Rust | Haskell | Fortran | COBOL | C++ | C# | Perl | Ruby | Lua | Julia |
        Objective-C | PHP | Scala | Erlang | Visual Basic | OCaml | Clojure | F#
    """),
    "KEYBOARD_SHORTCUT": terms("""
        Ctrl+C | Ctrl+Shift+T | Alt+F4 | Cmd+Z | Ctrl+Alt+Del | Shift+F10 | Cmd+Option+Esc | Ctrl+K | Alt+Tab | Cmd+Space |
        Ctrl+F5 | Win+L | Ctrl+Shift+Esc | Cmd+Shift+4 | Option+Enter | Fn+F2 | Ctrl-Alt-T | Win+V
    """),
    "DATABASE": terms("""
        PostgreSQL | MySQL | SQLite | MongoDB | Redis | MariaDB | Cassandra | DynamoDB | CockroachDB | Neo4j |
        Microsoft SQL Server | Elasticsearch | CouchDB | ClickHouse | DuckDB | Firebird | InfluxDB
    """),
}

PATTERNS = patterns(r"""
- {PRODUCT} {SOFTWARE_VERSION} crashes on {OPERATING_SYSTEM} with error code {ERROR_CODE}.
- Hi, I can't log in as {USERNAME}. The page {URL} just says {ERROR_CODE}.
- lc| cant print from my {DEVICE} {when} pls help
- {TICKET_ID}: {FEATURE} missing after upgrade to {SOFTWARE_VERSION}
- We are on the {SUBSCRIPTION_PLAN}. Does it include {FEATURE}?
- The log at {FILE_PATH} is full of {ERROR_CODE}.
- Works in {BROWSER}, fails in {BROWSER}.
- {FEATURE} does nothing in {PRODUCT} on my {DEVICE}.
- Please close {TICKET_ID}, it is a duplicate of {TICKET_ID}.
- Requests from {IP_ADDRESS} are blocked {when}; {IP_ADDRESS} gets through.
- How do I turn off {FEATURE}?
- Thank you, it works now!
- After I installed {OPERATING_SYSTEM} on the {DEVICE}, {PRODUCT} asks for a licence key every time I open it, and the key you
  sent me under {TICKET_ID} is refused.
- User {USERNAME} ({IP_ADDRESS}) was locked out {when}.
- Steps: 1. open {URL} in {BROWSER} 2. click {FEATURE} 3. get {ERROR_CODE}
- I was charged twice for the {SUBSCRIPTION_PLAN}.
- Could you restore {FILE_PATH}? {USERNAME} deleted it {when}.
- Is {PRODUCT} available for {OPERATING_SYSTEM} yet, or only for {OPERATING_SYSTEM}?
- downgrade from {SOFTWARE_VERSION} to {SOFTWARE_VERSION} and the {ERROR_CODE} goes away
- The {DEVICE} in meeting room 4 shows a black screen. We need it for {job}.
- See {URL} for how to set up {FEATURE}.
- Whenever our accountant opens {PRODUCT} on her {DEVICE} ({OPERATING_SYSTEM}), the fan goes wild and {FEATURE} stops, which is
  a problem because we need it for {job}.
- {PRODUCT} vs {PRODUCT}: which one has {FEATURE} and {FEATURE}?
- ping {IP_ADDRESS} times out from the {DEVICE}
- Escalated {TICKET_ID} to tier two. Customer is on the {SUBSCRIPTION_PLAN}, very upset.
- {ERROR_CODE}
- The button is gone. Where is it?
- Copied {FILE_PATH} to {FILE_PATH}, restarted, same result: {ERROR_CODE} in {PRODUCT}.
- Will {SOFTWARE_VERSION} support {OPERATING_SYSTEM}?
- I upgraded from the {SUBSCRIPTION_PLAN} to the {SUBSCRIPTION_PLAN} but still can't see {FEATURE}.
- Agent note: cleared cookies in {BROWSER}, reset the password of {USERNAME}, asked to try {URL} again.
- {BROWSER} warns that the certificate of {URL} has expired.
- My {DEVICE} is not recognised by {PRODUCT}, my old {DEVICE} was.
- Dear support team,\nwe have been waiting for an answer to {TICKET_ID} {when}.\n{FEATURE} is still broken.\nRegards
- lc| is {PRODUCT} down?? {URL} gives me {ERROR_CODE}
- Firmware {SOFTWARE_VERSION} bricked the {DEVICE}.
- Set the path to {FILE_PATH} and leave everything else as it is.
- Rate limit for the {SUBSCRIPTION_PLAN} is 60 calls a minute; beyond that {URL} answers {ERROR_CODE}.
- Account {USERNAME} should be merged into {USERNAME}, keep the {SUBSCRIPTION_PLAN}.
- Reproduced on {OPERATING_SYSTEM} and {OPERATING_SYSTEM}, not on {OPERATING_SYSTEM}. Fix planned for {SOFTWARE_VERSION}.
- I spilled coffee on my {DEVICE}. Is that covered?
- {PRODUCT} keeps signing me out {when}, and I lose my work.
- The wifi address changed from {IP_ADDRESS} to {IP_ADDRESS} and now the {DEVICE} can't find the {DEVICE}.
- Feature request: {FEATURE} for {PRODUCT}. My team of nine would move up from the {SUBSCRIPTION_PLAN} at once.
- In {BROWSER} {SOFTWARE_VERSION}, the menu covers {FEATURE}.
- {USERNAME} wrote: "same here, {ERROR_CODE}, {OPERATING_SYSTEM}, {SOFTWARE_VERSION}"
- According to {URL}, {FEATURE} was removed from {PRODUCT} in {SOFTWARE_VERSION}. Why?
- I would like my money back.
- Resolved: {TICKET_ID}. Cause: no space left under {FILE_PATH} on {IP_ADDRESS}.
- Cannot open {FILE_PATH} ({ERROR_CODE}). {PRODUCT} {SOFTWARE_VERSION}, {OPERATING_SYSTEM}, {BROWSER}.
""")

HELD_OUT_PATTERNS = patterns(r"""
- My {DEVICE} won't sync with {PRODUCT} {when}.
- {TICKET_ID} / {USERNAME} / {ERROR_CODE}
- Cancel my {SUBSCRIPTION_PLAN} please.
- On {OPERATING_SYSTEM} the installer writes to {FILE_PATH} instead of {FILE_PATH}.
- Which version has {FEATURE}, {SOFTWARE_VERSION} or {SOFTWARE_VERSION}?
- I see a login from {IP_ADDRESS} in {BROWSER}, but nobody here uses {BROWSER}!
- lc| {FEATURE} broke {when} ({PRODUCT}, {OPERATING_SYSTEM})
- The link {URL} in your mail about {TICKET_ID} leads nowhere.
- Good news: {PRODUCT} {SOFTWARE_VERSION} brings back {FEATURE}, and users of the {SUBSCRIPTION_PLAN} get it first.
""")

UNSEEN_PATTERNS = patterns(r"""
- {KEYBOARD_SHORTCUT} does nothing in {PRODUCT}.
- Do you have a client library for {PROGRAMMING_LANGUAGE}?
- The connector to {DATABASE} fails with {ERROR_CODE}.
- Our script is written in {PROGRAMMING_LANGUAGE} and talks to {DATABASE} on {IP_ADDRESS}.
- Pressing {KEYBOARD_SHORTCUT} on my {DEVICE} closes the whole window instead of the tab.
- {TICKET_ID}: import from {DATABASE} hangs
- On {OPERATING_SYSTEM} use {KEYBOARD_SHORTCUT}, not {KEYBOARD_SHORTCUT}.
- Syntax highlighting for {PROGRAMMING_LANGUAGE} is broken since {SOFTWARE_VERSION}.
- We moved from {DATABASE} to {DATABASE} and now {FEATURE} is slow.
- Is there a way to remap {KEYBOARD_SHORTCUT}? It clashes with {FEATURE} in {BROWSER}.
- The example at {URL} is for {PROGRAMMING_LANGUAGE}; I need it in {PROGRAMMING_LANGUAGE}.
- lc| {DATABASE} wont start, see {FILE_PATH}
- {USERNAME} has no rights on {DATABASE}.
- Does the {SUBSCRIPTION_PLAN} come with {DATABASE} hosting, and can I write plugins in {PROGRAMMING_LANGUAGE}?
- {KEYBOARD_SHORTCUT} or {KEYBOARD_SHORTCUT}, which one is it?
""")
