"""Random quantized blocks, for golden models and for benchmarks."""
import gguf
import numpy as np
from gguf import GGMLQuantizationType as T


def f16(x):
    return np.asarray(x, np.float16).reshape(-1, 1).view(np.uint8)


def random_blocks(r, n, kind, sd):
    """n blocks of a type, uint8 [n, block bytes], whose values have mean 0 and a standard deviation of about sd: by
    the package's quantizer, or, for the K types, which it cannot write, random bits under fitting scales."""
    byte = lambda k: r.integers(0, 256, (n, k), dtype=np.uint8)
    spread = lambda k: f16(r.uniform(0.6, 1.4, n) * k)
    if kind == T.Q2_K:  # scales[16], qs[64], d, dmin; value d * (scale & 15) * q - dmin * (scale >> 4)
        return np.hstack([byte(16), byte(64), spread(sd / 15), spread(sd / 15 * 1.5)])
    if kind == T.Q3_K:  # hmask[32], qs[64], scales[12], d; value d * (scale - 32) * (q - 4)
        return np.hstack([byte(32), byte(64), byte(12), spread(sd / 42)])
    if kind == T.Q4_K:  # d, dmin, scales[12], qs[128]; value d * scale * q - dmin * min, of 6 bits
        return np.hstack([spread(sd / 276), spread(sd / 276 * 7.5), byte(12), byte(128)])
    if kind == T.Q5_K:  # d, dmin, scales[12], qh[32], qs[128]
        return np.hstack([spread(sd / 565), spread(sd / 565 * 15.5), byte(12), byte(32), byte(128)])
    if kind == T.Q6_K:  # ql[128], qh[64], int8 scales[16], d; value d * scale * (q - 32)
        return np.hstack([byte(128), byte(64), byte(16), spread(sd / 1360)])
    elements, n_bytes = gguf.GGML_QUANT_SIZES[kind]
    values = r.standard_normal((n, elements), np.float32) * np.float32(sd)
    return np.ascontiguousarray(gguf.quantize(values, kind)).view(np.uint8).reshape(n, n_bytes)
