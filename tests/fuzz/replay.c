/* Runs a fuzz target over the files of folders, where there is no libFuzzer. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "fuzz/fuzz.h"

/* Longest input that is read; what is longer is cut. */
#define INPUT_MAX (1024 * 1024)

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    uint8_t *buffer = malloc(INPUT_MAX);
    FUZZ_HOLDS(buffer);
    size_t size = fread(buffer, 1, INPUT_MAX, file);
    (void)fclose(file);
    /* A block of just that size, so that the sanitizers see a byte too far. */
    uint8_t *input = malloc(size ? size : 1);
    FUZZ_HOLDS(input);
    memcpy(input, buffer, size);
    (void)LLVMFuzzerTestOneInput(input, size);
    free(input);
    free(buffer);
    return 0;
}

static int replay_folder(const char *folder, unsigned *n)
{
    DIR *dir = opendir(folder);
    int failed = 0;
    if (!dir) {
        perror(folder);
        return 1;
    }
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        failed |= replay_file(path);
        (*n)++;
    }
    (void)closedir(dir);
    return failed;
}

int main(int argc, char **argv)
{
    unsigned n = 0;
    int failed = 0;
    for (int i = 1; i < argc; i++)
        failed |= replay_folder(argv[i], &n);
    printf("%u inputs\n", n);
    return failed || n == 0;
}
