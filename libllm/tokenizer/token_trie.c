#include "tokenizer/token_trie.h"

#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "tokenizer/internal.h"

static void tree_free(llmi_token_trie *tree) {
    llmi_buf *const bufs[] = {&tree->text, &tree->at, &tree->nodes, &tree->ids, &tree->ends, &tree->shorn};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) llmi_buf_free(bufs[i]);
}

/* ---- spellings ---- */

static bool spells(const llm_tokenizer *t, llm_token id) {
    int32_t type;
    llmi_tokenizer_token(t, id, NULL, &type, NULL);
    return type != LLM_TOKEN_CONTROL && type != LLM_TOKEN_UNKNOWN && type != LLM_TOKEN_UNUSED &&
           !llmi_tokenizer_is_eog(t, id);
}

static void set(llmi_buf *bits, llm_token id) {
    llmi_buf_at(bits, uint64_t, id / 64) |= (uint64_t)1 << (id & 63);
}

static llm_status add_spelling(llmi_token_trie *tree, llmi_buf *other, const llm_tokenizer *t, llm_token id) {
    size_t begin = tree->text.len;
    other->len = 0;
    llm_status status = llmi_tokenizer_decode(&tree->text, t, &id, 1, 0, false);
    if (status == LLM_OK) status = llmi_tokenizer_decode(other, t, &id, 1, 0, true);
    if (status != LLM_OK) return status;
    size_t n = tree->text.len - begin;
    if (n > LLMI_TOKEN_TRIE_MAX_BYTES) {
        tree->text.len = begin;
    } else {
        if (n != other->len) set(&tree->shorn, id);
        if ((int32_t)n > tree->longest) tree->longest = (int32_t)n;
    }
    return tree->text.len < INT32_MAX ? LLM_OK : llmi_error(LLM_E_LIMIT, "the vocabulary spells more than 2 GiB");
}

static llm_status read_tokens(llmi_token_trie *tree, const llm_tokenizer *t) {
    llmi_buf other;
    llmi_buf_init(&other, tree->a);
    llm_status status = LLM_OK;
    for (llm_token id = 0; id <= tree->n_tokens && status == LLM_OK; id++) {
        int32_t at = (int32_t)tree->text.len;
        if (!llmi_buf_push(&tree->at, at)) status = LLM_E_MEMORY;
        if (id == tree->n_tokens || status != LLM_OK) break;
        if (llmi_tokenizer_is_eog(t, id)) set(&tree->ends, id);
        if (spells(t, id)) status = add_spelling(tree, &other, t, id);
        if (status == LLM_OK && tree->text.len > (size_t)at && !llmi_buf_push(&tree->ids, id)) status = LLM_E_MEMORY;
    }
    llmi_buf_free(&other);
    return status;
}

/* ---- order ---- */

static bool is_before(const llmi_token_trie *tree, llm_token x, llm_token y) {
    llm_span a = llmi_token_trie_text(tree, x), b = llmi_token_trie_text(tree, y);
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    return order ? order < 0 : a.len < b.len;
}

/* Merges runs of 1, 2, 4, ... ids; equal texts stay in the order of their ids. */
static llm_status sort(llmi_token_trie *tree) {
    llmi_buf other;
    size_t n = llmi_buf_count(&tree->ids, llm_token);
    llmi_buf_init(&other, tree->a);
    if (!llmi_buf_reserve(&other, tree->ids.len)) return LLM_E_MEMORY;
    other.len = tree->ids.len;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t begin = 0; begin < n; begin += 2 * width) {
            size_t middle = begin + width < n ? begin + width : n, end = middle + width < n ? middle + width : n;
            size_t i = begin, k = middle;
            for (size_t to = begin; to < end; to++) {
                bool second = i == middle || (k < end && is_before(tree, llmi_buf_at(&tree->ids, llm_token, k),
                                                                   llmi_buf_at(&tree->ids, llm_token, i)));
                llmi_buf_at(&other, llm_token, to) = llmi_buf_at(&tree->ids, llm_token, second ? k++ : i++);
            }
        }
        llmi_buf swap = tree->ids;
        tree->ids = other;
        other = swap;
    }
    llmi_buf_free(&other);
    return LLM_OK;
}

/* ---- the tree ---- */

typedef struct path {
    int32_t node[LLMI_TOKEN_TRIE_MAX_BYTES + 1];
    int32_t depth;
} path;

static void close_nodes(llmi_token_trie *tree, path *p, int32_t depth) {
    int32_t n = (int32_t)llmi_buf_count(&tree->nodes, llmi_token_trie_node);
    for (; p->depth > depth; p->depth--) llmi_buf_at(&tree->nodes, llmi_token_trie_node, p->node[p->depth]).skip = n;
}

static llm_status build(llmi_token_trie *tree) {
    path p = {.depth = 0};
    llmi_token_trie_node node = {0};
    llm_span before = {"", 0};
    if (!llmi_buf_push(&tree->nodes, node)) return LLM_E_MEMORY;
    size_t n = llmi_buf_count(&tree->ids, llm_token);
    for (size_t i = 0; i < n; i++) {
        llm_span text = llmi_token_trie_text(tree, llmi_buf_at(&tree->ids, llm_token, i));
        size_t shared = 0;
        while (shared < text.len && shared < before.len && text.ptr[shared] == before.ptr[shared]) shared++;
        close_nodes(tree, &p, (int32_t)shared);
        for (size_t k = shared; k < text.len; k++) {
            /* Only the last node has tokens; the others' list is empty because the next one begins there, too. */
            node = (llmi_token_trie_node){.first = (int32_t)i, .byte = (uint8_t)text.ptr[k], .depth = (uint8_t)(k + 1)};
            p.node[++p.depth] = (int32_t)llmi_buf_count(&tree->nodes, llmi_token_trie_node);
            if (!llmi_buf_push(&tree->nodes, node)) return LLM_E_MEMORY;
        }
        before = text;
    }
    close_nodes(tree, &p, 0);
    node = (llmi_token_trie_node){.first = (int32_t)n, .skip = INT32_MAX};
    llmi_buf_at(&tree->nodes, llmi_token_trie_node, 0).skip =
        (int32_t)llmi_buf_count(&tree->nodes, llmi_token_trie_node);
    return llmi_buf_push(&tree->nodes, node) ? LLM_OK : LLM_E_MEMORY;
}

static bool make_bits(llmi_buf *bits, size_t n_words) {
    if (!llmi_buf_reserve(bits, n_words * sizeof(uint64_t) + 1)) return false;
    memset(bits->data, 0, bits->len = n_words * sizeof(uint64_t));
    return true;
}

static llm_status make(llmi_token_trie *out, const llm_allocator *a, const llm_tokenizer *t) {
    *out = (llmi_token_trie){.a = a, .n_tokens = llmi_tokenizer_size(t)};
    out->n_words = ((size_t)out->n_tokens + 63) / 64;
    llmi_buf *const bufs[] = {&out->text, &out->at, &out->nodes, &out->ids, &out->ends, &out->shorn};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) llmi_buf_init(bufs[i], a);
    llm_status status =
        make_bits(&out->ends, out->n_words) && make_bits(&out->shorn, out->n_words) ? LLM_OK : LLM_E_MEMORY;
    if (status == LLM_OK) status = read_tokens(out, t);
    if (status == LLM_OK) status = sort(out);
    if (status == LLM_OK) status = build(out);
    if (status != LLM_OK) tree_free(out);
    return status;
}

void llmi_token_trie_destroy(llmi_token_trie *tree) {
    if (!tree) return;
    const llm_allocator *a = tree->a;
    tree_free(tree);
    llmi_free(a, tree, sizeof *tree);
}

/* Two threads that ask first both make one, and one is kept. */
llm_status llmi_token_trie_get(const llmi_token_trie **out, llm_tokenizer *t) {
    llmi_token_trie *found = atomic_load_explicit(&t->tree, memory_order_acquire);
    *out = found;
    if (found) return LLM_OK;
    llmi_token_trie *made = llmi_alloc(t->a, sizeof *made);
    if (!made) return LLM_E_MEMORY;
    llm_status status = make(made, t->a, t);
    if (status != LLM_OK) {
        llmi_free(t->a, made, sizeof *made);
        return status;
    }
    *out = made;
    if (atomic_compare_exchange_strong(&t->tree, &found, made)) return LLM_OK;
    llmi_token_trie_destroy(made);
    *out = found;
    return LLM_OK;
}
