// A condition variable that is small enough to be understood. glibc's loses wake-ups in rare interleavings of three threads and more
// (sourceware bug 25847: 2.27 to 2.40, Debian 12 among them), which would hang a thread for good.
#define _GNU_SOURCE
#include "CPlatform.h"
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// Why no wake-up is lost: a waiter reads `turn` and counts itself while it holds the mutex under which it found that it has to wait.
// Whoever changes what it waits for does so under the same mutex and calls wake afterwards: it then sees the count, and `turn` has
// moved before the waiter sleeps (the kernel refuses) or while it sleeps (it is woken). 2^32 wakes during one call would be missed.
int po_condition_wait(po_condition *condition, void *mutex, int64_t deadline) {
    uint32_t turn = __atomic_load_n(&condition->turn, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&condition->waiters, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(mutex);
    struct timespec until = {.tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000};
    syscall(SYS_futex, &condition->turn, FUTEX_WAIT_BITSET_PRIVATE, turn, deadline < 0 ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
    pthread_mutex_lock(mutex);
    __atomic_sub_fetch(&condition->waiters, 1, __ATOMIC_SEQ_CST);
    return deadline >= 0 && po_monotonic() >= deadline;
}

void po_condition_wake(po_condition *condition, int all) {
    __atomic_add_fetch(&condition->turn, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&condition->waiters, __ATOMIC_SEQ_CST) == 0) return;
    syscall(SYS_futex, &condition->turn, FUTEX_WAKE_PRIVATE, all ? INT_MAX : 1, NULL, NULL, 0);
}

int64_t po_monotonic(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
