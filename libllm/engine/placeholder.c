typedef int llmi_engine_placeholder;
