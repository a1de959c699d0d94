/* A made-up family, for the test that a family is one file and one line. It computes what Qwen2 does, and stores its
 * weights in most of the ways that differ from Qwen2's: names of GPT-2, queries, keys and values merged and transposed,
 * norms without their 1, gate and up interleaved, the last matrix stacked, a head that is always tied. */
#include "model/arch.h"
#include "model/blocks.h"

enum { GROUP = 4, N_STACK = 2 };

typedef struct novel_hparams {
    llmi_hparams base;
    llmi_attention_hparams attn;
    llmi_rope_hparams rope;
    llmi_feed_forward_hparams ffn;
    float eps;
    int32_t n_qkv, first_v;        /* rows of the merged product; where those of the values begin */
    int32_t group, groups;         /* rows of gate that precede as many of up; rows of both */
    int32_t n_stack, n_stack_rows; /* matrices, rows of each */
} novel_hparams;

typedef struct novel_model {
    const llm_weight *output_norm;
    llmi_rope_table rope;
} novel_model;

typedef struct novel_layer {
    const llm_weight *attn_norm, *ffn_norm;
    llmi_attention_weights attn;
    llmi_feed_forward_weights ffn;
} novel_layer;

static const llmi_hparam_row hparams[] = {
    {LLMI_INT(novel, base.n_layers, "block_count", "n_layer", 1, LLMI_MAX_LAYERS, NAN)},
    {LLMI_INT(novel, base.n_embd, "embedding_length", "n_embd|hidden_size", 1, LLMI_MAX_EMBD, NAN)},
    {LLMI_INT(novel, base.n_vocab, NULL, "vocab_size", 1, LLMI_MAX_VOCAB, 0)},
    {LLMI_INT(novel, base.n_ctx_train, "context_length", "n_positions", 1, LLMI_MAX_CTX, 1024)},
    {LLMI_INT(novel, attn.n_heads, "attention.head_count", "n_head", 1, LLMI_MAX_HEADS, NAN)},
    {LLMI_INT(novel, attn.n_kv_heads, "attention.head_count_kv", "n_kv_head", 1, LLMI_MAX_HEADS, 0)},
    {LLMI_INT(novel, attn.head_dim, "attention.key_length", "head_dim", 1, LLMI_MAX_HEAD_DIM, 0)},
    {LLMI_FLOAT(novel, eps, "attention.layer_norm_rms_epsilon", "layer_norm_epsilon", 0, 1, 1e-5)},
    {LLMI_INT(novel, ffn.n_ff, "feed_forward_length", "n_inner", 1, LLMI_MAX_FF, NAN)},
    {LLMI_ONLY_NAME(NULL, "activation_function", llmi_feed_forward_silu)},
    LLMI_ROPE_HPARAMS(novel, rope),
};

static const llmi_weight_row weights[] = {
    {LLMI_WEIGHT(LLMI_ROLE_EMBED, 0, "token_embd.weight", "transformer.wte.weight|wte.weight"),
     .rows = LLMI_DIM(novel, base.n_vocab), .cols = LLMI_DIM(novel, base.n_embd)},
    {LLMI_MODEL_VECTOR(novel, output_norm, "output_norm.weight", "transformer.ln_f.weight|ln_f.weight", base.n_embd),
     .flags = LLMI_PLUS_ONE},

    {LLMI_LAYER_VECTOR(novel, attn_norm, "attn_norm.weight", "ln_1.weight", base.n_embd), .flags = LLMI_PLUS_ONE},
    {LLMI_LAYER_MATRIX(novel, attn.wq, "attn_qkv.weight", "attn.c_attn.weight", attn.n_q, base.n_embd),
     .slice = LLMI_FIRST_SLICE(novel, attn.n_q, n_qkv), .flags = LLMI_TRANSPOSED},
    {LLMI_LAYER_MATRIX(novel, attn.wk, "attn_qkv.weight", "attn.c_attn.weight", attn.n_kv, base.n_embd),
     .slice = LLMI_SLICE(novel, attn.n_q, attn.n_kv, n_qkv), .flags = LLMI_TRANSPOSED},
    {LLMI_LAYER_MATRIX(novel, attn.wv, "attn_qkv.weight", "attn.c_attn.weight", attn.n_kv, base.n_embd),
     .slice = LLMI_SLICE(novel, first_v, attn.n_kv, n_qkv), .flags = LLMI_TRANSPOSED},
    {LLMI_LAYER_VECTOR(novel, attn.bq, "attn_qkv.bias", "attn.c_attn.bias", attn.n_q),
     .slice = LLMI_FIRST_SLICE(novel, attn.n_q, n_qkv)},
    {LLMI_LAYER_VECTOR(novel, attn.bk, "attn_qkv.bias", "attn.c_attn.bias", attn.n_kv),
     .slice = LLMI_SLICE(novel, attn.n_q, attn.n_kv, n_qkv)},
    {LLMI_LAYER_VECTOR(novel, attn.bv, "attn_qkv.bias", "attn.c_attn.bias", attn.n_kv),
     .slice = LLMI_SLICE(novel, first_v, attn.n_kv, n_qkv)},
    {LLMI_LAYER_MATRIX(novel, attn.wo, "attn_output.weight", "attn.c_proj.weight", base.n_embd, attn.n_q),
     .flags = LLMI_TRANSPOSED},

    {LLMI_LAYER_VECTOR(novel, ffn_norm, "ffn_norm.weight", "ln_2.weight", base.n_embd), .flags = LLMI_PLUS_ONE},
    {LLMI_LAYER_MATRIX(novel, ffn.gate, "ffn_gate.weight", "mlp.gate_up.weight", ffn.n_ff, base.n_embd),
     .slice = LLMI_FIRST_SLICE(novel, group, groups), .flags = LLMI_GGUF_APART},
    {LLMI_LAYER_MATRIX(novel, ffn.up, "ffn_up.weight", "mlp.gate_up.weight", ffn.n_ff, base.n_embd),
     .slice = LLMI_SLICE(novel, group, group, groups), .flags = LLMI_GGUF_APART},
    {LLMI_LAYER_MATRIX(novel, ffn.down, "ffn_down.weight", "mlp.down|mlp.down_stack", n_stack_rows, ffn.n_ff),
     .count = LLMI_DIM(novel, n_stack)},
};

static llm_status check(void *out, const llmi_hparam_source *s) {
    novel_hparams *hp = out;
    hp->group = GROUP;
    hp->groups = 2 * GROUP;
    hp->n_stack = N_STACK;
    hp->n_stack_rows = hp->base.n_embd / N_STACK;
    llm_status status = llmi_attention_settle(&hp->attn, hp->base.n_embd, s);
    hp->n_qkv = hp->attn.n_q + 2 * hp->attn.n_kv;
    hp->first_v = hp->attn.n_q + hp->attn.n_kv;
    return status == LLM_OK ? llmi_rope_settle(&hp->rope, hp->attn.head_dim, hp->base.n_ctx_train, s) : status;
}

static llm_status to_gguf(void *hp, const llm_model *m) {
    llmi_rope_to_gguf(&((novel_hparams *)hp)->rope, ((const novel_model *)m->family)->rope.scale);
    return LLM_OK;
}

static void forward(const llm_model *m, llmi_recorder *r) {
    const novel_hparams *hp = m->hparams;
    const novel_model *own = m->family;
    const novel_layer *layers = m->layers;
    llmi_pass p;
    llm_value x = llmi_blocks_begin(&p, m, r);
    llm_value angles = llmi_blocks_angles(&p, &own->rope);
    for (int32_t i = 0; i < hp->base.n_layers; i++) {
        const novel_layer *l = &layers[i];
        llmi_blocks_layer(&p, i);

        llm_value h = llmi_blocks_norm(&p, x, l->attn_norm, hp->eps);
        llmi_qkv a = llmi_blocks_qkv(&p, h, &l->attn, &hp->attn);
        llmi_blocks_rotate(&p, a.q, angles, &hp->attn, hp->rope.style);
        llmi_blocks_rotate(&p, a.k, angles, &hp->attn, hp->rope.style);
        h = llmi_blocks_attend(&p, a, &hp->attn, 0);
        llmi_blocks_add_product(&p, x, h, l->attn.wo, NULL);
        llmi_blocks_release(&p);

        h = llmi_blocks_norm(&p, x, l->ffn_norm, hp->eps);
        llmi_blocks_add_feed_forward(&p, x, h, &l->ffn, hp->ffn.n_ff);
    }
    llmi_blocks_end(&p, x, own->output_norm, hp->eps);
}

static const llmi_rope_row rope = {offsetof(novel_hparams, rope), offsetof(novel_model, rope)};

extern const llmi_arch llmi_arch_novel;

const llmi_arch llmi_arch_novel = {
    .name = "novel",
    .gguf_names = (const char *const[]){"novel", NULL},
    .hf_names = (const char *const[]){"novel", NULL},
    .hf_class = "NovelLMHeadModel",
    .gguf_layer = "blk.%d.",
    .hf_layer = "transformer.h.%d.|h.%d.",
    .hf_body = "transformer.",
    .hf_unused = "attn.bias|attn.masked_bias",
    .hf_tied = true,
    .hparams_bytes = sizeof(novel_hparams),
    .model_bytes = sizeof(novel_model),
    .layer_bytes = sizeof(novel_layer),
    .hparams = hparams,
    .n_hparams = sizeof hparams / sizeof hparams[0],
    .weights = weights,
    .n_weights = sizeof weights / sizeof weights[0],
    .ropes = &rope,
    .n_ropes = 1,
    .gguf_rope_style = LLM_ROPE_NEOX,
    .hf_rope_style = LLM_ROPE_NEOX,
    .check = check,
    .to_gguf = to_gguf,
    .forward = forward,
};
