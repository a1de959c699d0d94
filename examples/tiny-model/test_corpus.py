"""python3 -m unittest: what the corpus promises. Needs the standard library only."""

import json
import random
import re
import unittest

import evaluate
import generate
import people
from corpus import arithmetic, chat, tasks, verbs
from corpus import words as w
from corpus.asked import masked
from corpus.grammar import expand

N = 1500


def drawn(seed=1):
    """Every (task, input) that documents of all stages draw, whatever form they give it."""
    shown, draw = set(), tasks.Source.draw

    def record(self):
        x, y = draw(self)
        shown.add((self.task, x))
        return x, y

    tasks.Source.draw = record
    try:
        for stage in generate.MIXES:
            for i in range(2 * N):
                generate.document(seed, i, stage=stage)
    finally:
        tasks.Source.draw = draw
    return shown


def names(question):
    return set(re.findall(r"[A-Z][a-z]+", question)) & set(w.GIRLS + w.BOYS)



class Corpus(unittest.TestCase):
    def test_a_document_is_always_the_same(self):
        for stage in generate.MIXES:
            for i in (0, 7, 10**9):
                self.assertEqual(generate.document(1, i, stage=stage), generate.document(1, i, stage=stage))
                self.assertNotEqual(generate.document(1, i, stage=stage), generate.document(2, i, stage=stage))

    def test_every_document_ends_with_the_end_token_and_has_it_only_after_turns(self):
        for i in range(N):
            text = "".join(t for t, _ in generate.document(1, i))
            self.assertTrue(text.endswith(generate.EOS))
            self.assertEqual(text.count("<|im_start|>") or 1, text.count(generate.EOS))

    def test_worked_steps_are_right_and_lead_to_the_answer(self):
        for i in range(N):
            p = arithmetic.word_problem(random.Random(i), expand, i % 3 + 1)
            self.assertEqual(len(p.steps), i % 3 + 1)
            self.assertNotRegex(p.question, r"[][{}<>]|  | [,.?]|[.][?]")
            at = None
            for left, op, right, result in p.steps:
                self.assertIn(at, (None, left, right))
                self.assertEqual(result, {"+": left + right, "-": left - right, "*": left * right}[op])
                at = result
            self.assertEqual(at, p.answer)

    def test_training_never_shows_what_the_evaluation_asks(self):
        shown = drawn()
        self.assertGreater(len(shown), N)
        for task in tasks.ALL:
            if task in ("pairs", "next letter", "letter before"):  # the first has no inputs of its own, the others have 25
                continue
            for i in range(50):
                for x, _ in tasks.pairs(random.Random(i), task, 4, test=True):
                    self.assertNotIn((task, x), shown)

    def test_no_task_shows_a_word_or_a_pair_of_heldout(self):
        words = {x for t in people.LETTERS for x, _ in people.pairs()[t]}
        for task, x in drawn():
            if task in tasks.LETTER_TASKS or task in tasks.CASE_TASKS or task in tasks.LETTERS_APART_TASKS:
                self.assertNotIn(x.lower().replace(" ", "") if task in tasks.LETTERS_APART_TASKS else x.lower(), words)
            elif task in ("opposite", "plural", "two"):
                self.assertNotIn(x, w.RESERVED_OPPOSITES if task == "opposite" else w.RESERVED_PLURALS)

    def test_no_problem_of_heldout_is_in_the_generator(self):
        """Not its wording, whatever the numbers, names and things; but for those that known.txt lists and the measure counts apart."""
        asked = [q for q, _, _, known in people.problems() if not known]
        made = {masked(arithmetic.question(random.Random(i), expand).question) for i in range(10 * N)}
        self.assertEqual([q for q in asked if masked(q) in made], [])
        self.assertGreater(len(made), 0.8 * 10 * N)  # tens of thousands of wordings

    def test_every_number_of_a_problem_without_extras_is_in_its_steps(self):
        for i in range(N):
            p = arithmetic.word_problem(random.Random(i), expand, i % 3 + 1)
            used = {str(x) for s in p.steps for x in (s[0], s[2])}
            self.assertLessEqual(set(re.findall(r"\d+", p.question)), used)
            given = set(re.findall(r"\d+", p.question)) | {str(n) for n, x in enumerate(w.NUMBER_WORDS) if re.search(rf"\b{x}\b", p.question, re.I)}
            self.assertLessEqual(used, given | {str(s[3]) for s in p.steps})

    def test_worked_examples_end_with_a_question_that_is_worked(self):
        for i in range(200):
            parts = arithmetic.examples(random.Random(i), expand)
            asked = sum(t.count("Q: ") + t.count("Question: ") for t, learn in parts if not learn)
            self.assertGreaterEqual(asked, 3)
            self.assertTrue(parts[-1][1])

    def test_no_verb_is_both_gain_and_loss(self):
        bases = {name: {v.base for v in verbs.ALL[name]} for name in ("GAIN", "LOSE", "EAT")}
        self.assertFalse(bases["GAIN"] & (bases["LOSE"] | bases["EAT"]))

    def test_training_says_none_of_the_held_out_sayings(self):
        def plain(said):
            return re.sub(r"[^a-z ]", "", said.lower()).strip()

        said = {plain(x.format(me="Tiny", name="Peter")) for group, _ in chat.TALK for x in group}
        with open(f"{people.HERE}/talk.tsv", encoding="utf-8") as f:
            self.assertEqual([line for line in f if plain(line.split("\t")[0]) in said], [])

    def test_problems_of_heldout_have_the_answers_of_their_terms(self):
        with open(f"{people.HERE}/problems.jsonl", encoding="utf-8") as f:
            for record in map(json.loads, f):
                self.assertRegex(record["expr"], r"^\d+( ?[-+] ?\d+)+$")
                self.assertEqual(str(eval(record["expr"])), record["answer"])

    def test_held_out_problems_and_chats_share_nothing_with_training(self):
        n_named = 0
        for i in range(N):
            rng = random.Random(i)
            p = arithmetic.word_problem(rng, expand, 2)
            q = arithmetic.word_problem(rng, expand, 2, test=True)
            self.assertNotEqual(p.key, q.key)
            self.assertFalse([x for x in names(p.question) if w.held("problem-name", x)])
            self.assertTrue(all(w.held("problem-name", x) for x in names(q.question)))
            n_named += bool(names(q.question))
            style = rng.choice(list(chat.STYLES))
            (_, ((a, _),)), (_, ((b, _),)) = chat.styled(rng, 1, style), chat.styled(rng, 1, style, test=True)
            self.assertNotEqual(a, b)
        self.assertGreater(n_named, 0.9 * N)  # the others say "her box"

    def test_the_measure_knows_a_loop(self):
        self.assertFalse(evaluate.loops("one two three four five six seven eight nine ten eleven twelve thirteen"))
        self.assertTrue(evaluate.loops("he ran and " * 10))


if __name__ == "__main__":
    unittest.main()
