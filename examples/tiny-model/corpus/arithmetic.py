"""Word problems of one to three steps and sums of long numbers, each with its worked steps."""

from . import words as w

ADD = ["{he} [finds|gets|buys|picks|makes] {d} more", "a friend gives {him} {d} more", "{other} gives {him} {d} more"]
SUB = ["{he} [loses|sells|drops|uses] {d} of them", "{he} gives {d} to {other}", "{he} gives {d} of them away"]


class Problem:
    """A question, its steps [(left, op, right, result)], and the answer."""

    def __init__(self, question, steps, key):
        self.question, self.steps, self.answer, self.key = question, steps, steps[-1][3], key

    def worked(self):
        return " ".join(f"{'First' if i == 0 else 'Then'} {a} {op} {b} = {r}."
                        for i, (a, op, b, r) in enumerate(self.steps))


def _delta(rng):
    return rng.choice((10, 20, 30)) if rng.random() < 0.15 else rng.randint(2, 9)


def _numbers(rng, n_steps):
    """A start (a number, or boxes times content) and n_steps - (is it a product) changes; all results in 1..99."""
    while True:
        steps, product = [], rng.random() < 0.35
        if product:
            a, b = rng.randint(2, 9), rng.randint(2, 9)
            steps.append((a, "*", b, a * b))
            at = a * b
        else:
            a = b = 0
            at = rng.randint(11, 80)
        start = at
        while len(steps) < n_steps:
            d, op = _delta(rng), rng.choice("+-")
            to = at + d if op == "+" else at - d
            steps.append((at, op, d, to))
            at = to
        if all(1 <= s[3] <= 99 for s in steps):
            return start, a, b, steps


def _pick(rng, role, items, test):
    train, kept = w.kept(role, items)
    return rng.choice(kept if test else train)


def word_problem(rng, expand, n_steps, test=False):
    """With test, the names, the things and the numbers are ones that training never shows here."""
    girl = rng.random() < 0.5
    name = _pick(rng, "problem-name", w.GIRLS if girl else w.BOYS, test)
    other = name
    while other == name:
        other = _pick(rng, "problem-name", w.GIRLS + w.BOYS, test)
    thing = _pick(rng, "problem-thing", w.COUNTED, test)
    while True:
        start, a, b, steps = _numbers(rng, n_steps)
        key = ",".join(f"{x}{op}{y}" for x, op, y, _ in steps)
        if w.held("problem-numbers", key) == test:
            break
    slots = {"he": "she" if girl else "he", "him": "her" if girl else "him", "other": other, "name": name, "thing": thing}
    if a:
        slots.update(a=a, b=b, box=w.plural(rng.choice(w.BOXES)))
        text = "{name} has {a} {box} with {b} {thing} in each."
    else:
        slots.update(a=start)
        text = "{name} [has|has|owns|starts with] {a} {thing}."
    changes = steps[1:] if a else steps
    text = expand(rng, text, slots)
    for i, (_, op, d, _) in enumerate(changes):
        if i == len(changes) - 1 and i > 0:
            lead = rng.choice(["Then ", "After that, ", "Later, "])
        else:
            lead = rng.choice(["", "Then ", "In the morning, "]) if i == 0 else rng.choice(["Then ", "Next, "])
        s = lead + expand(rng, rng.choice(ADD if op == "+" else SUB), {**slots, "d": d})
        text += " " + s[0].upper() + s[1:] + "."
    text += expand(rng, " How many {thing} does {name} have [now|in the end|at the end]?" if changes
                   else " How many {thing} does {name} have [in all|in total|]?", slots).replace(" ?", "?")
    return Problem(text, steps, key)


class Sum:
    """A sum of two long numbers, worked digit by digit from the right."""

    def __init__(self, rng, n_digits, test=False):
        while True:
            self.a, self.b = (rng.randint(10 ** (n_digits - 1), 10**n_digits - 1) for _ in range(2))
            self.key = f"{self.a}+{self.b}"
            if w.held("sum", self.key) == test:
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


STEP_CUE = "Let's think step by step."


def question(rng, expand, test=False):
    r = rng.random()
    if r < 0.25:
        return Sum(rng, rng.choice((2, 3, 3, 4)), test)
    return word_problem(rng, expand, rng.choice((1, 2, 2, 3, 3)), test)


def answer_text(problem, steps):
    return f"{STEP_CUE} {problem.worked()} The answer is {problem.answer}." if steps else f"The answer is {problem.answer}."


def document(rng, expand):
    """One to three questions in the same manner, as [(text, learn)]."""
    steps, out = rng.random() < 0.85, []
    form = rng.choice([("Q: ", "\nA: ", "\n\n"), ("Q: ", "\nA: ", "\n\n"), ("Question: ", "\nAnswer: ", "\n\n")])
    for _ in range(rng.choice((1, 1, 2, 3) if steps else (1, 2, 3))):
        p = question(rng, expand)
        out += [(form[0] + p.question + form[1].rstrip(" "), False), (" " + answer_text(p, steps) + form[2], True)]
    return out
