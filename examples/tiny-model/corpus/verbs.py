"""Verbs of gain and loss, in all their forms: what the word problems are told with."""

import re

_SHORT = re.compile(r"^(?:[^aeiou]*|qu)[aeiou][bdgklmnprt]$")


class Verb:
    """From "give/gave/given away": base, third person, past, participle, the form in -ing; each with what follows."""

    def __init__(self, text):
        first, _, rest = text.partition(" ")
        base, *others = first.split("/")
        rest = f" {rest}" if rest else ""
        stem = base + base[-1] if _SHORT.match(base) else base
        soft = base[-1] == "y" and base[-2] not in "aeiou"
        past = others[0] if others else base + "d" if base[-1] == "e" else base[:-1] + "ied" if soft else stem + "ed"
        ending = "es" if re.search(r"(s|x|z|ch|sh|o)$", base) else "s"
        third = "is" if base == "be" else "has" if base == "have" else base[:-1] + "ies" if soft else base + ending
        ing = base[:-2] + "ying" if base[-2:] == "ie" else base + "ting" if base == "forget" else stem[:-1] + "ing" if base[-1] == "e" and base[-2] not in "eo" and base != "be" else stem + "ing"
        self.words = {base, third, past, others[-1] if others else past, ing}
        self.base, self.third, self.past, self.part, self.ing = (
            x + rest for x in (base, third, past, others[-1] if others else past, ing))

    def finite(self, past, plural):
        if self.base.startswith("be "):
            return (("was", "were"), ("is", "are"))[not past][plural] + self.base[2:]
        return self.past if past else self.base if plural else self.third


def _all(text):
    return [Verb(v.strip()) for v in text.replace("\n", ",").split(",") if v.strip()]


# Somebody's things become more, or fewer.
GAIN = _all("""buy/bought, find/found, get/got, receive, pick up, win/won, earn, collect, gather, make/made, bake, borrow, add, save,
catch/caught, draw/drew/drawn, paint, order, unpack, inherit, produce, harvest, grow/grew/grown, pick, build/built, take/took/taken in,
purchase, gain, score, obtain, fetch, print, sew/sewed/sewn, knit/knitted, discover, dig/dug up, bring/brought home, bring/brought back, accept,
acquire, create, fold, carve, trade for, swap for, stumble upon, come/came/come across, get/got hold of, put/put in, stack up, take/took/taken home,
be/was/been given, be/was/been handed, be/was/been sent, be/was/been awarded, be/was/been lent, choose/chose/chosen, download, write/wrote/written,
prepare, rent, buy/bought online, get/got back, pull out of a drawer, pack, put/put aside, spot,
assemble, glue together, cut/cut out, record, hire, adopt, claim, snatch up, scoop up, pocket, gain back, import, mine, hoard, sketch,
shape, tie, take/took/taken, rake up, raise, gather up, buy/bought at a shop""")
LOSE = _all("""lose/lost, give/gave/given away, sell/sold, spend/spent, break/broke/broken, eat/ate/eaten, drop, use, use up, donate, throw/threw/thrown away,
hand over, hand out, give/gave/given out, share, trade away, lend/lent, leave/left behind, delete, burn, tear/tore/torn, waste, send/sent away, return,
give/gave/given up, part with, remove, take/took/taken out, take/took/taken off, discard, swap away, mail, ship, misplace, smash, crush, melt, forfeit,
surrender, give/gave/given back, let/let go of, toss out, recycle, pass on, finish, munch, gobble up, nibble, devour, consume, pay/paid, bring/brought back to the shop,
lend/lent out, pass out, sell/sold off, get/got rid of, ruin, damage, scrap, forget/forgot/forgotten somewhere, hand back, gamble away, serve, throw/threw/thrown out,
sacrifice, crack, spill, sort out, cut/cut off, erase, send/sent off, trade in, deliver, ship off, swallow, feed/fed to the birds,
cross out, leave/left at school, drop off, hand in, dispose of, squash, give/gave/given to charity, export, cash in, bury, sink/sank/sunk,
auction off, eat/ate/eaten up, chew up, loan, cancel, cut/cut up, throw/threw/thrown in the bin, knock over""")
EAT = _all("eat/ate/eaten, munch, gobble up, nibble, devour, swallow, chew up, finish, eat/ate/eaten up, bite/bit/bitten into, snack on, peel, taste")

# What another does: {o} "gives" {him} 5 more; {o} "takes" 5 from {him}.
GIVE = _all("give/gave/given, bring/brought, send/sent, hand, pass, lend/lent, mail, sell/sold, offer, toss, buy/bought, leave/left, throw/threw/thrown, slip, get/got, make/made, lend/lent")
TAKE = _all("take/took/taken, steal/stole/stolen, borrow, grab, snatch, get/got, win/won, buy/bought, accept, receive")
RUIN = _all("break/broke/broken, eat/ate/eaten, lose/lost, ruin, hide/hid/hidden, tear/tore/torn up, step on, chew up, destroy, damage, carry off, take/took/taken, steal/stole/stolen, drop, run/ran/run off with, sit/sat on, swallow, knock down")

# Things and people that come and go by themselves.
COME = _all("""arrive, come/came/come, come/came/come in, join, enter, get/got on, get/got in, board, climb in, climb aboard, walk in, hop on, show up, turn up, move in,
sign up, sit/sat down, appear, line up, return, come/came/come back, stop by, step in, step on, drop in, come/came/come along, come/came/come over, gather, rush in, hop in,
come/came/come running, jump in, join in, pop up, come/came/come by, follow, stream in, run/ran/run in, squeeze in, check in, enroll, register""")
FLY_IN = _all("fly/flew/flown in, land, swim/swam/swum in, hatch, be/was/been born, come/came/come, arrive, join, appear, return, wander in, be/was/been hatched, creep/crept in, swim/swam/swum up, fly/flew/flown over, settle down, perch there, crawl in, hop in, run/ran/run in")
GROW = _all("sprout, bloom, grow/grew/grown, open, ripen, appear, pop up, come/came/come up, blossom, be/was/been planted")
LEAVE = _all("""leave/left, get/got off, get/got out, walk out, go/went/gone home, go/went/gone away, move out, drop out, depart, exit, disappear, vanish, quit/quit, wander off,
step off, hop off, jump off, run/ran/run away, go/went/gone out, go/went/gone, walk off, walk away, step out, hurry off, run/ran/run off, say/said goodbye, slip out, storm out,
head home, climb out, check out, resign, retire, give/gave/given up, go/went/gone to bed, move away, drive/drove/driven home, head off, withdraw/withdrew/withdrawn, set/set off""")
FLY_OFF = _all("fly/flew/flown away, fly/flew/flown off, swim/swam/swum away, run/ran/run away, escape, die, wander off, leave/left, disappear, vanish, be/was/been caught, be/was/been sold, hop away, crawl away, swim/swam/swum off, get/got lost, run/ran/run off, be/was/been eaten, trot off, be/was/been set free, break/broke/broken out, drift away, take/took/taken off, slip away")
SPOIL = _all("""break/broke/broken, fall/fell/fallen off, fall/fell/fallen down, burst/burst, pop, wilt, melt, rot, dry up, get/got lost, go/went/gone missing, go/went/gone bad, fall/fell/fallen out, roll away,
turn out to be broken, be/was/been eaten, be/was/been sold, be/was/been lost, be/was/been stolen, be/was/been broken, be/was/been thrown away, be/was/been taken away, be/was/been used,
be/was/been removed, be/was/been given away, be/was/been carried off, be/was/been used up, be/was/been taken out, be/was/been picked, be/was/been cut down, be/was/been blown away,
be/was/been lent out, be/was/been borrowed, be/was/been destroyed, be/was/been damaged, disappear, blow/blew/blown away, go/went/gone out, crack, be/was/been shipped, be/was/been spoiled, be/was/been thrown out,
be/was/been handed out, be/was/been spent, be/was/been donated, fade, be/was/been shared out, be/was/been deleted, be/was/been sent back, be/was/been taken, be/was/been crossed out""")
COME_IN = _all("""be/was/been added, be/was/been delivered, be/was/been brought in, be/was/been put in, be/was/been placed there, be/was/been found, be/was/been made, be/was/been bought, arrive,
be/was/been donated, be/was/been loaded, come/came/come in the mail, be/was/been brought, turn up, be/was/been put back, be/was/been returned, be/was/been baked, be/was/been built, be/was/been ordered, be/was/been dropped off,
appear, be/was/been produced, be/was/been laid out, be/was/been collected, be/was/been thrown in, be/was/been handed in, be/was/been set up, be/was/been unpacked, be/was/been stacked on top, come/came/come in, be/was/been included""")
FORMS = sorted({x for group in (GAIN, LOSE, EAT, GIVE, TAKE, RUIN, COME, FLY_IN, GROW, LEAVE, FLY_OFF, SPOIL, COME_IN)
                for v in group for x in v.words})
