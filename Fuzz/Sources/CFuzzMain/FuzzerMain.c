#include "FuzzerMain.h"
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *count, char ***words, int (*run)(const uint8_t *, size_t));
int LLVMFuzzerTestOneInput(const uint8_t *start, size_t count);

int fuzzer_main(int count, char **words) { return LLVMFuzzerRunDriver(&count, &words, LLVMFuzzerTestOneInput); }
