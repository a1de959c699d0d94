typedef int llmi_text_placeholder;
