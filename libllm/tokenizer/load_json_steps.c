/* Normalizers, pre-tokenizers, decoders and post-processors of a tokenizer.json. */
#include "base/status.h"
#include "base/text.h"
#include "base/utf8.h"
#include "tokenizer/decoders.h"
#include "tokenizer/load_json_read.h"
#include "tokenizer/normalizers.h"
#include "tokenizer/pre_tokenizers.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static llm_status keep(llmi_buf *to, llm_span text) {
    return llmi_buf_append(to, text.ptr, text.len) ? LLM_OK : LLM_E_MEMORY;
}

/* {"String": text} or {"Regex": pattern}; some files have the text alone. */
static llm_status read_pattern(llm_tokenizer *t, llmi_buf *text, llmi_regex **regex, llm_span *pattern,
                               const llmi_json *object, const char *where) {
    const llmi_json *v = llmi_json_get(object, "pattern");
    llm_span string = {0}, source = {0};
    llm_status status;
    if (llmi_json_is(v, LLMI_JSON_STRING))
        status = llmi_load_json_string(&string, object, "pattern", where);
    else
        status = llmi_load_json_string(&string, v, "String", where);
    if (status == LLM_OK) status = llmi_load_json_string(&source, v, "Regex", where);
    if (status != LLM_OK) return status;
    if (!string.ptr && !source.ptr)
        return llmi_error(LLM_E_FORMAT, "%s: \"pattern\" holds neither \"String\" nor \"Regex\"", where);
    if (pattern) *pattern = source;
    if (string.len) return keep(text, string);
    if (string.ptr) source = (llm_span){"", 0}; /* matches everywhere */
    status = llmi_regex_create(regex, t->a, source.ptr, source.len, t->jit);
    return status == LLM_OK || status == LLM_E_MEMORY ? status : llmi_error_in(status, "%s", where);
}

/* ---- normalizers ---- */

static llm_status add_norm(llmi_load_json_maker *m, llmi_normalizer_fn run, uint8_t options) {
    llmi_normalizer *s;
    llm_status status = llmi_tokenizer_add_normalizer(&s, m->t);
    if (status != LLM_OK) return status;
    s->run = run;
    s->options = options;
    return LLM_OK;
}

static llmi_normalizer *last_norm(llmi_load_json_maker *m) {
    return &m->t->norms[m->t->n_norms - 1];
}

static llm_status make_nfc(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    return add_norm(m, llmi_normalizer_form, LLMI_FORM_COMPOSE);
}

static llm_status make_nfd(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    return add_norm(m, llmi_normalizer_form, 0);
}

static llm_status make_nfkc(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    return add_norm(m, llmi_normalizer_form, LLMI_FORM_COMPOSE | LLMI_FORM_COMPAT);
}

static llm_status make_nfkd(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    return add_norm(m, llmi_normalizer_form, LLMI_FORM_COMPAT);
}

static llm_status make_lowercase(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    return add_norm(m, llmi_normalizer_lowercase, 0);
}

static llm_status make_strip_accents(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    return add_norm(m, llmi_normalizer_strip_accents, 0);
}

static llm_status make_nmt(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    return add_norm(m, llmi_normalizer_nmt, 0);
}

static llm_status make_byte_norm(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    return add_norm(m, llmi_normalizer_bytes, 0);
}

static llm_status make_strip(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    bool left = true, right = true;
    llm_status status = llmi_load_json_bool(&left, o, "strip_left", where);
    if (status == LLM_OK) status = llmi_load_json_bool(&right, o, "strip_right", where);
    if (status != LLM_OK) return status;
    return add_norm(m, llmi_normalizer_strip, (uint8_t)((left ? LLMI_STRIP_LEFT : 0) | (right ? LLMI_STRIP_RIGHT : 0)));
}

static llm_status make_replace(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    llm_span content;
    llm_status status = llmi_json_get_string(&content, o, "content", where);
    if (status == LLM_OK) status = add_norm(m, llmi_normalizer_replace, 0);
    if (status != LLM_OK) return status;
    llmi_normalizer *s = last_norm(m);
    status = keep(&s->to, content);
    return status == LLM_OK ? read_pattern(m->t, &s->from, &s->regex, NULL, o, where) : status;
}

static llm_status make_prepend(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    llm_span text;
    llm_status status = llmi_json_get_string(&text, o, "prepend", where);
    if (status == LLM_OK) status = add_norm(m, llmi_normalizer_prepend, 0);
    return status == LLM_OK ? keep(&last_norm(m)->to, text) : status;
}

static llm_status make_bert(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    bool clean = true, cjk = true, lower = true;
    llm_status status = llmi_load_json_bool(&clean, o, "clean_text", where);
    if (status == LLM_OK) status = llmi_load_json_bool(&cjk, o, "handle_chinese_chars", where);
    if (status == LLM_OK) status = llmi_load_json_bool(&lower, o, "lowercase", where);
    bool accents = lower;
    if (status == LLM_OK) status = llmi_load_json_bool(&accents, o, "strip_accents", where);
    if (status != LLM_OK) return status;
    return add_norm(m, llmi_normalizer_bert,
                    (uint8_t)((clean ? LLMI_BERT_CLEAN : 0) | (cjk ? LLMI_BERT_CJK : 0) |
                              (accents ? LLMI_BERT_ACCENTS : 0) | (lower ? LLMI_BERT_LOWER : 0)));
}

static int base64_digit(char c) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static llm_status read_base64(llmi_buf *out, llm_span text, const char *where) {
    uint32_t bits = 0;
    int n_bits = 0;
    while (text.len && text.ptr[text.len - 1] == '=') text.len--;
    if (!llmi_buf_reserve(out, text.len)) return LLM_E_MEMORY;
    for (size_t i = 0; i < text.len; i++) {
        int digit = base64_digit(text.ptr[i]);
        if (digit < 0)
            return llmi_error(LLM_E_FORMAT, "%s: \"precompiled_charsmap\" is not base64 at character %zu", where, i);
        bits = bits << 6 | (uint32_t)digit;
        n_bits += 6;
        if (n_bits < 8) continue;
        n_bits -= 8;
        out->data[out->len++] = (char)(bits >> n_bits);
    }
    return LLM_OK;
}

static llm_status make_precompiled(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    llm_span text;
    llm_status status = llmi_json_get_string(&text, o, "precompiled_charsmap", where);
    if (status == LLM_OK) status = add_norm(m, llmi_normalizer_charsmap, LLMI_MAP_GRAPHEMES);
    if (status != LLM_OK) return status;
    llmi_normalizer *s = last_norm(m);
    status = read_base64(&s->map_bytes, text, where);
    if (status != LLM_OK) return status;
    return llmi_charsmap_init(&s->map, s->map_bytes.data, s->map_bytes.len, "precompiled_charsmap");
}

static const llmi_load_json_component NORMALIZERS[] = {
    {"NFC", make_nfc},
    {"NFD", make_nfd},
    {"NFKC", make_nfkc},
    {"NFKD", make_nfkd},
    {"Lowercase", make_lowercase},
    {"StripAccents", make_strip_accents},
    {"Strip", make_strip},
    {"Replace", make_replace},
    {"Prepend", make_prepend},
    {"BertNormalizer", make_bert},
    {"Precompiled", make_precompiled},
    {"Nmt", make_nmt},
    {"ByteLevel", make_byte_norm},
};

llm_status llmi_load_json_normalizers(llmi_load_json_maker *m, const llmi_json *root) {
    return llmi_load_json_chain(m, llmi_json_get(root, "normalizer"), NORMALIZERS, COUNT(NORMALIZERS), "normalizers",
                                "tokenizer.json: normalizer");
}

/* ---- pre-tokenizers ---- */

static llm_status add_pre(llmi_pre **s, llmi_load_json_maker *m, llmi_pre_fn run, llmi_pre_behavior behavior) {
    llm_status status = llmi_tokenizer_add_pre(s, m->t);
    if (status != LLM_OK) return status;
    (*s)->run = run;
    (*s)->behavior = behavior;
    return LLM_OK;
}

static llm_status read_behavior(llmi_pre_behavior *out, const llmi_json *o, const char *where) {
    static const char *const NAMES[] = {"Removed", "Isolated", "Contiguous", "MergedWithPrevious", "MergedWithNext"};
    llm_span name = {"Isolated", 8};
    llm_status status = llmi_load_json_string(&name, o, "behavior", where);
    if (status != LLM_OK) return status;
    for (size_t i = 0; i < COUNT(NAMES); i++) {
        if (strlen(NAMES[i]) != name.len || memcmp(NAMES[i], name.ptr, name.len) != 0) continue;
        *out = (llmi_pre_behavior)i;
        return LLM_OK;
    }
    return llmi_error(LLM_E_UNSUPPORTED, "%s: \"behavior\" is \"%s\", which is not known", where,
                      LLMI_QUOTE(name.ptr, name.len));
}

static llm_status make_byte_level(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    bool prefix = true, regex = true;
    llm_status status = llmi_load_json_bool(&prefix, o, "add_prefix_space", where);
    if (status == LLM_OK) status = llmi_load_json_bool(&regex, o, "use_regex", where);
    llmi_pre *s;
    if (status == LLM_OK) status = add_pre(&s, m, llmi_pre_bytes, LLMI_ISOLATED);
    if (status != LLM_OK) return status;
    s->prefix_space = prefix;
    s->scan = regex ? llmi_scanner_gpt2 : NULL;
    return LLM_OK;
}

static llm_status make_split(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    llmi_pre_behavior behavior = LLMI_ISOLATED;
    bool inverted = false;
    llm_span pattern = {0};
    llmi_pre *s;
    llm_status status = read_behavior(&behavior, o, where);
    if (status == LLM_OK) status = llmi_load_json_bool(&inverted, o, "invert", where);
    if (status == LLM_OK) status = add_pre(&s, m, llmi_pre_split, behavior);
    if (status != LLM_OK) return status;
    s->inverted = inverted;
    status = read_pattern(m->t, &s->text, &s->regex, &pattern, o, where);
    if (status != LLM_OK || !pattern.ptr) return status;
    /* Scanners match everywhere, so that what is between matches is nothing. */
    s->scan = llmi_scanner_find(pattern.ptr, pattern.len);
    bool keeps = inverted ? behavior == LLMI_REMOVED || behavior == LLMI_ISOLATED : behavior == LLMI_ISOLATED;
    if (s->scan && keeps) s->run = llmi_pre_scan;
    return LLM_OK;
}

static llm_status check_character(llm_span text, const char *key, const char *where) {
    if (text.len && llmi_utf8_step(text.ptr, text.len) == text.len) return LLM_OK;
    return llmi_error(LLM_E_FORMAT, "%s: \"%s\" is \"%s\", expected one character", where, key,
                      LLMI_QUOTE(text.ptr, text.len));
}

static llm_status make_metaspace(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    llm_span mark = {LLMI_META_SPACE, LLMI_META_SPACE_BYTES}, scheme = {0};
    bool legacy = true, split = true;
    llmi_pre *s;
    llm_status status = llmi_load_json_string(&mark, o, "replacement", where);
    if (status == LLM_OK) status = llmi_load_json_string(&scheme, o, "prepend_scheme", where);
    if (status == LLM_OK) status = llmi_load_json_bool(&legacy, o, "add_prefix_space", where);
    if (status == LLM_OK) status = llmi_load_json_bool(&split, o, "split", where);
    if (status == LLM_OK) status = check_character(mark, "replacement", where);
    if (status == LLM_OK) status = add_pre(&s, m, llmi_pre_metaspace, LLMI_WITH_NEXT);
    if (status != LLM_OK) return status;
    s->only_first = scheme.len == 5 && memcmp(scheme.ptr, "first", 5) == 0;
    s->never = scheme.ptr ? scheme.len == 5 && memcmp(scheme.ptr, "never", 5) == 0 : !legacy;
    s->split = split;
    return keep(&s->text, mark);
}

static llm_status make_words(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    llmi_pre *s;
    return add_pre(&s, m, llmi_pre_words, LLMI_REMOVED);
}

static llm_status make_bert_pre(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    llmi_pre *s;
    return add_pre(&s, m, llmi_pre_bert, LLMI_REMOVED);
}

static llm_status make_blanks(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    llmi_pre *s;
    llm_status status = add_pre(&s, m, llmi_pre_split, LLMI_REMOVED);
    if (status == LLM_OK) s->is_delimiter = llmi_pre_is_space;
    return status;
}

static llm_status make_digits(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    bool each = false;
    llmi_pre *s;
    llm_status status = llmi_load_json_bool(&each, o, "individual_digits", where);
    if (status == LLM_OK) status = add_pre(&s, m, llmi_pre_split, each ? LLMI_ISOLATED : LLMI_CONTIGUOUS);
    if (status == LLM_OK) s->is_delimiter = llmi_pre_is_number;
    return status;
}

static llm_status make_punctuation(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    llmi_pre_behavior behavior = LLMI_ISOLATED;
    llmi_pre *s;
    llm_status status = read_behavior(&behavior, o, where);
    if (status == LLM_OK) status = add_pre(&s, m, llmi_pre_split, behavior);
    if (status == LLM_OK) s->is_delimiter = llmi_pre_is_punct;
    return status;
}

static llm_status make_delimiter(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    llm_span text;
    llmi_pre *s;
    llm_status status = llmi_json_get_string(&text, o, "delimiter", where);
    if (status == LLM_OK) status = check_character(text, "delimiter", where);
    if (status == LLM_OK) status = add_pre(&s, m, llmi_pre_split, LLMI_REMOVED);
    return status == LLM_OK ? keep(&s->text, text) : status;
}

static const llmi_load_json_component PRE_TOKENIZERS[] = {
    {"ByteLevel", make_byte_level},
    {"Split", make_split},
    {"Metaspace", make_metaspace},
    {"Whitespace", make_words},
    {"WhitespaceSplit", make_blanks},
    {"BertPreTokenizer", make_bert_pre},
    {"Digits", make_digits},
    {"Punctuation", make_punctuation},
    {"CharDelimiterSplit", make_delimiter},
};

llm_status llmi_load_json_pre_tokenizers(llmi_load_json_maker *m, const llmi_json *root) {
    return llmi_load_json_chain(m, llmi_json_get(root, "pre_tokenizer"), PRE_TOKENIZERS, COUNT(PRE_TOKENIZERS),
                                "pretokenizers", "tokenizer.json: pre_tokenizer");
}

/* ---- decoders ---- */

static llm_status add_dec(llmi_decoder_step **d, llmi_load_json_maker *m, llmi_decoder_step_fn run) {
    llm_status status = llmi_tokenizer_add_decoder(d, m->t);
    if (status == LLM_OK) (*d)->run = run;
    return status;
}

static llm_status make_bytes_dec(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    llmi_decoder_step *d;
    return add_dec(&d, m, llmi_decoders_bytes);
}

static llm_status make_fallback_dec(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    llmi_decoder_step *d;
    return add_dec(&d, m, llmi_decoders_byte_tokens);
}

static llm_status make_fuse(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    m->fused = true;
    return LLM_OK;
}

static llm_status make_metaspace_dec(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    llm_span mark = {LLMI_META_SPACE, LLMI_META_SPACE_BYTES}, scheme = {0};
    bool legacy = true;
    llmi_decoder_step *d;
    llm_status status = llmi_load_json_string(&mark, o, "replacement", where);
    if (status == LLM_OK) status = llmi_load_json_string(&scheme, o, "prepend_scheme", where);
    if (status == LLM_OK) status = llmi_load_json_bool(&legacy, o, "add_prefix_space", where);
    if (status == LLM_OK) status = add_dec(&d, m, llmi_decoders_metaspace);
    if (status != LLM_OK) return status;
    d->once = scheme.ptr ? scheme.len != 5 || memcmp(scheme.ptr, "never", 5) != 0 : legacy;
    return keep(&d->from, mark);
}

static llm_status make_wordpiece_dec(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    llm_span prefix = {"##", 2};
    bool cleanup = true;
    llmi_decoder_step *d;
    llm_status status = llmi_load_json_string(&prefix, o, "prefix", where);
    if (status == LLM_OK) status = llmi_load_json_bool(&cleanup, o, "cleanup", where);
    if (status == LLM_OK) status = add_dec(&d, m, llmi_decoders_wordpiece);
    if (status != LLM_OK) return status;
    d->cleanup = cleanup;
    return keep(&d->from, prefix);
}

static llm_status make_replace_dec(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    llm_span content;
    llmi_decoder_step *d;
    llm_status status = llmi_json_get_string(&content, o, "content", where);
    if (status == LLM_OK) status = add_dec(&d, m, llmi_decoders_replace);
    if (status == LLM_OK) status = keep(&d->to, content);
    return status == LLM_OK ? read_pattern(m->t, &d->from, &d->regex, NULL, o, where) : status;
}

static llm_status make_strip_dec(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    llm_span content = {" ", 1};
    int64_t start = 0, stop = 0;
    llmi_decoder_step *d;
    llm_status status = llmi_load_json_string(&content, o, "content", where);
    if (status == LLM_OK) status = llmi_json_get_int(&start, o, "start", 0, 1 << 16, where);
    if (status == LLM_OK) status = llmi_json_get_int(&stop, o, "stop", 0, 1 << 16, where);
    if (status == LLM_OK && stop && m->fused)
        status = llmi_error(LLM_E_UNSUPPORTED, "%s: Strip with \"stop\" %d behind Fuse", where, (int)stop);
    if (status == LLM_OK && !content.len) status = llmi_error(LLM_E_FORMAT, "%s: \"content\" is empty", where);
    if (status == LLM_OK) status = add_dec(&d, m, llmi_decoders_strip);
    if (status != LLM_OK) return status;
    d->once = m->fused;
    d->start = (int32_t)start;
    d->stop = (int32_t)stop;
    return keep(&d->from, content);
}

static llm_status make_bpe_dec(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    llm_span suffix = {"</w>", 4};
    llmi_decoder_step *d;
    llm_status status = llmi_load_json_string(&suffix, o, "suffix", where);
    if (status == LLM_OK) status = add_dec(&d, m, llmi_decoders_replace);
    if (status == LLM_OK) status = keep(&d->from, suffix);
    return status == LLM_OK ? keep(&d->to, (llm_span){" ", 1}) : status;
}

static const llmi_load_json_component DECODERS[] = {
    {"ByteLevel", make_bytes_dec},     {"ByteFallback", make_fallback_dec}, {"Fuse", make_fuse},
    {"Metaspace", make_metaspace_dec}, {"WordPiece", make_wordpiece_dec},   {"Replace", make_replace_dec},
    {"Strip", make_strip_dec},         {"BPEDecoder", make_bpe_dec},
};

llm_status llmi_load_json_decoders(llmi_load_json_maker *m, const llmi_json *root) {
    const llmi_json *decoder = llmi_json_get(root, "decoder");
    m->t->join_words = !decoder || llmi_json_is(decoder, LLMI_JSON_NULL);
    return llmi_load_json_chain(m, decoder, DECODERS, COUNT(DECODERS), "decoders", "tokenizer.json: decoder");
}
