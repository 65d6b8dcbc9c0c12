// Calls that change or sync the content of a file.
#include "faults.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/// The rule that meets this descriptor, if any. Cheap when no control file was named.
static int verdict_for(enum faults_call call, int fd, bool *shorten) {
    char path[PATH_MAX];
    if (!faults_has_rules() || !faults_path_of(fd, path)) return 0;
    return faults_verdict(call, path, shorten);
}

// MARK: writes

ssize_t write(int fd, const void *bytes, size_t count) {
    faults_prepare();
    bool shorten = false;
    int error = verdict_for(CALL_WRITE, fd, &shorten);
    if (error != 0) { errno = error; return -1; }
    if (shorten) count = (count + 1) / 2;
    if (faults_class_of(fd) == FD_FREE) return syscall(SYS_write, fd, bytes, count);
    faults_lock();
    ssize_t done = syscall(SYS_write, fd, bytes, count);
    if (done > 0) faults_write(fd, bytes, (size_t)done, lseek(fd, 0, SEEK_CUR) - done);
    faults_unlock();
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    faults_prepare();
    bool shorten = false;
    int error = verdict_for(CALL_WRITE, fd, &shorten);
    if (error != 0) { errno = error; return -1; }
    if (shorten) count = (count + 1) / 2;
    if (faults_class_of(fd) == FD_FREE) return syscall(SYS_pwrite64, fd, bytes, count, offset);
    faults_lock();
    ssize_t done = syscall(SYS_pwrite64, fd, bytes, count, offset);
    if (done > 0) faults_write(fd, bytes, (size_t)done, offset);
    faults_unlock();
    return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) { return pwrite(fd, bytes, count, offset); }

/// Vectors are gathered, so that there is one way for a write; only files that are watched or may fail come here.
static ssize_t gathered(int fd, const struct iovec *parts, int count, const off_t *offset) {
    size_t whole = 0;
    for (int index = 0; index < count; index++) whole += parts[index].iov_len;
    char *bytes = malloc(whole > 0 ? whole : 1);
    if (bytes == NULL) return -1;
    size_t filled = 0;
    for (int index = 0; index < count; index++) {
        if (parts[index].iov_len > 0) memcpy(bytes + filled, parts[index].iov_base, parts[index].iov_len);
        filled += parts[index].iov_len;
    }
    ssize_t done = offset != NULL ? pwrite(fd, bytes, whole, *offset) : write(fd, bytes, whole);
    int saved = errno;
    free(bytes);
    errno = saved;
    return done;
}

static bool is_plain(int fd) {
    if (faults_class_of(fd) != FD_FREE) return false;
    char path[PATH_MAX];
    return !faults_has_rules() || !faults_path_of(fd, path) || (faults_root != NULL && !faults_below_root(path));
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    faults_prepare();
    if (count < 0 || is_plain(fd)) return syscall(SYS_writev, fd, parts, count);
    return gathered(fd, parts, count, NULL);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    faults_prepare();
    if (count < 0 || is_plain(fd)) return syscall(SYS_pwritev, fd, parts, count, offset, 0);
    return gathered(fd, parts, count, &offset);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) { return pwritev(fd, parts, count, offset); }

ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags) {
    faults_prepare();
    if (faults_class_of(fd) != FD_FREE) {
        faults_lock();
        faults_unknown("pwritev2", fd);
        faults_unlock();
    }
    return syscall(SYS_pwritev2, fd, parts, count, offset, 0, flags);
}

// Copies inside the kernel carry no bytes past us: a program that uses them on a watched file cannot be replayed, and the log says so.

ssize_t copy_file_range(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t count, unsigned flags) {
    faults_prepare();
    if (faults_class_of(to) != FD_FREE) { faults_lock(); faults_unknown("copy_file_range", to); faults_unlock(); }
    return syscall(SYS_copy_file_range, from, from_offset, to, to_offset, count, flags);
}

ssize_t sendfile(int to, int from, off_t *offset, size_t count) {
    faults_prepare();
    if (faults_class_of(to) != FD_FREE) { faults_lock(); faults_unknown("sendfile", to); faults_unlock(); }
    return syscall(SYS_sendfile, to, from, offset, count);
}

ssize_t sendfile64(int to, int from, off64_t *offset, size_t count) { return sendfile(to, from, offset, count); }

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    faults_prepare();
    if ((flags & (MAP_SHARED | MAP_SHARED_VALIDATE)) != 0 && (protection & PROT_WRITE) != 0 && (flags & MAP_ANONYMOUS) == 0
        && faults_class_of(fd) == FD_TRACKED) {
        char path[PATH_MAX];
        faults_lock();
        faults_entry(FAULTS_MAPPED, 0, faults_path_of(fd, path) ? path : "?", NULL);
        faults_unlock();
    }
    return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset) {
    return mmap(address, length, protection, flags, fd, offset);
}

// MARK: sizes

int ftruncate(int fd, off_t length) {
    faults_prepare();
    if (faults_class_of(fd) == FD_FREE) return (int)syscall(SYS_ftruncate, fd, length);
    faults_lock();
    int result = (int)syscall(SYS_ftruncate, fd, length);
    if (result == 0) faults_sized(FAULTS_TRUNCATE, fd, 0, 0, length);
    faults_unlock();
    return result;
}

int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }

int truncate(const char *path, off_t length) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    int result = ftruncate(fd, length), saved = errno;
    close(fd);
    errno = saved;
    return result;
}

int truncate64(const char *path, off64_t length) { return truncate(path, length); }

int fallocate(int fd, int mode, off_t offset, off_t length) {
    faults_prepare();
    int error = verdict_for(CALL_ALLOCATE, fd, NULL);
    if (error != 0) { errno = error; return -1; }
    if (faults_class_of(fd) == FD_FREE) return (int)syscall(SYS_fallocate, fd, mode, offset, length);
    faults_lock();
    int result = (int)syscall(SYS_fallocate, fd, mode, offset, length);
    if (result == 0) faults_sized(FAULTS_ALLOCATE, fd, (uint32_t)mode, offset, length);
    faults_unlock();
    return result;
}

int fallocate64(int fd, int mode, off64_t offset, off64_t length) { return fallocate(fd, mode, offset, length); }

int posix_fallocate(int fd, off_t offset, off_t length) {
    int saved = errno;
    int result = fallocate(fd, 0, offset, length) == 0 ? 0 : errno;
    errno = saved;
    return result;
}

int posix_fallocate64(int fd, off64_t offset, off64_t length) { return posix_fallocate(fd, offset, length); }

// MARK: syncs

/// Directories opened by opendir(3) do not pass through our open: they are met here for the first time.
static void adopt(int fd) {
    char path[PATH_MAX];
    if (faults_log == NULL || faults_class_of(fd) != FD_FREE || !faults_path_of(fd, path) || !faults_below_root(path)) return;
    faults_lock();
    faults_opened(fd, path, 0, true);
    faults_unlock();
}

static int synced(int fd, long call, uint32_t flags) {
    faults_prepare();
    int error = verdict_for(CALL_SYNC, fd, NULL);
    faults_delay();
    adopt(fd);
    if (faults_class_of(fd) != FD_TRACKED) {
        if (error != 0) { errno = error; return -1; }
        return (int)syscall(call, fd);
    }
    faults_lock();
    int result = error == 0 ? (int)syscall(call, fd) : -1;
    if (error == 0 && result != 0) error = errno;
    faults_synced(fd, flags, error);
    faults_unlock();
    errno = error;
    return result;
}

int fsync(int fd) { return synced(fd, SYS_fsync, 0); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync, FAULTS_DATA_ONLY); }

/// Promises nothing about metadata nor about the cache of the disk; a program must not rely on it, so the log ignores it.
int sync_file_range(int fd, off64_t offset, off64_t length, unsigned flags) {
    faults_prepare();
    faults_delay();
    return (int)syscall(SYS_sync_file_range, fd, offset, length, flags);
}

static void synced_all(void) {
    if (faults_log == NULL) return;
    faults_lock();
    faults_entry(FAULTS_SYNC_ALL, 0, NULL, NULL);
    faults_unlock();
}

int syncfs(int fd) {
    faults_prepare();
    int error = verdict_for(CALL_SYNC, fd, NULL);
    faults_delay();
    if (error != 0) { errno = error; return -1; }
    int result = (int)syscall(SYS_syncfs, fd);
    if (result == 0) synced_all();
    return result;
}

void sync(void) {
    faults_prepare();
    faults_delay();
    syscall(SYS_sync);
    synced_all();
}

int msync(void *address, size_t length, int flags) {
    faults_prepare();
    if ((flags & MS_SYNC) != 0) faults_delay();
    return (int)syscall(SYS_msync, address, length, flags);
}

ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off64_t offset, int flags) {
    return pwritev2(fd, parts, count, offset, flags);
}
