// What Swift cannot say by itself: CPU instructions, shared-memory atomics, and calls that its Glibc module leaves out.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// As po_find, by looking at two bytes of the needle that are seldom in such texts, many places at a time (AVX2 where the CPU has it).
/// `first` < `second` < `needle_length` are the places of the two in the needle.
const void *po_find_by(const void *hay, size_t length, const void *needle, size_t needle_length, size_t first, size_t second);

/// CRC-32C (Castagnoli, RFC 3720 B.4) of `count` bytes, continuing from `crc` (0 to begin). Uses SSE 4.2 where the CPU has it.
uint32_t po_crc32c(uint32_t crc, const void *bytes, size_t count);

/// The first place of `needle` in `hay` (memmem), or NULL.
const void *po_find(const void *hay, size_t length, const void *needle, size_t needle_length);

/// Relaxed-order loads and stores on memory that two processes share (crash slots, heartbeat).
uint64_t po_atomic_load(const volatile uint64_t *address);
void po_atomic_store(volatile uint64_t *address, uint64_t value);
uint64_t po_atomic_add(volatile uint64_t *address, uint64_t value);

/// memfd_create(2) with close-on-exec off, so that a child inherits it. -1 and errno on failure.
int po_memfd(const char *name);

/// Gives up root for good in all threads: supplementary groups, then all three group ids, then all three user ids.
/// Returns 0, or -1 with errno, in which case the caller must exit.
int po_drop_privileges(const char *user, uint32_t uid, uint32_t gid);

/// Acts as a user for a while: `po_regain_privileges` brings root back. For programs that nobody else talks to. 0, or -1 with errno.
int po_lend_privileges(const char *user, uint32_t uid, uint32_t gid);
int po_regain_privileges(void);

/// The statfs type number of the file system that holds `path`, or 0 when it cannot be told.
uint64_t po_filesystem_type(const char *path);

/// Allocates `length` bytes for `fd` from `offset` on without changing its size (fallocate KEEP_SIZE). 0, or -1 with errno.
int po_fallocate_keep_size(int fd, int64_t offset, int64_t length);

/// User id of the process at the other end of a connected UNIX socket (SO_PEERCRED). 0, or -1 with errno.
int po_peer_user(int fd, uint32_t *uid);

/// accept4(2) with close-on-exec, without the peer's address. The new descriptor, or -1 with errno.
int po_accept(int fd);

/// A condition variable beside a pthread mutex; all zero to begin with.
typedef struct {
    uint32_t turn, waiters;
} po_condition;

/// Gives up `mutex` (a pthread_mutex_t, held), sleeps until it is woken or for no reason, and takes the mutex again. Not 0 when the
/// `deadline` (nanoseconds of the monotonic clock, negative for none) has passed.
int po_condition_wait(po_condition *condition, void *mutex, int64_t deadline);

/// Wakes one sleeper or all. To be called after what they wait for was changed under the mutex, with or without it.
void po_condition_wake(po_condition *condition, int all);

/// Nanoseconds of the monotonic clock.
int64_t po_monotonic(void);

/// Names the calling thread for ps and debuggers; the first 15 bytes count.
void po_name_thread(const char *name);

// Crash slots: what each thread has in hand, in memory that the dispatcher shares. A slot belongs to the thread that wrote it first.
#define PO_CRASH_SLOTS 256

typedef struct {
    uint64_t owned;        // 1 once a thread has taken the slot
    uint64_t since;        // monotonic seconds at which peer or content was noted; 0 when nothing is in hand
    uint64_t work;         // ContentWork, 0 for none
    uint64_t content;      // ContentHash
    int64_t account;       // AccountID, 0 for none
    uint64_t peer_length;  // 4, 16, or 0 for none
    uint8_t peer[16];
    uint64_t crashed;      // the signal that this thread received
} po_crash_slot;

/// From now on threads note into these PO_CRASH_SLOTS slots, and crashing signals mark the slot of their thread before they end the process.
void po_crash_attach(po_crash_slot *slots);
/// Notes of the calling thread. They cost a few nanoseconds and do nothing of use before `po_crash_attach`.
void po_crash_note_peer(const uint8_t *bytes, size_t length);
void po_crash_clear_peer(void);
void po_crash_note_content(uint64_t work, uint64_t content, int64_t account);
void po_crash_clear_content(void);

struct sockaddr;

/// accept4(2), nonblocking and close-on-exec, with the peer's address. The new descriptor, or -1 with errno.
int po_accept_peer(int listener, struct sockaddr *name, unsigned int *length);

/// An eventfd(2): nonblocking, close-on-exec. -1 with errno on failure.
int po_eventfd(void);

/// Blocks the signals in this thread and those it will start, and gives a descriptor that becomes readable when one arrives. -1 with errno.
int po_open_signals(const int *signals, int count);

/// The next signal from such a descriptor, or 0 when none waits.
int po_next_signal(int fd);

/// Lets no signal through in this thread and those it will start but the ones that report faults of the thread itself.
void po_block_signals(const int *signals, int count);

/// A pair of connected sockets that keep message borders, close-on-exec, non-blocking. 0, or -1 with errno.
int po_packet_pair(int ends[2]);

/// Sends one packet with descriptors, or fails at once: length sent, or -1 with errno. At most 200 descriptors.
long po_send_packet(int fd, const void *bytes, size_t length, const int *descriptors, int count);

/// Receives one packet without waiting; descriptors that came with it are close-on-exec and the caller's. Length, 0 at the end of the
/// stream, -1 with errno. `count` is the room in `descriptors` and becomes what came; more than that is closed.
long po_receive_packet(int fd, void *bytes, size_t length, int *descriptors, int *count);

/// For a child that is about to be spawned (`actions` is a posix_spawn_file_actions_t): it inherits nothing from `first` on.
int po_spawn_close_from(void *actions, int first);

/// Raises the limit of open descriptors as far as the system lets us, at most to `wanted`. Returns the limit now in force.
uint64_t po_raise_descriptor_limit(uint64_t wanted);

/// Sets the size of core files, soft and hard. 0, or -1 with errno.
int po_limit_core(uint64_t bytes);

/// What `po_entry` finds, without following links.
typedef struct {
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    uint64_t links;
} po_entry_facts;

/// Facts of `name` in the directory `directory`. 0, or -1 with errno.
int po_entry(int directory, const char *name, po_entry_facts *facts);

/// Sets owner and mode of `name`, if it still is a plain file with one link, or a directory; never follows a link, so that whoever may
/// write in the directory cannot lead root elsewhere. 0, or -1 with errno.
int po_set_entry(int directory, const char *name, uint32_t uid, uint32_t gid, uint32_t mode, int change_owner);
