#!/bin/sh
# folder.sh LLM EXAMPLES: exports the bundled GGUF as a Hugging Face directory; both write the same tokens.
set -eu
llm=$1 examples=$2
python3 -c "import gguf, numpy, safetensors, tokenizers" 2>/dev/null || {
    echo "skipped: python3 has not all of the packages gguf, numpy, safetensors, tokenizers"
    exit 77
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 "$examples/tiny-model/export.py" hf "$examples/models/tiny-reasoner.gguf" "$folder"
for prompt in "Once upon a time" "Q: Tom has 34 apples, buys 8 and gives 5. How many has he? A: Let's think step by step."; do
    # The reference computes with the very weights that were exported.
    for model in "$examples/models/tiny-reasoner.gguf" "$folder"; do
        "$llm" generate "$model" -p "$prompt" -n 40 --backend reference --json |
            python3 -c "import json, sys; print(json.load(sys.stdin)['ids'])" >>"$folder/ids"
    done
done
# Whole words are tokens, and never a part of another word.
for text in "Then the cannot scandal of theory 'the' is 1234." "can not cannot reverse: garden -> nedrag"; do
    for model in "$examples/models/tiny-reasoner.gguf" "$folder"; do
        "$llm" tokenize "$model" "$text" --json
    done >"$folder/tokens"
    [ "$(sed -n 1p "$folder/tokens")" = "$(sed -n 2p "$folder/tokens")" ]
done
cat "$folder/ids"
[ "$(sed -n 1p "$folder/ids")" = "$(sed -n 2p "$folder/ids")" ]
[ "$(sed -n 3p "$folder/ids")" = "$(sed -n 4p "$folder/ids")" ]
