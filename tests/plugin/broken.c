/* Plug-ins that a loader must refuse, one for each value of BROKEN. */
#include <stdio.h>

#include <llm/sys/backend.h>

enum { ABI = 1, SIZE, PROBE_MISSING, REFUSES, NO_DEVICE, NO_ENTRY, NOTHING, OPEN_FAILS };

static llm_status probe(const llm_host *host, char *text, size_t capacity) {
    if (BROKEN != REFUSES) return LLM_OK;
    snprintf(text, capacity, "needs a flux capacitor");
    return LLM_E_DEVICE;
}

static llm_status open_device(llm_device **out, const llm_host *host) {
    if (BROKEN != OPEN_FAILS) return LLM_OK;
    host->set_error(host->user, LLM_E_DEVICE, "the driver is asleep");
    return LLM_E_DEVICE;
}

static const llm_backend backend = {
    .struct_size = BROKEN == SIZE ? 8 : sizeof backend,
    .abi = BROKEN == ABI ? 999 : LLM_BACKEND_ABI,
    .name = "broken",
    .probe = BROKEN == PROBE_MISSING ? NULL : probe,
    .open = open_device,
};

LLM_API const llm_backend *ENTRY(void);

const llm_backend *ENTRY(void) {
    return BROKEN == NOTHING ? NULL : &backend;
}
