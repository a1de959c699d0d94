#include "tokenizer/presets.h"

#include "base/status.h"
#include "tokenizer/normalizers.h"
#include "tokenizer/pre_tokenizers.h"

enum { MAX_STEPS = 6 };

/* One cut after the other; what a preset does not scan by hand it matches. */
typedef struct step {
    llmi_scanner_fn scan;
    const char *pattern;
    bool (*is_delimiter)(uint32_t c);
    llmi_pre_behavior behavior;
    bool spells; /* from here on the text is the visible characters of its bytes */
} step;

struct llmi_preset {
    const char *names; /* separated by spaces */
    step steps[MAX_STEPS];
    bool nfc, ignore_merges, adds_bos;
    bool characters; /* not byte-level: what has no token is <0xNN> */
    bool marks;      /* spaces are U+2581 */
};

#define SCAN(name)                                                                                                     \
    { .scan = llmi_scanner_##name }
#define SPLIT(text)                                                                                                    \
    { .pattern = text, .behavior = LLMI_ISOLATED }
#define EACH(predicate)                                                                                                \
    { .is_delimiter = llmi_pre_is_##predicate, .behavior = LLMI_ISOLATED }
#define RUNS(predicate)                                                                                                \
    { .is_delimiter = llmi_pre_is_##predicate, .behavior = LLMI_CONTIGUOUS }
#define WITHOUT(predicate)                                                                                             \
    { .is_delimiter = llmi_pre_is_##predicate, .behavior = LLMI_REMOVED }
#define SPELL(name)                                                                                                    \
    { .scan = llmi_scanner_##name, .spells = true }

#define SPACES                   "|\\s+(?!\\S)|\\s+"
#define SPACES_AND_LINES         "|\\s*[\\r\\n]+" SPACES
#define UPPER                    "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER                    "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define UPPER_NOT_HAN            "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]"
#define LOWER_NOT_HAN            "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]"
#define BEFORE_WORD              "[^\\r\\n\\p{L}\\p{N}]?"
#define CONTRACTION              "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define CASED(upper, lower, end) BEFORE_WORD upper "*" lower "+" end "|" BEFORE_WORD upper "+" lower "*" end
#define OTHERS                   "| ?[^\\s\\p{L}\\p{N}]+"
#define HAN_AND_HANGUL           "[\xe4\xb8\x80-\xe9\xbe\xa5\xe0\xa0\x80-\xe4\xb8\x80\xea\xb0\x80-\xed\x9f\xbf]+"
#define HAN_AND_KANA             "[\xe4\xb8\x80-\xe9\xbe\xa5\xe3\x81\x80-\xe3\x82\x9f\xe3\x82\xa0-\xe3\x83\xbf]+"
#define ASCII_MARK_WORD          "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
#define DEEPSEEK_WORDS           ASCII_MARK_WORD "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+"
#define NO_SENTENCE_MARK         "[^(\\s|.,!?\xe2\x80\xa6\xe3\x80\x82\xef\xbc\x8c\xe3\x80\x81\xe0\xa5\xa4\xdb\x94\xd8\x8c)]+"
/* Threes from the right end of a number. */
#define THREES "\\d{1,3}(?=(?:\\d{3})*(?!\\d))"
/* Letters of scripts without spaces between words. */
#define UNSPACED                                                                                                       \
    "[\xe4\xb8\x80-\xe9\xbf\xbf\xe3\x90\x80-\xe4\xb6\xbf\xef\xa4\x80-\xef\xab\xbf\xe3\x81\x80-"                        \
    "\xe3\x82\x9f\xe3\x82\xa0"                                                                                         \
    "-\xe3\x83\xbf\xef\xbd\xa5-\xef\xbe\x9f\xe2\xbc\x80-\xe2\xbf\x9f\xe0\xb9\x80-\xe0\xb9\xbf\xe0\xba\x80-\xe0\xbb"    \
    "\xbf\xe1\x9e\x80-\xe1\x9f\xbf\xe1\x80\x80-\xe1\x82\x9f\xea\xa9\xa0-\xea\xa9\xbf\xea\xa7\xa0-\xea\xa7\xbf\xea\xb0" \
    "\x80-\xed\x9e\xaf\xe1\x84\x80-\xe1\x87\xbf]+"

static const llmi_preset PRESETS[] = {
    {.names = "gpt-2 gpt2 mpt olmo phi-2 jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code roberta-bpe "
              "gigachat jais gpt-neox trillion granite-docling a.x-4.0 mellum modern-bert exaone4",
     .steps = {SCAN(gpt2)}},
    {.names = "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
     .steps = {SCAN(llama3)},
     .ignore_merges = true,
     .adds_bos = true},
    {.names = "dbrx smaug-bpe chatglm-bpe glm4", .steps = {SCAN(llama3)}},
    {.names = "jais-2",
     .steps = {SPLIT(CONTRACTION
                     "|" BEFORE_WORD "\\p{L}+|\\p{N}{1,3}" OTHERS
                     "[\\r\\n]*|\\s*[\\r\\n]+|\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)"
                     "|\\s{32}(?!\\S)|\\s{16}(?!\\S)|\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s{1}")}},
    {.names = "qwen2 stablelm2 megrez deepseek-r1-qwen hunyuan solar-open kormo f2llmv2",
     .steps = {SCAN(qwen2)},
     .nfc = true},
    {.names = "grok-2", .steps = {SCAN(qwen2)}},
    {.names = "qwen35",
     .steps = {SPLIT(
         CONTRACTION
         "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*" SPACES_AND_LINES)},
     .nfc = true},
    {.names = "ufakzeka", .steps = {SPLIT(BEFORE_WORD "\\p{L}+|\\p{N}" OTHERS "[\\r\\n]*" SPACES_AND_LINES)}},
    {.names = "laguna", .steps = {SPLIT("[^\\n]+|[\\n]+"), SCAN(qwen2)}},
    {.names = "seed-coder",
     .steps = {SPLIT(CONTRACTION "|" BEFORE_WORD "\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+" SPACES_AND_LINES)}},
    {.names = "bailingmoe bailingmoe2 llada-moe",
     .steps = {SPLIT("'(?i:[sdmt]|ll|ve|re)|" BEFORE_WORD "\\p{L}+|\\p{N}" OTHERS "[\\r\\n]*|\\s*[\\r\\n]" SPACES)}},
    {.names = "exaone-moe",
     .steps = {SPLIT(CONTRACTION "|" BEFORE_WORD "(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}" OTHERS
                                 "[\\r\\n/]?|\\s*[\\r\\n]" SPACES)}},
    {.names = "minicpm5",
     .steps = {SPLIT("\\p{N}{1,3}"),
               SPLIT(CONTRACTION "|" BEFORE_WORD "\\p{L}+|\\p{N}+" OTHERS "[\\r\\n]*" SPACES_AND_LINES)},
     .ignore_merges = true},
    {.names = "starcoder refact command-r smollm codeshell exaone minerva-7b mellum2",
     .steps = {EACH(number), SCAN(gpt2)}},
    {.names = "default",
     .steps = {SPLIT("[\\p{P}\\$\\+<=>\\^~\\|]+"), SCAN(gpt2), SPLIT("\\p{N}+"), SPLIT("[0-9][0-9][0-9]")}},
    {.names = "falcon", .steps = {RUNS(punct), SPELL(gpt2), RUNS(number), SPLIT("[0-9][0-9][0-9]")}},
    {.names = "deepseek-llm",
     .steps = {SPLIT("[\\r\\n]"), SPLIT("\\s?[\\p{Lu}\\p{Ll}\\p{Lt}]+"),
               SPLIT("\\s?[!-/:-~\xef\xbc\x81-\xef\xbc\x8f\xef\xbc\x9a-\xef\xbd\x9e\xe2\x80\x98-\xe2\x80\x9f"
                     "\xe3\x80\x80-\xe3\x80\x82]+"),
               SPLIT("\\s+$"), SPLIT(HAN_AND_HANGUL), SPLIT("\\p{N}+")}},
    {.names = "deepseek-coder",
     .steps = {SPLIT("[\\r\\n]"), SPLIT("\\s?\\p{L}+"), SPLIT("\\s?\\p{P}+"), SPLIT(HAN_AND_HANGUL), EACH(number)}},
    {.names = "deepseek-v3 hunyuan-dense joyai-llm hy_v4",
     .steps = {SPLIT("\\p{N}{1,3}"), SPLIT(HAN_AND_KANA), SPLIT(DEEPSEEK_WORDS "[\\r\\n]*" SPACES_AND_LINES)}},
    {.names = "spark2_5",
     .steps = {SPLIT("\\p{N}{1,3}"), SPLIT(HAN_AND_KANA), SPLIT(DEEPSEEK_WORDS "|[\\r\\n]" SPACES), EACH(number)}},
    {.names = "afmoe", .steps = {SPLIT(THREES), SPLIT(UNSPACED), SPLIT(DEEPSEEK_WORDS "[\\r\\n]*" SPACES_AND_LINES)}},
    {.names = "youtu",
     .steps = {SPLIT(
                   "[\xea\xb0\x80-\xed\x9e\xa3\xe3\x84\xb1-\xe3\x86\x8e]+|[\xef\xbc\x81\xe2\x80\xa6\xe2\x80\x9c\xe2\x80"
                   "\x9d\xe2\x80\x98\xe2\x80\x99\xe2\x80\x94\xef\xbc\x9a\xef\xbc\x9b\xef\xbc\x8c\xe3\x80\x81-\xe3\x80"
                   "\xbf\xef\xb8\xb0-\xef\xb9\x8f]+|[\xe3\x84\x85-\xe3\x84\xaf]+|" HAN_AND_KANA),
               SPLIT(CASED(UPPER, LOWER, CONTRACTION "?") "|\\p{N}" OTHERS "[\\r\\n/]*" SPACES_AND_LINES)},
     .ignore_merges = true},
    {.names = "tekken",
     .steps = {SPLIT(CASED(UPPER, LOWER, "") "|\\p{N}" OTHERS "[\\r\\n/]*" SPACES_AND_LINES)},
     .ignore_merges = true,
     .adds_bos = true},
    {.names = "gpt-4o llama4 kanana2 talkie minimax-m2",
     .steps = {SPLIT(CASED(UPPER, LOWER, CONTRACTION "?") "|\\p{N}{1,3}" OTHERS "[\\r\\n/]*" SPACES_AND_LINES)}},
    {.names = "granite-embed-multi-97m",
     .steps = {SPLIT(CASED(UPPER, LOWER, CONTRACTION "?") "|\\p{N}{1,3}" OTHERS "[\\r\\n/]*" SPACES_AND_LINES)},
     .ignore_merges = true},
    {.names = "tiny_aya cohere2moe",
     .steps = {SPLIT("\\d{1,3}(?=(?:\\d{3})*\\b)"),
               SPLIT(CASED(UPPER, LOWER, CONTRACTION "?") "|\\p{N}{1,3}" OTHERS "[\\r\\n/]*" SPACES_AND_LINES)}},
    {.names = "kimi-k2 kimi-k25",
     .steps = {SPLIT("\\p{Han}+|" CASED(UPPER_NOT_HAN, LOWER_NOT_HAN, CONTRACTION "?") "|\\p{N}{1,3}" OTHERS
                                                                                       "[\\r\\n]*" SPACES_AND_LINES)}},
    {.names = "superbpe", .steps = {SPLIT("\\p{N}+"), SPLIT("(?=(\\d{3})+(?!\\d))")}},
    {.names = "chameleon",
     .steps = {SPLIT("<sentinel:[0-9]+>"), SPLIT("(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z"), SPLIT("([\\t\\n]|    |  )"),
               EACH(number), SPLIT("[\\p{P}!-/:-@\\[-`{-~]"), SCAN(gpt2)},
     .adds_bos = true},
    {.names = "bloom poro-chat gpt3-finnish", .steps = {SPLIT(" ?" NO_SENTENCE_MARK)}},
    {.names = "viking", .steps = {SPLIT(" ?" NO_SENTENCE_MARK), SPLIT("\\p{N}")}},
    {.names = "gemma4 granite-embed-multi-311m",
     .steps = {SPLIT("[^\\n]+|[\\n]+")},
     .characters = true,
     .marks = true,
     .adds_bos = true},
    {.names = "sarvam-moe", .steps = {SPLIT("[^\\n]+|[\\n]+")}, .characters = true, .marks = true},
    {.names = "whitespace", .steps = {WITHOUT(space)}, .characters = true},
};

static bool lists(const char *names, const char *name) {
    size_t n = strlen(name);
    for (const char *at = names; n && (at = strstr(at, name)); at += n)
        if ((at == names || at[-1] == ' ') && (at[n] == ' ' || !at[n])) return true;
    return false;
}

const llmi_preset *llmi_preset_find(const char *name) {
    if (strchr(name, ' ')) return NULL;
    for (size_t i = 0; i < sizeof PRESETS / sizeof PRESETS[0]; i++)
        if (lists(PRESETS[i].names, name)) return &PRESETS[i];
    return NULL;
}

bool llmi_preset_ignores_merges(const llmi_preset *p) {
    return p->ignore_merges;
}

bool llmi_preset_adds_bos(const llmi_preset *p) {
    return p->adds_bos;
}

bool llmi_preset_has_marks(const llmi_preset *p) {
    return p->marks;
}

bool llmi_preset_takes_bytes(const llmi_preset *p) {
    for (int i = 0; i < MAX_STEPS; i++)
        if (p->steps[i].spells) return false;
    return !p->characters;
}

static llm_status add_step(llm_tokenizer *t, const step *from) {
    llmi_pre *s;
    llm_status status = llmi_tokenizer_add_pre(&s, t);
    if (status != LLM_OK) return status;
    s->run = from->spells ? llmi_pre_bytes : from->scan ? llmi_pre_scan : llmi_pre_split;
    s->scan = from->scan;
    s->is_delimiter = from->is_delimiter;
    s->behavior = from->behavior;
    if (!from->pattern) return LLM_OK;
    return llmi_regex_create(&s->regex, t->a, from->pattern, strlen(from->pattern), t->jit);
}

static llm_status add_norm(llmi_normalizer **s, llm_tokenizer *t, llmi_normalizer_fn run) {
    llm_status status = llmi_tokenizer_add_normalizer(s, t);
    if (status == LLM_OK) (*s)->run = run;
    return status;
}

llm_status llmi_preset_apply(llm_tokenizer *t, const llmi_preset *p) {
    llmi_normalizer *s;
    llm_status status = LLM_OK;
    if (p->nfc) {
        status = add_norm(&s, t, llmi_normalizer_form);
        if (status != LLM_OK) return status;
        s->options = LLMI_FORM_COMPOSE;
    }
    if (p->marks) {
        status = add_norm(&s, t, llmi_normalizer_replace);
        if (status != LLM_OK) return status;
        if (!llmi_buf_append(&s->from, " ", 1) || !llmi_buf_append(&s->to, LLMI_META_SPACE, LLMI_META_SPACE_BYTES))
            return LLM_E_MEMORY;
    }
    for (int i = 0; i < MAX_STEPS && status == LLM_OK; i++)
        if (p->steps[i].scan || p->steps[i].pattern || p->steps[i].is_delimiter) status = add_step(t, &p->steps[i]);
    return status;
}
