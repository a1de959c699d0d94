typedef int llmi_format_placeholder;
