typedef int llmi_api_placeholder;
