/* The files that people give by mistake. */
#include <string.h>

#include "base/status.h"
#include "base/text.h"
#include "format/contents.h"

typedef struct hint {
    const char *begin; /* how such a file begins */
    size_t n;
    const char *text;
} hint;

#define HINT(begin, text)                                                                                              \
    { begin, sizeof begin - 1, text }
static const hint hints[] = {
    HINT("version https://git-lfs", "this is a Git LFS pointer, not the file itself: fetch it with \"git lfs pull\""),
    HINT("<!DOCTYPE", "this is an HTML page, probably an error page of a download"),
    HINT("<!doctype", "this is an HTML page, probably an error page of a download"),
    HINT("<html", "this is an HTML page, probably an error page of a download"),
    HINT("<HTML", "this is an HTML page, probably an error page of a download"),
    HINT("lmgg", "this is a file of the old ggml format: convert the model to GGUF"),
    HINT("fmgg", "this is a file of the old ggmf format: convert the model to GGUF"),
    HINT("tjgg", "this is a file of the old ggjt format: convert the model to GGUF"),
    HINT("algg", "this is an adapter of the old ggla format: convert it to GGUF"),
    HINT("FUGG", "this is a GGUF file with its bytes swapped"),
    HINT("PK\x03\x04", "this is a zip archive, perhaps PyTorch weights (.bin, .pt): save them as safetensors"),
    HINT("\x80\x02", "these are pickled PyTorch weights: save them as safetensors"),
    HINT("\x80\x04", "these are pickled PyTorch weights: save them as safetensors"),
    HINT("\x1f\x8b", "this is a gzip archive: unpack it first"),
    HINT("GGUF", "this is a GGUF file: give the path of the file, not of its directory"),
    HINT("{", "this is JSON text"),
};

enum { N_HINTS = sizeof hints / sizeof hints[0], SAMPLE = 8 };

llm_status llmi_hints_refuse(const char *data, size_t n, const char *expected) {
    if (n == 0) return llmi_error(LLM_E_FORMAT, "expected %s, but the file is empty", expected);
    for (int i = 0; i < N_HINTS; i++)
        if (n >= hints[i].n && memcmp(data, hints[i].begin, hints[i].n) == 0)
            return llmi_error(LLM_E_FORMAT, "expected %s: %s", expected, hints[i].text);
    if (n > 8 && data[8] == '{' && !data[7] && !data[6] && !data[5] && !data[4])
        return llmi_error(LLM_E_FORMAT,
                          "expected %s: this is a safetensors file: give the directory that holds it and its "
                          "config.json",
                          expected);
    return llmi_error(LLM_E_FORMAT, "expected %s, but it begins with \"%s\"", expected,
                      LLMI_QUOTE(data, n < SAMPLE ? n : SAMPLE));
}
