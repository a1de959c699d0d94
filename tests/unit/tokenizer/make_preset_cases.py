"""Writes preset_cases.json: how the pre-tokenizers that GGUF files state by name cut texts, by the `tokenizers` package.

    python3 make_preset_cases.py preset_cases.json        with the package tokenizers (0.23.3)

Each line is {"names": [...], "cases": [[text, [bytes of each piece, ...]], ...]}. The patterns are those of the
published tokenizer.json files, or of llama.cpp's reader (src/llama-vocab.cpp) where a name stands for several files.
"""

import json
import random
import sys

from tokenizers import Regex, normalizers, pre_tokenizers

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
ENDING = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
LLAMA3 = ENDING + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"


def cased(number, upper=UPPER, lower=LOWER, ending=ENDING + "?", after=r"[\r\n/]*"):
    word = r"[^\r\n\p{L}\p{N}]?"
    return (f"{word}{upper}*{lower}+{ending}|{word}{upper}+{lower}*{ending}|{number}"
            rf"| ?[^\s\p{{L}}\p{{N}}]+{after}|\s*[\r\n]+|\s+(?!\S)|\s+")


def not_han(letters):
    return letters[:-1] + r"&&[^\p{Han}]]"


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


DIGITS = pre_tokenizers.Digits(individual_digits=True)
DEEPSEEK = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+"""
HAN_KANA = "[一-龥぀-ゟ゠-ヿ]+"
SENTENCE = r" ?[^(\s|.,!?…。，、।۔،)]+"

PRESETS = [
    ("gpt-2 gpt2 mpt olmo phi-2 jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code roberta-bpe gigachat jais "
     "gpt-neox trillion granite-docling a.x-4.0 mellum modern-bert exaone4", [split(GPT2)]),
    ("llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano dbrx smaug-bpe chatglm-bpe glm4",
     [split(LLAMA3)]),
    ("jais-2", [split(LLAMA3.replace(r"\s+(?!\S)|\s+", "".join(
        rf"\s{{{n}}}(?!\S)|" for n in (512, 256, 128, 64, 32, 16, 8, 4)) + r"\s{1,2}(?!\S)|\s{1}"))]),
    ("qwen2 stablelm2 megrez deepseek-r1-qwen hunyuan solar-open kormo f2llmv2", [normalizers.NFC(), split(QWEN2)]),
    ("grok-2", [split(QWEN2)]),
    ("qwen35", [normalizers.NFC(), split(
        ENDING + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")]),
    ("ufakzeka", [split(QWEN2.replace(ENDING + "|", ""))]),
    ("laguna", [split(r"[^\n]+|[\n]+"), split(QWEN2)]),
    ("seed-coder", [split(ENDING + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+")]),
    ("bailingmoe bailingmoe2 llada-moe", [split(
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+")]),
    ("exaone-moe", [split(ENDING + r"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?"
                          r"|\s*[\r\n]|\s+(?!\S)|\s+")]),
    ("minicpm5", [split(r"\p{N}{1,3}"), split(LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}+"))]),
    ("starcoder refact command-r smollm codeshell exaone minerva-7b mellum2", [DIGITS, split(GPT2)]),
    ("default", [split(r"[\p{P}\$\+<=>\^~\|]+"), split(GPT2), split(r"\p{N}+"), split("[0-9][0-9][0-9]")]),
    ("falcon", [pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.ByteLevel(add_prefix_space=False),
                pre_tokenizers.Digits(individual_digits=False), split("[0-9][0-9][0-9]")]),
    ("deepseek-llm", [split("[\r\n]"), split(r"\s?[\p{Lu}\p{Ll}\p{Lt}]+"), split(r"\s?[!-/:-~！-／：-～‘-‟　-。]+"),
                      split(r"\s+$"), split("[一-龥ࠀ-一가-퟿]+"), split(r"\p{N}+")]),
    ("deepseek-coder", [split("[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split("[一-龥ࠀ-一가-퟿]+"), DIGITS]),
    ("deepseek-v3 hunyuan-dense joyai-llm hy_v4",
     [split(r"\p{N}{1,3}"), split(HAN_KANA), split(DEEPSEEK + r"[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")]),
    ("spark2_5", [split(r"\p{N}{1,3}"), split(HAN_KANA), split(DEEPSEEK + r"|[\r\n]|\s+(?!\S)|\s+"), split(r"\p{N}")]),
    ("afmoe", [split(r"\d{1,3}(?=(?:\d{3})*(?!\d))"),
               split("[一-鿿㐀-䶿豈-﫿぀-ゟ゠-ヿ･-ﾟ⼀-⿟เ-๿຀-໿ក-៿က-႟ꩠ-ꩿꧠ-꧿가-힯ᄀ-ᇿ]+"),
               split(DEEPSEEK + r"[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")]),
    ("youtu", [split("[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|" + HAN_KANA), split(cased(r"\p{N}"))]),
    ("tekken", [split(cased(r"\p{N}", ending=""))]),
    ("gpt-4o llama4 kanana2 talkie minimax-m2 granite-embed-multi-97m", [split(cased(r"\p{N}{1,3}"))]),
    ("tiny_aya cohere2moe", [split(r"\d{1,3}(?=(?:\d{3})*\b)"), split(cased(r"\p{N}{1,3}"))]),
    ("kimi-k2 kimi-k25", [split(r"\p{Han}+|" + cased(r"\p{N}{1,3}", not_han(UPPER), not_han(LOWER), after=r"[\r\n]*"))]),
    ("superbpe", [split(r"\p{N}+"), split(r"(?=(\d{3})+(?!\d))")]),
    ("chameleon", [split("<sentinel:[0-9]+>"), split("(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z"), split(r"([\t\n]|    |  )"),
                   DIGITS, split(r"[\p{P}!-/:-@\[-`{-~]"), split(GPT2)]),
    ("bloom poro-chat gpt3-finnish", [split(SENTENCE)]),
    ("viking", [split(SENTENCE), split(r"\p{N}")]),
    ("gemma4 granite-embed-multi-311m sarvam-moe", [normalizers.Replace(" ", "▁"), split(r"[^\n]+|[\n]+")]),
    ("whitespace", [pre_tokenizers.WhitespaceSplit()]),
]

TEXTS = [
    "ied 4 ½ months", "Hello, y'all! How are you 😁 ?我想在apple工作1314151天～", "3 33 333 3333 33333 333333 3333333 33333333",
    "I've been 'told he's there, 'RE you sure? 'M not sure I'll make it, 'D you like some tea? We'Ve a'lL",
    "\n \n\n \n\n\n \t \t\t \t\n  \n   \n    \n     \n", "нещо на Български ''''''```````\"\"\"\"......!!!!!!??????",
    "ὈΔΥΣΣΕΎΣ camelCaseHTTPServer e\u0301te\u0301 Ǆx ǅ", "កាន់តែពិសេសអាច ไทย ລາວ ｶﾀｶﾅ 한국어 ㄱㄴ ㄅㄆ カタカナ ひらがな 々〇",
    "<sentinel:42> IMGIMGABCZ  x    y\tz", "a=1;b[2]+=3.14e-5 // c|d {e}~f ^g $h @i #j\r\n\r\n  k", " ١٢٣٤٥ ½¾² Ⅷ ①②",
    "。，、！？「」…—“x” १२३४", "x" * 300 + " " * 300 + "1" * 50 + "\n" * 20 + "." * 70,
]
PARTS = ["a", "Bc", "DEF", " ", "  ", "\n", "\r\n", "\t", "1", "23", "456", "½", "٣", "'s", "'LL", "'", ".", "!?", "(", "$", "+", "|",
         "é", "e\u0301", "я", "Я", "中", "文字", "カ", "ひ", "한", "ไ", "😀", "\u00a0", "\u3000", "，", "/", "-", "_", "<", "`", "x1",
         "ǅ", "\u02b0", "ª", "\u0301"]


def pieces(steps, text):
    pre = []
    for step in steps:
        if isinstance(step, normalizers.Normalizer):
            text = step.normalize_str(text)
        else:
            pre.append(step)
    return [len(piece.encode()) for piece, _ in pre_tokenizers.Sequence(pre).pre_tokenize_str(text)]


def main():
    rng = random.Random(3)
    texts = TEXTS + ["".join(rng.choice(PARTS) for _ in range(rng.randint(1, 12))) for _ in range(60)]
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        for names, steps in PRESETS:
            line = {"names": names.split(), "cases": [[text, pieces(steps, text)] for text in texts]}
            file.write(json.dumps(line, ensure_ascii=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
