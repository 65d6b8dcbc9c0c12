// What the Glibc module does not show to Swift.
#pragma once
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/inotify.h>

/// memmem(3).
const void *find_bytes(const void *where, size_t length, const void *what, size_t what_length);
/// Orphans of our children become our children (prctl PR_SET_CHILD_SUBREAPER).
int adopt_orphans(void);
/// accept4(2), non-blocking and close-on-exec.
int accept_nonblocking(int listener);
