"""More verbs and more ways to tell a problem, for the later documents."""

import contextlib

from . import verbs

MORE = {
    "GAIN": """put/put on, upload, plant, pluck, dig/dug out, rescue, get/got as a present, come/came/come home with, scrape together, bag, snap up, net, stash, load, install,
sew/sewed/sewn on, hang/hung up, stick/stuck on, brew, weave/wove/woven, type, film, capture, trap, hook, take/took/taken on, bring/brought along, put/put up, rack up, pile up,
amass, bundle, lay/laid, stamp, fill in, sign up, turn up, carry in, bring/brought in, buy/bought at the market, get/got by mail, get/got for free, save up, earn extra, win/won in a raffle,
find/found in the attic, find/found under the bed, pick/picked from the tree, take/took/taken from the shelf, get/got in return, receive as a gift, catch/caught with a net, add to the pile,
lay/laid out, take/took/taken along, order in, cook up, whip up, solve, learn, tick off, complete""",
    "LOSE": """wipe out, trim off, snip off, chop off, chop up, saw off, chop down, weed out, pull up, pull out, take/took/taken down, take/took/taken back, hand down, hand round, dish out, deal out,
send/sent back, lend/lent to a friend, blow/blew/blown out, drink/drank/drunk up, drink/drank/drunk, gulp down, polish off, wolf down, feed/fed to the dog, feed/fed to the pigs, use in a soup, use for a cake, need for dinner,
set/set free, let/let out, let/let go, free, dismiss, knock down, go/went/gone through, burn up, wear/wore/worn out, outgrow/outgrew/outgrown, write/wrote/written off, strike/struck out, rub/rubbed out, unload, ship out, post, skip,
drop in the river, drop on the floor, lose/lost on the bus, lose/lost in a bet, lose/lost in a game, shed/shed, wreck, trash, dump, ditch, chuck out, fling/flung away, squander, barter away, put/put back, clear out, clear away, sweep/swept up,
eat/ate/eaten for breakfast, boil, fry, grill, slice up, crumble, turn in, wash away, lay/laid off, swap, trade, hide/hid/hidden, clip off, cut/cut away, split/split, present to a friend, give/gave/given to a friend, pass to a neighbor,
leave/left on the train, leave/left at home, leave/left in the shop, sell/sold at the market, sell/sold online, send/sent to a friend, mail to a friend""",
    "TAKE": "pinch, nick, swipe, beg, accept, lift, claim, collect",
    "RUIN": "crush, smash, burn, chew, bury, spill, scatter, blow/blew/blown away, wreck, bite/bit/bitten, swallow, squash, snatch, carry away, run/ran/run away with, knock over, get/got",
    "COME": """come/came/come aboard, climb on, hop aboard, pile in, crowd in, squeeze on, drop by, log in, log on, pour in, march in, file in, burst/burst in, sneak in, slip in, walk up, drive/drove/driven up, pull up, roll up, roll in,
be/was/been let in, be/was/been invited, be/was/been hired, take/took/taken a seat, find/found a place, subscribe, apply, volunteer, come/came/come back out, come/came/come along later, get/got up and join, swim/swam/swum up, arrive late, be/was/been picked up,
come/came/come down, come/came/come up, be/was/been added, be/was/been waiting, stop to watch, want to join, be/was/been taken on""".replace("get/got up and join, ", "").replace("be/was/been waiting, ", ""),
    "LEAVE": """go/went/gone ashore, go/went/gone inside, go/went/gone home early, climb down, get/got down, pile out, pour out, file out, march off, sail away, sail off, drive/drove/driven away, drive/drove/driven off, pull out, fly/flew/flown home,
be/was/been sent home, be/was/been fired, be/was/been dropped, be/was/been sent off, log off, log out, hang/hung up, hop out, jump out, sneak out, sneak away, scatter, be/was/been picked up by their parents, be/was/been called away, move on, switch to another class,
cancel, die, fall/fell/fallen off, fall/fell/fallen ill, be/was/been taken away, jump ship, go/went/gone to lunch, go/went/gone into the house, catch/caught a train, stop coming, be/was/been missing, change trains, leave/left early, be/was/been gone, tire and leave""".replace(", tire and leave", ""),
    "FLY_IN": "swoop in, dart in, be/was/been brought in, be/was/been rescued, be/was/been let in, move in, hop over, flutter in, settle, join the flock, join the herd, join them, be/was/been found, be/was/been bought, wash up, come/came/come out, come/came/come over, swim/swam/swum by, come/came/come back",
    "FLY_OFF": """flutter off, gallop off, dart away, be/was/been taken away, be/was/been given away, be/was/been adopted, be/was/been moved to another farm, go/went/gone to another zoo, be/was/been released, be/was/been let out, be/was/been taken by a fox,
scurry off, hide/hid/hidden, slither away, migrate, drown, be/was/been gone, be/was/been sold to a farmer, go/went/gone, be/was/been missing, dive/dived, jump off, jump out, creep/crept away, get/got away, fall/fell/fallen down, fall/fell/fallen off""",
    "GROW": "come/came/come out, turn red, be/was/been sown, spring/sprang/sprung up, shoot/shot up, be/was/been added",
    "SPOIL": """blow/blew/blown out, burn out, go/went/gone off, get/got eaten, get/got broken, get/got sold, get/got stolen, be/was/been gone, be/was/been missing, be/was/been crushed, be/was/been smashed, be/was/been cracked, be/was/been rotten, be/was/been bad,
be/was/been swapped, be/was/been cleared away, be/was/been washed away, be/was/been swept away, be/was/been erased, be/was/been wiped out, be/was/been drunk, be/was/been spilled, be/was/been burned, be/was/been fed to the pigs, be/was/been chopped down,
be/was/been sent out, be/was/been mailed, be/was/been scrapped, turn out to be rotten, turn out to be bad, turn out to be empty, fall/fell/fallen apart, come/came/come off, break/broke/broken off, dry out, leak out, run/ran/run out, wear/wore/worn out, sink/sank/sunk,
be/was/been dropped, be/was/been ruined, be/was/been cut off, be/was/been checked out, be/was/been given to a friend, be/was/been finished, be/was/been served, be/was/been put away, be/was/been cancelled, be/was/been torn, be/was/been hidden, be/was/been taken home""",
    "COME_IN": """be/was/been put on, be/was/been hung up, be/was/been poured in, be/was/been planted, be/was/been shipped in, be/was/been piled on, be/was/been uploaded, be/was/been printed, be/was/been lit, be/was/been put out, come/came/come by mail,
be/was/been dug up, be/was/been put up, be/was/been saved, be/was/been gathered, be/was/been carried in, be/was/been laid, be/was/been washed, be/was/been written, be/was/been sewn on, be/was/been put there, be/was/been tossed in, be/was/been handed over""",
}
_MORE = {name: verbs._all(text) for name, text in MORE.items()}


def _swap(module, more):
    old = {}
    for name, items in more.items():
        old[name] = getattr(module, name)
        setattr(module, name, old[name] + items)
    return old


@contextlib.contextmanager
def wide(arithmetic):
    """While it lasts, problems are told with all verbs and all templates."""
    swapped = [(verbs, _swap(verbs, _MORE)), (arithmetic, _swap(arithmetic, TEMPLATES))]
    try:
        yield
    finally:
        for module, old in swapped:
            for name, items in old.items():
                setattr(module, name, items)


_MEASURES = [
    ("the temperature was {d}|it was {d} at noon|the water is {d} warm|it is {d} in the sun|the oven is at {d}", "it has warmed up by {d}|the sun warms it by {d}|it heats up by {d}|it gets hotter by {d}|it becomes {d} warmer",
     "it has cooled by {d}|it cools off by {d}|it becomes {d} colder|it cools {d}|it is {d} cooler in the evening", "what is the temperature then|how warm is it then|what was the temperature in the evening|how hot is it now|what does the thermometer say", " degrees"),
    ("{n}'s purse contains {d}|{n}'s wallet holds {d}|there are {d} in the piggy bank|{n}'s savings are {d}|{n} has got {d}|{n} owns {d}|{n} takes {d} to the market|{n} brings {d}|{n} has {d} to spend|{n} got {d} from {o}",
     "{o} slips {him} {d}|{he} is handed {d}|{o} adds {d}|{he} sells {his} {t} for {d}|{d} come in|{he} finds {d} in {his} coat|{he} saves up {d} more|{he} gets {d} from {o}|{he} earns {d} by helping {o}|a customer pays {him} {d}|{he} gets {d} in change|{o} pays back {d}|{he} wins {d} in a game",
     "a {t} sets {him} back {d}|{he} pays {d} for food|{d} go for a {t}|the bus costs {him} {d}|{he} puts {d} in the bank|{he} gives away {d}|{he} hands over {d}|{he} buys food for {d}|{he} owes {o} {d} and pays it|{he} spends {d} at the shop|{he} must pay {d} for a {t}|{he} uses {d} for a {t}|the {t} costs {d}|lunch costs {d}|{he} loses {d} on the way|{he} drops {d}",
     "how much money has {he} left|how much has {he} got left|how much money is in the purse|how much does {he} still have|how much is there now|what does {he} have left|how much money has {n} now|how much is in it now|what is left", "$"),
    ("the tank held {d}|the tank of the car holds {d}|a barrel is filled with {d}|there are {d} in the bottle|the pot holds {d} of soup|the lake has {d}", "{d} run in|{o} pours in {d}|it is filled with {d} more|{n} fills up {d}|{d} are pumped in",
     "the car burns {d}|the car uses {d}|{n} burns {d}|the plants get {d}|{d} run out|{d} drip out|{d} are pumped out|{d} dry up|the family drinks {d}|{n} sells {d}|the animals drink {d}", "how much is in the tank|how many {u} are left in it|how much is still in it|how many {u} remain|what is left in it", " liters| gallons| cups"),
    ("{n}'s beard is {d} long|{n}'s hair is {d} long|the pole is {d} long|the snow was {d} deep|the pile is {d} high|the tower is {d} high|a string measures {d}|{n} is {d} tall|the pencil is {d} long|the plant measures {d}", "{d} fall|it grew by another {d}|{n} puts on {d}|another {d} are added|it grew {d}|{n} ties on {d}|{n} builds {d} more",
     "{n} trims off {d}|{n} saws off {d}|{d} melt|{d} melt away|{n} cuts {d} off|{d} are trimmed|{n} chops off {d}|{n} sharpens away {d}|{d} fall off|{d} are used", "how long is the rest|how long is it then|how deep is it then|how tall is it then|how much is left of it|how high is it then|how long is it afterwards", " cm| meters| inches| feet"),
    ("the lift is on floor {d}|the elevator starts at floor {d}|{n} is on stair {d}|the counter stands at {d}|a game starts at {d}|the clock of a game shows {d}|{n} sits in row {d}|the score is {d}|the meter reads {d}", "it travels up {d} floors|it goes up {d} floors|it moves up {d}|{n} walks up {d}|it gains {d}|it moves {d} forward|it goes {d} up", "it travels down {d} floors|it goes down {d} floors|it moves down {d}|{n} walks down {d}|it loses {d}|it moves {d} back|it goes {d} down",
     "on which floor is it|which floor is it on|where does it stop|what does it read now|where is it then|what number does it show", "|"),
]
TEMPLATES = {
    "MEASURES": [(a.split("|"), b.split("|"), c.split("|"), d.split("|"), e) for a, b, c, d, e in _MEASURES],
    "TWO_PARTS": [
        "Two [buses|classes|boxes|teams] came, one with {x} and the other with {y}. How many {t} came?", "{A} [scored|got|made] {x1} in the first game and {y1} in the second. What is the total?", "{A} rides {x1} km, rests, and rides another {y1} km. How far is it?",
        "{A} saw {x} on one [bush|tree|farm|roof] and {y} on another. How many {t} did {he} see?", "A shop sold {x} before lunch and {y1} after lunch. How many did it sell?", "What is {x1} and {y1} together?", "{x1} plus {y1} is how much?", "{A} planted {x} and {y1} {t2}. How many plants did {he} plant?",
        "{x} were joined by {y1} [others|more]. How many {t} were there then?", "{A} has {x} at home and {y} at school. How many {t} does {he} have?", "{x} are here and {y} are [on the way|at home|outside]. How many {t} is that?", "There were {x} in May and {y} in June. How many {t} were there in [both|the two] months?",
        "{A} baked {x} and {B} baked {y}. How many did the two bake?", "Our [hens|cows] gave {x} on Saturday and {y} on Sunday. How many {t} is that?", "{A} walked {x1} steps to school and {y1} steps home. How many steps did {he} walk?", "A team has {x1} [girls|men] and {y1} [boys|women]. How many are on the team?",
        "How many legs are {x1} legs and {y1} legs?", "{A} drank {x1} cups, {B} drank {y1}. How much did they drink?", "My [book|trip|list] has two parts: {x1} {t} and {y1} {t}. How many are there?", "One {s} weighs {x1} kg, another {y1} kg. What do they weigh together?",
    ],
    "MORE_THAN": [
        "We have {y1} points, they have {x1}. How many points do we need to catch up?", "{A} sold {x} in May and {y1} in June. How many more did {he} sell in May?", "I am {y1} years old. My [mother|aunt|grandfather] is {x1}. How many years older is [she|he]?", "{A} is {x1} cm tall, {B} is {y1} cm tall. How much taller is {A}?",
        "{B} has {y}. {A} has {x}. How many more does {B} need to have as many as {A}?", "A {s} weighs {x1} kg and a {s2} weighs {y1} kg. How much heavier is the {s}?", "How much bigger is {x1} than {y1}?", "The {s} costs {y1} euros, the {s2} {x1} euros. What is the difference in price?", "{A} needs {x1} minutes, {B} needs {y1}. How much faster is {B}?",
        "{A} ran {x1} laps and {B} ran {y1}. How many laps more did {A} run?", "Last year there were {y1} {t}, this year there are {x1}. By how many did they grow?", "{A} counted {x} but {B} counted only {y1}. How many did {B} miss?",
    ],
    "REST": [
        "A [library|shop|friend] lends out {y1} of its {x}. How many are [still there|left]?", "Of the {x} in the race, {y1} gave up. How many [finished|reached the end]?", "A [cinema|bus|plane] has {x1} seats and {y1} of them are [taken|full]. How many are [empty|free]?", "A string of {x1} cm is cut: one piece is {y1} cm. How long is the other piece?",
        "My book has {x1} pages and I am on page {y1}. How many pages must I still read?", "We need {x} and have found {y1}. How many are still missing?", "{A} must walk {x1} steps. {He} has walked {y1}. How many are left?", "By noon {y1} of the {x} were gone. How many [were left|remained]?", "A baker made {x}. By noon {y1} were [gone|sold]. How many remained?",
        "{A} wants to read {x}. So far {he} has read {y1}. How many are left to read?", "Of {A}'s {x}, {y1} are at school. How many are at home?", "{x} were invited, but {y1} did not come. How many came?", "{x} took the test and {y1} failed. How many passed?", "{A} planted {x}, but only {y1} grew. How many did not grow?", "There are {x1} days in all, and {y1} are over. How many are left?",
        "Not all of the {x} are ripe: {y1} are green. How many are ripe?", "{A} owes {B} {x1} dollars and pays back {y1}. How much does {he} still owe?", "A {s} of {x1} dollars is sold for {y1} dollars less. What is its price?", "{x1} [kids|people] are outside. {y1} go inside. How many are still outside?", "Out of {x}, {A} kept only {y1}. How many did {he} give away?", "{A} ordered {x}, but only {y1} came. How many are missing?",
    ],
    "BEFORE": [
        "{A} has {x1}, which is {y1} fewer than {B} has. How many does {B} have?", "{A} is {y1} points ahead of {B}, who has {x1} points. How many points has {A}?", "A {s} costs {x1} dollars. A {s2} costs {y1} dollars more. What is the price of the {s2}?", "{y1} left and {x1} stayed. How many were there before?", "{A} is {y1} cm taller than {B}, who is {x1} cm. How tall is {A}?",
        "After {A} ate {y1}, there were {x} left. How many were there at first?", "{A} took out {y1}, and {x1} are still in the box. How many were in the box?", "In {y1} years {A} will be how old, if {he} is {x1} now?", "{B} has {x}, {y1} fewer than {A}. How many does {A} have?",
    ],
    "FEWER": [
        "{A} is {y1} points behind {B}, who has {x1} points. How many points has {A}?", "{A} has {x1}, which is {y1} more than {B} has. How many does {B} have?", "{A} is {y1} cm shorter than {B}, who is {x1} cm. How tall is {A}?", "{A} is {y1} years younger than {B}, who is {x1}. How old is {A}?", "It is {x1} degrees at noon and {y1} degrees colder at night. How cold is it at night?",
        "A {s} costs {x1} dollars. A {s2} costs {y1} dollars less. What is the price of the {s2}?", "{y1} fewer than {x} is how many?", "{A} has {x}, that is {y1} more than {B}. How many does {B} have?",
    ],
}
