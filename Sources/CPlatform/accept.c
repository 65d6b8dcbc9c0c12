// What an accepting thread needs.
#define _GNU_SOURCE
#include "CPlatform.h"
#include <sys/eventfd.h>
#include <sys/socket.h>

int po_accept_peer(int listener, struct sockaddr *name, unsigned int *length) {
    return accept4(listener, name, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int po_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
