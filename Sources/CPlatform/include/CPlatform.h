// What Swift cannot say by itself: CPU instructions, shared-memory atomics, and calls that its Glibc module leaves out.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli, RFC 3720 B.4) of `count` bytes, continuing from `crc` (0 to begin). Uses SSE 4.2 where the CPU has it.
uint32_t po_crc32c(uint32_t crc, const void *bytes, size_t count);

/// Relaxed-order loads and stores on memory that two processes share (crash slots, heartbeat).
uint64_t po_atomic_load(const volatile uint64_t *address);
void po_atomic_store(volatile uint64_t *address, uint64_t value);
uint64_t po_atomic_add(volatile uint64_t *address, uint64_t value);

/// memfd_create(2) with close-on-exec off, so that a child inherits it. -1 and errno on failure.
int po_memfd(const char *name);

/// Gives up root for good in all threads: supplementary groups, then all three group ids, then all three user ids.
/// Returns 0, or -1 with errno, in which case the caller must exit.
int po_drop_privileges(const char *user, uint32_t uid, uint32_t gid);

/// The statfs type number of the file system that holds `path`, or 0 when it cannot be told.
uint64_t po_filesystem_type(const char *path);

/// Allocates `length` bytes for `fd` from `offset` on without changing its size (fallocate KEEP_SIZE). 0, or -1 with errno.
int po_fallocate_keep_size(int fd, int64_t offset, int64_t length);

/// User id of the process at the other end of a connected UNIX socket (SO_PEERCRED). 0, or -1 with errno.
int po_peer_user(int fd, uint32_t *uid);

/// accept4(2) with close-on-exec, without the peer's address. The new descriptor, or -1 with errno.
int po_accept(int fd);

/// Names the calling thread for ps and debuggers; the first 15 bytes count.
void po_name_thread(const char *name);
