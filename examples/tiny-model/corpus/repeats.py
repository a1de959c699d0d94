"""Rows and pairs that come again: what teaches a model to look back and copy, which all tasks by example build on."""

from . import words as w


def _items(rng, n):
    """Of all words, also those that tasks hold out, and of invented ones: copying must not know which."""
    kind = rng.random()
    if kind < 0.45:
        return [w.invented(rng) for _ in range(n)]
    if kind < 0.8:
        return rng.sample(w.EVERYDAY + w.OTHERS + w.MORE_NOUNS, n)
    if kind < 0.9:
        case = rng.choice((str.lower, str.upper))
        return [case(rng.choice(w.LETTERS)) for _ in range(n)]
    return [str(rng.randint(1, 199)) for _ in range(n)]


def _rows(rng):
    row = rng.choice((" ", ", ", " - ")).join(_items(rng, rng.randint(3, 6)))
    before, after = rng.choice((("", "\n"), (" ", ".\n"), (" ", ";")))
    return [(before + row + after, False)] + [(before + row + after, True)] * rng.choice((1, 1, 2))


def _pairs(rng):
    n_keys = rng.randint(2, 5)
    keys, values = ([w.invented(rng) if rng.random() < 0.6 else rng.choice(w.EVERYDAY + w.OTHERS) for _ in range(n_keys)] for _ in range(2))
    between, after = rng.choice(((" ->", "\n"), (" =>", "\n"), (" |", "\n"), (":", "\n"), (" is", ". ")))
    seen, out = set(), []
    for _ in range(rng.randint(5, 9)):
        i = rng.randrange(n_keys)
        out += [(keys[i] + between, False), (" " + values[i] + after, i in seen)]
        seen.add(i)
    return out


def document(rng):
    return (_rows if rng.random() < 0.5 else _pairs)(rng)
