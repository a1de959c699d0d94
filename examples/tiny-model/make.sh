#!/bin/sh
# From the corpus to a GGUF and its measure, by one command: tokenizer, training, GGUF, RESULTS.md, all in the folder RUN.
# sh make.sh RUN MINUTES [LLM]; MINUTES: of training in all, a run that was ended goes on; LLM: the llm command, without it the
# measure runs on PyTorch. FROM=FILE.gguf begins with that model (empty: with nothing), LAYERS=7 with so many layers, SEED=2.
set -eu
run=$(realpath -m "${1:?usage: make.sh RUN MINUTES [LLM]}")
minutes=${2:?usage: make.sh RUN MINUTES [LLM]}
llm=${3:+$(realpath -m "$3")}
from=${FROM-$(dirname "$0")/../models/tiny-reasoner.gguf}
from=${from:+$(realpath "$from")}
cd "$(dirname "$0")"
python3 train.py --run "$run" --seed "${SEED:-2}" --minutes "$minutes" ${from:+--from "$from"} --layers "${LAYERS:-7}"
python3 export.py gguf "$run" "$run/tiny-reasoner.gguf"
if [ -n "$llm" ]; then
    python3 evaluate.py --model "$run/tiny-reasoner.gguf" --output "$run/RESULTS.md" --with llm --llm "$llm"
else
    python3 evaluate.py --model "$run/tiny-reasoner.gguf" --output "$run/RESULTS.md" --with torch
fi
ls -l "$run/tiny-reasoner.gguf" "$run/RESULTS.md"
