typedef int llmk_quant_placeholder;
