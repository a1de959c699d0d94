/* Folders that are not a model, or not one that can be read: what they are, and what to do. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "base/text.h"
#include "format/contents.h"

bool llmi_folder_has(int dir_fd, const char *name) {
    struct stat st;
    return fstatat(dir_fd, name, &st, 0) == 0;
}

static bool fits(const char *name, const char *begin, const char *end) {
    size_t n = strlen(name), n_begin = strlen(begin), n_end = strlen(end);
    return n >= n_begin && n >= n_end && memcmp(name, begin, n_begin) == 0 && strcmp(name + n - n_end, end) == 0;
}

/* Counts the names of a folder in `dir_fd` that begin and end so; *name receives one of them if it fits. */
static int find(int dir_fd, const char *folder, const char *begin, const char *end, char *name, size_t capacity) {
    int count = 0, fd = openat(dir_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        if (fd >= 0) close(fd);
        return 0;
    }
    for (struct dirent *e; (e = readdir(dir));) {
        if (!fits(e->d_name, begin, end) || strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        llmi_format(name, capacity, "%s", e->d_name);
        count++;
    }
    closedir(dir);
    return count;
}

int llmi_folder_find(int dir_fd, const char *end, char *name, size_t capacity) {
    return find(dir_fd, ".", "", end, name, capacity);
}

/* ---- the cache of huggingface_hub ---- */

/* models--OWNER--NAME/{blobs, refs/main, snapshots/COMMIT}: the commit of main, or any that is there. */
static bool find_snapshot(int dir_fd, char *name, size_t capacity) {
    char found[256] = "", path[300];
    int fd = openat(dir_fd, "refs/main", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd >= 0 ? read(fd, found, sizeof found - 1) : 0;
    if (fd >= 0) close(fd);
    found[n > 0 ? n : 0] = 0;
    found[strcspn(found, " \r\n/")] = 0;
    llmi_format(path, sizeof path, "snapshots/%s", found);
    if (!found[0] || !llmi_folder_has(dir_fd, path)) return find(dir_fd, "snapshots", "", "", name, capacity) > 0;
    llmi_format(name, capacity, "%s", found);
    return true;
}

/* ---- no config.json ---- */

static const char ADAPTER[] =
    "this is an adapter (PEFT, LoRA), not a model: merge it into its base model with merge_and_unload() and "
    "save_pretrained(), and load the result";

static const struct {
    const char *begin, *end; /* of a name in the folder */
    const char *text;
} strangers[] = {
    {"adapter_config.json", "", ADAPTER},
    {"adapter_model.", "", ADAPTER},
    {"params.json", "",
     "these are weights in their authors' own form (params.json): take the repository's Hugging Face form, with "
     "config.json and model.safetensors, or a GGUF file"},
    {"consolidated.", "",
     "these are weights in their authors' own form (consolidated.*): take the repository's Hugging Face form, with "
     "config.json and model.safetensors, or a GGUF file"},
    {"model_index.json", "", "this is a pipeline that makes images, not a language model"},
    {"", ".onnx", "this is an ONNX model: take the repository that has *.safetensors, or a GGUF file"},
    {"", ".mlmodelc", "this is a Core ML model: take the repository that has *.safetensors, or a GGUF file"},
    {"tokenizer.json", "", "it contains a tokenizer, but no model: config.json and *.safetensors are missing"},
};

llm_status llmi_folder_no_config(const llmi_contents *c, llm_status status) {
    char name[256];
    if (find(c->dir_fd, ".", "", ".gguf", name, sizeof name))
        return llmi_error_in(status, "no model directory, but it holds \"%s\": give the path of that file",
                             LLMI_QUOTE(name, strlen(name)));
    if (llmi_folder_has(c->dir_fd, "snapshots") && find_snapshot(c->dir_fd, name, sizeof name))
        return llmi_error(status,
                          "this is a folder of the Hugging Face cache: the model is in it, give the path "
                          "\"%s/snapshots/%s\"",
                          LLMI_QUOTE(c->path, strlen(c->path)), LLMI_QUOTE(name, strlen(name)));
    if (find(c->dir_fd, ".", "models--", "", name, sizeof name))
        return llmi_error(status,
                          "this is the Hugging Face cache: give the path of a model in it, such as "
                          "\"%s/%s/snapshots/...\"",
                          LLMI_QUOTE(c->path, strlen(c->path)), LLMI_QUOTE(name, strlen(name)));
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++)
        if (find(c->dir_fd, ".", strangers[i].begin, strangers[i].end, name, sizeof name))
            return llmi_error(LLM_E_UNSUPPORTED, "%s", strangers[i].text);
    return llmi_error_in(status, "no model directory: it needs config.json beside its *.safetensors");
}

/* ---- no weights that can be read ---- */

static const struct {
    const char *end, *kind;
} unread[] = {
    {".bin", "pickled"},
    {".pth", "pickled"},
    {".pt", "pickled"},
    {".ckpt", "pickled"},
    {".onnx", "of ONNX"},
    {".h5", "of Keras"},
    {".msgpack", "of Flax"},
    {".npz", "of NumPy"},
    {".gguf", "GGUF"},
    {".nemo", "of NeMo"},
    {".safetensors.part", "not complete"},
    {".incomplete", "not complete"},
};

llm_status llmi_folder_no_weights(const llmi_contents *c) {
    char name[256];
    if (llmi_folder_has(c->dir_fd, "adapter_model.safetensors") || llmi_folder_has(c->dir_fd, "adapter_model.bin"))
        return llmi_error(LLM_E_UNSUPPORTED, "%s", ADAPTER);
    if (llmi_folder_has(c->dir_fd, "consolidated.safetensors"))
        return llmi_error(LLM_E_UNSUPPORTED,
                          "consolidated.safetensors has the weights under their authors' own names: take the "
                          "repository's model*.safetensors");
    for (size_t i = 0; i < sizeof unread / sizeof unread[0]; i++)
        if (find(c->dir_fd, ".", "", unread[i].end, name, sizeof name))
            return llmi_error(LLM_E_UNSUPPORTED, "the weights are %s (\"%s\"): %s", unread[i].kind,
                              LLMI_QUOTE(name, strlen(name)),
                              strcmp(unread[i].end, ".gguf") == 0 ? "give the path of that file"
                                                                  : "save or download them as safetensors");
    return llmi_error(LLM_E_NOT_FOUND, "no *.safetensors beside config.json");
}

/* ---- no tokenizer.json ---- */

const char *llmi_folder_tokenizer(int dir_fd) {
    static const char *const files[] = {
        "tokenizer.model",        "vocab.json", "tekken.json", "vocab.txt", "spiece.model", "merges.txt",
        "sentencepiece.bpe.model"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (llmi_folder_has(dir_fd, files[i])) return files[i];
    return NULL;
}
