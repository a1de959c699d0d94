"""Rows and pairs that come again: what teaches a model to look back and copy, which all tasks by example build on."""

from . import words as w


def _rows(rng, wide):
    """With wide, of all words, also those that tasks hold out, and of invented ones: copying must not know which."""
    kind = rng.random()
    n = rng.randint(4, 9)
    if wide and kind < 0.8:
        items = [w.invented(rng) for _ in range(n)] if kind < 0.3 else rng.sample(w.EVERYDAY + w.OTHERS, n)
    elif kind < 0.7:
        items = rng.sample(w.kept("task-word", w.EVERYDAY)[0] + w.GIRLS + w.BOYS, n)
    elif kind < 0.85:
        items = [rng.choice(w.LETTERS) for _ in range(n)]
        items = items if rng.random() < 0.5 else [x.upper() for x in items]
    else:
        items = [str(rng.randint(1, 99)) for _ in range(n)]
    row = rng.choice((" ", ", ", " - ")).join(items)
    before, after = rng.choice((("", "\n"), (" ", ".\n"), (" ", ";")))
    return [(before + row + after, False)] + [(before + row + after, True)] * rng.choice((1, 1, 2))


def _pairs(rng, wide):
    pool = w.kept("task-word", w.EVERYDAY)[0]
    if wide:
        pool = pool + w.OTHERS + [w.invented(rng) for _ in range(200)]
    keys, values = rng.sample(pool, 5), rng.sample(pool, 5)
    between, after = rng.choice(((" ->", "\n"), (" =>", "\n"), (" |", "\n"), (":", "\n"), (" is", ". ")))
    n_keys, seen, out = rng.randint(2, 5), set(), []
    for _ in range(rng.randint(6, 14)):
        i = rng.randrange(n_keys)
        out += [(keys[i] + between, False), (" " + values[i] + after, i in seen)]
        seen.add(i)
    return out


def document(rng, wide=False):
    return (_rows if rng.random() < 0.5 else _pairs)(rng, wide)
