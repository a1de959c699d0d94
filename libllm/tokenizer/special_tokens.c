/* Which ids have a role: those a file states, and for the rest the spellings that vocabularies
 * commonly use. */
#include "base/log.h"
#include "base/text.h"
#include "tokenizer/internal.h"

/* The spellings of one family are not ASCII: fullwidth bars, U+2581 between words. */
#define BAR(text)      "<\xef\xbd\x9c" text "\xef\xbd\x9c>"
#define SENTENCE_BEGIN BAR("begin" LLMI_META_SPACE "of" LLMI_META_SPACE "sentence")
#define SENTENCE_END   BAR("end" LLMI_META_SPACE "of" LLMI_META_SPACE "sentence")

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

/* Control tokens that are known by their spelling: files give them wrong types, and seldom say which of them end a
 * generation. */
static const struct {
    const char *text;
    bool ends; /* a generation */
} KNOWN[] = {
    {"<|eot_id|>", true},
    {"<|im_end|>", true},
    {"<|end|>", true},
    {"<|endoftext|>", true},
    {"<end_of_turn>", true},
    {"</s>", true},
    {"<|end_of_text|>", true},
    {"<|eom_id|>", true},
    {"<|end_of_turn|>", true},
    {"<eos>", true},
    {"<|eot|>", true},
    {"<EOT>", true},
    {"_<EOT>", true},
    {"[EOT]", true},
    {"[EOS]", true},
    {"[e~[", true},
    {"<|return|>", true},
    {"<|call|>", true},
    {"<|flush|>", true},
    {"<|calls|>", true},
    {"<end_of_utterance>", true},
    {"<turn|>", true},
    {"<|tool_response>", true},
    {"<|END_OF_TURN_TOKEN|>", true},
    {SENTENCE_END, true},
    /* of texts with a gap: the padding, the next repository, the next file */
    {"<|fim_pad|>", true},
    {"<fim-pad>", true},
    {"<fim_pad>", true},
    {"<PAD>", true},
    {"<|fim_repo|>", true},
    {"<|repo_name|>", true},
    {"<fim-repo>", true},
    {"<REPO>", true},
    {"<reponame>", true},
    {"<|file_sep|>", true},
    {"<|fim_prefix|>", false},
    {"<fim-prefix>", false},
    {"<fim_prefix>", false},
    {"<PRE>", false},
    {LLMI_META_SPACE "<PRE>", false},
    {"<|code_prefix|>", false},
    {"<|prefix|>", false},
    {"<|fim_suffix|>", false},
    {"<fim-suffix>", false},
    {"<fim_suffix>", false},
    {"<SUF>", false},
    {LLMI_META_SPACE "<SUF>", false},
    {"<|code_suffix|>", false},
    {"<|suffix|>", false},
    {"<|fim_middle|>", false},
    {"<fim-middle>", false},
    {"<fim_middle>", false},
    {"<MID>", false},
    {LLMI_META_SPACE "<MID>", false},
    {"<|code_middle|>", false},
    {"<|middle|>", false},
    {BAR("fim" LLMI_META_SPACE "begin"), false},
    {BAR("fim" LLMI_META_SPACE "hole"), false},
    {BAR("fim" LLMI_META_SPACE "end"), false},
    /* what begins a text or a turn */
    {"<s>", false},
    {"<bos>", false},
    {"<|begin_of_text|>", false},
    {SENTENCE_BEGIN, false},
    {"<|im_start|>", false},
    {"<|start_header_id|>", false},
    {"<|end_header_id|>", false},
    {"<start_of_turn>", false},
};

static bool is_known(llm_span text) {
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++)
        if (strlen(KNOWN[i].text) == text.len && memcmp(KNOWN[i].text, text.ptr, text.len) == 0) return true;
    return false;
}

static bool is_inside(llm_span text, const char *begin, const char *end) {
    size_t n = strlen(begin), m = strlen(end);
    return text.len > n + m && memcmp(text.ptr, begin, n) == 0 && memcmp(text.ptr + text.len - m, end, m) == 0 &&
           !memchr(text.ptr, ' ', text.len);
}

/* Parts of a turn: some are user-defined so that they show in a decoded text. */
static const char *const PARTS[] = {
    "<|user|>",    "<|assistant|>", "<|system|>",    "<|developer|>",     "<|observation|>", "<|start|>",
    "<|message|>", "<|channel|>",   "<|constrain|>", "<|start_of_role|>", "<|end_of_role|>", "<|START_OF_TURN_TOKEN|>",
    "<|turn>",     "[INST]",        "[/INST]",       BAR("User"),         BAR("Assistant"),
};

bool llmi_special_tokens_looks_like_control(llm_span text) {
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++)
        if (strlen(PARTS[i]) == text.len && memcmp(PARTS[i], text.ptr, text.len) == 0) return true;
    return is_known(text);
}

static void mend_type(llm_tokenizer *t, llm_token id, const struct llmi_log *log) {
    int32_t *type = &llmi_buf_at(&t->types, int32_t, id);
    if (*type == LLM_TOKEN_CONTROL || *type == LLM_TOKEN_UNKNOWN) return;
    llm_span text = llmi_vocab_get(&t->vocab, id);
    llmi_log_write(log, LLM_LOG_WARNING,
                   "tokenizer: token %d, \"%s\", has type %d in the file and is taken for a control token", id,
                   LLMI_QUOTE(text.ptr, text.len), *type);
    *type = LLM_TOKEN_CONTROL;
}

/* A token with a role, if it is spelled as such tokens are: some files name an ordinary one. */
static void mend_role(llm_tokenizer *t, llm_token id, const struct llmi_log *log) {
    if (id < 0) return;
    llm_span text = llmi_vocab_get(&t->vocab, id);
    if (is_inside(text, "<", ">") || is_inside(text, "[", "]")) mend_type(t, id, log);
}

void llmi_special_tokens_mend_types(llm_tokenizer *t, const struct llmi_log *log) {
    static const int32_t ROLES[] = {LLM_SPECIAL_BOS, LLM_SPECIAL_EOS, LLM_SPECIAL_EOT};
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++) {
        llm_token id = llmi_vocab_find(&t->vocab, KNOWN[i].text, strlen(KNOWN[i].text));
        if (id >= 0) mend_type(t, id, log);
    }
    for (size_t i = 0; i < sizeof ROLES / sizeof ROLES[0]; i++) mend_role(t, t->special[ROLES[i]], log);
    for (int32_t i = 0; i < t->n_eog; i++) mend_role(t, t->eog[i], log);
}

static llm_token find_control(const llm_tokenizer *t, const char *text) {
    llm_token id = llmi_vocab_find(&t->vocab, text, strlen(text));
    if (id < 0) return LLM_TOKEN_NONE;
    int32_t type = llmi_token_type(t, id);
    return type == LLM_TOKEN_CONTROL || type == LLM_TOKEN_UNKNOWN ? id : LLM_TOKEN_NONE;
}

void llmi_special_tokens_guess(llm_tokenizer *t) {
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

static void remove_eog(llm_tokenizer *t, const char *text) {
    llm_token id = find_control(t, text);
    for (int32_t i = 0; i < t->n_eog; i++)
        if (t->eog[i] == id) t->eog[i] = t->eog[--t->n_eog];
}

static bool has_eog(const llm_tokenizer *t, const char *text) {
    llm_token id = find_control(t, text);
    return id >= 0 && llmi_tokenizer_is_eog(t, id);
}

void llmi_special_tokens_find_eog(llm_tokenizer *t) {
    add_eog(t, t->special[LLM_SPECIAL_EOS]);
    add_eog(t, t->special[LLM_SPECIAL_EOT]);
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++)
        if (KNOWN[i].ends) add_eog(t, find_control(t, KNOWN[i].text));
    /* Vocabularies in which one of the usual ends only parts a completion. */
    bool calls = has_eog(t, "<|call|>") || has_eog(t, "<|calls|>");
    if (calls && (has_eog(t, "<|return|>") || has_eog(t, "<|flush|>"))) remove_eog(t, "<|end|>");
    if (has_eog(t, "<|tool_response>")) remove_eog(t, "</s>");
}

bool llmi_tokenizer_add_end(llm_tokenizer *t, llm_token id) {
    add_eog(t, id);
    return llmi_tokenizer_is_eog(t, id);
}

void llmi_special_tokens_add_end(llm_tokenizer *t, llm_token id) {
    add_eog(t, id);
}
