"""python3 -m unittest: what the corpus promises. Needs the standard library only."""

import random
import unittest

import evaluate
import generate
from corpus import arithmetic, chat, tasks
from corpus.grammar import expand

N = 4000


class Corpus(unittest.TestCase):
    def test_a_document_is_always_the_same(self):
        for i in (0, 7, 71_000, 122_000, 10**9):
            self.assertEqual(generate.document(1, i), generate.document(1, i))
            self.assertNotEqual(generate.document(1, i), generate.document(2, i))

    def test_every_document_ends_with_the_end_token_and_has_it_only_after_turns(self):
        for i in range(N):
            text = "".join(t for t, _ in generate.document(1, i))
            self.assertTrue(text.endswith(generate.EOS))
            self.assertEqual(text.count("<|im_start|>") or 1, text.count(generate.EOS))

    def test_worked_steps_are_right_and_lead_to_the_answer(self):
        for i in range(N):
            p = arithmetic.word_problem(random.Random(i), expand, i % 3 + 1)
            at = None
            for left, op, right, result in p.steps:
                self.assertIn(at, (None, left))
                self.assertEqual(result, {"+": left + right, "-": left - right, "*": left * right}[op])
                at = result
            self.assertEqual(at, p.answer)

    def test_training_never_shows_what_the_evaluation_asks(self):
        """Every question of the by-example measure, looked for among the examples of documents of all mixes."""
        shown, pairs = set(), tasks.pairs

        def record(rng, task, n_shots, test=False, wide=False):
            out = pairs(rng, task, n_shots, test, wide)
            shown.update((task, x) for x, _ in out)
            return out

        tasks.pairs = record
        try:
            for first in (0, 71_000, 122_000):
                for i in range(first, first + N):
                    generate.document(1, i)
        finally:
            tasks.pairs = pairs
        self.assertGreater(len(shown), N)
        for task in tasks.ALL:
            for i in range(50):
                for x, _ in pairs(random.Random(i), task, 4, test=True):
                    self.assertNotIn((task, x), shown)

    def test_held_out_problems_and_chats_share_nothing_with_training(self):
        for i in range(N):
            rng = random.Random(i)
            p = arithmetic.word_problem(rng, expand, 2)
            q = arithmetic.word_problem(rng, expand, 2, test=True)
            self.assertNotEqual(p.key, q.key)
            self.assertNotEqual(p.question.split()[0], q.question.split()[0])
            style = rng.choice(list(chat.STYLES))
            (_, ((a, _),)), (_, ((b, _),)) = chat.styled(rng, 1, style), chat.styled(rng, 1, style, test=True)
            self.assertNotEqual(a, b)

    def test_the_measure_knows_a_loop(self):
        self.assertFalse(evaluate.loops("one two three four five six seven eight nine ten eleven twelve thirteen"))
        self.assertTrue(evaluate.loops("he ran and " * 10))


if __name__ == "__main__":
    unittest.main()
