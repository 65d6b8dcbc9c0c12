// Reads a request. Everything in it is from outside: the fuzzer fuzz-deliver runs this.
#include "deliver.h"
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are taken as they stand in the packet");

static int is_name(const char *text, size_t most) {
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-");
    return length > 0 && length <= most && text[length] == 0 && text[0] != '.' && text[0] != '-';
}

// What a program is told; nothing else of its environment comes from outside.
static int is_fact(const char *text) {
    static const char *const names[] = {"SENDER=", "RECIPIENT=", "ORIGINAL_RECIPIENT=", "ACCOUNT=", "LOCAL=", "EXTENSION=",
                                        "DOMAIN=", "QUEUE_ID=", "TRACE_ID=", "MESSAGE_SIZE=", "ACCOUNT_LANGUAGE=", NULL};
    for (int i = 0; names[i] != NULL; i++)
        if (strncmp(text, names[i], strlen(names[i])) == 0) return 1;
    return 0;
}

int read_request(char *bytes, size_t length, request *r) {
    memset(r, 0, sizeof *r);
    if (length < NUMBERS || length > PACKET) return -1;
    memcpy(r, bytes, NUMBERS);
    if (r->magic != MAGIC || r->length != length || r->arguments > ARGUMENTS || r->facts > FACTS) return -1;
    // Bounds of our own: what the mta asks for can only be less.
    if (r->time < 1 || r->time > 3600 || r->cpu > 3600 || r->processes > 4096 || r->output > PACKET - 64) return -1;
    if (r->memory > 65536 || r->file > 65536) return -1;
    char *at = bytes + NUMBERS, *end = bytes + length;
    for (uint32_t i = 0, size; i <= r->arguments + r->facts; i++, at += size + 1) {
        if (end - at < 5) return -1;
        memcpy(&size, at, 4);
        at += 4;
        if (size >= (size_t)(end - at) || at[size] != 0 || memchr(at, 0, size) != NULL) return -1;
        *(i == 0 ? &r->user : i <= r->arguments ? &r->argument[i - 1] : &r->fact[i - 1 - r->arguments]) = at;
        if (i > r->arguments && !is_fact(at)) return -1;
    }
    if (at != end || !is_name(r->user, 32)) return -1;
    if (r->kind == MAILDROP) return r->arguments == 0 && r->facts == 0 ? 0 : -1;
    if (r->kind == PASSWORD) return r->arguments == 1 && r->facts == 0 && strlen(r->argument[0]) <= 1024 ? 0 : -1;
    // The program's name, one in the directory of programs, comes first.
    if (r->kind != PROGRAM || r->arguments < 1 || !is_name(r->argument[0], 64)) return -1;
    return r->cpu > 0 && r->memory > 0 && r->processes > 0 ? 0 : -1;
}
