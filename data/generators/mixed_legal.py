"""Legal sentences of the mixed set: types, lexicons and patterns."""

from .blocks import patterns, terms

TYPES = {
    "COURT": ("court", "Particular court or tribunal, by its full or shortened proper name, that hears or decides cases"),
    "STATUTE": ("statute", "Act, code, regulation or a numbered section of one that is cited as law"),
    "JUDGE": ("judge", "Named member of the bench who presides over or decides a matter, without title"),
    "PLAINTIFF": ("plaintiff", "Named party who brings the suit, claim or appeal, be it a person or a firm"),
    "DEFENDANT": ("defendant", "Named party who is sued or charged and has to answer in the proceedings"),
    "LAWYER": ("lawyer", "Named attorney, barrister or prosecutor who speaks or acts for somebody in a case"),
    "CASE_NUMBER": ("case number", "Docket, file or neutral citation number under which a proceeding is registered"),
    "CONTRACT_CLAUSE": ("contract clause", "Kind of provision in an agreement, such as an indemnity or a force majeure clause"),
    "CONTRACT_TYPE": ("contract type", "Kind of agreement between parties, for instance a lease or a licence agreement"),
    "JURISDICTION": (
        "jurisdiction",
        "State, province, country or union whose law applies or whose territory a dispute falls under",
    ),
    "PENALTY": ("penalty", "Punishment or sanction imposed for an offence, such as a fine or a prison term"),
    "CRIME": ("crime", "Offence a person is charged with, convicted or acquitted of, for example arson or fraud"),
}

UNSEEN_TYPES = {
    "LAW_FIRM": ("law firm", "Partnership or practice of attorneys that represents clients, under its trading name"),
    "PRISON": ("prison", "Named jail, penitentiary or detention centre where convicted or accused people are held"),
    "COURT_FILING": ("court filing", "Kind of written submission lodged with a tribunal, such as a motion, brief or affidavit"),
}

LEXICONS = {
    "full": terms("{first} {last}"),
    "person": terms("{first} {last} | {first} {last} | {first} {u1}. {last} | {last}"),
    "COURT": terms("""
        {state} Supreme Court | Court of Appeal of {province} | High Court of {province} | {place} District Court |
        {place} Magistrates' Court | Federal Court of Justice | {place} Family Court | Commercial Court of {place} |
        {place} County Court | Land Tribunal of {province} | Superior Court of {place} County | Bankruptcy Court for {state} |
        European Court of Human Rights | {nth_circuit} Circuit | Employment Tribunal at {place} | Court of Session |
        Constitutional Court | Court of Cassation | {place} Labour Court | Tax Court | {place} Crown Court | Patents Tribunal
    """),
    "nth_circuit": terms("Second | Fifth | Seventh | Ninth | Eleventh | Federal"),
    "state": terms("Ohio | Nevada | Montana | Vermont | Oregon | Kansas | Alabama | Idaho | Minnesota | Delaware"),
    "province": terms("Ontario | Manitoba | Victoria | Gauteng | Kerala | Punjab | New South Wales | Saskatchewan | Karnataka"),
    "place": terms("""
        Dunmore | Ashford | Lindau | Harcourt | Bexley | Riverton | Tarlow | Oldham | Kingsbridge | Marwick | Vilvoorde |
        Sutter | Cheltenham | Oakvale | Brixham | Palmerston
    """),
    "STATUTE": terms("""
        the Data Protection Act 20{10-18} | section {2-90} of the Companies Act | the Housing Act 19{70-99} |
        Article {2-99} of the Civil Code | the Criminal Code, s. {10-400} | {10-42} U.S.C. § {d4} |
        Regulation (EU) 20{10-22}/{d3} | the Consumer Credit Act | Section {2-30}(b) | Art. {2-90} GDPR |
        the Wildlife Protection Act | § {100-900} BGB | the Fair Wages Ordinance | Rule {8-60}(b)({1-6}) |
        the Clean Rivers Act | Article {2-18} of the Convention | the Public Order Act 19{80-99} | the Trade Marks Directive |
        the Penal Code § {d3} | the Evidence Act | the Insolvency Rules | the Maritime Liens Act |
        the Sale of Goods Act, s. {10-60} | the Tenancy Code | the Sherman Act | the Equality Act 20{10-12}
    """),
    "JUDGE": terms("{last} | {first} {last} | {first} {u1}. {last} | {u1}. {u1}. {last}"),
    "party_firm": terms("""
        Delmar Shipping Ltd | Coldwater Farms | Vantry Insurance | Bluegate Properties | Ostrander Mills | Pelham Bus Co. |
        Tri-County Water District | Novacrest Systems GmbH | Silverbirch Homes | Acorn Lending Corp. | Redfern Quarries |
        Hotel Mirabell SA | Kappa Telecom | Lowland Dairies | Meridian Textiles BV | Fairmount School Board |
        Zephyr Drones Inc.
    """),
    "PLAINTIFF": terms("{first} {last} | {first} {last} | {last} | {party_firm} | {party_firm}"),
    "DEFENDANT": terms("{first} {last} | {first} {last} | {last} | {party_firm} | {party_firm}"),
    "LAWYER": terms("{first} {last} | {first} {last} | {last} | {first} {u1}. {last}"),
    "CASE_NUMBER": terms("""
        No. {2-9}:{10-24}-cv-0{d4} | C-{100-800}/{10-23} | [20{10-23}] EWHC {100-900} (Ch) | {10-24} CR {d4} |
        Case {d4}/20{10-23} | {u2}-{d5}-{10-24} | Docket {d5} | {1-9} O {100-400}/{10-23} | No. {10-24}-{d4} |
        20{10-23} SCC {2-60} | A/{100-900}/20{10-23} | HC-20{10-23}-00{d4} | File {d6}/{u1} | {u2}{d6} |
        Application no. {d5}/{10-23} | II ZR {100-400}/{10-23}
    """),
    "CONTRACT_CLAUSE": terms("""
        indemnity clause | force majeure clause | non-compete clause | arbitration clause | governing law clause |
        limitation of liability | termination for convenience | confidentiality clause | warranty of title |
        severability clause | entire agreement clause | liquidated damages provision | non-solicitation covenant |
        exclusivity clause | renewal option | rent review clause | penalty clause | right of first refusal |
        most favoured nation clause | escrow provision | assignment clause | choice of forum clause | retention of title |
        price adjustment clause | set-off clause
    """),
    "CONTRACT_TYPE": terms("""
        lease | franchise agreement | licence agreement | employment contract | share purchase agreement | loan agreement |
        charterparty | service agreement | non-disclosure agreement | supply contract | insurance policy | partnership deed |
        distribution agreement | mortgage deed | prenuptial agreement | consultancy agreement | joint venture agreement |
        publishing contract | settlement agreement | construction contract | option agreement | guarantee | escrow agreement
    """),
    "JURISDICTION": terms("""
        Delaware | New York | England and Wales | Scotland | Ontario | Québec | California | Singapore | Hong Kong | Ireland |
        Bavaria | the European Union | Switzerland | Texas | Louisiana | New Zealand | Kenya | South Africa | Luxembourg |
        Jersey | Florida | the Netherlands | Malta | Nova Scotia | Queensland | Catalonia | Puerto Rico | Norway |
        the Cayman Islands | Maharashtra
    """),
    "PENALTY": terms("""
        a fine of ${10-900},000 | {2-30} years' imprisonment | life imprisonment | {40-400} hours of community service |
        disbarment | a suspended sentence of {4-23} months | a €{2-90},000 fine | three years' probation |
        forfeiture of the vessel | a {2-10}-year driving ban | house arrest | six months in jail | a conditional discharge |
        £{d3} a day until compliance | revocation of the licence | a sentence of {2-15} years | {30-90} days' detention |
        a formal reprimand | confiscation of profits
    """),
    "CRIME": terms("""
        arson | wire fraud | manslaughter | burglary | perjury | insider trading | money laundering | identity theft |
        extortion | tax evasion | aggravated assault | shoplifting | kidnapping | bribery | embezzlement | forgery |
        drunk driving | armed robbery | contempt of court | cattle theft | obstruction of justice | stalking | vandalism |
        poaching | blackmail | attempted murder | witness tampering | smuggling | counterfeiting | reckless endangerment
    """),
    "thing": terms("""
        a leaking roof | three tractors | an unpaid bonus | a cracked dam | a shared driveway | a stolen violin |
        late deliveries | a burnt-out warehouse | a barking dog | noise from a wedding hall | a ship's cargo of rice |
        a forged will | medical bills
    """),
    "sum": terms("{2-9}0,000 | {2-9}.{1-9} million | {d3},{d3}"),
    "LAW_FIRM": terms("""
        Thule & Harrowgate LLP | Pemberly Stroud | Castex Avocats | Wray, Dunstan & Fell | Oyelaran Partners | Brandt Reuss |
        Kilbride Shaw LLP | Tolliver & Crane | Matsuda Law Offices | Quenby Fox Solicitors | Arrington Voss PLLC |
        Zeller & Partner | Okonjo Bright | Silvestri Associati | Marchbanks Hale | Finch & Ravenel | Dessalines Legal |
        Holyoake Penn LLP
    """),
    "PRISON": terms("""
        Harrow Creek Correctional Facility | HMP Strathmoor | Black Point Penitentiary | Santa Benita Women's Prison |
        Elmira Flats Jail | JVA Hohenfels | Cold Lake Institution | Pelican Ridge State Prison | Camp Dorrance | HMP Wexcombe |
        La Roca Detention Centre | Stony Ford Remand Centre | Tarrant Island Prison | Fox Hollow Youth Facility |
        Rikkers Yard Jail
    """),
    "COURT_FILING": terms("""
        motion to dismiss | amicus brief | notice of appeal | affidavit of service | petition for certiorari |
        motion for summary judgment | statement of claim | reply brief | application for an interim injunction |
        motion to suppress | bill of particulars | habeas corpus petition | sworn declaration | skeleton argument |
        counterclaim | petition for rehearing | witness statement
    """),
}

PATTERNS = patterns("""
- In {CASE_NUMBER}, the {COURT} held that {DEFENDANT} had breached the {CONTRACT_CLAUSE} of the {CONTRACT_TYPE}.
- {PLAINTIFF} v. {DEFENDANT}, {CASE_NUMBER}
- {DEFENDANT:person} pleaded guilty to {CRIME} and received {PENALTY}.
- Judge {JUDGE} recused herself.
- The {CONTRACT_CLAUSE} is void under {STATUTE}.
- This {CONTRACT_TYPE} shall be governed by the laws of {JURISDICTION}.
- Counsel for {PLAINTIFF}, {LAWYER}, argued that {STATUTE} does not apply to {thing}.
- Is {CRIME} a felony in {JURISDICTION}?
- Convicted of {CRIME} and {CRIME}, {DEFENDANT:person} faces {PENALTY} under {STATUTE}.
- The {COURT} dismissed the appeal with costs.
- {PLAINTIFF} sued {DEFENDANT} in the {COURT} over {thing}, claiming damages of {sum} under the {CONTRACT_TYPE}.
- {LAWYER} for the claimant; {LAWYER} for the respondent; {JUDGE} presiding.
- The parties may not assign this {CONTRACT_TYPE} without consent, save as provided in the {CONTRACT_CLAUSE}.
- Prosecutor {LAWYER} asked for {PENALTY}; the {COURT} imposed {PENALTY}.
- Before: {JUDGE}, {JUDGE} and {JUDGE}
- {JUDGE}, dissenting, would have read {STATUTE} more narrowly.
- {DEFENDANT:person} was acquitted of {CRIME} but convicted of {CRIME}, and {LAWYER} has said that they will appeal to the
  {COURT}.
- Does a(n) {CONTRACT_CLAUSE:plain_clause} survive the end of a(n) {CONTRACT_TYPE} in {JURISDICTION}?
- The registry is closed on public holidays.
- Service on {DEFENDANT} in {JURISDICTION} was defective, so the order in {CASE_NUMBER} was set aside.
- Having heard {LAWYER}, and having read the papers in {CASE_NUMBER}, the {COURT} orders that {DEFENDANT} pay {PLAINTIFF} the
  sum of {sum} within 28 days.
- Whoever commits {CRIME} is liable to {PENALTY}.
- {STATUTE} was amended last year and no longer covers {CRIME}.
- We reviewed the {CONTRACT_TYPE}: the {CONTRACT_CLAUSE} is one-sided, and there is no {CONTRACT_CLAUSE:plain_clause} at all.
- The complaint of {PLAINTIFF}, a company registered in {JURISDICTION}, concerns {thing}.
- On remand from the {COURT}, {JUDGE} found for {PLAINTIFF}.
- {CASE_NUMBER} and {CASE_NUMBER} are joined and will be heard together.
- {JURISDICTION} and {JURISDICTION} have no extradition treaty for {CRIME}.
- "{DEFENDANT} knew the roof would not hold," {LAWYER} told the jury.
- The {CONTRACT_CLAUSE} caps what {DEFENDANT} owes at {sum}.
- Mr. {PLAINTIFF:last} says that he never signed the {CONTRACT_TYPE}; Ms. {DEFENDANT:last} says that he signed it twice.
- The tenant's {CONTRACT_CLAUSE:plain_clause} lapsed because notice was late ({STATUTE}).
- Under the law of {JURISDICTION}, {CRIME} carries {PENALTY}, whereas in {JURISDICTION} it carries only {PENALTY}.
- Cited: {STATUTE}; {STATUTE}; {CASE_NUMBER}.
- {LAWYER} was told to sit down by {JUDGE} after a quarrel about {thing}.
- The {COURT} stayed the proceedings under {STATUTE} until the {COURT} has ruled in {CASE_NUMBER}.
- No appeal lies from this decision.
- Can {PLAINTIFF} rely on {STATUTE} if the {CONTRACT_TYPE} was signed abroad?
- {DEFENDANT}, the insurer, refused to pay, pointing to the {CONTRACT_CLAUSE} and to {STATUTE}.
- Breach of this section is punishable by {PENALTY}.
- The jury took an hour to find {DEFENDANT:person} guilty of {CRIME}, the first such verdict of the {COURT}.
- Dear {LAWYER:full}, please find enclosed the signed {CONTRACT_TYPE} in matter {CASE_NUMBER}.
- Delete the {CONTRACT_CLAUSE} and replace {JURISDICTION} by {JURISDICTION} throughout.
- {PLAINTIFF} and {PLAINTIFF} withdrew their claims against {DEFENDANT}.
- The late {JUDGE:full} sat in the {COURT} for thirty years, and her reading of {STATUTE} is still followed in {JURISDICTION}.
- {DEFENDANT:person} got away with {PENALTY} for {CRIME}, which {PLAINTIFF}, whose shop burned down, called a joke.
- Draft {CONTRACT_TYPE} attached; see comments on the {CONTRACT_CLAUSE}.
- The limitation period runs from discovery of the damage, not from the date of delivery.
- Charged in {CASE_NUMBER} with {CRIME}: {DEFENDANT:person}, {DEFENDANT:person} and one minor.
""")

HELD_OUT_PATTERNS = patterns("""
- {JUDGE} of the {COURT} sentenced {DEFENDANT:person} to {PENALTY} for {CRIME}.
- {PLAINTIFF}, represented by {LAWYER}, seeks {sum} from {DEFENDANT} for {thing}.
- The {CONTRACT_TYPE} contains no {CONTRACT_CLAUSE:plain_clause}.
- Is {STATUTE} in force in {JURISDICTION}?
- {CASE_NUMBER} was settled.
- Neither {STATUTE} nor the {CONTRACT_CLAUSE} helps {PLAINTIFF}, said {JUDGE}.
- {CRIME} can mean {PENALTY} in {JURISDICTION}.
- Asked by {LAWYER} whether he had read the {CONTRACT_TYPE}, {DEFENDANT} answered that nobody ever does.
- The {COURT} lists {CASE_NUMBER} for hearing before {JUDGE}.
""")

UNSEEN_PATTERNS = patterns("""
- {LAW_FIRM} acted for {PLAINTIFF} in {CASE_NUMBER}.
- {DEFENDANT:person} will serve {PENALTY:term} at {PRISON}.
- {LAWYER}, a partner at {LAW_FIRM}, filed a(n) {COURT_FILING} with the {COURT}.
- The {COURT_FILING} was denied.
- Guards at {PRISON} were charged with {CRIME}.
- {JUDGE} refused to read the {COURT_FILING} because it ran to four hundred pages.
- {DEFENDANT:person}, held at {PRISON} for {CRIME}, has dismissed {LAW_FIRM} and will speak for himself.
- When must a(n) {COURT_FILING} be lodged in {JURISDICTION}?
- {LAW_FIRM} and {LAW_FIRM} are to merge.
- Two men escaped from {PRISON} in a laundry van.
- The {COURT_FILING}, drafted by {LAW_FIRM}, relies on {STATUTE}.
- In her {COURT_FILING}, {PLAINTIFF:full} describes the cells of {PRISON} as cold and wet.
- {COURT_FILING} due; {COURT_FILING} filed; hearing before {JUDGE} to be fixed.
- {LAW_FIRM} billed {sum} for advice on a(n) {CONTRACT_TYPE} with a faulty {CONTRACT_CLAUSE}.
- Transferred from {PRISON} to {PRISON} after a fight, {DEFENDANT:full} asked the {COURT} for release.
""")

LEXICONS |= {
    "plain_clause": terms("""
        indemnity clause | force majeure clause | non-compete clause | arbitration clause | confidentiality clause |
        renewal option | right of first refusal | exclusivity clause | severability clause | penalty clause
    """),
    "term": terms("{2-30} years | life | {4-23} months | {30-90} days | a sentence of {2-15} years"),
}
