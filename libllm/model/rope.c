/* Every formula is computed in the steps and the precision (float32) of Hugging Face transformers,
 * modeling_rope_utils.py, because an error of one ulp in a frequency grows with the position. */
#include "model/rope.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

/* Su et al., 2021 (arXiv 2104.09864): the frequency is the inverse of base^(2i/n). */
static float power(const llmi_hparams *hp, int32_t i) {
    float exponent = (float)(2 * i) / (float)hp->n_rot;
    return (float)pow((double)hp->rope_base, (double)exponent);
}

/* Llama 3.1's rule (arXiv 2407.21783; the model card's reference code): long waves are stretched by
 * the factor, short ones are left alone, those between are blended. */
static float llama3(const llmi_hparams *hp, float freq) {
    float ctx = (float)hp->rope_ctx_original;
    float wave = (float)(2 * pi) / freq;
    if (wave < ctx / hp->rope_high) return freq;
    if (wave > ctx / hp->rope_low) return freq / hp->rope_factor;
    float smooth = (ctx / wave - hp->rope_low) / (hp->rope_high - hp->rope_low);
    return (1 - smooth) * freq / hp->rope_factor + smooth * freq;
}

/* YaRN (Peng et al., 2023, arXiv 2309.00071), section 3.2: the dimension that turns `turns` times
 * within the original context. */
static double yarn_dim(const llmi_hparams *hp, double turns) {
    double waves = hp->rope_ctx_original / (turns * 2 * pi);
    return hp->n_rot * log(waves) / (2 * log((double)hp->rope_base));
}

static float yarn(const llmi_hparams *hp, int32_t i) {
    double low = fmax(floor(yarn_dim(hp, (double)hp->rope_beta_fast)), 0);
    double high = fmin(ceil(yarn_dim(hp, (double)hp->rope_beta_slow)), hp->n_rot - 1);
    if (low == high) high += 0.001;
    float ramp = ((float)i - (float)low) / (float)(high - low);
    float keep = 1 - fminf(fmaxf(ramp, 0), 1);
    float stretched = 1.0f / (hp->rope_factor * power(hp, i));
    return stretched * (1 - keep) + 1.0f / power(hp, i) * keep;
}

/* The same paper, section 3.4: attention is sharpened as the context grows. */
static double yarn_mscale(double factor, double mscale) {
    return factor <= 1 ? 1.0 : 0.1 * mscale * log(factor) + 1.0;
}

static double attention_factor(const llmi_hparams *hp, bool gguf) {
    double given = hp->rope_attn > 0 ? (double)hp->rope_attn : 1.0;
    if (hp->rope_scaling != LLMI_ROPE_SCALING_YARN) return gguf ? given : 1.0;
    double factor = (double)hp->rope_factor;
    if (gguf) return given * yarn_mscale(factor, 1);
    if (hp->rope_attn > 0) return given;
    if (hp->rope_mscale > 0 && hp->rope_mscale_all > 0)
        return yarn_mscale(factor, (double)hp->rope_mscale) / yarn_mscale(factor, (double)hp->rope_mscale_all);
    return yarn_mscale(factor, 1);
}

void llmi_rope_frequencies(float *inv_freq, float *scale, const llmi_hparams *hp, const float *factors, bool gguf) {
    for (int32_t i = 0; i < hp->n_rot / 2; i++) {
        float freq = 1.0f / power(hp, i);
        if (hp->rope_scaling == LLMI_ROPE_SCALING_LINEAR) freq /= hp->rope_factor;
        if (hp->rope_scaling == LLMI_ROPE_SCALING_LLAMA3) freq = llama3(hp, freq);
        if (hp->rope_scaling == LLMI_ROPE_SCALING_YARN) freq = yarn(hp, i);
        if (factors) freq /= factors[i];
        inv_freq[i] = freq;
    }
    *scale = (float)attention_factor(hp, gguf);
}
