"""A byte-level BPE vocabulary of any size that encodes any text: invented, but with the counts and the shape of a
real one (short strings of frequent letters first, each merged from a shorter one and a letter)."""
import numpy as np

# Rounded frequencies of letters in English text; a leading space begins most words.
LETTERS = "etaoinshrdlucmfwypvbgkjxqz"
FREQUENCY = [12.7, 9.1, 8.2, 7.5, 7.0, 6.7, 6.3, 6.1, 6.0, 4.3, 4.0, 2.8, 2.8, 2.4, 2.2, 2.4, 2.0, 1.9, 1.0, 1.5, 2.0,
             0.8, 0.15, 0.15, 0.1, 0.07]
SPACE = "\u0120"  # byte 32 in the alphabet below


def byte_alphabet():
    """The 256 characters that stand for bytes, in the order of the GPT-2 vocabulary: printable ones for themselves,
    the others from U+0100 on."""
    own = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in own]
    return [chr(b) for b in own] + [chr(256 + i) for i in range(len(rest))]


def most_frequent(n):
    """The n most frequent strings of two letters or more, as rows of letter indices (26: the leading space; -1: the
    end), most frequent first. A string is less frequent than its beginning, so that comes before it."""
    p = np.log(np.array(FREQUENCY) / sum(FREQUENCY))
    floor = -8.0
    while True:
        rows = np.full((27, 8), -1, np.int8)
        rows[:, 0] = np.arange(27)
        scores, kept, kept_scores = np.append(p, 0.0), [], []
        for length in range(1, 8):
            scores = (scores[:, None] + p[None, :]).ravel()
            rows = np.repeat(rows, 26, axis=0)
            rows[:, length] = np.tile(np.arange(26, dtype=np.int8), len(rows) // 26)
            rows, scores = rows[scores > floor], scores[scores > floor]
            kept.append(rows)
            kept_scores.append(scores)
        scores = np.concatenate(kept_scores)
        if len(scores) >= n:
            return np.concatenate(kept)[np.argsort(-scores, kind="stable")[:n]]
        floor -= 1.0


def make(n):
    """n tokens and their n - 256 merges."""
    letters = np.array(list(LETTERS + SPACE))
    tokens, merges = byte_alphabet(), []
    for row in most_frequent(n - 256):
        text = "".join(letters[row[row >= 0]])
        tokens.append(text)
        merges.append(text[:-1] + " " + text[-1])
    assert len(set(tokens)) == n
    return tokens, merges
