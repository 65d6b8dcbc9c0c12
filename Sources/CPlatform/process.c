// Processes, shared memory and file systems.
#define _GNU_SOURCE
#include "CPlatform.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

uint64_t po_atomic_load(const volatile uint64_t *address) { return __atomic_load_n(address, __ATOMIC_ACQUIRE); }
void po_atomic_store(volatile uint64_t *address, uint64_t value) { __atomic_store_n(address, value, __ATOMIC_RELEASE); }
uint64_t po_atomic_add(volatile uint64_t *address, uint64_t value) { return __atomic_add_fetch(address, value, __ATOMIC_ACQ_REL); }

int po_memfd(const char *name) { return memfd_create(name, 0); }

int po_drop_privileges(const char *user, uint32_t uid, uint32_t gid) {
    // glibc applies each of these to every thread of the process (nptl setxid), see docs/security.md.
    if (uid == 0 || gid == 0) { errno = EINVAL; return -1; }
    if (initgroups(user, gid) != 0) return -1;
    if (setresgid(gid, gid, gid) != 0) return -1;
    if (setresuid(uid, uid, uid) != 0) return -1;
    if (setuid(0) == 0) { errno = EPERM; return -1; }
    return 0;
}

uint64_t po_filesystem_type(const char *path) {
    struct statfs info;
    if (statfs(path, &info) != 0) return 0;
    return (uint64_t)info.f_type;
}

int po_fallocate_keep_size(int fd, int64_t offset, int64_t length) {
    return fallocate(fd, FALLOC_FL_KEEP_SIZE, offset, length);
}

int po_peer_user(int fd, uint32_t *uid) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return -1;
    *uid = peer.uid;
    return 0;
}

int po_accept(int fd) { return accept4(fd, NULL, NULL, SOCK_CLOEXEC); }

void po_name_thread(const char *name) {
    char cut[16];
    snprintf(cut, sizeof cut, "%s", name);
    pthread_setname_np(pthread_self(), cut);
}

static void fill(sigset_t *set, const int *signals, int count) {
    sigemptyset(set);
    for (int i = 0; i < count; i++) sigaddset(set, signals[i]);
}

int po_open_signals(const int *signals, int count) {
    sigset_t set;
    fill(&set, signals, count);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0) return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int po_next_signal(int fd) {
    struct signalfd_siginfo info;
    return read(fd, &info, sizeof info) == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

void po_block_signals(const int *signals, int count) {
    sigset_t set;
    fill(&set, signals, count);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int po_packet_pair(int ends[2]) { return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends); }

uint64_t po_raise_descriptor_limit(uint64_t wanted) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    struct rlimit raised = {wanted, limit.rlim_max < wanted ? wanted : limit.rlim_max};
    if (limit.rlim_cur >= wanted || setrlimit(RLIMIT_NOFILE, &raised) == 0) return limit.rlim_cur >= wanted ? limit.rlim_cur : wanted;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

int po_limit_core(uint64_t bytes) {
    struct rlimit limit = {bytes, bytes};
    return setrlimit(RLIMIT_CORE, &limit);
}

int po_entry(int directory, const char *name, po_entry_facts *facts) {
    struct stat info;
    if (fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return -1;
    facts->mode = info.st_mode;
    facts->uid = info.st_uid;
    facts->gid = info.st_gid;
    facts->links = info.st_nlink;
    return 0;
}

int po_set_entry(int directory, const char *name, uint32_t uid, uint32_t gid, uint32_t mode, int change_owner) {
    // The descriptor holds on to what was looked at: a rename in between changes nothing.
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) return -1;
    struct stat info;
    int result = fstat(fd, &info);
    if (result == 0 && !S_ISDIR(info.st_mode) && !(S_ISREG(info.st_mode) && info.st_nlink == 1)) {
        errno = EMLINK;
        result = -1;
    }
    if (result == 0 && change_owner) result = fchown(fd, uid, gid);
    if (result == 0) result = fchmod(fd, mode);
    int saved = errno;
    close(fd);
    errno = saved;
    return result;
}
