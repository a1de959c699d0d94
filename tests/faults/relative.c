/* relative LIBRARY FOLDER [PLUGIN_DIR]: opens the library, goes to the folder, and says why "openblas" is not usable.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <llm/llm.h>

static void *library;

static void find(void *out, const char *name) {
    void *symbol = dlsym(library, name);
    memcpy(out, &symbol, sizeof symbol);
}

int main(int argc, char **argv) {
    llm_status (*create)(llm_runtime **, const llm_runtime_options *);
    llm_status (*get)(llm_device_info *, const llm_runtime *, int32_t);
    void (*init)(llm_runtime_options *, size_t);
    llm_runtime *runtime;
    llm_runtime_options o;
    llm_device_info d = {.struct_size = sizeof d};
    library = dlopen(argv[1], RTLD_NOW);
    if (!library) return puts(dlerror()), 1;
    find(&create, "llm_runtime_create");
    find(&get, "llm_runtime_device_get");
    find(&init, "llm_runtime_options_init_sized");
    init(&o, sizeof o);
    o.plugin_dir = argc > 3 ? argv[3] : NULL;
    if (create(&runtime, &o) || chdir(argv[2])) return 1;
    for (int i = 0; get(&d, runtime, i) == LLM_OK; i++)
        if (strcmp(d.name, "openblas") == 0) puts(d.reason);
    return 0;
}
