/* JSON text against jansson: both take it with the same values, or both refuse it. Where they differ on purpose, ours
 * takes more: numbers of any size, NUL in keys, a byte order mark. jansson takes a NUL byte for the end. */
#include <math.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/status.h"
#include "fuzz/fuzz.h"

static void check(bool ok) {
    if (!ok) abort();
}

static void compare_scalars(const llmi_json *mine, const json_t *theirs) {
    static const int kinds[] = {
        [JSON_NULL] = LLMI_JSON_NULL,      [JSON_FALSE] = LLMI_JSON_FALSE,   [JSON_TRUE] = LLMI_JSON_TRUE,
        [JSON_INTEGER] = LLMI_JSON_NUMBER, [JSON_REAL] = LLMI_JSON_NUMBER,   [JSON_STRING] = LLMI_JSON_STRING,
        [JSON_ARRAY] = LLMI_JSON_ARRAY,    [JSON_OBJECT] = LLMI_JSON_OBJECT,
    };
    check(llmi_json_is(mine, kinds[json_typeof(theirs)]));
    int64_t i;
    if (json_is_integer(theirs)) check(llmi_json_int64(&i, mine) && i == json_integer_value(theirs));
    if (json_is_real(theirs)) check(llmi_json_double(mine) == json_real_value(theirs));
    if (json_is_string(theirs))
        check(mine->n == json_string_length(theirs) && memcmp(mine->text, json_string_value(theirs), mine->n) == 0);
}

/* As deep as the limit of both. */
static void compare(const llmi_json *mine, const json_t *theirs) {
    compare_scalars(mine, theirs);
    if (json_is_array(theirs)) {
        check(llmi_json_count(mine) == json_array_size(theirs));
        for (size_t i = 0; i < json_array_size(theirs); i++)
            compare(llmi_json_item(mine, i), json_array_get(theirs, i));
    }
    if (json_is_object(theirs)) {
        check(llmi_json_count(mine) == json_object_size(theirs));
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)theirs, key, value) compare(llmi_json_get(mine, key), value);
    }
}

/* What was read is written and read again as the same. */
static void round_trip(llmi_json_doc *doc, const llmi_json *value, unsigned flags) {
    llmi_buf out;
    const llmi_json *again;
    llmi_buf_init(&out, doc->a);
    check(llmi_json_write(&out, value, flags));
    check(llmi_json_parse(&again, doc, (llm_span){out.data, out.len}, "text", LLMI_JSON_PYTHON) == LLM_OK);
    check(llmi_json_same(value, again, NULL));
    llmi_buf_free(&out);
}

static void look_up_members(const llmi_json *root) {
    for (size_t k = 0; llmi_json_is(root, LLMI_JSON_OBJECT) && k < root->n; k++) {
        llm_span key = llmi_json_text(&root->members[k].key), text;
        int64_t i;
        double x;
        check(llmi_json_find(root, key) == &root->members[k].value);
        llmi_json_get_int(&i, root, key.ptr, -10, 10, "text");
        llmi_json_get_number(&x, root, key.ptr, "text");
        llmi_json_get_string(&text, root, key.ptr, "text");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    llmi_json_doc doc;
    const llmi_json *root, *loose;
    llm_span text = {(const char *)data, n};
    llmi_json_doc_init(&doc, &llmi_default_allocator, 64 << 20);
    llmi_error_clear();
    llm_status status = llmi_json_parse(&root, &doc, text, "text", 0);
    check((status == LLM_OK) == (root != NULL) && (status == LLM_OK || llm_last_error()[0]));
    json_error_t fault;
    json_t *theirs = json_loadb(text.ptr, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &fault);
    check(!theirs || root || status == LLM_E_LIMIT || memchr(data, 0, n));
    if (root && theirs) compare(root, theirs);
    json_decref(theirs);
    check(llmi_json_parse(&loose, &doc, text, "text", LLMI_JSON_PYTHON) == LLM_OK || !root);
    if (root) check(llmi_json_same(root, loose, NULL));
    if (loose) {
        round_trip(&doc, loose, LLMI_JSON_COMPACT);
        round_trip(&doc, loose, LLMI_JSON_SPACED | LLMI_JSON_ASCII);
        look_up_members(loose);
    }
    llmi_json_doc_free(&doc);
    return 0;
}
