typedef int llmi_model_placeholder;
