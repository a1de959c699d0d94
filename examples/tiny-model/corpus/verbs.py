"""Verbs of gain and loss, in all their forms: what the word problems are told with. The lists: tables/verbs.txt."""

import re

from . import table

_SHORT = re.compile(r"^(?:[^aeiou]*|qu)[aeiou][bdgklmnprt]$")


def _past_of(base, stem, soft):
    if base[-1] == "e":
        return base + "d"
    return base[:-1] + "ied" if soft else stem + "ed"


def _third_of(base, soft):
    if base in ("be", "have"):
        return {"be": "is", "have": "has"}[base]
    return base[:-1] + "ies" if soft else base + ("es" if re.search(r"(s|x|z|ch|sh|o)$", base) else "s")


def _ing_of(base, stem):
    if base[-2:] == "ie":
        return base[:-2] + "ying"
    if base == "forget":
        return "forgetting"
    return stem[:-1] + "ing" if stem[-1] == "e" and base[-2] not in "eo" and base != "be" else stem + "ing"


class Verb:
    """From "give/gave/given away": base, third person, past, participle, the form in -ing; each with what follows."""

    def __init__(self, text):
        first, _, rest = text.partition(" ")
        base, *others = first.split("/")
        rest = f" {rest}" if rest else ""
        stem = base + base[-1] if _SHORT.match(base) else base
        soft = base[-1] == "y" and base[-2] not in "aeiou"
        past = others[0] if others else _past_of(base, stem, soft)
        part = others[-1] if others else past
        third, ing = _third_of(base, soft), _ing_of(base, stem)
        self.words = {base, third, past, part, ing}
        self.base, self.third, self.past, self.part, self.ing = (x + rest for x in (base, third, past, part, ing))

    def finite(self, past, plural):
        if self.base.split()[0] == "be":
            return (("was", "were"), ("is", "are"))[not past][plural] + self.base[2:]
        return self.past if past else self.base if plural else self.third


FIRST, ALL = {}, {}  # {list: verbs}: those that problems of the measure are told with, and all
for _name, _lines in table.sections("verbs.txt").items():
    _verbs = [Verb(x.strip()) for x in " ".join(_lines).split(",") if x.strip()]
    _list, _, _more = _name.partition(" ")
    if not _more:
        FIRST[_list] = _verbs
    ALL[_list] = ALL.get(_list, []) + _verbs


def choose(rng, name, test=False):
    return rng.choice((FIRST if test else ALL)[name])


# Verbs that only templates name, in <...>.
_IRREGULAR = {}
for _text in """be/was/been have/had do/did/done go/went/gone get/got give/gave/given take/took/taken come/came/come put/put find/found
        buy/bought sell/sold make/made lose/lost win/won pay/paid leave/left keep/kept hold/held begin/began/begun bring/brought let/let
        cut/cut eat/ate/eaten drink/drank/drunk fall/fell/fallen rise/rose/risen grow/grew/grown fly/flew/flown run/ran/run swim/swam/swum
        sit/sat stand/stood lie/lay/lain set/set sink/sank/sunk ride/rode/ridden drive/drove/driven write/wrote/written read/read
        throw/threw/thrown steal/stole/stolen send/sent lend/lent spend/spent tell/told think/thought choose/chose/chosen catch/caught
        become/became/become break/broke/broken hide/hid/hidden meet/met sleep/slept feed/fed shrink/shrank/shrunk cost/cost see/saw/seen
        know/knew/known dig/dug build/built hit/hit beat/beat/beaten quit/quit sow/sowed/sown bid/bid forgive/forgave/forgiven repay/repaid
        withdraw/withdrew/withdrawn freeze/froze/frozen spit/spat knit/knitted shed/shed reset/reset say/said lead/led bet/bet dive/dived
        saw/sawed/sawn seek/sought hang/hung show/showed/shown bid/bid feel/felt lend/lent learn teach/taught wake/woke/woken""".split():
    _v = Verb(_text)
    _IRREGULAR[_v.base] = _v
_KNOWN = dict(_IRREGULAR)


def named(base):
    """The verb of that base."""
    if base not in _KNOWN:
        _KNOWN[base] = Verb(base)
    return _KNOWN[base]


FORMS = sorted({x for group in ALL.values() for v in group for x in v.words} | {x for v in _IRREGULAR.values() for x in v.words})
