#include "model/decoder.h"

#include "base/status.h"

const llmi_rope_row llmi_decoder_rope = {offsetof(llmi_decoder_hparams, rope), offsetof(llmi_decoder_model, rope)};

llm_status llmi_decoder_check(void *hparams, const llmi_hparam_source *s) {
    llmi_decoder_hparams *hp = hparams;
    llm_status status = llmi_attention_settle(&hp->attn, hp->base.n_embd, s);
    return status == LLM_OK ? llmi_rope_settle(&hp->rope, hp->attn.head_dim, hp->base.n_ctx_train, s) : status;
}

llm_status llmi_decoder_set_layer(void *layer, const void *hparams, int32_t i, const llmi_weights *w) {
    llmi_decoder_layer *l = layer;
    const llmi_decoder_hparams *hp = hparams;
    return llmi_attention_window(&l->window, &hp->attn, i, hp->base.n_layers, w);
}

/* GGUF has one window for all layers. */
llm_status llmi_decoder_to_gguf(void *hparams, const llm_model *m) {
    llmi_decoder_hparams *hp = hparams;
    const llmi_decoder_layer *layers = m->layers;
    for (int32_t i = 1; i < hp->base.n_layers; i++)
        if (layers[i].window != layers[0].window)
            return llmi_error(
                LLM_E_UNSUPPORTED,
                "layer %d has an attention window of %d, layer 0 one of %d: GGUF states one for all layers", i,
                layers[i].window, layers[0].window);
    hp->attn.n_window = layers[0].window;
    llmi_rope_to_gguf(&hp->rope, ((const llmi_decoder_model *)m->family)->rope.scale);
    return LLM_OK;
}

void llmi_decoder_forward(const llm_model *m, llmi_recorder *r) {
    const llmi_decoder_hparams *hp = m->hparams;
    const llmi_decoder_model *own = m->family;
    const llmi_decoder_layer *layers = m->layers;
    llmi_pass p;
    llm_value x = llmi_blocks_begin(&p, m, r);
    llm_value angles = llmi_blocks_angles(&p, &own->rope);
    for (int32_t i = 0; i < hp->base.n_layers; i++) {
        const llmi_decoder_layer *l = &layers[i];
        llmi_blocks_layer(&p, i);

        llm_value h = llmi_blocks_norm(&p, x, l->attn_norm, hp->eps);
        llmi_qkv a = llmi_blocks_qkv(&p, h, &l->attn, &hp->attn);
        llmi_blocks_norm_heads(&p, a.q, l->attn.q_norm, &hp->attn, hp->eps);
        llmi_blocks_norm_heads(&p, a.k, l->attn.k_norm, &hp->attn, hp->eps);
        llmi_blocks_rotate(&p, a.q, angles, &hp->attn, hp->rope.style);
        llmi_blocks_rotate(&p, a.k, angles, &hp->attn, hp->rope.style);
        h = llmi_blocks_attend(&p, a, &hp->attn, l->window);
        llmi_blocks_add_product(&p, x, h, l->attn.wo, l->attn.bo);
        llmi_blocks_release(&p);

        h = llmi_blocks_norm(&p, x, l->ffn_norm, hp->eps);
        llmi_blocks_add_feed_forward(&p, x, h, &l->ffn, hp->ffn.n_ff);
    }
    llmi_blocks_end(&p, x, own->output_norm, hp->eps);
}
