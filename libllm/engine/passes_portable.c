#include "engine/passes_tables.h"
#define NAME llmi_passes_portable
#define TEXT "portable C"
#include "engine/passes_body.h"
