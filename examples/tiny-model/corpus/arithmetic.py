"""Problems of one to three sums and differences in many wordings, some products, and sums of long numbers."""

from . import verbs as v
from . import words as w

STEP_CUE = "Let's think step by step."
DIRECT = 0.3  # what an answer without steps weighs in the loss
GIRL, BOY, MANY = ("she", "her", "her"), ("he", "him", "his"), ("they", "them", "their")
ROLES = """farmer,gardener,baker,teacher,doctor,child,boy/,girl,man/,woman,student,player,collector,sailor,king/,queen,wizard/,
driver,painter,clown,cook,hunter/,shopkeeper,librarian,grandmother,neighbor,pirate/,knight/,tailor,mechanic,nurse,fisherman/,monkey,squirrel,robot""".replace("\n", "").split(",")
KIN = "sister brother/ mother father/ aunt uncle/ friend cousin teacher neighbor grandmother grandfather/ mom dad/".split()


class Who:
    """A person or several: how a sentence names them first and later, and the rest of the pronouns."""

    def __init__(self, name, pronouns, plural=False, first=False):
        self.name, (self.he, self.him, self.his), self.plural, self.first = name, pronouns, plural, first

    def do(self, past):
        return "did" if past else "do" if self.plural else "does"

    def has(self, past):
        return "had" if past else "have" if self.plural else "has"


def name_of(rng, test=False):
    """(name, pronouns): a listed name, or one that does not exist."""
    if not test and rng.random() < 0.4:
        x = w.invented(rng, short=True)
        return x[0].upper() + x[1:], rng.choice((GIRL, BOY))
    girl = rng.random() < 0.5
    return _pick(rng, "problem-name", w.GIRLS if girl else w.BOYS, test), GIRL if girl else BOY


def who(rng, test=False):
    r = rng.random()
    if r < 0.62 or test:
        return Who(*name_of(rng, test))
    if r < 0.68:
        return Who("I", ("I", "me", "my"), True, True)
    if r < 0.71:
        return Who("you", ("you", "you", "your"), True, True)
    if r < 0.74:
        return Who("we", ("we", "us", "our"), True, True)
    if r < 0.80:
        return Who(rng.choice(("they", "the children", "the twins", "the students", "the friends", "my parents", "the farmers", "the players",
                               f"{name_of(rng)[0]} and {name_of(rng)[0]}")), MANY, True)
    if r < 0.90:
        x = rng.choice(ROLES)
        return Who(rng.choice(("a ", "the ")) + x.strip("/"), BOY if x[-1] == "/" else rng.choice((GIRL, GIRL, BOY)))
    if r < 0.96:
        x = rng.choice(KIN)
        return Who(rng.choice(("my ", "my ", "your ", "our ")) + x.strip("/"), BOY if x[-1] == "/" else GIRL)
    return Who(rng.choice(("Mr. ", "Mrs. ")) + name_of(rng)[0], rng.choice((GIRL, BOY)))


def other_than(rng, one, test=False):
    while True:
        x = name_of(rng, test)[0] if test or rng.random() < 0.6 else (
            (f"{one.his} " if one.his != "his" or rng.random() < 0.9 else "his ") + rng.choice(KIN).strip("/") if rng.random() < 0.7 else
            rng.choice(("a friend", "a neighbor", "the teacher", "a stranger", "the shopkeeper", "a customer", "a girl", "a boy", "grandpa")))
        if x != one.name:
            return x


def _pick(rng, role, items, test):
    train, kept = w.kept(role, items)
    return rng.choice(kept if test else train)


def thing_of(rng, test=False):
    """Things that can be counted, in the plural; also ones that do not exist."""
    r = rng.random()
    if test:
        return _pick(rng, "problem-thing", w.COUNTED, True)
    if r < 0.40:
        return rng.choice(w.PLURALS)
    if r < 0.62:
        return _pick(rng, "problem-thing", w.COUNTED, False)
    if r < 0.92:
        return w.plural(w.invented(rng, short=True))
    return rng.choice(w.ADJECTIVES) + " " + rng.choice(w.PLURALS)


class Problem:
    """A question, its steps [(left, op, right, result)], and the answer."""

    def __init__(self, question, steps, key=""):
        self.question, self.steps, self.answer, self.key = question, steps, steps[-1][3], key

    def worked(self):
        return " ".join(f"{'First' if i == 0 else 'Then'} {a} {op} {b} = {r}." for i, (a, op, b, r) in enumerate(self.steps))


def _start(rng):
    return rng.randint(100, 199) if rng.random() < 0.12 else rng.randint(2, 99)


def numbers(rng, n, top=199):
    """A start and n changes, each (op, number); every result is in 0..top."""
    while True:
        at = start = _start(rng)
        out = []
        for _ in range(n):
            d = rng.randint(1, 9) if rng.random() < 0.2 else rng.randint(1, 99)
            op = "+" if rng.random() < 0.48 else "-"
            at = at + d if op == "+" else at - d
            if not 0 <= at <= top or (at == 0 and rng.random() < 0.8):
                break
            out.append((op, d))
        if len(out) == n:
            return start, out


def steps_of(start, changes):
    out = []
    for op, d in changes:
        to = start + d if op == "+" else start - d
        out.append((start, op, d, to))
        start = to
    return out


def cap(s):
    return s[0].upper() + s[1:]


LEADS = """then,later,next,after that,afterwards,the next day,in the evening,in the morning,after lunch,on Monday,on Tuesday,on Wednesday,on Friday,on Sunday,
a week later,an hour later,the following day,soon,today,a little later,during the day,at noon,at night,in the afternoon,now,yesterday,
this morning,last week,on the way home,after school,some time later,a moment later,suddenly,at the weekend,over the weekend,at first,first,
finally,in the end,on Saturday,on Thursday,tomorrow,a few days later,two days later,the day after,before dinner,during the break,in spring,in winter,
one day,that night,at the end of the day,to begin with,of course,luckily,sadly,unfortunately,by mistake,as a present,as a reward""".replace("\n", "").split(",")
TAILS = """,,,,,,,at the market,in the garden,at school,on the way home,at home,in the park,at the fair,in town,this morning,today,on Monday,on Sunday,for lunch,
at the shop,yesterday,in the afternoon,later,at work,in the street,there,by accident,for a friend,on the beach,after school,at a party,in a game,for fun,online,
right away,from the box,in the kitchen,on the playground,during the day,next,too,as well""".replace("\n", "").split(",")


def n_more(rng, d, things):
    return rng.choice((f"{d} more {things}", f"{d} more {things}", f"{d} more", f"another {d} {things}", f"another {d}", f"{d} {things}", f"{d} extra {things}",
                       f"{d} new {things}", f"{d} additional {things}", f"{d} other {things}", f"an additional {d}", f"{d} further {things}", f"{d} new ones", f"{d}"))


def n_of(rng, d, things, his="the"):
    return rng.choice((f"{d} {things}", f"{d} {things}", f"{d} of them", f"{d} of them", f"{d} of {his} {things}", f"{d} of the {things}", f"{d}", f"{d} of those",
                       f"{d} of these {things}", f"{d} of those {things}"))


class Clause:
    """What happens, as a finite clause without capital, and with -ing if the person does it."""

    def __init__(self, finite, ing=None, doer=False):
        self.finite, self.ing, self.doer = finite, ing, doer


def _tail(rng):
    t = rng.choice(TAILS)
    return f" {t}" if t else ""


def gain(rng, p, d, things, past, named, test):
    """{p} comes to have d more."""
    r, s = rng.random(), p.name if named else p.he
    amount = n_more(rng, d, things)
    if r < 0.55:
        verb, tail = rng.choice(v.GAIN), _tail(rng)
        return Clause(f"{s} {verb.finite(past, p.plural) if s != 'I' or not verb.base.startswith('be ') else ('was' if past else 'am') + verb.base[2:]} {amount}{tail}",
                      f"{verb.ing} {amount}{tail}", True)
    o = other_than(rng, p, test)
    if r < 0.80:
        verb = rng.choice(v.GIVE)
        f = verb.finite(past, False)
        return Clause(rng.choice((f"{o} {f} {p.him} {amount}", f"{o} {f} {p.him} {amount}", f"{o} {f} {amount} to {p.him}", f"{s} {p.has(past)} {verb.part} {amount} by {o}")
                                 if rng.random() < 0.9 and verb.base not in ("get", "make", "buy") else (f"{o} {f} {p.him} {amount}",)))
    if r < 0.92:
        verb = rng.choice(("get/got", "receive", "borrow", "buy/bought", "win/won", "take/took/taken", "collect", "inherit"))
        verb = v.Verb(verb)
        x = f"{amount} from {o}" + rng.choice(("", "", " for " + p.his + " birthday"))
        return Clause(f"{s} {verb.finite(past, p.plural)} {x}", f"{verb.ing} {x}", True)
    verb = rng.choice(v.COME_IN)
    return Clause(f"{n_more(rng, d, things)} {verb.finite(past, True)}")


def loss(rng, p, d, things, past, named, test):
    r, s = rng.random(), p.name if named else p.he
    amount = n_of(rng, d, things, p.his)
    if r < 0.52:
        verb, tail = rng.choice(v.LOSE if rng.random() < 0.85 else v.EAT), _tail(rng)
        return Clause(f"{s} {verb.finite(past, p.plural)} {amount}{tail}", f"{verb.ing} {amount}{tail}", True)
    o = other_than(rng, p, test)
    if r < 0.74:
        verb = rng.choice(v.GIVE)
        x = f"{amount} to {o}" if rng.random() < 0.6 else f"{o} {amount}"
        if verb.base in ("get", "make", "buy", "leave"):
            verb = v.GIVE[0]
        return Clause(f"{s} {verb.finite(past, p.plural)} {x}", f"{verb.ing} {x}", True)
    if r < 0.84:
        verb = rng.choice(v.TAKE)
        return Clause(f"{o} {verb.finite(past, False)} {amount} from {p.him}")
    if r < 0.91:
        verb = rng.choice(v.RUIN)
        o = rng.choice((o, o, f"{p.his} dog", "the dog", "a thief", "the wind", "a mouse", "the cat", f"{p.his} cat", "a bird", "the rain", "the baby"))
        return Clause(f"{o} {verb.finite(past, False)} {n_of(rng, d, things, p.his)}")
    verb = rng.choice(v.SPOIL)
    return Clause(f"{n_of(rng, d, things, p.his)} {verb.finite(past, True)}")


def again(rng, op, d, by_whom=True, test=False):
    """A second number for the same verb."""
    o = name_of(rng, test)[0]
    return rng.choice((f"{d} on Tuesday", f"another {d}", f"another {d} later", f"{d} more", f"then {d} more", f"{d} the next day", f"then {d}", f"later {d} more", f"{d} in the evening", f"{d} on Sunday",
                       f"then another {d}", f"{d} in the afternoon", f"{d} today", f"{d} at school", f"{d} after that") + ((f"{d} to {o}", f"{d} to {o}", f"{d} to his friend") if op == "-" and by_whom else
                      (f"{d} from {o}", f"{d} from her friend") if by_whom else ()))


def merged(rng, changes, clauses, share=0.3, test=False):
    """Clauses, of which two that say the same may be one with two numbers."""
    out = []
    for (op, d), c in zip(changes, clauses):
        if out and out[-1][0] == op and rng.random() < share:
            tail = rng.choice((" and ", " and ", ", then ", " and then ")) + again(rng, op, d, c.doer, test)
            last = out[-1][1]
            out[-1] = "", Clause(last.finite + tail, last.ing + tail if last.ing else None, last.doer)
        else:
            out.append((op, c))
    return [c for _, c in out]


def join(rng, clauses):
    """Clauses as sentences: each for itself, or two in one; with a time or without."""
    out, i = "", 0
    while i < len(clauses):
        c = clauses[i]
        r, lead = rng.random(), rng.choice(LEADS) if rng.random() < (0.35 if i == 0 else 0.55) else ""
        text = (lead + rng.choice((", ", ", ", " ")) if lead else "") + c
        if i + 1 < len(clauses) and r < 0.4:
            i += 1
            text += rng.choice((" and ", " and then ", ", then ", ", and ", ", and then ", " but ", ", but then ", "; ", " and later ", " and after that ", ", while ")) + clauses[i]
            if i + 1 < len(clauses) and rng.random() < 0.3:
                i += 1
                text += rng.choice((" and ", ", and then ", ", but ", ", then ", " and finally ")) + clauses[i]
        out += " " + cap(text) + "."
        i += 1
    return out


def told(rng, first, clauses, q, shares, links, starts):
    """How it is at first, what happens and the question as one text. Up to shares[0] and shares[1] all is one sentence,
    its clauses linked by one of `links`; up to shares[2] the first clause goes with the first sentence, by one of
    `starts`."""
    r = rng.random()
    if r < shares[0]:
        return f"If {first} and " + rng.choice(links).join(clauses) + f", {q[0].lower() + q[1:]}"
    if r < shares[1]:
        return f"{q[:-1]} if {first} and " + rng.choice(links).join(clauses) + "?"
    if r < shares[2]:
        return cap(first) + rng.choice(starts) + clauses[0] + "." + join(rng, clauses[1:]) + " " + q
    return cap(first) + "." + join(rng, clauses) + " " + q


def ask_possession(rng, p, things, changes, past):
    """The question after the changes."""
    last_loss, any_loss = changes[-1][0] == "-", any(op == "-" for op, _ in changes)
    any_gain = any(op == "+" for op, _ in changes)
    s = rng.choice((p.name, p.he))
    have = rng.choice(("have", "have", "have", "own"))
    q = [f"how many {things} {p.do(False)} {s} {have} now", f"how many {things} {p.do(False)} {s} {have}", f"how many {p.do(False)} {s} have now",
         f"how many {things} {p.has(False)} {s} got now", f"how many {things} {p.has(False)} {s} now", f"how many {things} {p.do(False)} {s} {have} in the end",
         f"how many {things} {p.do(False)} {s} end up with", f"how many {things} are there now", f"how many {p.do(False)} {s} have in the end",
         f"now how many {things} {p.do(False)} {s} have", f"how many {things} {p.do(False)} {s} have at the end", f"how many {things} {p.do(False)} that make",
         f"how many {things} will {s} have then", f"how many {things} {p.do(past)} {s} have after that", f"so how many {things} {p.do(False)} {s} have",
         f"what is the number of {things} {s} {p.has(False)} now", f"how many {things} {p.do(False)} {s} have at the moment",
         f"can you tell me how many {things} {s} {p.has(False)} now", f"do you know how many {things} {s} now {p.has(False)}", f"how large is {p.his} collection now",
         f"how many {things} {p.do(past)} {s} have then", f"how many {things} {p.do(past)} {s} have in the evening", f"how many {things} {p.do(False)} {s} have today"]
    if any_loss:
        q += [f"how many {things} {p.do(False)} {s} have left", f"how many {things} are left", f"how many are left", f"how many {p.do(False)} {s} have left",
              f"how many {things} {p.has(False)} {s} got left", f"how many {things} remain", f"how many are still there", f"how many {things} {p.do(False)} {s} still have",
              f"how many {things} {p.do(past)} {s} have left over", f"what is left"] * 2
    if any_gain and not any_loss:
        q += [f"how many {things} {p.do(False)} {s} have in all", f"how many {things} {p.do(False)} {s} have altogether", f"how many {things} {p.do(False)} {s} have in total",
              f"how many is that altogether", f"what is the total number of {things}", f"how many {things} in total"] * 2
    return cap(rng.choice(q)) + "?" if rng.random() < 0.97 else cap(f"find out how many {things} {s} {p.has(False)} now.")


def possession(rng, n_steps, test=False):
    p, things, past = who(rng, test), thing_of(rng, test), rng.random() < 0.45
    start, changes = numbers(rng, n_steps)
    clauses = []
    for i, (op, d) in enumerate(changes):
        named = rng.random() < (0.3 if i == 0 else 0.15)
        clauses.append((gain if op == "+" else loss)(rng, p, d, things, past if rng.random() < 0.9 else not past, named, test))
    steps = steps_of(start, changes)
    clauses = merged(rng, changes, clauses, test=test)
    r, doers = rng.random(), all(c.doer for c in clauses)
    a = rng.choice((f"{start} {things}", f"{start} {things}", f"{start} {things}", f"{start} {rng.choice(w.ADJECTIVES)} {things}", f"exactly {start} {things}", f"a total of {start} {things}"))
    has = p.has(past)
    owns = rng.choice((has, has, has, has, has, f"{has} got" if not past else has, v.Verb("own").finite(past, p.plural), v.Verb("start with").finite(past, p.plural),
                       v.Verb("begin/began with").finite(past, p.plural), v.Verb("keep/kept").finite(past, p.plural), v.Verb("possess").finite(past, p.plural),
                       v.Verb("buy/bought").finite(past, p.plural), v.Verb("find/found").finite(past, p.plural), v.Verb("collect").finite(past, p.plural),
                       v.Verb("hold/held").finite(past, p.plural), v.Verb("carry").finite(past, p.plural), f"already {has}", v.Verb("make/made").finite(past, p.plural), v.Verb("get/got").finite(past, p.plural)))
    if r < 0.16 and doers:
        ings = [c.ing for c in clauses]
        after = rng.choice((" and then ", " and ", ", then ")).join(ings) if len(ings) < 3 else f"{ings[0]}, {ings[1]} and {ings[2]}"
        s = p.name
        text = rng.choice((
            f"{s} {owns} {a}. How many {things} {p.do(past)} {p.he} have after {after}?",
            f"How many {things} {p.do(past)} {s} have after {after}, if {p.he} {owns} {a} at first?",
            f"{s} {owns} {a}. After {after}, how many {p.do(past)} {p.he} have?",
            f"{s} {owns} {a} before {after}. How many {p.do(past)} {p.he} have then?",
            f"If {s} {owns} {a}, how many {p.do(past)} {p.he} have after {after}?",
            f"After {after}, how many of {p.his} {start} {things} {p.do(past)} {s} have?" if all(op == "-" for op, _ in changes) else f"{s} {owns} {a}. How many will {p.he} have after {after}?"))
    elif r < 0.26:
        fin = [c.finite for c in clauses]
        tail = rng.choice((" and ", ", and then ")).join(fin) if len(fin) < 3 else f"{fin[0]}, then {fin[1]} and then {fin[2]}"
        text = rng.choice((
            f"If {p.name} {owns} {a} and {tail}, how many {things} {p.do(past)} {p.he} have?", f"If {p.name} {owns} {a} and {tail}, how many {p.do(past)} {p.he} have then?",
            f"How many {things} {p.do(past)} {p.name} have if {p.he} {owns} {a} and {tail}?", f"Suppose {p.name} {owns} {a} and {tail}. How many {things} {p.do(past)} {p.he} have now?",
            f"How many {things} will {p.name} have if {p.he} {owns} {a} and {tail}?", f"How many {things} are there if {p.name} {owns} {a} and {tail}?"))
    else:
        first = rng.choice((f"{p.name} {owns} {a}", f"{p.name} {owns} {a}", f"{p.name} {owns} {a}", f"{p.name} {has} {a} {rng.choice(('in a box', 'in a bag', 'at home', 'in the drawer', 'on the table', 'on a shelf', 'in the kitchen', 'in a jar', 'in ' + p.his + ' room'))}",
                            f"there {'were' if past else 'are'} {a} {rng.choice(('in ' + p.his + ' box', 'in the basket of ' + p.name, 'on the desk of ' + p.name))}" if not p.first else f"{p.name} {has} {a}",
                            f"in the {rng.choice(('morning', 'beginning', 'evening'))} {p.name} {has} {a}", f"at first, {p.name} {has} {a}"))
        cs = [c.finite for c in clauses]
        if rng.random() < 0.12:
            text = cap(first) + rng.choice((", ", " and ", " but ", "; ")) + cs[0] + "." + join(rng, cs[1:])
        else:
            text = cap(first) + "." + join(rng, cs)
        text += " " + ask_possession(rng, p, things, changes, past)
    key = ",".join(f"{x}{op}{y}" for x, op, y, _ in steps)
    return Problem(cap(text), steps, key)


PEOPLE = "people,children,passengers,students,men,women,girls,boys,players,guests,visitors,tourists,customers,workers,kids,dancers,soldiers,fans,travelers,pupils,adults,swimmers,runners,riders,friends,members".split(",")
BEASTS = "birds,sheep,ducks,cows,bees,fish,ants,rabbits,frogs,butterflies,pigeons,horses,goats,chicks,sparrows,geese,mice,monkeys,penguins,bugs,flies,crows,swans,cats,dogs,wolves,seals,deer,owls,turtles,snails,spiders,lions".split(",")
WHEELS = "cars,trucks,boats,ships,taxis,bikes,buses,planes,trains,wagons,vans".split(",")
# Things, where they are, how more come, how they go.
PLACES = [
    (PEOPLE, "on the bus,on a bus,on a train,in the train,on the ship,on a plane,in the elevator,on the ferry,on a boat,in the van,on the tram,on the subway,in the cable car".split(","), "COME", "LEAVE"),
    (PEOPLE, "in the room,in a class,in the park,at the party,in the hall,at the pool,in the shop,in the museum,in line,in the queue,on the beach,at the station,in the cinema,in the club,on the team,in the choir,at the camp,in the library,in a tent,in the village,in the cafe,in the restaurant,at school,in the theater,at the meeting,in a chat,in the waiting room,on the ice,at the market,in the office".split(","), "COME", "LEAVE"),
    (BEASTS, "in the zoo,on a farm,in the field,in the pond,in a tree,on the roof,in the barn,on a wire,in a cage,in the lake,on the fence,in the garden,on the meadow,in the forest,in a tank,on the branch,at the lake,in the hive,in the stable,by the river,on the lawn,in a pen,in the nest".split(","), "FLY_IN", "FLY_OFF"),
    ("flowers,roses,trees,tulips,plants,leaves,mushrooms,tomatoes,cherries,buds,pumpkins".split(","), "in the garden,in the field,in a park,in the greenhouse,on the bush,on the hill,on the plant,in the yard".split(","), "GROW", "SPOIL"),
    (WHEELS, "in the parking lot,in the garage,in the harbor,on the road,at the station,in the yard,in the street,at the gate,on the ferry,on the parking deck".split(","), "COME", "LEAVE"),
    (None, "on the table,in the box,in a jar,on the shelf,in the basket,in the fridge,in a bag,on the plate,in the store,in the library,in the warehouse,in the kitchen,in a drawer,in the bowl,in stock,on the list,on the tray,in the shop,in the cupboard,in the crate,on the wall,in the folder,on the phone,in the mailbox,in the pile,on the truck,in the tin,in the room".split(","), "COME_IN", "SPOIL"),
]


def place(rng, n_steps):
    """Things or people at a place, of which some come and some go."""
    things, where, come, go = rng.choice(PLACES)
    things, where, past = rng.choice(things or w.PLURALS + w.COUNTED), rng.choice(where), rng.random() < 0.45
    if rng.random() < 0.08:
        things = w.plural(w.invented(rng, short=True))
    start, changes = numbers(rng, n_steps)
    clauses = []
    for op, d in changes:
        verb = rng.choice(getattr(v, come if op == "+" else go))
        tense = past if rng.random() < 0.92 else not past
        if op == "+":
            subject = rng.choice((f"{d} more {things}", f"{d} more", f"another {d}", f"another {d} {things}", f"{d} {things}", f"{d} new {things}", f"{d} others", f"{d} other {things}", f"{d} new ones", f"{d} additional {things}", f"{d}"))
        else:
            subject = rng.choice((f"{d} of them", f"{d} {things}", f"{d} of the {things}", f"{d}", f"{d} of those {things}", f"{d} of them"))
        c = f"{subject} {verb.finite(tense, True)}" + rng.choice(("", "", "", "", " there", " at the next stop" if "bus" in where or "train" in where else " later", " in the night", " at once"))
        if rng.random() < 0.10:
            p = who(rng)
            verb = rng.choice(
                [v.Verb(x) for x in ("add", "bring/brought", "put/put in", "bring/brought in", "place", "find/found", "let/let in")] if op == "+" else
                [v.Verb(x) for x in ("take/took/taken", "remove", "take/took/taken away", "take/took/taken out", "send/sent away", "carry off", "catch/caught", "pick", "count out", "let/let out")])
            c = f"{p.name} {verb.finite(tense, p.plural)} {n_more(rng, d, things) if op == '+' else n_of(rng, d, things)}"
        clauses.append(Clause(c))
    clauses = [c.finite for c in merged(rng, changes, clauses)]
    are = "were" if past else "are"
    a = f"{start} {things}"
    first = rng.choice((f"there {are} {a} {where}", f"there {are} {a} {where}", f"there {are} {a} {where}", f"{a} {are} {where}", f"{where} there {are} {a}", f"{a} {'sat' if past else 'sit'} {where}", f"{a} {'waited' if past else 'wait'} {where}" if come == "COME" else f"there {are} {a} {where}",
                        f"{where} {are} {a}", f"we {'counted' if past else 'count'} {a} {where}", f"{a} {'stood' if past else 'stand'} {where}"))
    any_loss, any_gain = (any(op == o for op, _ in changes) for o in "-+")
    q = [f"how many {things} are there now", f"how many {things} are {where} now", f"how many are there now", f"how many {things} are now {where}", f"how many {things} are there in the end", f"how many {things} are there",
         f"how many {things} are {where}", f"now how many {things} are there", f"how many {things} {are} there then", f"how many {things} {are} {where} after that", f"how many are {where} now",
         f"what is the number of {things} now", f"how many {things} does that make", f"how many {things} {are} there at the end", f"how many {things} would you count now"]
    if any_loss:
        q += [f"how many {things} are left", f"how many are left", f"how many {things} remain", f"how many {things} are still {where}", f"how many stayed", f"how many {things} are left {where}", f"how many {things} are still there"] * 2
    elif any_gain:
        q += [f"how many {things} are there in all", f"how many {things} are there altogether", f"how many {things} in total", f"how many are there in total now"] * 2
    q = cap(rng.choice(q)) + "?"
    text = told(rng, first, clauses, q, (0.10, 0.18, 0.28), (" and ", ", and then ", ", then "),
                (", ", " and ", " but ", "; ", " when "))
    return Problem(cap(text), steps_of(start, changes))


# What is measured: (how it is told at first, more, less, the question); {d} is the number with its unit.
MEASURES = [
    ("the temperature is {d}|it is {d} outside|the temperature in the room is {d}|the thermometer shows {d}", "it rises by {d}|it gets {d} warmer|the temperature goes up by {d}|it climbs {d}|it warms up by {d}|the temperature rises {d}|it increases by {d}",
     "it falls by {d}|it gets {d} colder|the temperature drops by {d}|it sinks by {d}|it cools down by {d}|the temperature falls {d}|it decreases by {d}|it goes down by {d}", "what is the temperature now|how warm is it now|what does the thermometer show now|how many degrees is it now|what is the temperature in the end", " degrees"),
    ("{n} has {d} in the bank|the balance of the account is {d}|{n} has {d}|there are {d} in {n}'s wallet|{n}'s account holds {d}|{n} has {d} in a piggy bank|{n} has saved {d}|{n} starts the day with {d}",
     "{he} earns {d}|{he} gets {d} for {his} birthday|{he} deposits {d}|{he} saves another {d}|{d} are paid in|{he} puts in {d}|{he} finds {d}|{he} is paid {d}|{o} gives {him} {d}|{o} pays {him} {d}|{he} wins {d}|{he} adds {d}|{he} receives {d} from {o}|{he} makes {d} by selling lemonade|{he} sells a toy for {d}|{he} gets {d} for washing cars|{he} is given {d}|{he} gets {d} back|{he} borrows {d} from {o}|{he} earns another {d}",
     "{he} spends {d}|{he} buys a {t} for {d}|{he} withdraws {d}|{he} takes out {d}|{he} pays {d} for a {t}|{he} loses {d}|{he} gives {d} to {o}|a {t} costs {him} {d}|{he} spends {d} on a {t}|{he} donates {d}|{he} pays a bill of {d}|{he} lends {o} {d}|{he} buys a {t} that costs {d}|{he} uses {d} to buy a {t}|{he} pays {d}|{he} has to pay {d}|{d} are stolen|a thief takes {d}|{he} pays back {d}|{he} sends {d} to {o}",
     "how much money does {he} have now|how much does {he} have left|how much money is left|how much is left|what is the balance now|how much money has {he} got now|how much money does {n} have now|how much does {he} have in the end|how many {u} does {he} have now|how much money remains|how many {u} are left|how much money does {n} have left", "$"),
    ("a tank holds {d} of water|there are {d} of water in the barrel|the bucket contains {d}|a pool has {d} of water|there are {d} of milk in the jug|the tank contains {d} of oil",
     "{d} are poured in|{n} adds {d}|the rain adds {d}|{d} more are filled in|{d} flow in|{n} pours in another {d}|another {d} are added|{n} fills in {d} more", "{d} leak out|{n} takes out {d}|{d} are used|{d} are drunk|{n} pours out {d}|{d} flow out|{d} evaporate|{n} drinks {d}|{d} are spilled|{n} uses {d} to water the plants",
     "how much water is there now|how many {u} are left|how many {u} are in it now|how much is in it now|how much is left|how many {u} are there in the end", " liters| gallons| cups| quarts"),
    ("{n} is on page {d}|{n} has {d}|the team has {d}|{n} is at {d}|{n} scored {d} in the first round|our team had {d}|{n}'s score is {d}",
     "{he} scores {d} more|{he} gains {d}|{he} wins another {d}|{he} gets {d} for a right answer|{he} earns {d}|{he} makes {d} in the next round|{he} collects {d}|{he} gets {d} extra", "{he} loses {d}|{he} is fined {d}|{d} are taken away|{he} drops {d}|{he} gets {d} taken off|{he} must give up {d}|{he} misses a turn and loses {d}",
     "how many points does {he} have now|what is the score now|how many points are there in the end|what is {his} score now|how many points does {n} have", " points"),
    ("a rope is {d} long|the snow is {d} deep|a plant is {d} tall|the ribbon is {d} long|{n} is {d} from home|the river is {d} deep|a tree is {d} high|a candle is {d} high|a board is {d} long|the water is {d} deep|a balloon is {d} above the ground|a bird flies at a height of {d}",
     "it grows {d}|it grows by {d}|it becomes {d} longer|it rises by {d}|{d} are added|it goes up {d}|it gets {d} longer|{n} adds {d}|it climbs {d}|it increases by {d}", "it shrinks by {d}|{n} cuts off {d}|it loses {d}|{d} are cut off|it goes down {d}|it gets {d} shorter|it becomes {d} shorter|it sinks {d}|{n} takes away {d}|it drops by {d}|{d} break off|{d} burn away|it falls {d}",
     "how long is it now|how high is it now|how many {u} is it now|how much is it now|how long is it in the end|what is the length now|how tall is it now|how deep is it now", " meters| cm| inches| feet| miles| centimeters| yards| kilometers"),
    ("{n} weighs {d}|a bag weighs {d}|the box weighs {d}|{n} has {d} of flour|there are {d} of rice in the sack|the dog weighs {d}|{n} has {d} of sugar",
     "{he} gains {d}|{d} are added|{he} adds {d}|{n} puts in {d} more|{he} buys {d} more|{he} puts on {d}", "{he} loses {d}|{d} are taken out|{he} uses {d}|{n} takes out {d}|{he} sells {d}|{he} bakes a cake with {d}|{he} eats {d}", "how heavy is it now|how many {u} are there now|how much does it weigh now|how many {u} are left|what is the weight now|how much is left", " kg| pounds| grams| kilos| ounces"),
    ("the battery is at {d}|an elevator is on floor {d}|{n} is on step {d}|a bus drives at {d}|{n} counts to {d}|the counter shows {d}|the price is {d}|a book costs {d}|{n} thinks of the number {d}|{n} opens the book on page {d}|a number is {d}|we start with {d}|the speed is {d}|{n} stands on stair {d}|the level is at {d}|a ticket costs {d}",
     "it goes up by {d}|it rises by {d}|{n} adds {d}|it climbs {d}|it increases by {d}|{n} goes up {d}|it goes up {d}|it is raised by {d}|it gets {d} higher|{he} moves forward {d}|it grows by {d}|it becomes {d} more expensive|we add {d}|{n} reads {d} more|{he} turns {d} pages|it jumps by {d}", "it goes down by {d}|it falls by {d}|{n} subtracts {d}|it drops {d}|it decreases by {d}|{n} goes down {d}|it is lowered by {d}|it is reduced by {d}|{he} takes away {d}|{he} moves back {d}|it sinks by {d}|we take away {d}|it becomes {d} cheaper|we subtract {d}|{he} goes back {d}|there is a discount of {d}",
     "what is the number now|where is it now|what is the result|what does it show now|what number is it now|what is it now|what is the new price|what does it cost now|what is the value now|what is the answer|where does it end up|what page is it", "|"),
]
MEASURES = [(a.split("|"), b.split("|"), c.split("|"), d.split("|"), e) for a, b, c, d, e in MEASURES]
_PAST = {"is": "was", "are": "were", "has": "had", "goes": "went", "falls": "fell", "rises": "rose", "gets": "got", "grows": "grew", "becomes": "became", "gives": "gave", "takes": "took", "buys": "bought", "spends": "spent",
         "sinks": "sank", "loses": "lost", "wins": "won", "finds": "found", "pays": "paid", "makes": "made", "sells": "sold", "puts": "put", "cuts": "cut", "costs": "cost", "lends": "lent", "sends": "sent", "holds": "held",
         "withdraws": "withdrew", "drinks": "drank", "eats": "ate", "shrinks": "shrank", "flies": "flew", "thinks": "thought", "stands": "stood", "drives": "drove", "shows": "showed", "does": "did", "weighs": "weighed", "begins": "began"}


def _to_past(text):
    """A clause of MEASURES in the past: its first verb; the verbs ending in -s only."""
    out, done = [], False
    for x in text.split(" "):
        if not done and x in _PAST:
            x, done = _PAST[x], True
        elif not done and x in _REGULAR:
            x, done = _REGULAR[x], True
        out.append(x)
    return " ".join(out)


_REGULAR = {}
for _x in "earn save deposit add receive borrow donate use drop gain score collect miss climb increase decrease warm cool reduce lower raise move jump turn count open start subtract contain pour fill leak read scores".split():
    _v = v.Verb(_x)
    _REGULAR[_v.third] = _v.past


def measure(rng, n_steps):
    firsts, ups, downs, asks, units = rng.choice(MEASURES[:2] + MEASURES) if rng.random() < 0.9 else MEASURES[-1]
    unit = rng.choice(units.split("|"))
    money = unit == "$"
    if money:
        unit, front = rng.choice((("", "$"), ("", "$"), (" dollars", ""), (" euros", ""), (" cents", ""), (" coins", ""), (" pounds", ""), ("€", "")))
    else:
        front = ""
    start, changes = numbers(rng, n_steps)
    name, (he, him, his) = name_of(rng)
    if rng.random() < 0.15:
        name, (he, him, his) = rng.choice((("my sister", GIRL), ("my brother", BOY), ("the boy", BOY), ("the girl", GIRL), ("grandma", GIRL), ("my uncle", BOY)))
    past = rng.random() < 0.4
    o = rng.choice((name_of(rng)[0], f"{his} mother", f"{his} brother", "a friend", f"{his} uncle"))

    def fill(text, d=0):
        t = rng.choice(w.NOUNS)
        return (text.replace("{d}", f"{front}{d}{unit}").replace("{n}", name).replace("{he}", he).replace("{his}", his).replace("{him}", him)
                .replace("{o}", o).replace("{t}", t).replace("{u}", unit.strip() or "dollars"))

    first = fill(rng.choice(firsts), start)
    clauses = [fill(rng.choice(ups if op == "+" else downs), d) for op, d in changes]
    if past:
        first = _to_past(first)
        clauses = [_to_past(c) for c in clauses]
    clauses = [c.finite for c in merged(rng, changes, [Clause(c) for c in clauses], 0.2)]
    q = cap(fill(rng.choice(asks))) + "?"
    text = told(rng, first, clauses, q, (0.08, 0.16, 0.28), (" and ", " and then ", ", then "),
                (", ", " and ", ", then ", ", but ", " and then "))
    return Problem(cap(text), steps_of(start, changes))


UNITS = ["pages", "points", "dollars", "minutes", "kilometers", "miles", "cents", "euros", "hours", "meters", "steps", "goals", "words", "laps", "liters", "photos", "letters", "messages"]
TWO_PARTS = [  # {x} and {y}: the numbers with what is counted; {t}: what is counted
    "{A} has {x} and {B} has {y}. How many {t} do they have [together|in all|altogether|in total]?", "{A} has {x}. {B} has {y}. How many {t} do they have [together|altogether|in total]?",
    "There are {x} in [the first|one] [box|bag|room|basket|jar] and {y} in [the second|the other|another]. How many {t} are there [in all|altogether|in total]?",
    "{A} [reads|counts|collects|finds|makes|sells|buys|gets] {x} on [Monday|Saturday] and {y} on [Tuesday|Sunday]. How many {t} is that [in all|altogether|in total]?",
    "{A} [counted|collected|found|made|sold|bought|got|picked] {x} on [Monday|Saturday] and {y} on [Tuesday|Sunday]. How many {t} did {he} [#] in all?",
    "A [shop|farmer|baker|school] sold {x} in the morning and {y} in the afternoon. How many {t} were sold [that day|in all|in total]?",
    "There are {x1} red {t} and {y1} [blue|green|yellow] {t}. How many {t} are there [in all|altogether|in total]?", "{A} has {x1} red and {y1} blue {t}. How many {t} does {he} have [in all|altogether|in total|]?",
    "In a [zoo|class|park|shop|village] there are {x} and {y1} {t2}. How many are there [together|in total|altogether]?", "{A} buys {x} and {y1} {t2}. How many things does {he} buy [in all|altogether|]?",
    "How many {t} are {x} and {y}?", "{x}, plus {y}: how many {t}?", "A pen costs {x1} cents and a [ruler|book|cup|ball] costs {y1} cents. How much do they cost together?", "A {s} costs ${x1} and a {s2} costs ${y1}. What do [both|the two] cost [together|in total]?",
    "{A} [walks|runs|drives|rides|swims] {x1} [km|miles|meters] and then {y1} more. How far is that [in all|altogether|in total]?", "{A} pays {x1} dollars for a {s} and {y1} dollars for a {s2}. How much does {he} [pay|spend] [in all|altogether|in total]?",
    "What do {x} and {y} make [together|]?", "{A} and {B} [pick|collect|find|bring] {t}. {A} [has|gets] {x1}, {B} [has|gets] {y1}. How many do they have together?", "One [class|bus|table|team] has {x1} {t}, the other has {y1}. What is the total?",
    "{A} put {x1} {t} [into|in] the box, and {B} put in {y1}. How many {t} are in the box?", "A farm has {x} and {y1} {t2}. How many animals does it have?", "[Combine|Add up] {x} and {y}. How many {t} do you [get|have]?",
    "{A} worked {x1} minutes in the morning and {y1} minutes in the evening. How many minutes did {he} work?", "The first part of the trip is {x1} miles, the second is {y1} miles. How long is the [whole trip|trip]?",
]
MORE_THAN = [  # x - y, with x the larger
    "{A} has {x} and {B} has {y}. How many more {t} does {A} have than {B}?", "{A} has {x}. {B} has {y}. How many more does {A} have?", "{B} has {y} and {A} has {x}. How many more {t} has {A} than {B}?",
    "{A} has {x}, {B} has {y}. How many fewer {t} does {B} have than {A}?", "{B} has {y}. {A} has {x}. How many fewer does {B} have?", "How many more are {x} than {y}?", "How much more is {x1} than {y1}?", "What is the difference between {x1} and {y1}?",
    "A rope is {x1} meters long, another is {y1} meters. How much longer is the first?", "{A} is {x1} years old. {B} is {y1}. How much older is {A}?", "{A} is {x1} and {B} is {y1} years old. How many years older is {A} [than {B}|]?", "{A} is {x1} years old and {B} is {y1}. How many years younger is {B}?",
    "A {s} costs {x1} dollars and a {s2} costs {y1} dollars. How much more [does the {s} cost|is the {s}]?", "A {s} costs ${x1}, a {s2} ${y1}. How much cheaper is the {s2}?", "There are {x} and {y1} {t2}. How many more {t} than {t2} are there?", "{A} scored {x1} points, {B} scored {y1}. By how [many points|much] did {A} win?",
    "One tower is {x1} meters high, the other {y1}. What is the difference?", "{A} [read|sold|made|found] {x} and {B} [read|sold|made|found] {y1}. How many more did {A} [read|sell|make|find]?", "It was {x1} degrees yesterday and is {y1} today. How much colder is it today?", "It is {y1} degrees in the morning and {x1} at noon. How many degrees warmer is it at noon?",
    "By how much is {x1} larger than {y1}?", "By how much is {y1} smaller than {x1}?", "In the class there are {x1} girls and {y1} boys. How many more girls than boys are there?", "The red team has {x1} points and the blue team {y1}. How far ahead is the red team?",
]
REST = [  # of x, y are used or known: x - y
    "{A} has {x}. {y1} of them are red, the [rest|others] are blue. How many are blue?", "There are {x} in a box. {y1} are red and the [rest|others] are [green|blue|white]. How many are [green|blue|white]?", "Of {x}, {y1} are [broken|old|bad]. How many are [good|fine|not]?",
    "A class has {x1} students, {y1} of them are [girls|boys]. How many are [boys|girls]?", "A book has {x1} pages. {A} has read {y1} [of them|pages|]. How many pages are left [to read|]?", "{A} needs {x} and has {y1}. How many more does {he} need?", "{A} wants {x}. {He} has {y1}. How many more {t} does {he} need?",
    "{A} is saving for a {s} that costs ${x1}. {He} has ${y1}. How much more does {he} need?", "A {s} costs {x1} dollars. {A} has {y1} dollars. How much [is missing|more does {he} need]?", "{A} gave {B} {y1} of {his} {x}. How many {t} did {A} [keep|have left]?", "{A} gives away {y1} of {his} {x}. How many does {he} have [left|now]?",
    "From {x}, {A} takes {y1}. How many [remain|are left]?", "{A} [eats|uses|sells|loses] {y1} of {his} {x}. How many are left?", "{A} [ate|used|sold|lost] {y1} of {his} {x}. How many {t} [are left|does {he} have left|remain]?", "The trip is {x1} miles long. {A} has driven {y1} miles. How many miles are left?", "A bus has {x1} seats. {y1} are taken. How many [seats are free|are free]?",
    "{A} must [solve|write|learn] {x}. {He} has done {y1}. How many are left?", "{y1} of the {x} are gone. How many are left?", "{y1} of {x} were sold. How many {t} were not sold?", "{A} had some {t}. {He} got {y1} more and now has {x1}. How many did {he} have [at first|before|in the beginning]?", "After getting {y1} more {t}, {A} has {x1}. How many did {he} have before?",
    "{A} has {y1} {t}. How many more does {he} need to have {x1}?", "Together {A} and {B} have {x}. {A} has {y1}. How many does {B} have?", "{A} and {B} have {x} together. {B} has {y1} of them. How many {t} belong to {A}?", "{A} pays with ${x1} for a {s} that costs ${y1}. How much [change does {he} get|money does {he} get back]?",
    "There were {x} {pl}. Now there are {y1}. How many are gone?", "{A} had {x}. Now {he} has {y1}. How many did {he} lose?", "What must be added to {y1} to [get|make] {x1}?", "A shop had {x}. After a day, {y1} were left. How many were sold?", "{x} are in the room, {y1} of them [sit|sleep]. How many do not?",
]
BEFORE = [  # gone y, left x: x + y
    "{A} gave away {y} and has {x1} left. How many {t} did {he} have [at first|before|to begin with]?", "After losing {y}, {A} has {x1}. How many did {he} have before?", "{A} had some {t}. {He} [ate|lost|sold|used] {y1} and has {x1} left. How many did {he} have at first?",
    "{y1} people got off the bus and {x1} stayed. How many were on the bus before?", "A {s} costs ${x1} after a discount of ${y1}. What did it cost before?", "{A} spent {y1} dollars and has {x1} dollars left. How much did {he} have [at first|before]?", "A shop sold {y} and has {x1} left. How many did it have before?",
    "{A} has {y1} {t} more than {B}. {B} has {x1}. How many does {A} have?", "{B} has {x}. {A} has {y1} more [than {B}|]. How many {t} does {A} have?", "{A} is {y1} years older than {B}, who is {x1}. How old is {A}?", "{B} is {x1} years old. {A} is {y1} years older. How old is {A}?", "{A} is {x1} years old. How old will {he} be in {y1} years?",
    "{B} has {x}, and {A} has {y1} more than that. How many does {A} have?", "A {s} costs ${x1}. A {s2} costs ${y1} more. How much is the {s2}?", "{A} scored {x1} points, {B} scored {y1} more. How many points did {B} score?",
]
FEWER = [  # x - y
    "{A} has {x}. {B} has {y1} fewer. How many {t} does {B} have?", "{B} has {y1} {t} fewer than {A}, who has {x1}. How many does {B} have?", "{A} has {x}. {B} has {y1} less than {A}. How many does {B} have?", "{A} is {x1} years old. {B} is {y1} years younger. How old is {B}?", "{A} is {x1}. How old was {he} {y1} years ago?",
    "A {s} costs ${x1}. A {s2} is ${y1} cheaper. How much does the {s2} cost?", "{A} scored {x1} points. {B} scored {y1} [points fewer|fewer|less]. How many did {B} score?", "{A} ran {x1} miles, {B} ran {y1} miles less. How far did {B} run?", "A {s} costs {x1} dollars, but today it is {y1} dollars off. What does it cost [today|now]?",
]


def _slots(rng, things, x, y):
    a, (he, him, his) = name_of(rng)
    b = name_of(rng)[0]
    while b == a:
        b = name_of(rng)[0]
    return {"A": a, "B": b, "he": he, "He": cap(he), "his": his, "him": him, "t": things, "x": f"{x} {things}", "y": f"{y} {things}" if rng.random() < 0.7 else str(y), "x1": x, "y1": y,
            "s": rng.choice(w.NOUNS), "s2": rng.choice(w.NOUNS), "t2": rng.choice(w.PLURALS), "pl": rng.choice(("in the box", "on the table", "in the shop", "in the bag"))}


_DID = {"counted": "count", "collected": "collect", "found": "find", "made": "make", "sold": "sell", "bought": "buy", "got": "get", "picked": "pick"}


def relation(rng, n_steps, expand):
    """Totals, differences, parts, comparisons; a second and third step are changes of the result."""
    things = rng.choice(UNITS) if rng.random() < 0.2 else rng.choice(PEOPLE) if rng.random() < 0.1 else thing_of(rng)
    kind = rng.choices((TWO_PARTS, MORE_THAN, REST, BEFORE, FEWER), (8, 7, 7, 4, 3))[0]
    while True:
        x, y = _start(rng), rng.randint(1, 99)
        if kind in (TWO_PARTS, BEFORE):
            if x + y <= 199:
                break
        elif y < x:
            break
    op = "+" if kind in (TWO_PARTS, BEFORE) else "-"
    slots = _slots(rng, things, x, y)
    text = expand(rng, rng.choice(kind), slots).replace(" ?", "?")
    if "#" in text:
        text = text.replace("#", next((b for a, b in _DID.items() if a in text), "get"))
    steps = [(x, op, y, x + y if op == "+" else x - y)]
    while len(steps) < n_steps:
        at = steps[-1][3]
        d, more = rng.randint(1, 99), rng.random() < 0.5
        to = at + d if more else at - d
        if not 0 < to <= 199:
            continue
        if len(steps) == 1 and kind is TWO_PARTS and rng.random() < 0.8 or kind is TWO_PARTS and len(steps) == 2:
            body, _, question = text.rpartition(". ")
            if not body:
                break
            if len(steps) == 1 and rng.random() < 0.35 and at + d <= 199:  # a third part
                more, to = True, at + d
                extra = rng.choice((f"{name_of(rng)[0]} has {d}.", f"And there are {d} more.", f"Another {d} are in a bag.", f"On Friday it is {d}.", f"Then there are {d} {things} from {name_of(rng)[0]}."))
                text = f"{body}. {extra} How many {things} are there {rng.choice(('in all', 'altogether', 'in total'))}?"
            else:
                they = Who("they", MANY, True)
                c = (gain if more else loss)(rng, they, d, things, False, False, False).finite
                text = f"{body}. {cap(c)}. How many {things} {rng.choice(('are there now', 'do they have now', 'are left' if not more else 'are there then', 'do they have together now'))}?"
        else:
            break
        steps.append((at, "+" if more else "-", d, to))
    return Problem(cap(text), steps)


def two_stage(rng):
    """Problems whose second step takes up an earlier number, or has its first number only then."""
    things, a, b = thing_of(rng), *(_slots(rng, "", 0, 0)[k] for k in "AB")
    s, s2 = rng.choice(w.NOUNS), rng.choice(w.NOUNS)
    while True:
        x, y, z = rng.randint(2, 99), rng.randint(1, 99), rng.randint(2, 199)
        r, all_ = rng.random(), rng.choice(("together", "in all", "altogether", "in total"))
        if r < 0.3 and 2 * x + y <= 199:
            text = rng.choice((f"{a} has {x} {things}. {b} has {y} more than {a}. How many {things} do they have {all_}?", f"{a} has {x} {things} and {b} has {y} more. How many do they have {all_}?",
                               f"A {s} costs {x} dollars. A {s2} costs {y} dollars more. How much do both cost {all_}?", f"{a} scored {x} points, and {b} scored {y} points more. How many points did they score {all_}?"))
            return Problem(text, [(x, "+", y, x + y), (x, "+", x + y, 2 * x + y)])
        if r < 0.5 and 0 < x - y and 2 * x - y <= 199:
            text = rng.choice((f"{a} has {x} {things}. {b} has {y} fewer than {a}. How many {things} do they have {all_}?", f"{a} has {x} {things} and {b} has {y} fewer. How many do they have {all_}?",
                               f"{a} found {x} {things}. {b} found {y} less than {a}. How many did they find {all_}?"))
            return Problem(text, [(x, "-", y, x - y), (x, "+", x - y, 2 * x - y)])
        if r >= 0.5 and 0 < x + y < z:
            text = rng.choice((f"{a} has {z} dollars. A {s} costs {x} dollars and a {s2} costs {y} dollars. How much is left if {a} buys both?", f"{a} buys a {s} for ${x} and a {s2} for ${y}. How much change is there from ${z}?",
                               f"{a} buys a {s} for {x} cents and a {s2} for {y} cents and pays with {z} cents. How many cents does {a} get back?", f"Of {z} {things}, {x} are red, {y} are blue and the rest are green. How many are green?",
                               f"There are {z} {things}. {x} are big, {y} are small, and the others are broken. How many are broken?", f"{a} read {x} pages on Monday and {y} on Tuesday. The book has {z} pages. How many pages are left?",
                               f"{a} has {x} {things} and {b} has {y}. They need {z}. How many are missing?", f"A {s} costs ${z}. {a} has ${x} and earns ${y}. How much more is needed?"))
            return Problem(text, [(x, "+", y, x + y), (z, "-", x + y, z - x - y)])


def typed(rng, text):
    """As people type: at times without capitals, without marks, in several lines."""
    r = rng.random()
    if r < 0.05:
        text = text.lower()
    elif r < 0.07:
        text = text.lower().rstrip("?.").replace(",", "")
    elif r < 0.09:
        text = text.rstrip("?.")
    return text


def three_parts(rng):
    things = thing_of(rng)
    xs = [rng.randint(1, 66) for _ in range(3)]
    names = [name_of(rng)[0] for _ in range(3)]
    text = rng.choice((
        f"{names[0]} has {xs[0]} {things}, {names[1]} has {xs[1]} and {names[2]} has {xs[2]}. How many {things} do they have together?",
        f"{names[0]} has {xs[0]} {things}. {names[1]} has {xs[1]}. {names[2]} has {xs[2]}. How many {things} do they have {rng.choice(('in all', 'altogether', 'in total'))}?",
        f"There are {xs[0]} red, {xs[1]} blue and {xs[2]} green {things}. How many {things} are there {rng.choice(('in all', 'altogether', 'in total'))}?",
        f"{names[0]} {rng.choice(('finds', 'sells', 'makes', 'reads', 'collects'))} {xs[0]} {things} on Monday, {xs[1]} on Tuesday and {xs[2]} on Wednesday. How many {things} is that {rng.choice(('in all', 'altogether', 'in total'))}?",
        f"A {rng.choice(('shop', 'farm', 'school', 'box', 'garden', 'room'))} has {xs[0]} {rng.choice(w.PLURALS)}, {xs[1]} {rng.choice(w.PLURALS)} and {xs[2]} {rng.choice(w.PLURALS)}. How many is that {rng.choice(('in all', 'altogether', 'in total', 'together'))}?",
        f"{names[0]} pays ${xs[0]} for a {rng.choice(w.NOUNS)}, ${xs[1]} for a {rng.choice(w.NOUNS)} and ${xs[2]} for a {rng.choice(w.NOUNS)}. How much is that {rng.choice(('in all', 'altogether', 'in total', 'together'))}?",
    ))
    return Problem(text, steps_of(xs[0], [("+", xs[1]), ("+", xs[2])]))


def bare(rng, n_steps):
    """A term, in signs or in words."""
    start, changes = numbers(rng, n_steps)
    r = rng.random()
    if r < 0.55:
        gap = " " if rng.random() < 0.85 else ""
        term = str(start) + "".join(f"{gap}{op}{gap}{d}" for op, d in changes)
    else:
        plus, minus = rng.choice((("plus", "minus"), ("plus", "minus"), ("and then plus", "and then minus"), ("added to", "less"), ("increased by", "decreased by")))
        if plus == "added to" and any(o == "+" for o, _ in changes):
            plus = "plus"
        term = str(start) + "".join(f" {plus if op == '+' else minus} {d}" for op, d in changes)
    op, d = changes[0]
    forms = [f"What is {term}?", f"What is {term}?", f"How much is {term}?", f"Calculate {term}.", f"{term} = ?", f"{term}", f"{term}?", f"Compute {term}.", f"Work out {term}.", f"what's {term}?", f"What's {term}?", f"{cap(term)} is what?", f"Solve {term}.",
             f"What does {term} equal?", f"What do you get for {term}?", f"Can you tell me what {term} is?", f"Please calculate {term}.", f"Find {term}.", f"{term} =", f"What is the result of {term}?", f"what is {term}", f"Evaluate {term}.", f"Tell me {term}.", f"What number is {term}?", f"how much is {term}"]
    if n_steps == 1:
        if op == "+":
            forms += [f"Add {start} and {d}.", f"What is the sum of {start} and {d}?", f"Add {d} to {start}.", f"What do {start} and {d} make?", f"What number is {d} more than {start}?", f"Find the sum of {start} and {d}.", f"{start} and {d} is what?", f"Increase {start} by {d}.",
                      f"What is {d} more than {start}?", f"What is the total of {start} and {d}?", f"Start with {start} and add {d}."] * 2
        else:
            forms += [f"Subtract {d} from {start}.", f"What is the difference between {start} and {d}?", f"Take {d} away from {start}.", f"Take {d} from {start}.", f"What number is {d} less than {start}?", f"What is {d} less than {start}?", f"Decrease {start} by {d}.", f"What is left if you take {d} from {start}?",
                      f"Find the difference of {start} and {d}.", f"What is {start} take away {d}?", f"Start with {start} and subtract {d}.", f"How much is {start} less {d}?", f"Deduct {d} from {start}."] * 2
    else:
        do = {"+": ("add {}", "add {}", "plus {}", "increase it by {}"), "-": ("subtract {}", "take away {}", "minus {}", "decrease it by {}", "take off {}")}
        parts = [rng.choice(do[o]).format(n) for o, n in changes]
        forms += [f"Start with {start}, " + ", then ".join(parts) + ".", f"Take {start}, " + " and then ".join(parts) + ". What do you get?", f"I think of the number {start}. I " + ", then I ".join(rng.choice(("add {}", "add {}")).format(n) if o == "+" else rng.choice(("subtract {}", "take away {}")).format(n) for o, n in changes) + ". What is my number now?",
                  f"If you start with {start} and " + " and then ".join(parts) + ", what do you get?"] * 3
        if n_steps == 2:
            (o1, d1), (o2, d2) = changes
            first = f"Add {d1} to {start}" if o1 == "+" else f"Subtract {d1} from {start}"
            forms += [f"{first}, then {do[o2][0].format(d2)}.", f"{first} and then {do[o2][0].format(d2)}.", f"{first}. {cap(do[o2][0].format(d2))}. What is the result?"] * 2
            if o1 == "+" == o2:
                forms += [f"Add {start}, {d1} and {d2}.", f"What is the sum of {start}, {d1} and {d2}?"] * 2
    return Problem(rng.choice(forms), steps_of(start, changes))


def product(rng, n_steps, expand):
    """Boxes with the same number in each, and changes after that."""
    p, things = who(rng), thing_of(rng)
    while True:
        a, b = rng.randint(2, 9), rng.randint(2, 9)
        steps, at, changes = [(a, "*", b, a * b)], a * b, []
        for _ in range(n_steps - 1):
            d, op = rng.randint(1, 30), rng.choice("+-")
            to = at + d if op == "+" else at - d
            steps.append((at, op, d, to))
            changes.append((op, d))
            at = to
        if all(s[3] > 0 for s in steps):
            break
    box = w.plural(rng.choice(w.BOXES))
    text = f"{cap(p.name)} {p.has(False)} {a} {box} with {b} {things} in each." + join(rng, [(gain if o == "+" else loss)(rng, p, d, things, False, False, False).finite for o, d in changes])
    q = ask_possession(rng, p, things, changes, False) if changes else f"How many {things} {p.do(False)} {p.he} have in all?"
    return Problem(f"{text} {q}", steps)


def word_problem(rng, expand, n_steps, test=False):
    """With test, the names, the things and the numbers are ones that training never shows here."""
    while True:
        p = possession(rng, n_steps, test) if test else _any_problem(rng, expand, n_steps)
        if not p.key or w.held("problem-numbers", p.key) == test:
            return p


def _any_problem(rng, expand, n):
    r = rng.random()
    if r < 0.42:
        return possession(rng, n)
    if r < 0.58:
        return place(rng, n)
    if r < 0.72:
        return measure(rng, n)
    if r < 0.88:
        return relation(rng, n, expand) if n < 3 or rng.random() < 0.5 else three_parts(rng)
    if r < 0.90:
        return three_parts(rng)
    if r < 0.95:
        return two_stage(rng)
    return product(rng, n, expand)


class Sum:
    """A sum of two long numbers, worked digit by digit from the right."""

    def __init__(self, rng, n_digits, test=False):
        while True:
            self.a, self.b = (rng.randint(10 ** (n_digits - 1), 10**n_digits - 1) for _ in range(2))
            self.key = f"{self.a}+{self.b}"
            if self.a + self.b > 199 and w.held("sum", self.key) == test:
                break
        self.answer = self.a + self.b
        self.question = rng.choice(["What is {} + {}?", "How much is {} + {}?", "Add {} and {}."]).format(self.a, self.b)

    def worked(self):
        parts, carry, n = [], 0, len(str(self.a))
        for i in range(n):
            x, y = int(str(self.a)[-1 - i]), int(str(self.b)[-1 - i])
            total = x + y + carry
            left = f"{x} + {y} + {carry}" if carry else f"{x} + {y}"
            tail = f", write {total % 10}, carry 1" if total > 9 and i < n - 1 else f", write {total % 10}" if i < n - 1 else ""
            parts.append(f"{left} = {total}{tail}.")
            carry = total // 10
        return " ".join(parts)


def question(rng, expand, test=False):
    r = rng.random()
    if r < 0.05:
        return Sum(rng, rng.choice((3, 3, 4)), test)
    if r < 0.20:
        return bare(rng, rng.choice((1, 1, 2, 2, 3)))
    return word_problem(rng, expand, rng.choice((1, 2, 2, 3, 3)), test)


def answer_text(problem, steps):
    return f"{STEP_CUE} {problem.worked()} The answer is {problem.answer}." if steps else f"The answer is {problem.answer}."


def document(rng, expand):
    """One to three questions in the same manner, as [(text, learn)]: worked after the cue, worked as the example before, or at once."""
    r, out = rng.random(), []
    manner = "cue" if r < 0.72 else "example" if r < 0.84 else "direct" if r < 0.92 else "number"
    form = rng.choice([("Q: ", "\nA:", "\n\n"), ("Q: ", "\nA:", "\n\n"), ("Question: ", "\nAnswer:", "\n\n")])
    for i in range(rng.choice((1, 1, 1, 2) if manner == "cue" else (2, 2, 3) if manner == "example" else (1, 2, 3))):
        p = question(rng, expand)
        out.append((form[0] + typed(rng, p.question) + form[1], False))
        if manner == "direct":
            out.append((f" The answer is {p.answer}." + form[2], DIRECT))
        elif manner == "number":
            out.append((f" {p.answer}" + form[2], DIRECT))
        else:
            cue = f" {STEP_CUE}" if manner == "cue" else ""
            first, _, rest = f"{p.worked()} The answer is {p.answer}.{form[2]}".partition(" ")
            out += [(cue, False), (f" {first}", manner == "cue" or i > 0), (f" {rest}", True)]
    return out


def drill(rng):
    """Many sums and differences in a row, as the steps write them."""
    out = []
    for _ in range(rng.randint(8, 20)):
        (start, ((op, d),)) = numbers(rng, 1)
        out += [(f"{start} {op} {d} =", False), (f" {start + d if op == '+' else start - d}.", True), (" ", False)]
    return out[:-1]
