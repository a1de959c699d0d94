typedef int llmk_cpu_placeholder;
