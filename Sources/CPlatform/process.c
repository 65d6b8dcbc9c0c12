// Processes, shared memory and file systems.
#define _GNU_SOURCE
#include "CPlatform.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
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

int po_lend_privileges(const char *user, uint32_t uid, uint32_t gid) {
    if (uid == 0 || gid == 0) { errno = EINVAL; return -1; }
    if (initgroups(user, gid) != 0) return -1;
    if (setresgid(gid, gid, 0) != 0) return -1;
    return setresuid(uid, uid, 0);
}

int po_regain_privileges(void) {
    if (setresuid(0, 0, 0) != 0) return -1;
    if (setresgid(0, 0, 0) != 0) return -1;
    return setgroups(0, NULL);
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

enum { MOST_DESCRIPTORS = 200 };

long po_send_packet(int fd, const void *bytes, size_t length, const int *descriptors, int count) {
    union { struct cmsghdr header; char room[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))]; } control;
    struct iovec part = {(void *)bytes, length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count < 0 || count > MOST_DESCRIPTORS) { errno = EINVAL; return -1; }
    if (count > 0) {
        message.msg_control = control.room;
        message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
        memcpy(CMSG_DATA(header), descriptors, (size_t)count * sizeof(int));
    }
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

long po_receive_packet(int fd, void *bytes, size_t length, int *descriptors, int *count) {
    union { struct cmsghdr header; char room[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))]; } control;
    struct iovec part = {bytes, length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
    int room = *count;
    *count = 0;
    ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0) return -1;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t came = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t index = 0; index < came; index++) {
            int one;
            memcpy(&one, CMSG_DATA(header) + index * sizeof(int), sizeof one);
            if (*count < room) descriptors[(*count)++] = one; else close(one);
        }
    }
    return got;
}

int po_spawn_close_from(void *actions, int first) { return posix_spawn_file_actions_addclosefrom_np(actions, first); }

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
