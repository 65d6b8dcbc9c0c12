// Regular expressions that take time linear in the text: RE2, behind four functions of C. No exception leaves them.
#ifndef PO_CPATTERN_H
#define PO_CPATTERN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct po_pattern po_pattern;

/// Compiles. NULL when it cannot be: then `error` (of `error_size` bytes, always ended by NUL) says why, in English.
/// `max_program` bounds the compiled size in instructions, `max_memory` what compiling and matching may take, in bytes.
po_pattern *po_pattern_new(
    const char *text, size_t length, int ignores_case, int max_program, int64_t max_memory, char *error, size_t error_size);
void po_pattern_free(po_pattern *pattern);
/// 1 when it occurs in the text, 0 when not. Safe on any thread.
int po_pattern_matches(const po_pattern *pattern, const char *text, size_t length);

#ifdef __cplusplus
}
#endif

#endif
