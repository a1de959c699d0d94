typedef int llmi_base_placeholder;
