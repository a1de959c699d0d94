/* Runs every file of a folder through a fuzz target: replay_NAME FOLDER. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "fuzz/fuzz.h"

/* A copy of exactly the file's size, so that a sanitizer sees the first byte beyond. */
static int replay(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) return 0;
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    uint8_t *data = n >= 0 ? malloc(n ? (size_t)n : 1) : NULL;
    int ok = data && fread(data, 1, (size_t)n, f) == (size_t)n;
    fclose(f);
    if (ok) LLVMFuzzerTestOneInput(data, (size_t)n);
    free(data);
    return ok;
}

int main(int argc, char **argv) {
    char path[4096];
    int n = 0;
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    if (!dir) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    for (struct dirent *e; (e = readdir(dir));) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], e->d_name);
        fprintf(stderr, "%s\n", path);
        if (!replay(path)) return 1;
        n++;
    }
    closedir(dir);
    printf("%d inputs\n", n);
    return n ? 0 : 1; /* an empty corpus tests nothing */
}
