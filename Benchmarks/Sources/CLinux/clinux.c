#define _GNU_SOURCE
#include "clinux.h"
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

const void *find_bytes(const void *where, size_t length, const void *what, size_t what_length) {
    return memmem(where, length, what, what_length);
}

int adopt_orphans(void) {
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

int accept_nonblocking(int listener) {
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
