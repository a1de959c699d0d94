typedef int llmi_runtime_placeholder;
