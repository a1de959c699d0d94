#include "text/presets.h"

#include "base/status.h"
#include "text/norm.h"
#include "text/pre.h"

enum { MAX_STEPS = 6 };

/* One cut after the other; what a preset does not scan by hand it matches. */
typedef struct step {
    llmi_scan_fn scan;
    const char *pattern;
    bool (*is_delimiter)(uint32_t c);
    llmi_behavior behavior;
} step;

struct llmi_preset {
    const char *names; /* parted by blanks */
    step steps[MAX_STEPS];
    bool nfc, ignore_merges, adds_bos;
};

#define SCAN(name)                                                                                                     \
    { .scan = llmi_scan_##name }
#define SPLIT(text)                                                                                                    \
    { .pattern = text, .behavior = LLMI_ISOLATED }
#define EACH(predicate)                                                                                                \
    { .is_delimiter = llmi_pre_is_##predicate, .behavior = LLMI_ISOLATED }
#define RUNS(predicate)                                                                                                \
    { .is_delimiter = llmi_pre_is_##predicate, .behavior = LLMI_CONTIGUOUS }

#define SPACES_AND_LINES "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define UPPER            "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER            "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define BEFORE_WORD      "[^\\r\\n\\p{L}\\p{N}]?"
#define CONTRACTION      "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define HAN_AND_HANGUL   "[\xe4\xb8\x80-\xe9\xbe\xa5\xe0\xa0\x80-\xe4\xb8\x80\xea\xb0\x80-\xed\x9f\xbf]+"

static const llmi_preset PRESETS[] = {
    {.names = "gpt-2 gpt2 mpt olmo phi-2 jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code roberta-bpe "
              "gigachat jais gpt-neox trillion granite-docling",
     .steps = {SCAN(gpt2)}},
    {.names = "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2",
     .steps = {SCAN(llama3)},
     .ignore_merges = true,
     .adds_bos = true},
    {.names = "dbrx smaug-bpe chatglm-bpe glm4", .steps = {SCAN(llama3)}},
    {.names = "qwen2 stablelm2 megrez deepseek-r1-qwen hunyuan solar-open", .steps = {SCAN(qwen2)}, .nfc = true},
    {.names = "starcoder refact command-r smollm codeshell exaone minerva-7b mellum",
     .steps = {EACH(number), SCAN(gpt2)}},
    {.names = "default",
     .steps = {SPLIT("[\\p{P}\\$\\+<=>\\^~\\|]+"), SCAN(gpt2), SPLIT("\\p{N}+"), SPLIT("[0-9][0-9][0-9]")}},
    {.names = "falcon", .steps = {RUNS(punct), SCAN(gpt2), RUNS(number), SPLIT("[0-9][0-9][0-9]")}},
    {.names = "deepseek-llm",
     .steps = {SPLIT("[\\r\\n]"), SPLIT("\\s?[\\p{Lu}\\p{Ll}\\p{Lt}]+"),
               SPLIT("\\s?[!-/:-~\xef\xbc\x81-\xef\xbc\x8f\xef\xbc\x9a-\xef\xbd\x9e\xe2\x80\x98-\xe2\x80\x9f"
                     "\xe3\x80\x80-\xe3\x80\x82]+"),
               SPLIT("\\s+$"), SPLIT(HAN_AND_HANGUL), SPLIT("\\p{N}+")}},
    {.names = "deepseek-coder",
     .steps = {SPLIT("[\\r\\n]"), SPLIT("\\s?\\p{L}+"), SPLIT("\\s?\\p{P}+"), SPLIT(HAN_AND_HANGUL), EACH(number)}},
    {.names = "deepseek-v3 hunyuan-dense joyai-llm",
     .steps = {SPLIT("\\p{N}{1,3}"),
               SPLIT("[\xe4\xb8\x80-\xe9\xbe\xa5\xe3\x81\x80-\xe3\x82\x9f\xe3\x82\xa0-\xe3\x83\xbf]+"),
               SPLIT("[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
                     "| ?[\\p{P}\\p{S}]+[\\r\\n]*" SPACES_AND_LINES)}},
    {.names = "tekken",
     .steps = {SPLIT(BEFORE_WORD UPPER "*" LOWER "+|" BEFORE_WORD UPPER "+" LOWER
                                       "*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" SPACES_AND_LINES)},
     .ignore_merges = true,
     .adds_bos = true},
    {.names = "gpt-4o llama4 kanana2",
     .steps = {SPLIT(BEFORE_WORD UPPER "*" LOWER "+" CONTRACTION "?|" BEFORE_WORD UPPER "+" LOWER "*" CONTRACTION
                                       "?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" SPACES_AND_LINES)}},
    {.names = "bloom poro-chat gpt3-finnish",
     .steps = {SPLIT(" ?[^(\\s|.,!?\xe2\x80\xa6\xe3\x80\x82\xef\xbc\x8c\xe3\x80\x81\xe0\xa5\xa4\xdb\x94\xd8\x8c)]+")}},
    {.names = "viking",
     .steps = {SPLIT(" ?[^(\\s|.,!?\xe2\x80\xa6\xe3\x80\x82\xef\xbc\x8c\xe3\x80\x81\xe0\xa5\xa4\xdb\x94\xd8\x8c)]+"),
               SPLIT("\\p{N}")}},
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

static llm_status add_step(llm_tokenizer *t, const step *from) {
    llmi_pre *s;
    llm_status status = llmi_add_pre(&s, t);
    if (status != LLM_OK) return status;
    s->run = from->scan ? llmi_pre_scan : llmi_pre_split;
    s->scan = from->scan;
    s->is_delimiter = from->is_delimiter;
    s->behavior = from->behavior;
    return from->pattern ? llmi_regex_create(&s->regex, t->a, from->pattern, strlen(from->pattern), t->jit) : LLM_OK;
}

llm_status llmi_preset_apply(llm_tokenizer *t, const llmi_preset *p) {
    llm_status status = LLM_OK;
    if (p->nfc) {
        llmi_norm *s;
        status = llmi_add_norm(&s, t);
        if (status != LLM_OK) return status;
        s->run = llmi_norm_form;
        s->options = LLMI_FORM_COMPOSE;
    }
    for (int i = 0; i < MAX_STEPS && status == LLM_OK; i++)
        if (p->steps[i].scan || p->steps[i].pattern || p->steps[i].is_delimiter) status = add_step(t, &p->steps[i]);
    return status;
}
