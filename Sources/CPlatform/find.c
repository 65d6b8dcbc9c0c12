// memmem(3), which needs _GNU_SOURCE and so is hidden from Swift.
#define _GNU_SOURCE
#include "CPlatform.h"
#include <string.h>

const void *po_find(const void *hay, size_t length, const void *needle, size_t needle_length) {
    return memmem(hay, length, needle, needle_length);
}
