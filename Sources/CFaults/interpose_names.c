// Calls that change directories, and the life of descriptors.
#include "faults.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int close(int fd) {
    // Before the number can be given to somebody else.
    faults_prepare();
    if (faults_class_of(fd) != FD_FREE) {
        faults_lock();
        faults_closed(fd);
        faults_unlock();
    }
    return (int)syscall(SYS_close, fd);
}

static int verdict_for(enum faults_call call, int dirfd, const char *path) {
    char whole[PATH_MAX];
    if (!faults_has_rules() || !faults_absolute(dirfd, path, whole)) return 0;
    return faults_verdict(call, whole, NULL);
}

static int opened(int dirfd, const char *path, int flags, mode_t mode) {
    faults_prepare();
    int error = verdict_for(CALL_OPEN, dirfd, path);
    if (error != 0) { errno = error; return -1; }
    if (faults_log == NULL) return (int)syscall(SYS_openat, dirfd, path, flags, mode);
    faults_lock();
    struct stat facts;
    bool existed = (flags & O_CREAT) == 0 || fstatat(dirfd, path, &facts, 0) == 0;
    int fd = (int)syscall(SYS_openat, dirfd, path, flags, mode), saved = errno;
    char whole[PATH_MAX];
    bool marks = fd >= 0 && faults_path_of(fd, whole) && faults_marks != NULL && __builtin_strcmp(whole, faults_marks) == 0;
    if (fd >= 0 && (marks || (faults_path_of(fd, whole) && faults_below_root(whole)))) faults_opened(fd, whole, flags, existed);
    else if (fd >= 0) faults_closed(fd);
    faults_unlock();
    errno = saved;
    return fd;
}

static mode_t mode_of(int flags, va_list rest) {
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? (mode_t)va_arg(rest, int) : 0;
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return opened(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return opened(AT_FDCWD, path, flags, mode);
}

int openat(int dirfd, const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return opened(dirfd, path, flags, mode);
}

int openat64(int dirfd, const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return opened(dirfd, path, flags, mode);
}

int creat(const char *path, mode_t mode) { return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

// The names that glibc's headers use under _FORTIFY_SOURCE.
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dirfd, const char *path, int flags);
int __openat64_2(int dirfd, const char *path, int flags);
int __open_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }
int __openat_2(int dirfd, const char *path, int flags) { return opened(dirfd, path, flags, 0); }
int __openat64_2(int dirfd, const char *path, int flags) { return opened(dirfd, path, flags, 0); }

// MARK: copies of descriptors

static int duplicated(int from, int to) {
    if (to < 0 || faults_log == NULL) return to;
    faults_lock();
    faults_duplicated(from, to);
    faults_unlock();
    return to;
}

int dup(int fd) {
    faults_prepare();
    return duplicated(fd, (int)syscall(SYS_dup, fd));
}

int dup3(int fd, int wanted, int flags) {
    faults_prepare();
    return duplicated(fd, (int)syscall(SYS_dup3, fd, wanted, flags));
}

int dup2(int fd, int wanted) {
    // dup3 refuses equal numbers, dup2 does not.
    if (fd == wanted) return fcntl(fd, F_GETFD) < 0 ? -1 : fd;
    return dup3(fd, wanted, 0);
}

static int controlled(int fd, int command, void *argument) {
    faults_prepare();
    int result = (int)syscall(SYS_fcntl, fd, command, argument);
    return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? duplicated(fd, result) : result;
}

int fcntl(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return controlled(fd, command, argument);
}

int fcntl64(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return controlled(fd, command, argument);
}

// MARK: names

/// Makes `call` (already done inside the lock) known when `path` is below the root.
static void named(enum faults_kind kind, int dirfd, const char *path, int target_fd, const char *target) {
    char first[PATH_MAX], second[PATH_MAX];
    if (!faults_absolute(dirfd, path, first)) return;
    if (target != NULL && !faults_absolute(target_fd, target, second)) return;
    if (!faults_below_root(first) && (target == NULL || !faults_below_root(second))) return;
    struct stat facts;
    const char *survivor = kind == FAULTS_RENAME ? second : first;
    bool known = kind != FAULTS_UNLINK && kind != FAULTS_RMDIR && lstat(survivor, &facts) == 0;
    faults_entry(kind, known ? facts.st_ino : 0, first, target != NULL ? second : NULL);
}

int renameat2(int from, const char *path, int to, const char *target, unsigned flags) {
    faults_prepare();
    int error = verdict_for(CALL_RENAME, to, target);
    if (error != 0) { errno = error; return -1; }
    if (faults_log == NULL) return (int)syscall(SYS_renameat2, from, path, to, target, flags);
    faults_lock();
    int result = (int)syscall(SYS_renameat2, from, path, to, target, flags), saved = errno;
    // RENAME_NOREPLACE (1) is a plain rename once it succeeded; exchanges are not replayed.
    if (result == 0 && (flags & ~1U) != 0) faults_unknown("renameat2", -1);
    else if (result == 0) named(FAULTS_RENAME, from, path, to, target);
    faults_unlock();
    errno = saved;
    return result;
}

int rename(const char *path, const char *target) { return renameat2(AT_FDCWD, path, AT_FDCWD, target, 0); }
int renameat(int from, const char *path, int to, const char *target) { return renameat2(from, path, to, target, 0); }

int linkat(int from, const char *path, int to, const char *target, int flags) {
    faults_prepare();
    if (faults_log == NULL) return (int)syscall(SYS_linkat, from, path, to, target, flags);
    faults_lock();
    int result = (int)syscall(SYS_linkat, from, path, to, target, flags), saved = errno;
    if (result == 0 && (flags & AT_EMPTY_PATH) != 0) faults_unknown("linkat", -1);
    else if (result == 0) named(FAULTS_LINK, from, path, to, target);
    faults_unlock();
    errno = saved;
    return result;
}

int link(const char *path, const char *target) { return linkat(AT_FDCWD, path, AT_FDCWD, target, 0); }

int unlinkat(int dirfd, const char *path, int flags) {
    faults_prepare();
    if (faults_log == NULL) return (int)syscall(SYS_unlinkat, dirfd, path, flags);
    faults_lock();
    int result = (int)syscall(SYS_unlinkat, dirfd, path, flags), saved = errno;
    if (result == 0) named((flags & AT_REMOVEDIR) != 0 ? FAULTS_RMDIR : FAULTS_UNLINK, dirfd, path, AT_FDCWD, NULL);
    faults_unlock();
    errno = saved;
    return result;
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int remove(const char *path) {
    struct stat facts;
    if (lstat(path, &facts) != 0) return -1;
    return S_ISDIR(facts.st_mode) ? rmdir(path) : unlink(path);
}

int mkdirat(int dirfd, const char *path, mode_t mode) {
    faults_prepare();
    if (faults_log == NULL) return (int)syscall(SYS_mkdirat, dirfd, path, mode);
    faults_lock();
    int result = (int)syscall(SYS_mkdirat, dirfd, path, mode), saved = errno;
    if (result == 0) named(FAULTS_MKDIR, dirfd, path, AT_FDCWD, NULL);
    faults_unlock();
    errno = saved;
    return result;
}

int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

int symlinkat(const char *content, int dirfd, const char *path) {
    faults_prepare();
    int result = (int)syscall(SYS_symlinkat, content, dirfd, path), saved = errno;
    char whole[PATH_MAX];
    if (result == 0 && faults_log != NULL && faults_absolute(dirfd, path, whole) && faults_below_root(whole)) {
        faults_lock();
        faults_unknown("symlink", -1);
        faults_unlock();
    }
    errno = saved;
    return result;
}

int symlink(const char *content, const char *path) { return symlinkat(content, AT_FDCWD, path); }

// MARK: ends of the program

// Between a call and its record the log does not tell the truth: the program ends before or after both.

void _exit(int status) {
    faults_prepare();
    if (faults_log != NULL) faults_stop();
    syscall(SYS_exit_group, status);
    __builtin_unreachable();
}
