"""Writes pattern_cases.json: patterns in Oniguruma's syntax and what the `tokenizers` package cuts with them.

    python3 make_pattern_cases.py pattern_cases.json        with the package tokenizers (0.23.3)

Each line is [pattern, [[text, pieces, replaced], ...]], with a true at its end where the pattern must not be refused: the pieces of Split with behavior "isolated", and the text with
each match replaced by U+0001. null in place of the list: the package refuses the pattern.
"""

import json
import random
import sys

from tokenizers import Regex, normalizers, pre_tokenizers

# What the two syntaxes spell alike and mean otherwise, and what published files use.
PATTERNS = [
    ("[\\p{L}&&[^\\p{Lu}]]+", ["Hello World abcDEF"]),
    ("[a-z&&[^aeiou]&&[^xyz]]+", ["abcdefuvwxyz"]),
    ("[^a-c&&b-d]", ["abcde"]),
    ("[a&&]|[&&b]", ["ab&"]),
    ("[[a-c][x-z]1]+", ["abx1q"]),
    ("[^[a-c]x]+", ["abxyz"]),
    (" ?[^(\\s|[.,!?…。，、।۔،])]+", ["Hello, world (x)", "a|b ،c 。d"]),
    ("(?=[A-Z])|\\s", ["HelloWorld camelCase"]),
    ("x*", ["axxb", "", "xx"]),
    ("\\b", ["ab cd, é", "e\u0301x 1½"]),
    ("\\B", ["ab cd"]),
    ("\\p{N}{1,3}+", ["12345 1234567"]),
    ("a{2}?", ["aaaa"]), ("a{,2}", ["aaaaa"]), ("a{3,1}", ["aaaa"]), ("a{2,}+", ["aaaaa"]), ("a{1,2}?", ["aaa"]),
    ("x{,}|y{|z{a}", ["x{,}y{z{a}"]),
    ("a+*", ["aaab"]), ("a+?+", ["aaa"]), ("a*??", ["aa"]), ("(?:a|b)++b", ["abab"]),
    ("^\\w+$", ["word\n\nword", "a\nb\n"]), ("$", ["a\nb\n"]), ("^", ["a\nb\n"]),
    ("\\A.|.\\z|.\\Z", ["ab\ncd\n"]),
    (".+", ["a\r\nb\u2028c\x85d"]), ("(?m:.+)", ["a\nb"]), ("(?m).+(?-m:.)", ["a\nbc"]),
    ("(?i)ab|cd", ["ABxCd"]), ("q(?i)ab|cd", ["qABCDcd"]), ("(q(?i)ab|cd)e", ["qABeCDecde"]),
    ("(?i:'s|'t|'re|'ve|'m|'ll|'d)", ["it's IT'S we'Re 'ſ"]), ("(?i:k)", ["kK\u212a"]), ("(?i)[^k]", ["kK\u212ax"]),
    ("(?x) a b # c\n d", ["abd"]), ("(?x:a +)", ["aaa"]), ("a(?# no )b", ["ab"]),
    ("\\s+", ["a \t\u00a0\u1680\u180e\u2003\u3000\u200bb\x85c\x1c"]), ("\\S+", ["a \u180e b"]),
    ("\\w+", ["a_1é\u0301½²Ⅷⓐ٣ b"]), ("[\\w]+", ["a_1é\u0301½²Ⅷⓐ٣ b"]), ("\\W", ["½ⓐ-"]), ("[\\W]", ["½ⓐ-"]),
    ("\\h+", ["09afAFgG"]), ("[\\h-]+", ["0-f"]), ("\\H", ["0g"]), ("\\d+", ["12٣½²"]), ("[^\\D]+", ["12٣a"]),
    ("[\\S&&[^\\p{P}]]+", ["ab, c.d"]), ("[^\\S\\n]+", ["a \n b\t\n"]),
    ("[[:alpha:]]+", ["aé1"]), ("[[:^digit:]]+", ["a1b"]), ("[[:punct:]]+", ["a$+-(😀"]), ("\\p{Punct}+", ["a$+-("]),
    ("[[:word:]]+", ["a½_"]), ("[[:space:][:digit:]]+", ["a 1 b"]), ("[[:xdigit:]]+", ["0fg"]),
    ("\\p{Letter}+|\\p{Decimal_Number}", ["ab12"]), ("\\p{^L}+", ["a1-b"]), ("\\P{^L}+", ["a1-b"]),
    ("\\p{Uppercase Letter}", ["aB"]), ("\\p{Han}+|\\p{hiragana}+|\\p{Katakana}+", ["漢字かなカナー、a"]),
    ("\\p{Greek}+", ["αβγ\u0342µa"]), ("\\p{Alphabetic}+", ["aⅧ1"]), ("\\p{Emoji}", ["😀1a"]), ("\\p{Any}", ["a\n"]),
    ("\\x41\\x{42}\\u0043\\103", ["ABCC"]), ("\\xc3\\xa9", ["é"]), ("[\\x{4e00}-\\x{9fff}]+", ["中a国"]),
    ("\\cA|\\C-B|\\e|\\a|\\v", ["\x01\x02\x1b\x07\x0b"]), ("[\\b]", ["\bb"]), ("\\Q\\E", ["QE"]),
    ("[]a]+", ["]a["]), ("[^]a]", ["]ab"]), ("[a-]+", ["a-b"]), ("[-a]+", ["a-b"]), ("[a-c-e]+", ["bd-e"]),
    ("[--/]", ["-./0"]), ("[.(|)*?+{}^$]", ["a(b|c)*?"]), ("[\\[\\]]", ["[]"]),
    ("\\R", ["a\r\nb\rc\u2028"]), ("\\N+", ["a\nb"]), ("\\O", ["\n"]), ("a\\Kb", ["abab"]),
    ("(a|b)\\1", ["aabbab"]), ("(?<x>a)(b)", ["ab"]), ("(?>a+)b|a", ["aab aa"]), ("(?<=a|bc)d", ["adbcd"]),
    ("(?<!a)b", ["abcb"]), ("\\d{1,3}(?=(?:\\d{3})*\\b)", ["1234567 12"]), ("(?=(\\d{3})+(?!\\d))", ["1234567"]),
    ("(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]"
     "|\\s+(?!\\S)|\\s+", ["I'm  here, 12345!\n\n  x  "]),
    ("'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
     ["We'LL see 12\r\n "]),
]
REFUSED = ["[a-\\d]", "[\\d-a]", "[]", "(?s).", "^*a", "[[:foo:]]", "\\p{Script=Han}", "\\xe9", "+a", "a|*", "[z-a]", "(", ")",
           "[a", "\\"]

LITERALS = list("ab c1.x-") + ["\\n", "A", "B", "é", "É", "中", "K", "s", "½", "\\.", "\\-", "0", "_", "ь", "Я", "я"]
SETS = ["\\p{L}", "\\p{N}", "\\s", "\\S", "\\w", "\\W", "\\d", "\\D", "\\h", "\\H", "\\p{Lu}", "\\p{Ll}", "\\P{L}",
        "\\p{^N}", "\\p{P}", "\\p{M}", "\\p{S}", "\\p{Han}", "\\p{Alpha}", "\\p{Upper}"]
NAMED = ["[:alpha:]", "[:^digit:]", "[:space:]", "[:punct:]", "[:word:]", "[:upper:]", "[:alnum:]", "[:xdigit:]"]
RANGES = ["a-c", "A-Z", "0-9", "à-é", "а-я", "一-龥", " -~", "!-/", "a-z"]
ASSERTIONS = ["^", "$", "\\b", "\\B", "\\A", "\\z", "\\Z"]
GROUPS = ["(", "(?:", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:", "(?m:", "(?x: "]
CHARACTERS = list("abcxABC12½ .-_éÉ中国яЯьKksS()|&$+😀٣Ⅷⓐ") + ["  ", "\n", "\r\n", "\t", "\u0301", "\u0345", "\u00a0", "\u2028",
                                                          "\x85", "\u1680"]


def character_class(rng, depth=0):
    out = "[" + rng.choice(["", "", "^"])
    for _ in range(rng.randint(1, 4)):
        kind = rng.random()
        if kind < 0.35:
            out += rng.choice(["a", "b", "c", "x", "A", ".", "1", "é", "я", " ", "(", "|", "\\]", "\\n", "\\-", "s"])
        elif kind < 0.5:
            out += rng.choice(RANGES)
        elif kind < 0.7:
            out += rng.choice(SETS)
        elif kind < 0.8 and depth < 2:
            out += character_class(rng, depth + 1)
        elif kind < 0.9:
            out += "&&"
        else:
            out += rng.choice(NAMED)
    return out + "]"


def quantifier(rng):
    if rng.random() < 0.55:
        return ""
    return rng.choice(["*", "+", "?", "{2}", "{1,2}", "{2,}", "{,2}", "{3,1}", "{1,3}"]) + rng.choice(["", "", "", "?", "+"])


def sequence(rng, depth=0):
    out = ""
    for _ in range(rng.randint(1, 4)):
        kind = rng.random()
        if kind < 0.4:
            out += rng.choice(LITERALS) + quantifier(rng)
        elif kind < 0.55:
            out += rng.choice(SETS + [".", "\\R"]) + quantifier(rng)
        elif kind < 0.75:
            out += character_class(rng) + quantifier(rng)
        elif kind < 0.82:
            out += rng.choice(ASSERTIONS)
        elif depth < 3:
            group = rng.choice(GROUPS)
            repeats = group in ("(", "(?:", "(?>", "(?i:", "(?m:", "(?x: ")
            out += group + sequence(rng, depth + 1) + ")" + (quantifier(rng) if repeats else "")
    return out + ("|" + sequence(rng, depth + 1) if rng.random() < 0.25 and depth < 3 else "")


def results(regex, texts):
    split = pre_tokenizers.Split(regex, "isolated")
    replace = normalizers.Replace(regex, "\x01")
    return [[text, [piece for piece, _ in split.pre_tokenize_str(text)], replace.normalize_str(text)] for text in texts]


def main():
    rng = random.Random(13)
    lines = [[pattern, results(Regex(pattern), texts), True] for pattern, texts in PATTERNS]
    lines += [[pattern, None] for pattern in REFUSED]
    while len(lines) < 1200:
        pattern = sequence(rng)
        texts = ["".join(rng.choice(CHARACTERS) for _ in range(rng.randint(1, 14))) for _ in range(3)]
        try:
            lines.append([pattern, results(Regex(pattern), texts)])
        except BaseException:  # refused, or given up on
            continue
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
