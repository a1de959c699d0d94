#include "base/json.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/json_doc.h"
#include "base/status.h"
#include "base/text.h"

/* ---- memory ---- */

/* Memory comes in blocks of growing size; what is larger than a quarter of the next one has a block of its own. */
struct llmi_json_block {
    llmi_json_block *next;
    size_t n_bytes; /* with this header */
};

enum { FIRST_BLOCK = 1 << 10, LAST_BLOCK = 1 << 20, SMALL_OBJECT = 8 };

void llmi_json_doc_init(llmi_json_doc *doc, const llm_allocator *a, size_t max_bytes) {
    *doc = (llmi_json_doc){.a = a, .max_bytes = max_bytes};
}

void llmi_json_doc_free(llmi_json_doc *doc) {
    for (llmi_json_block *b = doc->blocks, *next; b; b = next) {
        next = b->next;
        llmi_free(doc->a, b, b->n_bytes);
    }
    llmi_json_doc_init(doc, doc->a, doc->max_bytes);
}

bool llmi_json_doc_fits(llmi_json_doc *doc, size_t n_bytes) {
    if (!doc->max_bytes || (doc->n_held <= doc->max_bytes && n_bytes <= doc->max_bytes - doc->n_held)) return true;
    doc->status = llmi_error(LLM_E_LIMIT, "JSON that takes more than %zu bytes of memory", doc->max_bytes);
    return false;
}

static llmi_json_block *add_block(llmi_json_doc *doc, size_t n_bytes) {
    if (!llmi_json_doc_fits(doc, n_bytes)) return NULL;
    llmi_json_block *b = llmi_alloc(doc->a, n_bytes);
    if (!b) {
        doc->status = LLM_E_MEMORY;
        return NULL;
    }
    *b = (llmi_json_block){doc->blocks, n_bytes};
    doc->blocks = b;
    doc->n_held += n_bytes;
    return b;
}

static size_t next_block(const llmi_json_doc *doc) {
    size_t n = doc->n_held < FIRST_BLOCK ? FIRST_BLOCK : doc->n_held;
    return n < LAST_BLOCK ? n : LAST_BLOCK;
}

void *llmi_json_doc_take(llmi_json_doc *doc, size_t n_bytes, size_t alignment) {
    size_t skip = -(uintptr_t)doc->free_at & (alignment - 1), whole;
    if (!doc->free_at || n_bytes > doc->n_free || skip > doc->n_free - n_bytes) {
        size_t block = next_block(doc);
        if (!llmi_add(&whole, n_bytes, sizeof(llmi_json_block))) whole = SIZE_MAX;
        bool own = whole > block / 4;
        llmi_json_block *b = add_block(doc, own ? whole : block);
        if (!b) return NULL;
        if (own) return b + 1; /* what is left of the block before serves on */
        doc->free_at = (char *)(b + 1);
        doc->n_free = block - sizeof *b;
        skip = 0;
    }
    char *p = doc->free_at + skip;
    doc->free_at = p + n_bytes;
    doc->n_free -= skip + n_bytes;
    return p;
}

/* ---- objects ----
 *
 * Members in the order of the text; after those of large objects their numbers in the order of their keys:
 *
 *   members: [{"zeta", ..}, {"id", ..}, {"name", ..}, ...]  order: [1, 2, 0, ...]
 *
 * Searching takes log n steps for any keys; a hash table would take n for keys chosen to collide. */

static int compare_keys(const llmi_json *a, llm_span b) {
    if (a->n != b.len) return a->n < b.len ? -1 : 1;
    return b.len ? memcmp(a->text, b.ptr, b.len) : 0;
}

static uint32_t *order_of(const llmi_json_member *members, size_t n) {
    return (uint32_t *)(uintptr_t)(members + n);
}

/* Merges order[0..half-1] and order[half..n-1]; `left` has room for the former. */
static void merge(uint32_t *order, size_t half, size_t n, uint32_t *left, const llmi_json_member *m) {
    memcpy(left, order, half * sizeof *left);
    for (size_t i = 0, k = half, at = 0; i < half; at++) {
        const llmi_json *key = &m[left[i]].key;
        bool from_left = k == n || compare_keys(key, (llm_span){m[order[k]].key.text, m[order[k]].key.n}) <= 0;
        order[at] = from_left ? left[i++] : order[k++];
    }
}

/* A stable merge sort. `spare`: room for n numbers. */
static void sort_members(uint32_t *order, const llmi_json_member *members, size_t n, uint32_t *spare) {
    for (size_t i = 0; i < n; i++) order[i] = (uint32_t)i;
    for (size_t half = 1; half < n; half *= 2)
        for (size_t at = 0; at + half < n; at += 2 * half)
            merge(order + at, half, n - at < 2 * half ? n - at : 2 * half, spare, members);
}

/* Gives the first of equal keys the last value and marks the others by a key without text. Whether there were any. */
static bool join_equal_keys(llmi_json_member *m, const uint32_t *order, size_t n, llm_span *twice) {
    for (size_t i = 1, first = 0; i < n; i++) {
        llmi_json *key = &m[order[i]].key;
        llm_span text = {key->text, key->n};
        if (compare_keys(&m[order[first]].key, text) != 0) {
            first = i;
            continue;
        }
        m[order[first]].value = m[order[i]].value;
        key->text = NULL;
        *twice = text;
    }
    return twice->ptr != NULL;
}

static size_t drop_marked(llmi_json_member *m, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (m[i].key.text) m[kept++] = m[i];
    return kept;
}

/* Leaves one member for each key and returns how many there are. `order`: room for 2n numbers; ends with their order.
 */
static size_t settle_keys(llmi_json_member *m, size_t n, uint32_t *order, llm_span *twice) {
    sort_members(order, m, n, order + n);
    if (!join_equal_keys(m, order, n, twice)) return n;
    n = drop_marked(m, n);
    sort_members(order, m, n, order + n);
    return n;
}

bool llmi_json_doc_object(llmi_json *out, llmi_json_doc *doc, const llmi_json_member *members, size_t n,
                          llm_span *twice) {
    size_t n_bytes = n * (sizeof *members + sizeof(uint32_t)), n_given = n;
    uint32_t few[2 * SMALL_OBJECT], *order = few;
    llmi_json_member *m = llmi_json_doc_take(doc, n_bytes, sizeof(void *));
    if (m && n > SMALL_OBJECT) order = llmi_alloc_array(doc->a, 2 * n, sizeof *order);
    if (m && !order) doc->status = LLM_E_MEMORY;
    if (!m || !order) return false;
    *twice = (llm_span){NULL, 0};
    if (n) {
        memcpy(m, members, n * sizeof *m);
        n = settle_keys(m, n, order, twice);
    }
    if (n > SMALL_OBJECT) memcpy(order_of(m, n), order, n * sizeof *order);
    if (order != few) llmi_free(doc->a, order, 2 * n_given * sizeof *order);
    *out = (llmi_json){.type = LLMI_JSON_OBJECT, .n = (uint32_t)n, .members = m};
    return true;
}

const llmi_json *llmi_json_find(const llmi_json *object, llm_span key) {
    if (!llmi_json_is(object, LLMI_JSON_OBJECT)) return NULL;
    const llmi_json_member *m = object->members;
    if (object->n <= SMALL_OBJECT) {
        for (size_t i = 0; i < object->n; i++)
            if (compare_keys(&m[i].key, key) == 0) return &m[i].value;
        return NULL;
    }
    const uint32_t *order = order_of(m, object->n);
    for (size_t low = 0, high = object->n; low < high;) {
        size_t middle = low + (high - low) / 2;
        int found = compare_keys(&m[order[middle]].key, key);
        if (found == 0) return &m[order[middle]].value;
        if (found < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const llmi_json *llmi_json_get(const llmi_json *object, const char *key) {
    return llmi_json_find(object, (llm_span){key, strlen(key)});
}

/* ---- making ---- */

const llmi_json llmi_json_null = {.type = LLMI_JSON_NULL}, llmi_json_false = {.type = LLMI_JSON_FALSE},
                llmi_json_true = {.type = LLMI_JSON_TRUE};

static bool too_many(llmi_json_doc *doc, size_t n) {
    if (n <= LLMI_JSON_MAX_BYTES) return false;
    doc->status = llmi_error(LLM_E_LIMIT, "a JSON value of %zu bytes or elements, at most %d are possible", n,
                             LLMI_JSON_MAX_BYTES);
    return true;
}

static llmi_json *new_value(llmi_json_doc *doc, llmi_json value) {
    llmi_json *v = llmi_json_doc_take(doc, sizeof *v, sizeof(void *));
    if (v) *v = value;
    return v;
}

static const llmi_json *new_text(llmi_json_doc *doc, llmi_json_kind kind, llm_span text) {
    char *copy = too_many(doc, text.len) ? NULL : llmi_json_doc_take(doc, text.len + 1, 1);
    if (!copy) return NULL;
    if (text.len) memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    return new_value(doc, (llmi_json){.type = kind, .n = (uint32_t)text.len, .text = copy});
}

const llmi_json *llmi_json_new_string(llmi_json_doc *doc, llm_span text) {
    return new_text(doc, LLMI_JSON_STRING, text);
}

const llmi_json *llmi_json_new_number(llmi_json_doc *doc, llm_span spelling) {
    return new_text(doc, LLMI_JSON_NUMBER, spelling);
}

const llmi_json *llmi_json_new_int(llmi_json_doc *doc, int64_t value) {
    char digits[24];
    return llmi_json_new_number(doc, (llm_span){digits, llmi_format(digits, sizeof digits, "%" PRId64, value)});
}

const llmi_json *llmi_json_new_array(llmi_json_doc *doc, const llmi_json *items, size_t n) {
    llmi_json *copy = too_many(doc, n) ? NULL : llmi_json_doc_take(doc, n * sizeof *items, sizeof(void *));
    if (!copy) return NULL;
    if (n) memcpy(copy, items, n * sizeof *items);
    return new_value(doc, (llmi_json){.type = LLMI_JSON_ARRAY, .n = (uint32_t)n, .items = copy});
}

const llmi_json *llmi_json_new_object(llmi_json_doc *doc, const llmi_json_member *members, size_t n) {
    llm_span twice;
    llmi_json object;
    bool made = !too_many(doc, n) && llmi_json_doc_object(&object, doc, members, n, &twice);
    return made ? new_value(doc, object) : NULL;
}

/* The object with the value in the place of the key's old one, or at the end; value NULL: without the key. */
static const llmi_json *edit(llmi_json_doc *doc, const llmi_json *object, const char *key, const llmi_json *value) {
    size_t n = llmi_json_count(object), kept = 0;
    llmi_json_member *m = llmi_alloc_array(doc->a, n + 1, sizeof *m);
    if (!m) {
        doc->status = LLM_E_MEMORY;
        return NULL;
    }
    bool placed = !value;
    for (size_t i = 0; i < n; i++) {
        bool is_key = llmi_json_equals(&object->members[i].key, key);
        if (is_key && !value) continue;
        m[kept] = object->members[i];
        if (is_key) m[kept].value = *value;
        placed = placed || is_key;
        kept++;
    }
    const llmi_json *name = placed ? &llmi_json_null : llmi_json_new_string(doc, (llm_span){key, strlen(key)});
    if (!placed && name) m[kept++] = (llmi_json_member){*name, *value};
    const llmi_json *out = name ? llmi_json_new_object(doc, m, kept) : NULL;
    llmi_free(doc->a, m, (n + 1) * sizeof *m);
    return out;
}

const llmi_json *llmi_json_with(llmi_json_doc *doc, const llmi_json *object, const char *key, const llmi_json *value) {
    return edit(doc, object, key, value);
}

const llmi_json *llmi_json_without(llmi_json_doc *doc, const llmi_json *object, const char *key) {
    return edit(doc, object, key, NULL);
}

/* ---- comparing ---- */

static bool is_same(const llmi_json *a, const llmi_json *b, int64_t *steps, int depth) {
    if (a->type != b->type || depth > 2 * LLMI_JSON_MAX_DEPTH) return false;
    if (steps && (*steps -= 1 + a->n / 16) < 0) return false;
    if (a->type == LLMI_JSON_NUMBER) return llmi_json_number_same(a, b);
    if (a->type < LLMI_JSON_NUMBER) return true;
    if (a->n != b->n) return false;
    if (a->type == LLMI_JSON_STRING) return memcmp(a->text, b->text, a->n) == 0;
    for (size_t i = 0; i < a->n; i++) {
        const llmi_json *x = a->type == LLMI_JSON_ARRAY ? a->items + i : &a->members[i].value, *y;
        if (a->type == LLMI_JSON_ARRAY)
            y = b->items + i;
        else
            y = llmi_json_find(b, (llm_span){a->members[i].key.text, a->members[i].key.n});
        if (!y || !is_same(x, y, steps, depth + 1)) return false;
    }
    return true;
}

bool llmi_json_same(const llmi_json *a, const llmi_json *b, int64_t *steps) {
    return a && b ? is_same(a, b, steps, 0) : a == b;
}

/* ---- lookups with errors ---- */

const char *llmi_json_type_name(const llmi_json *v) {
    static const char *const names[] = {
        [LLMI_JSON_NULL] = "null",        [LLMI_JSON_FALSE] = "false",     [LLMI_JSON_TRUE] = "true",
        [LLMI_JSON_NUMBER] = "a number",  [LLMI_JSON_STRING] = "a string", [LLMI_JSON_ARRAY] = "an array",
        [LLMI_JSON_OBJECT] = "an object",
    };
    if (llmi_json_is_integer(v)) return "an integer";
    return v ? names[v->type] : "nothing";
}

static llm_status get(const llmi_json **out, const llmi_json *object, const char *key, const char *what) {
    *out = llmi_json_get(object, key);
    return *out ? LLM_OK : llmi_error(LLM_E_NOT_FOUND, "%s: \"%s\" is missing", what, key);
}

static llm_status mismatch(const llmi_json *v, const char *key, const char *expected, const char *what) {
    return llmi_error(LLM_E_FORMAT, "%s: \"%s\" is %s, expected %s", what, key, llmi_json_type_name(v), expected);
}

llm_status llmi_json_get_int(int64_t *out, const llmi_json *object, const char *key, int64_t min, int64_t max,
                             const char *what) {
    const llmi_json *v;
    llm_status status = get(&v, object, key, what);
    if (status != LLM_OK) return status;
    if (!llmi_json_is_integer(v)) return mismatch(v, key, "an integer", what);
    int64_t n;
    if (!llmi_json_int64(&n, v) || n < min || n > max)
        return llmi_error(LLM_E_FORMAT, "%s: \"%s\" is %s, expected %" PRId64 "..%" PRId64, what, key,
                          LLMI_QUOTE(v->text, v->n), min, max);
    *out = n;
    return LLM_OK;
}

llm_status llmi_json_get_number(double *out, const llmi_json *object, const char *key, const char *what) {
    const llmi_json *v;
    llm_status status = get(&v, object, key, what);
    if (status != LLM_OK) return status;
    if (!llmi_json_is(v, LLMI_JSON_NUMBER)) return mismatch(v, key, "a number", what);
    *out = llmi_json_double(v);
    return LLM_OK;
}

llm_status llmi_json_get_string(llm_span *out, const llmi_json *object, const char *key, const char *what) {
    const llmi_json *v;
    llm_status status = get(&v, object, key, what);
    if (status != LLM_OK) return status;
    if (!llmi_json_is(v, LLMI_JSON_STRING)) return mismatch(v, key, "a string", what);
    *out = llmi_json_text(v);
    return LLM_OK;
}
