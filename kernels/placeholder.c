typedef int llmk_placeholder;
