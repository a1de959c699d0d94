typedef int llmk_ref_placeholder;
