// Notes of what each thread has in hand, and the signal handler that says which thread it was.
#define _GNU_SOURCE
#include "CPlatform.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static po_crash_slot *shared;
static __thread po_crash_slot *mine;
// Threads without a slot of their own (before attach, or more threads than slots) note here, where nobody reads.
static __thread po_crash_slot unread;

static po_crash_slot *slot(void) {
    if (mine) return mine;
    if (!shared) return &unread;
    mine = &unread;
    for (int i = 0; i < PO_CRASH_SLOTS; i++) {
        uint64_t free_slot = 0;
        if (__atomic_compare_exchange_n(&shared[i].owned, &free_slot, 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            mine = &shared[i];
            break;
        }
    }
    // A stack that overflowed has no room for the handler: give this thread another for it. Kept for the thread's life.
    size_t size = 32768;
    stack_t other = {.ss_sp = malloc(size), .ss_size = size, .ss_flags = 0};
    if (other.ss_sp) sigaltstack(&other, NULL);
    return mine;
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    return (uint64_t)time.tv_sec + 1;
}

static void caught(int number) {
    // Only stores: anything may be broken. SA_RESETHAND lets the fault come back and end the process as it would have.
    po_crash_slot *own = mine;
    if (own) __atomic_store_n(&own->crashed, (uint64_t)number, __ATOMIC_RELEASE);
}

void po_crash_attach(po_crash_slot *slots) {
    shared = slots;
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = caught;
    action.sa_flags = (int)(SA_RESETHAND | SA_ONSTACK);
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) sigaction(signals[i], &action, NULL);
}

void po_crash_note_peer(const uint8_t *bytes, size_t length) {
    po_crash_slot *own = slot();
    if (length > sizeof own->peer) length = sizeof own->peer;
    memcpy(own->peer, bytes, length);
    own->peer_length = length;
    own->since = now();
}

void po_crash_clear_peer(void) {
    po_crash_slot *own = slot();
    own->peer_length = 0;
    if (own->work == 0) own->since = 0;
}

void po_crash_note_content(uint64_t work, uint64_t content, int64_t account) {
    po_crash_slot *own = slot();
    own->content = content;
    own->account = account;
    own->work = work;
    own->since = now();
}

void po_crash_clear_content(void) {
    po_crash_slot *own = slot();
    own->work = 0;
    own->content = 0;
    own->account = 0;
    if (own->peer_length == 0) own->since = 0;
}
