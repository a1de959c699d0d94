#!/bin/sh
# Makes the bundled model from its seed: corpus, tokenizer, training, GGUF, measure.
# sh make.sh RUN [llm command]; without the command the measure runs on PyTorch.
set -eu
run=$(realpath -m "${1:?usage: make.sh RUN [LLM]}")
llm=${2:+$(realpath "$2")}
cd "$(dirname "$0")"
python3 train.py --run "$run" --seed 1 --steps 3850
python3 export.py gguf "$run" ../models/tiny-reasoner.gguf
if [ -n "$llm" ]; then
    python3 evaluate.py --model ../models/tiny-reasoner.gguf --with llm --llm "$llm"
else
    python3 evaluate.py --model ../models/tiny-reasoner.gguf --with torch
fi
