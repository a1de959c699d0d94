#include "tokenizer/decoders.h"

#include "base/utf8.h"
#include "tokenizer/bpe.h"
#include "tokenizer/byte_alphabet.h"

static llm_status append(llmi_buf *out, const char *text, size_t n) {
    return llmi_buf_append(out, text, n) ? LLM_OK : LLM_E_MEMORY;
}

static bool starts_with(llm_span text, const llmi_buf *prefix) {
    return prefix->len && text.len >= prefix->len && memcmp(text.ptr, prefix->data, prefix->len) == 0;
}

/* A token with a character that spells no byte is text as it stands. */
llm_status llmi_decoders_bytes(llmi_encode_work *w, const llmi_decoder_step *d, llmi_buf *out, llm_span text,
                               bool first) {
    size_t before = out->len;
    if (!llmi_buf_reserve(out, text.len)) return LLM_E_MEMORY;
    for (size_t i = 0, len; i < text.len; i += len) {
        int byte = llmi_byte_alphabet_read(llmi_utf8_decode(text.ptr + i, text.len - i, &len));
        if (byte < 0) {
            out->len = before;
            return append(out, text.ptr, text.len);
        }
        out->data[out->len++] = (char)byte;
    }
    return LLM_OK;
}

llm_status llmi_decoders_byte_tokens(llmi_encode_work *w, const llmi_decoder_step *d, llmi_buf *out, llm_span text,
                                     bool first) {
    int byte = llmi_bpe_byte_token(text);
    if (byte < 0) return append(out, text.ptr, text.len);
    char c = (char)byte;
    return append(out, &c, 1);
}

llm_status llmi_decoders_metaspace(llmi_encode_work *w, const llmi_decoder_step *d, llmi_buf *out, llm_span text,
                                   bool first) {
    for (size_t i = 0, len; i < text.len; i += len) {
        llm_span rest = {text.ptr + i, text.len - i};
        bool mark = starts_with(rest, &d->from);
        len = mark ? d->from.len : 1;
        if (mark && first && d->once) continue;
        if (!llmi_buf_append(out, mark ? " " : rest.ptr, 1)) return LLM_E_MEMORY;
    }
    return LLM_OK;
}

/* ---- WordPiece ---- */

static const struct {
    const char *from, *to;
} CLEANUPS[] = {
    {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},    {" n't", "n't"},
    {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
};

/* Takes blanks before punctuation out of out[begin..]. */
static void clean_up(llmi_buf *out, size_t begin) {
    for (size_t k = 0; k < sizeof CLEANUPS / sizeof CLEANUPS[0]; k++) {
        size_t from = strlen(CLEANUPS[k].from), to = strlen(CLEANUPS[k].to), kept = begin;
        for (size_t i = begin; i < out->len;) {
            bool match = out->len - i >= from && memcmp(out->data + i, CLEANUPS[k].from, from) == 0;
            if (match)
                memcpy(out->data + kept, CLEANUPS[k].to, to);
            else
                out->data[kept] = out->data[i];
            kept += match ? to : 1;
            i += match ? from : 1;
        }
        out->len = kept;
    }
}

static llm_status put_word(const llmi_decoder_step *d, llmi_buf *out, llm_span text, bool blank) {
    size_t before = out->len;
    if (blank && !llmi_buf_append(out, " ", 1)) return LLM_E_MEMORY;
    if (!llmi_buf_append(out, text.ptr, text.len)) return LLM_E_MEMORY;
    if (d->cleanup) clean_up(out, before);
    return LLM_OK;
}

llm_status llmi_decoders_wordpiece(llmi_encode_work *w, const llmi_decoder_step *d, llmi_buf *out, llm_span text,
                                   bool first) {
    bool goes_on = !first && starts_with(text, &d->from);
    if (goes_on) text = (llm_span){text.ptr + d->from.len, text.len - d->from.len};
    return put_word(d, out, text, !first && !goes_on);
}

llm_status llmi_decoders_wordpiece_marked(llmi_encode_work *w, const llmi_decoder_step *d, llmi_buf *out, llm_span text,
                                          bool first) {
    bool begins = starts_with(text, &d->from), whole = text.len && text.ptr[0] == '[';
    if (begins) text = (llm_span){text.ptr + d->from.len, text.len - d->from.len};
    return put_word(d, out, text, !first && (begins || whole));
}

/* ---- others ---- */

static llm_status replace_matches(llmi_encode_work *w, const llmi_decoder_step *d, llmi_buf *out, llm_span text) {
    llmi_regex_matches m = {.r = d->regex, .text = text.ptr, .n = text.len};
    for (size_t kept = 0; text.len;) {
        size_t begin, end;
        bool found;
        llm_status status = llmi_regex_next(w, &m, &found, &begin, &end);
        if (status != LLM_OK) return status;
        if (!found) return append(out, text.ptr + kept, text.len - kept);
        if (begin < kept) begin = kept;
        if (end < begin) continue;
        if (!llmi_buf_append(out, text.ptr + kept, begin - kept) || !llmi_buf_append(out, d->to.data, d->to.len))
            return LLM_E_MEMORY;
        kept = end;
    }
    return LLM_OK;
}

llm_status llmi_decoders_replace(llmi_encode_work *w, const llmi_decoder_step *d, llmi_buf *out, llm_span text,
                                 bool first) {
    /* Bytes that an earlier step made need not be text. */
    if (d->regex)
        return llmi_utf8_valid(text.ptr, text.len) == text.len ? replace_matches(w, d, out, text)
                                                               : append(out, text.ptr, text.len);
    for (size_t i = 0; i < text.len;) {
        llm_span rest = {text.ptr + i, text.len - i};
        bool match = starts_with(rest, &d->from);
        if (!llmi_buf_append(out, match ? d->to.data : rest.ptr, match ? d->to.len : 1)) return LLM_E_MEMORY;
        i += match ? d->from.len : 1;
    }
    return LLM_OK;
}

llm_status llmi_decoders_strip(llmi_encode_work *w, const llmi_decoder_step *d, llmi_buf *out, llm_span text,
                               bool first) {
    size_t begin = 0, end = text.len, len = d->from.len;
    for (int32_t i = 0; i < d->start && (first || !d->once); i++) {
        if (!starts_with((llm_span){text.ptr + begin, end - begin}, &d->from)) break;
        begin += len;
    }
    for (int32_t i = 0; i < d->stop && end - begin >= len; i++) {
        if (memcmp(text.ptr + end - len, d->from.data, len) != 0) break;
        end -= len;
    }
    return append(out, text.ptr + begin, end - begin);
}

void llmi_decoders_free(llmi_decoder_step *d) {
    llmi_buf_free(&d->from);
    llmi_buf_free(&d->to);
    llmi_regex_destroy(d->regex);
}
