"""What fills the slots of the scheduling patterns. "day_on" goes after "on", "due" after "by", "soon" after a verb."""

from .blocks import terms

LEXICONS: dict[str, tuple[str, ...]] = {
    "full": terms("{first} {last} | {first} {last} | {first} {last} | {u1}. {last} | {u1}. {u1}. {last} | {first} {u1}. {last}"),
    "handle": terms("""
        {mail_first}.{u1} | {mail_first}_{mail_last} | {mail_first}{10-99} | {mail_last} | {mail_first} |
        {mail_first}-{mail_last} | the_real_{mail_first} | {mail_first}dev
    """),
    "nickname": terms("""
        Sam | Bex | Gabe | Jo | Theo | Lou | Ash | Kit | Nell | Raj | Vik | Dee | Max | Nia | Tom | Ali | Mo | Bea
    """),
    "month_like": terms("April | May | June | Augusta | August"),
    "mail_first": terms("""
        amara | ngozi | kwame | omar | leila | priya | arjun | mei | kenji | linh | olga | dmitri | ivana | pawel | giulia |
        javier | joao | camille | pieter | astrid | soren | siobhan | rhys | fiona | harriet | caleb | rosa | viktor | keisha
    """),
    "mail_last": terms("""
        okafor | mensah | haddad | demir | iyer | chen | tanaka | park | nguyen | reyes | petrenko | novak | horvath | rossi |
        moreno | carvalho | moreau | devries | krueger | lindqvist | obyrne | macleod | ashworth | bennett | delgado | osei
    """),
    "host": terms("""
        example.com | example.com | example.org | example.net | mail.example.com | hr.example.org | eu.corp.example.net |
        northwind.example | clinic.example | uni.example | acme.test | staging.acme.test | studio-nine.example | cs.uni.example
    """),
    "caps": terms("SALES | Front.Desk | KLINDQVIST | M.OSEI | Team.North | HELPDESK{1-9} | PressOffice | AMARA.REYES"),
    "role": terms("""
        info | bookings | frontdesk | events-team | office | scheduling | no-reply | reception | hr | rooms | calendar-bot |
        pto
    """),
    "EMAIL": terms("""
        {mail_first}.{mail_last}@{host} | {mail_first}.{mail_last}@{host} | {mail_first}@{host} |
        {mail_first}_{mail_last}@{host} | {mail_first}{70-99}@{host} | {mail_first}.{mail_last}+calendar@{host} |
        {mail_first}+{role}@{host} | {role}@{host} | {mail_last}-{mail_first}@{host} | {mail_first}.{mail_last}{1-9}@{host} |
        {caps}@EXAMPLE.COM | {caps}@Example.ORG | J.{mail_last}@{host} | {d5}@{host} | x{d3}@{host} |
        {role}.{mail_last}@{host} | R.{mail_last}@EXAMPLE.NET
    """),
    "weekday": terms("Monday | Tuesday | Wednesday | Thursday | Friday | Saturday | Sunday | Tue | Thurs | Fri | Wed | Mon"),
    "month": terms("January | February | March | April | May | June | July | August | September | October | November | December"),
    "mon": terms("Jan | Feb | Mar | Apr | Jun | Jul | Aug | Sept | Oct | Nov | Dec"),
    "nth": terms("""
        1st | 2nd | 3rd | 4th | 5th | 6th | 7th | 8th | 9th | 11th | 12th | 13th | 15th | 17th | 18th | 21st | 22nd | 23rd |
        28th
    """),
    "nth_word": terms("first | second | third | fifth | ninth | tenth | twelfth | fifteenth | twentieth | twenty-first"),
    "iso": terms("202{4-7}-0{1-9}-{10-28} | 202{4-7}-1{0-2}-{10-28} | 202{4-7}-0{1-9}-0{1-9}"),
    "day_on": terms("""
        {weekday} | {weekday} | {weekday} | {1-28} {month} | {month} {1-28} | {month} {nth} | the {nth} |
        the {nth} of {month} | {1-28}/0{1-9} | {1-12}/{13-28} | {iso} | {10-28}.0{1-9}.202{4-7} | {weekday} the {nth} |
        {weekday}, {month} {1-28} | {weekday} the {nth} of {month} | {weekday} {1-28} {mon} | {1-28}-{mon}-202{4-7} |
        {month} {1-28}, 202{4-7} | the {nth_word} | {weekday} {1-28}/{1-12} | the {nth_word} of {month} | {mon} {1-28} |
        {1-28} {month} 202{4-7}
    """),
    "soon": terms("""
        tomorrow | next {weekday} | this {weekday} | {weekday} next week | the day after tomorrow | in two weeks | today |
        this coming {weekday} | in three days | {day_name} week | a week from {weekday} | in a fortnight |
        two weeks from today | ten days from now | {day_name} after next | the last {day_name} of {month} | {weekday} |
        next {weekday} the {nth}
    """),
    "sometime": terms("""
        next week | later this week | next month | the week after next | the first week of {month} | early next week |
        mid-{month} | the week of {month} {1-28} | in a couple of weeks | late {month} | in early {month} | next spring |
        in Q{1-4} | in ten days | the second half of {month} | at the weekend | in {month} 202{5-7} | next quarter
    """),
    "day_name": terms("Monday | Tuesday | Wednesday | Thursday | Friday | Saturday | Sunday"),
    "soon_typed": terms("""
        tmrw | tmr | tomorow | 2moro | next tues | this weds | thurs | wendesday | nxt monday | friday | the {nth} |
        {1-12}/{13-28} | next wk | tmrw | fri the {nth} | sat | todya | teusday | this thursday
    """),
    "due": terms("""
        end of Q{1-4} | the end of the month | {weekday} | {month} {1-28} | month-end | {1-28} {month} | end of {month} |
        the {nth} | the end of next week | Q{1-4} 202{5-7} | early {month} | year-end | {iso} | {10-28}/1{0-2}/2{4-7} |
        next {weekday}
    """),
    "past": terms("""
        yesterday | last {weekday} | two days ago | last week | {month} {1-28} | the {nth} | three weeks ago | last month |
        the day before yesterday | earlier this week | {1-28} {month} 202{2-4}
    """),
    "every": terms("""
        every {weekday} | every other {weekday} | Mondays | Thursdays | weekdays | every second {weekday} |
        the first {day_name} of each month
    """),
    "day_range": terms("""
        {1-9}-{10-20} {month} | {month} {2-9}-{11-19} | {mon} {1-9}–{10-15} | {10-14}/0{1-9}-{15-28}/0{1-9} | Mon-Wed
    """),
    "hour_word": terms("one | two | three | four | five | six | seven | eight | nine | ten | eleven"),
    "pm_word": terms("one | two | three | four | five | half past two"),
    "am_word": terms("seven | eight | nine | ten | eleven"),
    "early": terms("{7-9}:30 | {8-10} am | half past eight | 0{8-9}00 | ten o'clock | 9ish | {8-10}.15 | quarter past nine"),
    "late": terms("{1-5} pm | noon | {13-18}:30 | half past four | {2-6}:15 PM | 1{5-7}00 | midday | {14-18}.45"),
    "zone": terms("CET | UTC | EST | PT | IST | GMT | JST | BST | Eastern | CEST"),
    "clock": terms("""
        {1-11}am | {1-11}pm | {1-11} am | {1-11} PM | {1-11}:30 | {1-11}:15pm | {1-11}:45 AM | {10-22}:30 | {10-22}:00 |
        0{7-9}:15 | half past {hour_word} | quarter to {hour_word} | quarter past {hour_word} | {hour_word} thirty |
        {1-11} o'clock | {hour_word} o'clock | noon | midday | 0900 | 1630 | 0{7-9}00 hours | {1-11}:15 PM {zone} |
        {10-22}:30 {zone} | {1-11}ish | {1-11}:30ish | {10-22}.15 | {1-11}.30 pm | 14h30 | {pm_word} in the afternoon |
        {am_word} in the morning | {1-11} p.m. {zone} | ten past {hour_word} | {1-11}:{10-59}a | {1-11}am {zone} |
        {10-22}:{10-59} | midnight | twenty to {hour_word}
    """),
    "clock_typed": terms("""
        {1-11} | {1-11}ish | {1-11}pm | {1-11}.30 | half {hour_word} | {1-11}:30 | {hour_word}ish | noon | {1-11} oclock |
        {1-11}p
    """),
    "range": terms("""
        2-3pm | {1-4}-{5-6} pm | {8-9}:00-{10-12}:00 | {13-15}:30–{16-18}:00 | 9-10am {zone} | {7-9}-{10-11}:30am | 11am-1pm |
        0900-1030 | {1-3}:30-{4-6}:15 | 10am–noon
    """),
    "part": terms("morning | afternoon | evening | morning | afternoon | late afternoon | early evening"),
    "meeting": terms("""
        budget review | 1:1 | kickoff | design sync | interview | retro | standup | onboarding call | demo | planning session |
        site visit | dentist appointment | rehearsal | parent-teacher meeting | board call | fitting | haircut |
        driving lesson | sprint review | tax consultation | flat viewing | check-in | vendor call | piano lesson | vet visit |
        thesis defence
    """),
    "place": terms("""
        room {101-499} | the café downstairs | Zoom | the small meeting room | Room B{1-9} | the lobby | building {2-9} |
        Teams | the gym | the library | Platform {1-12} | hall 3 | my office | the usual place | studio {2-8} | the canteen
    """),
    "project": terms("""
        Project Friday | version {1-9}.{1-9}.{10-30} | the Sunday Club app | invoice {d5} | the Tuesday Press contract |
        v{2-9}.{0-9} | Project Midnight | the Monday Blues playlist | ticket {d4} | SKU-{d4} | the Noon Café account |
        release {2-9}.{1-4}
    """),
    "room": terms("""
        room {101-499} | the café downstairs | the small meeting room | Room B{1-9} | the lobby | building {2-9} | the gym |
        the library | hall {2-6} | studio {2-8} | the canteen | the annex | the conservatory | lab {11-44}
    """),
    "phone": terms("+44 20 7946 0{d3} | 555-01{10-99} | (212) 555-01{10-99} | ext. {d4} | 01632 960{d3} | +1 415 555 01{10-99}"),
    "price": terms("${20-900} | {20-90} euros | £{20-400}.50 | €{100-900} | {d3} dollars"),
    "length": terms("30 minutes | an hour | 45 min | two hours | 90 minutes | half an hour | twenty minutes | 15 mins"),
    "title": terms("Dr. | Prof. | Mr. | Ms. | Mrs. | Dr | Mx. | Judge | Captain | Sister | Professor | Frau | Señora"),
    "bye": terms("Best | Thanks | Cheers | Regards | Kind regards | Many thanks | Best wishes | Ta"),
}
