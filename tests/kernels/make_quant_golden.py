#!/usr/bin/env python3
"""Writes quant_golden.bin: blocks of every data type with the values they stand for.

    pip install gguf numpy && python3 make_quant_golden.py

The values come from the PyPI package `gguf` (0.19.0 when the file was made). Per type:
name (8 bytes, zero-padded), u32 bytes, u32 elements, the bytes, the elements as float32;
little-endian. Blocks are random bytes whose F16 members are replaced by ordinary numbers.
"""
import pathlib
import struct

import gguf
import numpy as np

# type, number of blocks, byte offsets of the F16 members of a block
TYPES = [
    ("F16", 64, [0]), ("BF16", 64, []), ("Q8_0", 4, [0]), ("Q4_0", 4, [0]), ("Q4_1", 4, [0, 2]),
    ("Q5_0", 4, [0]), ("Q5_1", 4, [0, 2]), ("Q2_K", 3, [80, 82]), ("Q3_K", 3, [108]), ("Q4_K", 3, [0, 2]),
    ("Q5_K", 3, [0, 2]), ("Q6_K", 3, [208]),
]


def main():
    rng = np.random.default_rng(260)
    out = bytearray()
    for name, n_blocks, halves in TYPES:
        dtype = gguf.GGMLQuantizationType[name]
        elems, n_bytes = gguf.GGML_QUANT_SIZES[dtype]
        blocks = rng.integers(0, 256, (n_blocks, n_bytes), dtype=np.uint8)
        if name == "BF16":
            blocks[:] = (rng.standard_normal((n_blocks, 1)).astype(np.float32).view(np.uint8))[:, 2:4]
        for offset in halves:
            numbers = (rng.standard_normal(n_blocks) * 0.05).astype(np.float16)
            blocks[:, offset:offset + 2] = numbers.reshape(-1, 1).view(np.uint8)
        values = gguf.quants.dequantize(blocks, dtype).astype("<f4").reshape(-1)
        assert values.size == n_blocks * elems and np.isfinite(values).all()
        out += name.encode().ljust(8, b"\0") + struct.pack("<II", blocks.size, values.size)
        out += blocks.tobytes() + values.tobytes()
    path = pathlib.Path(__file__).with_name("quant_golden.bin")
    path.write_bytes(out)
    print(path.name, len(out), "bytes")


if __name__ == "__main__":
    main()
