#!/usr/bin/env python3
"""Writes fewshot_golden.json: BM25 scores and orders by maximal marginal relevance, computed here from the papers'
formulas and shared with nothing in libllm. Needs numpy and regex: make_fewshot_golden.py > fewshot_golden.json"""

import json
import math

import numpy
import regex

DOCS = [
    "The cat sat on the mat.", "A cat is not a dog", "dogs and cats, cats and dogs; CATS!", "", "?!",
    "Ein Mädchen läuft über die Straße", "STRASSE und Straße", "数学 は 楽しい", "楽しい 音楽", "naïve café naïve",
    "x_1 + x_2 = 12", "the the the the the the the the", "Is the mat under the cat or is the cat under the mat?",
    "наука и жизнь", "Жизнь прекрасна", "one two three four five six seven eight nine ten eleven twelve",
]
QUERIES = ["the cat", "cat cat dog", "straße", "楽しい", "жизнь", "naïve x_1", "nothing of it", "", "the mat, the cat, the dog?"]


def words(text):
    return [w.lower() for w in regex.findall(r"\w+", text)]


def bm25(query, k1, b):
    docs = [words(d) for d in DOCS]
    n, mean = len(docs), sum(map(len, docs)) / len(docs)
    scores = []
    for doc in docs:
        total = 0.0
        for word in words(query):
            df = sum(word in d for d in docs)
            tf = doc.count(word)
            idf = math.log(1 + (n - df + 0.5) / (df + 0.5))
            total += 0.0 if tf == 0 else idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * len(doc) / mean))
        scores.append(total)
    return scores


def mmr(relevance, vectors, weight):
    order, rest = [], list(range(len(relevance)))
    while rest:
        def margin(i):
            most = max((float(vectors[i] @ vectors[j]) for j in order), default=0.0)
            return weight * relevance[i] - (1 - weight) * most
        best = max(rest, key=lambda i: (margin(i), -i))
        order.append(best)
        rest.remove(best)
    return order


def main():
    rng = numpy.random.default_rng(7)
    vectors = rng.standard_normal((12, 6))
    vectors[5] = vectors[2] + 0.01 * vectors[3]  # a near double
    vectors /= numpy.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors.astype(numpy.float32).astype(float)
    relevance = (vectors @ vectors[2]).tolist()
    golden = {
        "docs": DOCS,
        "bm25": [{"query": q, "k1": k1, "b": b, "scores": bm25(q, k1, b)}
                 for q in QUERIES for k1, b in ((1.2, 0.75), (2.0, 0.0), (0.5, 1.0))],
        "vectors": vectors.tolist(),
        "relevance": relevance,
        "mmr": [{"lambda": w, "order": mmr(relevance, vectors, w)} for w in (1.0, 0.7, 0.5, 0.2, 0.0)],
    }
    print(json.dumps(golden, ensure_ascii=False, indent=1))


main()
