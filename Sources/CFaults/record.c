// The log: which descriptors are watched, and one record appended for each change.
#include "faults.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MAXIMUM_DESCRIPTORS = 65536 };

struct descriptor {
    uint8_t class;
    bool directory, synchronous;
    uint64_t node;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct descriptor table[MAXIMUM_DESCRIPTORS];
static int log_fd = -1;

/// This thread ends the program and keeps the lock until nothing is left that could want it.
static __thread bool ends_program;

void faults_lock(void) {
    if (!ends_program) pthread_mutex_lock(&lock);
}

void faults_unlock(void) {
    if (!ends_program) pthread_mutex_unlock(&lock);
}

/// The end of a program cuts a write of another thread at some page: bytes in the file that no record tells of. Nobody may be writing then.
void faults_stop(void) {
    faults_lock();
    ends_program = true;
}

__attribute__((destructor)) static void stop_at_exit(void) { faults_stop(); }

int kill(pid_t process, int number) {
    faults_prepare();
    if (faults_log != NULL && process == getpid() && number == SIGKILL) faults_stop();
    return (int)syscall(SYS_kill, process, number);
}

enum faults_class faults_class_of(int fd) {
    if (faults_log == NULL || fd < 0 || fd >= MAXIMUM_DESCRIPTORS) return FD_FREE;
    return (enum faults_class)__atomic_load_n(&table[fd].class, __ATOMIC_ACQUIRE);
}

/// A log with a hole proves nothing: the program ends when it cannot be written.
static void give_up(const char *why) {
    fprintf(stderr, "CFaults: recorder: %s: %s\n", why, strerror(errno));
    syscall(SYS_exit_group, 98);
    __builtin_unreachable();
}

static void append(struct faults_record *record, const char *path, const char *target, const void *data) {
    if (log_fd < 0) {
        int fd = (int)syscall(SYS_openat, AT_FDCWD, faults_log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd < 0) give_up(faults_log);
        // Out of the way of programs that count on low numbers.
        log_fd = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 900);
        if (log_fd < 0) log_fd = fd; else syscall(SYS_close, fd);
    }
    record->magic = FAULTS_MAGIC;
    record->version = FAULTS_VERSION;
    record->thread = (uint32_t)syscall(SYS_gettid);
    record->path = path != NULL ? (uint32_t)strlen(path) : 0;
    record->target = target != NULL ? (uint32_t)strlen(target) : 0;
    struct iovec parts[4] = {
        {record, sizeof *record}, {(void *)path, record->path}, {(void *)target, record->target}, {(void *)data, record->data}};
    size_t whole = sizeof *record + record->path + record->target + record->data;
    int saved = errno;
    if (syscall(SYS_writev, log_fd, parts, 4) != (long)whole) give_up("write");
    errno = saved;
}

void faults_opened(int fd, const char *path, int flags, bool existed) {
    if (fd >= MAXIMUM_DESCRIPTORS) give_up("too many descriptors");
    struct stat facts;
    if (fstat(fd, &facts) != 0) give_up("fstat");
    struct descriptor *entry = &table[fd];
    entry->node = facts.st_ino;
    entry->directory = S_ISDIR(facts.st_mode);
    entry->synchronous = (flags & O_DSYNC) != 0;
    bool marks = faults_marks != NULL && strcmp(path, faults_marks) == 0;
    __atomic_store_n(&entry->class, marks ? FD_MARKS : FD_TRACKED, __ATOMIC_RELEASE);
    if (marks) return;
    if ((flags & O_TMPFILE) == O_TMPFILE) faults_unknown("O_TMPFILE", fd);
    struct faults_record record = {.kind = FAULTS_OPEN, .node = entry->node};
    if (!existed) record.flags |= FAULTS_CREATED;
    if (existed && (flags & O_TRUNC) != 0) record.flags |= FAULTS_TRUNCATED;
    if (entry->directory) record.flags |= FAULTS_DIRECTORY;
    append(&record, path, NULL, NULL);
}

void faults_closed(int fd) {
    if (fd >= 0 && fd < MAXIMUM_DESCRIPTORS) __atomic_store_n(&table[fd].class, FD_FREE, __ATOMIC_RELEASE);
}

void faults_duplicated(int from, int to) {
    if (to < 0 || to >= MAXIMUM_DESCRIPTORS || from == to) return;
    if (faults_class_of(from) == FD_FREE) { faults_closed(to); return; }
    table[to] = table[from];
}

void faults_write(int fd, const void *bytes, size_t count, int64_t offset) {
    bool marks = table[fd].class == FD_MARKS;
    struct faults_record record = {
        .kind = marks ? FAULTS_MARK : FAULTS_WRITE, .node = table[fd].node, .offset = offset, .length = (int64_t)count, .data = (uint32_t)count};
    append(&record, NULL, NULL, bytes);
    if (!marks && table[fd].synchronous) faults_synced(fd, FAULTS_DATA_ONLY, 0);
}

void faults_entry(enum faults_kind kind, uint64_t node, const char *path, const char *target) {
    struct faults_record record = {.kind = (uint16_t)kind, .node = node};
    append(&record, path, target, NULL);
}

void faults_sized(enum faults_kind kind, int fd, uint32_t flags, int64_t offset, int64_t length) {
    struct faults_record record = {.kind = (uint16_t)kind, .node = table[fd].node, .flags = flags, .offset = offset, .length = length};
    append(&record, NULL, NULL, NULL);
}

void faults_synced(int fd, uint32_t flags, int error) {
    struct faults_record record = {.kind = FAULTS_SYNC, .node = table[fd].node, .flags = flags, .error = error};
    append(&record, NULL, NULL, NULL);
}

void faults_unknown(const char *call, int fd) {
    struct faults_record record = {.kind = FAULTS_UNKNOWN, .node = fd >= 0 && fd < MAXIMUM_DESCRIPTORS ? table[fd].node : 0};
    append(&record, call, NULL, NULL);
}
