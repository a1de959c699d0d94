"""Templates: {slot} is looked up, [one|of|these] is chosen, at any depth."""

import re

_SLOT = re.compile(r"\{(\w+)\}")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeiou])")
_SENTENCE = re.compile(r"(^|[.!?] )([a-z])")


def expand(rng, text, slots):
    while "[" in text:
        text = _CHOICE.sub(lambda m: rng.choice(m.group(1).split("|")), text)
    return _SLOT.sub(lambda m: str(slots[m.group(1)]), text)


def polish(text):
    """a before a vowel becomes an, sentences begin with capitals."""
    text = _ARTICLE.sub(r"\1n ", text)
    return _SENTENCE.sub(lambda m: m.group(1) + m.group(2).upper(), text)
