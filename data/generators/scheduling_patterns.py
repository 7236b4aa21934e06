"""Hand-written patterns of scheduling messages: `PATTERNS` for both splits, `HELD_OUT_PATTERNS` for validation alone."""

from .blocks import patterns

PATTERNS = patterns(r"""
- Hi {NAME:first}, could we move the {meeting} to {DATE:day_on} at {TIME:clock}?
- lc| can u do {DATE:soon_typed} at {TIME:clock_typed}? {NAME:nickname} is in too
- Dear {title} {NAME:last},\nYour appointment has been confirmed for {DATE:day_on} at {TIME:clock}. To reschedule, please write
  to {EMAIL}.\nReception
- Lunch {DATE:sometime}?
- {NAME:full} <{EMAIL}> accepted your invitation to the {meeting} on {DATE:day_on}, {TIME:range}.
- um so yeah I was thinking maybe {DATE:sometime}, or like {DATE:soon} around {TIME:clock}, if {NAME:first} is okay with that
- Meeting moved. New slot: {DATE:iso} {TIME:clock}. Same link.
- lc| sry running late, be there {TIME:clock_typed}
- Please send the agenda to {EMAIL} by {DATE:due}.
- {NAME:first} and {NAME:first} can't make {DATE:day_on}; {NAME:first} is free in the {TIME:part}, though.
- @{NAME:handle} @{NAME:handle} quick sync {DATE:soon_typed}? {TIME:clock_typed} works for me
- Reminder: {meeting} with {title} {NAME:full}, {DATE:day_on}, {TIME:clock}, {place}.
- The {meeting} takes {length} and costs {price}; no need to book.
- Does {TIME:clock} work for everyone, or should we say {TIME:clock}?
- I'm out of office until {DATE:day_on}. For anything urgent contact {NAME:full} ({EMAIL}) or call {phone}.
- lc| ok see u {DATE:soon_typed}
- We will meet {DATE:every} from {TIME:early} to {TIME:late} in {room}.
- To: {EMAIL}\nCc: {EMAIL}, {EMAIL}\nSubject: {meeting}\n\nAll,\nthe {meeting} is on {DATE:day_on}.\n{bye},\n{NAME:first}
- Could you ask {NAME:first} whether {project} will be ready before {DATE:due}?
- {NAME:first}, {NAME:first}, {NAME:first}: who can cover reception {DATE:soon}, {TIME:range}?
- Hey it's {NAME:first} calling {DATE:past} about the {meeting}, call me back on {phone} any time after {TIME:clock}, bye
- Your table for four is booked under the name {NAME:last}, {DATE:day_on}, {TIME:clock}.
- The review of {project} slipped again.
- {TIME:clock} or {TIME:clock}? Both fine by me. {NAME:nickname}
- lc| wher r we meeting?? {NAME:nickname} said {place} but {NAME:nickname} says {place}
- Kindly note that the hearing scheduled for {DATE:day_on} has been adjourned to {DATE:day_on} at {TIME:clock}. Counsel for the
  applicant, {title} {NAME:full}, has been notified at {EMAIL}.
- Flight lands {TIME:clock}, so let's not plan anything before the {TIME:part} of {DATE:day_on}.
- Move {DATE:day_on} to {DATE:day_on}.
- Set an alarm for {TIME:clock} {DATE:soon}.
- remind me to call {NAME:first} {DATE:soon} at {TIME:clock}
- cancel my {TIME:clock} with {NAME:full} please
- add {EMAIL} to the {meeting} {DATE:soon}
- Whats {NAME:first}'s email again? {EMAIL}?
- My address changed from {EMAIL} to {EMAIL}. Please update the invite.
- {bye} for {DATE:past}! {NAME:first}'s notes are in the folder.
- It's {NAME:month_like} here. Is the {meeting} still in {DATE:month}?
- May I come by {DATE:sometime}? It won't take more than {length}.
- We may have to march on with {project} whatever happens.
- Will {NAME:first} be back {DATE:sometime}? Mark it in the shared calendar either way.
- {DATE:day_range}: offsite. {NAME:first} books the hotel, {NAME:first} the train, I do the rest.
- On holiday {DATE:day_range}, back on {DATE:day_on}. {NAME:first} has the keys to {room}.
- lc| no prob! {TIME:clock_typed} {DATE:soon_typed}, {place}. bring {NAME:nickname}
- Interview schedule:\n{TIME:clock} {NAME:full}\n{TIME:clock} {NAME:full}\n{TIME:clock} {NAME:full}\nAll in {room}.
- Agenda\n1. {project}\n2. Options for the {meeting} ({DATE:day_on} or {DATE:day_on})\n3. Any other business
- Hi all, sorry for the short notice but {NAME:first} is ill, so {DATE:soon}'s {meeting} is off.
- Deadline extended to {DATE:day_on}, {TIME=close of business}.
- I need the slides by {TIME=EOD} {DATE:weekday}. No exceptions. {NAME:first}
- {NAME:full} proposed a new time: {DATE:day_on}, {TIME:range}. Accept / Decline / Tentative
- The earliest {title} {NAME:last} can see you is {DATE:soon}, in the {TIME:part}, but if it gets worse please call {phone}
  straight away.
- Not {DATE:weekday}. Anything but {DATE:weekday}.
- Doors {TIME=7 pm}, curtain {TIME=half past seven}. Tickets {price} at the desk, or write to {EMAIL}.
- lc| hey {NAME:nickname} r we still on for {DATE:soon_typed}? i can do {TIME:clock_typed} or {TIME:clock_typed} but not after
- {NAME:last}, {DATE:weekday}, {TIME:clock}. Don't be late.
- I spoke with {NAME:full} {DATE:past} and we agreed to postpone {project} until {DATE:due}.
- so the thing with {title} {NAME:last} got moved uh to {DATE:day_on} at {TIME:clock} no wait {TIME:clock} sorry
- Can the courier collect between {TIME:early} and {TIME:late} {DATE:soon}? Contact on site: {NAME:full}, {phone}.
- My availability: {DATE:weekday} {TIME:range}, {DATE:weekday} all day, {DATE:weekday} only after {TIME:clock}.
- Sounds good, thanks!
- Book {room} for {length}, please.
- Who is on call {DATE:soon}? I have {NAME:first} until {TIME:late} and nobody after that.
- {NAME:first} here, {NAME:first}'s mum. She has swimming {DATE:every} at {TIME:clock}, so piano has to be later.
- Please join us in congratulating {NAME:full} and {NAME:full}. Drinks {DATE:soon} from {TIME:clock} in {room}!
- RSVP to {EMAIL} no later than {DATE:due}.
- Subject: Re: Re: {meeting}\n\n{NAME:first}\n\n{DATE:weekday} is fine. {TIME:clock} as well.\n\n{NAME:first}
- From: {NAME:full} [mailto:{EMAIL}]\nSent: {DATE:day_on} {TIME:clock}\nTo: {NAME:full}\nSubject: {project}
- Payroll closes {DATE:due}; expenses over {price} need approval from {NAME:full} first.
- FYI {project} was merged {DATE:past} at {TIME:clock} by {NAME:handle}.
- it is {NAME:first} dot no sorry the address is {EMAIL} and I'm free {DATE:soon} in the {TIME:part}
- Shall we say {DATE:day_on}, {TIME:clock} your time / {TIME:clock} mine?
- The doctor is away {DATE:day_range}. Urgent cases: {title} {NAME:full}, {room}, {phone}.
- Does the {TIME:part} of {DATE:day_on} suit you, {title} {NAME:last}?
- lc| {NAME:nickname} cant do {DATE:soon_typed} shes got a {meeting}
- Attendees: {NAME:full} (chair), {NAME:full}, {NAME:full}. Apologies: {NAME:full}. Next meeting: {DATE:day_on}.
- I'll be in {place} from {TIME:early} till {TIME:late} if anyone wants to talk about {project}.
- On behalf of {title} {NAME:full}, I would like to request a meeting of {length} on {DATE:day_on} or, failing that,
  {DATE:day_on}. Replies may be addressed to me at {EMAIL}.
- Your parcel will arrive {DATE:soon} in the window {TIME:range}. Reference {d6}.
- We changed the room to {room}, everything else stays as it was.
- ok {NAME:first} {DATE:weekday} {TIME:clock} {place} done
- pls invite {EMAIL} and {EMAIL}, {TIME:clock_typed} {DATE:soon_typed}
- Is {TIME:early} too early? {NAME:first} has to drop the kids first.
- {NAME:first} wrote: "{DATE:weekday} doesn't work, how about {DATE:sometime}?"
- Contract for {project}: to be signed by {DATE:due}, countersigned by {NAME:full} later.
- Shift swap: {NAME:first} takes {DATE:weekday} {TIME:part}, {NAME:first} takes {DATE:weekday} {TIME:part}. OK?
- Can't talk now, in a {meeting}. Text me.
- Training runs {DATE:every}, {TIME:range}. Bring shoes. Questions to coach {NAME:last} or {EMAIL}.
- Bonjour {NAME:first}, the kickoff in Paris is confirmed for {DATE:day_on}. À bientôt, {NAME:first}
- lc| happy bday {NAME:nickname}!! party {DATE:soon_typed} {TIME:clock_typed}, my place
- I have two of you down for {TIME:clock} {DATE:soon}. {NAME:first}, could you come at {TIME:clock} instead?
- If {NAME:first} doesn't hear back by {TIME:clock} {DATE:soon}, the slot goes to {NAME:first}.
- Maintenance window: {DATE:iso} {TIME:range}. Contact {EMAIL}. Affected: {project}.
- {title} {NAME:full}, {title} {NAME:last} and I are delighted to invite you on {DATE:day_on}.
- Bus {10-99} leaves at {TIME:clock} sharp and the next one isn't until {TIME:clock}.
- Great demo {DATE:past}, {NAME:first}! Can you run it again for {NAME:full} {DATE:sometime}?
- The kids finish at {TIME:late} on {DATE:weekday} and {TIME:late} on {DATE:weekday}; who picks them up?
- Out sick {DATE=today}. Back {DATE=tomorrow}, hopefully.
- lc| meeting {DATE=tomorow}??? nobody told me
- See you {TIME=tonight}, {TIME:clock}, {room}. {NAME:nickname}
- +1 for {DATE:weekday}. {NAME:first} / {NAME:first} can you confirm w/ {EMAIL}?
- Let's do it {DATE:weekday} first thing, before {title} {NAME:last} gets in.
- INVITE {EMAIL} {DATE:iso} {TIME:clock} {length} {place}
- We've been going back and forth on this since {DATE:past}. Here is my last offer: {DATE:day_on}, {TIME:clock}, and
  {NAME:first} pays for the coffee. If not, we let {title} {NAME:last} decide in {DATE:month}.
""")

HELD_OUT_PATTERNS = patterns(r"""
- Hello {NAME:first},\n\njust confirming our {meeting} {DATE:soon} at {TIME:clock}. My colleague {NAME:full} ({EMAIL}) will join
  us.\n\n{bye}\n{NAME:first}
- lc| yo {NAME:nickname} u free {DATE:soon_typed} round {TIME:clock_typed}
- Push {TIME:clock} back to {TIME:clock}, {NAME:first} is stuck in traffic.
- The rent of {price} is due {DATE:due}.
- hi this is {NAME:full} uh I'd like to book a table for six um {DATE:soon} say {TIME:clock} and my number is {phone}
- Minutes of {DATE:day_on}. Present: {NAME:full}, {NAME:full}. Action: {NAME:first} writes to {EMAIL}.
- Either {DATE:weekday} {TIME:part} or {DATE:weekday} {TIME:part}, whichever {title} {NAME:last} prefers.
- Your verification code is {d6}. It expires in {length}.
- {NAME:first} / {DATE:day_on} / {TIME:clock} / {place}
- Sorry, wrong {NAME:first}! I meant {NAME:first} from accounting.
- Applications close at {TIME:clock} on {DATE:day_on}. Late ones go to {EMAIL}, where nobody reads them.
- Any chance of swapping? I have {DATE:weekday} {TIME:range} and need {DATE:weekday}.
- As discussed {DATE:past}, {project} ships {DATE:due}.
- schedule {length} with {NAME:first} and {NAME:first} {DATE:soon}
- {EMAIL} bounced. Is it {EMAIL}?
- lc| {DATE:soon_typed} no good 4 me, {DATE:soon_typed}??
- The funeral of {title} {NAME:full} will be held on {DATE:day_on} at {TIME:clock}. Family flowers only.
- We open at {TIME:early}, except {DATE:weekday}, when we are closed.
- Bring your passport to {room}.
- {NAME:first} told {NAME:first} that {NAME:first} wanted {TIME:clock}, so who is right?
- Dear parents,\nschool photographs will be taken {DATE:soon}. Pupils should be in {room} by {TIME:early}.\n{title} {NAME:full}
- BEGIN:VEVENT organizer={EMAIL} start={DATE:iso} summary={meeting}
- Gate closes {TIME:clock}. Passenger: {NAME:full}. Seat {10-30}C.
- Thx @{NAME:handle}, {DATE:weekday} {TIME:clock_typed} it is
- Works out at {price} each if {NAME:first} comes too. Same time {DATE:sometime}?
- I'm eight hours ahead of {NAME:first}, so {TIME:clock} there is {TIME:clock} for me. {DATE:soon}, then?
- The {meeting} happens {DATE:every}; the next is {DATE:day_on} and {NAME:full} takes notes.
- lc| pls tell {NAME:nickname} its {TIME:clock_typed} NOT {TIME:clock_typed}
- Would the {nth_word} floor room be free {DATE:day_range}? {NAME:full} needs it for {project}.
- Best reached by mail ({EMAIL}), {DATE:every}, {TIME:range}.
""")
