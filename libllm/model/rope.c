/* Every formula is computed in the steps and the precision (float32) of Hugging Face transformers,
 * modeling_rope_utils.py, because an error of one ulp in a frequency grows with the position. */
#include "model/rope.h"

#include <math.h>

#include "base/status.h"

static const double pi = 3.14159265358979323846;

/* Su et al., 2021 (arXiv 2104.09864): the frequency is the inverse of base^(2i/n). */
static float power(const llmi_rope_hparams *hp, int32_t i) {
    float exponent = (float)(2 * i) / (float)hp->n_rot;
    return (float)pow((double)hp->base, (double)exponent);
}

/* Llama 3.1's rule (arXiv 2407.21783; the model card's reference code): long waves are stretched by
 * the factor, short ones are left alone, those between are blended. */
static float llama3(const llmi_rope_hparams *hp, float freq) {
    float ctx = (float)hp->ctx_original;
    float wave = (float)(2 * pi) / freq;
    if (wave < ctx / hp->high) return freq;
    if (wave > ctx / hp->low) return freq / hp->factor;
    float smooth = (ctx / wave - hp->low) / (hp->high - hp->low);
    return (1 - smooth) * freq / hp->factor + smooth * freq;
}

/* YaRN (Peng et al., 2023, arXiv 2309.00071), section 3.2: the dimension that rotates `turns` times within the original
 * context. */
static double yarn_dim(const llmi_rope_hparams *hp, double turns) {
    double waves = hp->ctx_original / (turns * 2 * pi);
    return hp->n_rot * log(waves) / (2 * log((double)hp->base));
}

static float yarn(const llmi_rope_hparams *hp, int32_t i) {
    double low = fmax(floor(yarn_dim(hp, (double)hp->beta_fast)), 0);
    double high = fmin(ceil(yarn_dim(hp, (double)hp->beta_slow)), hp->n_rot - 1);
    if (low == high) high += 0.001;
    float ramp = ((float)i - (float)low) / (float)(high - low);
    float keep = 1 - fminf(fmaxf(ramp, 0), 1);
    float stretched = 1.0f / (hp->factor * power(hp, i));
    return stretched * (1 - keep) + 1.0f / power(hp, i) * keep;
}

/* The same paper, section 3.4: attention is sharpened as the context grows. */
static double yarn_mscale(double factor, double mscale) {
    return factor <= 1 ? 1.0 : 0.1 * mscale * log(factor) + 1.0;
}

static double attention_factor(const llmi_rope_hparams *hp, bool gguf) {
    double given = hp->attn > 0 ? (double)hp->attn : 1.0;
    if (hp->scaling != LLMI_ROPE_SCALING_YARN) return gguf ? given : 1.0;
    double factor = (double)hp->factor;
    if (gguf) return given * yarn_mscale(factor, 1);
    if (hp->attn > 0) return given;
    if (hp->mscale > 0 && hp->mscale_all > 0)
        return yarn_mscale(factor, (double)hp->mscale) / yarn_mscale(factor, (double)hp->mscale_all);
    return yarn_mscale(factor, 1);
}

void llmi_rope_frequencies(float *inv_freq, float *scale, const llmi_rope_hparams *hp, const float *factors,
                           bool gguf) {
    for (int32_t i = 0; i < hp->n_rot / 2; i++) {
        float freq = 1.0f / power(hp, i);
        if (hp->scaling == LLMI_ROPE_SCALING_LINEAR) freq /= hp->factor;
        if (hp->scaling == LLMI_ROPE_SCALING_LLAMA3) freq = llama3(hp, freq);
        if (hp->scaling == LLMI_ROPE_SCALING_YARN) freq = yarn(hp, i);
        if (factors) freq /= factors[i];
        inv_freq[i] = freq;
    }
    *scale = (float)attention_factor(hp, gguf);
}

/* ---- hyper-parameters ---- */

const llmi_hparam_name llmi_rope_scalings[] = {
    {"none", LLMI_ROPE_SCALING_NONE},     {"default", LLMI_ROPE_SCALING_NONE}, {"linear", LLMI_ROPE_SCALING_LINEAR},
    {"llama3", LLMI_ROPE_SCALING_LLAMA3}, {"yarn", LLMI_ROPE_SCALING_YARN},    {NULL, 0},
};

/* A factor alone means linear scaling in GGUF. */
static llm_status settle_scaling(llmi_rope_hparams *hp, const llmi_hparam_source *s) {
    bool scaled = hp->factor > 0;
    if (hp->scaling != LLMI_ROPE_SCALING_UNSTATED) return LLM_OK;
    if (scaled && !s->gguf)
        return llmi_error(LLM_E_FORMAT, "%s.factor is %g, but %s.rope_type is missing", s->rope, (double)hp->factor,
                          s->rope);
    hp->scaling = scaled ? LLMI_ROPE_SCALING_LINEAR : LLMI_ROPE_SCALING_NONE;
    return LLM_OK;
}

static llm_status settle_yarn(llmi_rope_hparams *hp, int32_t n_ctx_train) {
    if (!hp->ctx_original) hp->ctx_original = n_ctx_train;
    if (!(hp->factor > 0)) hp->factor = (float)n_ctx_train / (float)hp->ctx_original;
    if (!(hp->beta_fast > 0)) hp->beta_fast = 32;
    if (!(hp->beta_slow > 0)) hp->beta_slow = 1;
    if (hp->base <= 1) return llmi_error(LLM_E_FORMAT, "rope base is %g, yarn needs more than 1", (double)hp->base);
    return LLM_OK;
}

static llm_status check_scaling(const llmi_rope_hparams *hp) {
    if (!(hp->factor > 0)) return llmi_error(LLM_E_FORMAT, "rope scaling: the factor is missing");
    if (hp->scaling != LLMI_ROPE_SCALING_LLAMA3) return LLM_OK;
    if (!hp->ctx_original)
        return llmi_error(LLM_E_FORMAT, "rope scaling llama3: original_max_position_embeddings is missing");
    if (hp->low > 0 && hp->high > hp->low) return LLM_OK;
    return llmi_error(
        LLM_E_FORMAT,
        "rope scaling llama3: low_freq_factor is %g and high_freq_factor %g, expected both above 0 and the "
        "second above the first",
        (double)hp->low, (double)hp->high);
}

llm_status llmi_rope_settle(llmi_rope_hparams *hp, int32_t head_dim, int32_t n_ctx_train, const llmi_hparam_source *s) {
    hp->style = s->rope_style;
    if (!hp->n_rot) hp->n_rot = head_dim;
    if (hp->n_rot % 2 || hp->n_rot > head_dim)
        return llmi_error(LLM_E_FORMAT, "%d rotated elements of a head, expected an even number up to its size %d",
                          hp->n_rot, head_dim);
    llm_status status = settle_scaling(hp, s);
    if (status != LLM_OK) return status;
    if (s->gguf && !(hp->factor > 0)) hp->factor = 1; /* as other readers of GGUF take it */
    if (hp->scaling == LLMI_ROPE_SCALING_NONE) return LLM_OK;
    return hp->scaling == LLMI_ROPE_SCALING_YARN ? settle_yarn(hp, n_ctx_train) : check_scaling(hp);
}

void llmi_rope_to_gguf(llmi_rope_hparams *hp, float scale) {
    llmi_rope_hparams plain = {.n_rot = hp->n_rot, .style = hp->style, .base = hp->base};
    plain.scaling = LLMI_ROPE_SCALING_UNSTATED;
    if (hp->scaling == LLMI_ROPE_SCALING_LINEAR) {
        plain.scaling = hp->scaling;
        plain.factor = hp->factor;
    }
    if (hp->scaling == LLMI_ROPE_SCALING_YARN) {
        plain = *hp;
        plain.attn = (float)((double)scale / yarn_mscale((double)hp->factor, 1)); /* which GGUF multiplies it by */
    }
    *hp = plain;
}
