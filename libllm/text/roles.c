/* Which ids have a role: those a file states, and for the rest the spellings that vocabularies
 * commonly use. */
#include "text/tok.h"

/* The spellings of one family are not ASCII: fullwidth bars, U+2581 between words. */
#define SENTENCE(which) "<\xef\xbd\x9c" which "\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>"
static const char SENTENCE_BEGIN[] = SENTENCE("begin"), SENTENCE_END[] = SENTENCE("end");

static const struct {
    int32_t role;
    const char *text;
} USUAL[] = {
    {LLM_SPECIAL_BOS, "<s>"},
    {LLM_SPECIAL_BOS, "<|begin_of_text|>"},
    {LLM_SPECIAL_BOS, "<bos>"},
    {LLM_SPECIAL_BOS, "<|startoftext|>"},
    {LLM_SPECIAL_BOS, SENTENCE_BEGIN},
    {LLM_SPECIAL_EOS, "</s>"},
    {LLM_SPECIAL_EOS, "<|end_of_text|>"},
    {LLM_SPECIAL_EOS, "<eos>"},
    {LLM_SPECIAL_EOS, "<|endoftext|>"},
    {LLM_SPECIAL_EOS, SENTENCE_END},
    {LLM_SPECIAL_EOT, "<|eot_id|>"},
    {LLM_SPECIAL_EOT, "<|im_end|>"},
    {LLM_SPECIAL_EOT, "<|end|>"},
    {LLM_SPECIAL_EOT, "<end_of_turn>"},
    {LLM_SPECIAL_EOT, "<|eot|>"},
    {LLM_SPECIAL_EOT, "<|end_of_turn|>"},
    {LLM_SPECIAL_UNK, "<unk>"},
    {LLM_SPECIAL_UNK, "[UNK]"},
    {LLM_SPECIAL_PAD, "<pad>"},
    {LLM_SPECIAL_PAD, "[PAD]"},
    {LLM_SPECIAL_PAD, "<|finetune_right_pad_id|>"},
    {LLM_SPECIAL_SEP, "[SEP]"},
    {LLM_SPECIAL_CLS, "[CLS]"},
    {LLM_SPECIAL_MASK, "[MASK]"},
    {LLM_SPECIAL_MASK, "<mask>"},
};

/* What ends a generation besides EOS and EOT. */
static const char *const ENDS[] = {
    "<|eot_id|>", "<|im_end|>",      "<|end|>",    "<|endoftext|>",   "<end_of_turn>",
    "</s>",       "<|end_of_text|>", "<|eom_id|>", "<|end_of_turn|>", "<eos>",
    "<|eot|>",    "<EOT>",           "<|return|>", "<|call|>",        "<|END_OF_TURN_TOKEN|>",
    SENTENCE_END,
};

static llm_token find_control(const llm_tokenizer *t, const char *text) {
    llm_token id = llmi_lexicon_find(&t->lexicon, text, strlen(text));
    if (id < 0) return LLM_TOKEN_NONE;
    int32_t type = llmi_token_type(t, id);
    return type == LLM_TOKEN_CONTROL || type == LLM_TOKEN_UNKNOWN ? id : LLM_TOKEN_NONE;
}

void llmi_roles_guess(llm_tokenizer *t) {
    if (t->special[LLM_SPECIAL_UNK] < 0) t->special[LLM_SPECIAL_UNK] = t->unk;
    for (size_t i = 0; i < sizeof USUAL / sizeof USUAL[0]; i++)
        if (t->special[USUAL[i].role] < 0) t->special[USUAL[i].role] = find_control(t, USUAL[i].text);
}

bool llmi_tokenizer_is_eog(const llm_tokenizer *t, llm_token id) {
    for (int32_t i = 0; i < t->n_eog; i++)
        if (t->eog[i] == id) return true;
    return false;
}

static void add_eog(llm_tokenizer *t, llm_token id) {
    if (id < 0 || llmi_tokenizer_is_eog(t, id)) return;
    if (t->n_eog < (int32_t)(sizeof t->eog / sizeof t->eog[0])) t->eog[t->n_eog++] = id;
}

void llmi_roles_find_eog(llm_tokenizer *t) {
    add_eog(t, t->special[LLM_SPECIAL_EOS]);
    add_eog(t, t->special[LLM_SPECIAL_EOT]);
    for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++) add_eog(t, find_control(t, ENDS[i]));
}
