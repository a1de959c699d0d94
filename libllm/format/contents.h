/* What the readers of each format fill and weights.c answers from. */
#ifndef LLMI_FORMAT_CONTENTS_H
#define LLMI_FORMAT_CONTENTS_H

#include "base/buf.h"
#include "base/file.h"
#include "format/weights.h"

/* One metadata entry. GGUF: data is the encoded value as stored in the file. config.json: json. */
typedef struct llmi_meta {
    llm_span key, text; /* text: for listing; set by llmi_meta_render */
    const void *data;
    size_t n_bytes;
    const llmi_json *json; /* NULL for GGUF */
    int32_t type;          /* LLMI_META_*; -1: null */
} llmi_meta;

typedef struct llmi_contents {
    const llm_allocator *a;
    llmi_buf files;    /* llmi_file */
    llmi_buf metas;    /* llmi_meta */
    llmi_buf tensors;  /* llmi_tensor */
    llmi_buf keys;     /* bytes of dotted paths */
    llmi_buf texts;    /* bytes of rendered numbers */
    llmi_json_doc doc; /* owns config */
    const llmi_json *config;
    char *path;     /* as given */
    int dir_fd;     /* of a Hugging Face directory, else -1 */
    int format;     /* LLMI_FORMAT_* */
    char note[192]; /* a warning about the files, not an error; or "" */
} llmi_contents;

void llmi_weights_contents_init(llmi_contents *c, const llm_allocator *a);
void llmi_weights_contents_free(llmi_contents *c);

/* gguf.c: appends what n bytes of a GGUF file hold; they stay borrowed. The caller names the file. */
llm_status llmi_gguf_parse(llmi_contents *c, const char *data, size_t n, bool metadata_only);
/* gguf_split.c: opens a file and, of a split set, the other parts. */
llm_status llmi_gguf_open(llmi_contents *c, const llmi_weights_options *options);

/* safetensors.c: the same for a safetensors file: tensors only, in order of their data. */
llm_status llmi_safetensors_parse(llmi_contents *c, const char *data, size_t n);
/* hf.c: opens a directory. */
llm_status llmi_hf_open(llmi_contents *c, const llmi_weights_options *options);
/* hf.c: reads config.json; its leaves become metadata. */
llm_status llmi_hf_parse_config(llmi_contents *c, llm_span text);

/* hints.c: sets an error text for bytes that are not a supported model file, e.g. an LFS pointer; `expected` names what
 * should have been there. */
llm_status llmi_hints_refuse(const char *data, size_t n, const char *expected);
/* The same before a file is read whole, from its first bytes: a GGUF file, or else a safetensors file, is expected. A
 * file that cannot be opened passes: opening it says why. */
llm_status llmi_hints_look(int dir_fd, const char *name, bool gguf);

/* folder.c: what a folder is that lacks config.json, or weights that can be read, as an error. */
bool llmi_folder_has(int dir_fd, const char *name);
/* Counts the names that end so; *name receives one of them if it fits. */
int llmi_folder_find(int dir_fd, const char *end, char *name, size_t capacity);
llm_status llmi_folder_no_config(const llmi_contents *c, llm_status status);
llm_status llmi_folder_no_weights(const llmi_contents *c);
const char *llmi_folder_tokenizer(int dir_fd); /* a tokenizer's file that is not read, or NULL */

/* meta.c */
size_t llmi_meta_type_size(int64_t type); /* of a scalar; 0 for others */
const char *llmi_meta_type_name(int64_t type);
bool llmi_meta_integer(int64_t *out, const llmi_meta *m); /* false: no integer, or beyond int64 */
bool llmi_meta_number(double *out, const llmi_meta *m);
bool llmi_meta_bool(bool *out, const llmi_meta *m);
bool llmi_meta_string(llm_span *out, const llmi_meta *m);
bool llmi_meta_array_of(llmi_meta_array *out, const llmi_meta *m);          /* GGUF only */
llm_status llmi_meta_render(llmi_contents *c);                              /* sets text of all entries */
const llmi_meta *llmi_meta_search(const llmi_contents *c, const char *key); /* linear: before there is a table */

/* weights.c: the last step of opening: builds the tables of names and takes over the contents, which are
 * left empty in any case. */
llm_status llmi_weights_from_contents(llmi_weights **out, llmi_contents *c);

#endif
