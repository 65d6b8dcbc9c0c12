// Appends a message to a UNIX maildrop, as its user with the group of the directory (mail): root is gone before anything is opened.
#include "deliver.h"
#include <time.h>

enum { STALE = 300 };  // seconds after which a lock of somebody unknown counts as left behind

static char lock_name[40];

// The file, locked by fcntl, as it stands in the directory now; -1 where that is not possible at this moment.
static int open_locked(int directory, struct passwd *who, int to, struct stat *info) {
    int flags = O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int fd = openat(directory, who->pw_name, flags, 0660);
    if (fd < 0) fail(to, NOT_NOW, errno == ELOOP ? "the maildrop is a symbolic link" : "open", errno);
    if (fstat(fd, info) != 0 || !S_ISREG(info->st_mode) || info->st_uid != who->pw_uid)
        fail(to, NOT_NOW, "the maildrop is no file of its user", 0);
    if (info->st_nlink > 1) fail(to, NOT_NOW, "the maildrop has other names (hard links)", 0);
    if (fcntl(fd, F_SETLK, &(struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET}) == 0) return fd;
    close(fd);
    return -1;
}

// A lock of ours says its process and how long the maildrop was. One whose process is gone was left behind in the middle of a message:
// what stands beyond that length was answered to nobody.
static void clear_stale(int directory, int fd, const struct stat *info) {
    char text[80] = "";
    long long process = 0, length = -1, file = 0;
    struct stat lock, now;
    if (fstatat(directory, lock_name, &lock, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(lock.st_mode)) return;
    int held = openat(directory, lock_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);  // only its age where it cannot be read
    if (held >= 0 && read(held, text, sizeof text - 1) < 0) text[0] = 0;
    close(held);
    int is_ours = sscanf(text, "%lld\npost.office %lld %lld", &process, &length, &file) == 3 && lock.st_uid == info->st_uid;
    int is_dead = process > 0 && kill((pid_t)process, 0) != 0 && errno == ESRCH;
    if (!is_dead && time(NULL) - lock.st_mtime < STALE) return;
    if (is_ours && (ino_t)file == info->st_ino && length >= 0 && fstat(fd, &now) == 0 && length < now.st_size)
        if (ftruncate(fd, length) != 0 || fsync(fd) != 0) return;
    unlinkat(directory, lock_name, 0);
}

// The lock that is a file, beside the other one: Debian policy 11.6. Tried once; 0 where somebody has it, or had until now. Only behind it
// the maildrop's length is what it is: some programs know no other lock.
static int dot_lock(int directory, int fd, struct passwd *who, struct stat *info, int to) {
    struct stat now;
    int lock = openat(directory, lock_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (lock < 0 && errno != EEXIST) fail(to, NOT_NOW, "lock", errno);
    if (lock < 0) return clear_stale(directory, fd, info), 0;
    // Who empties a maildrop may put another file in its place, or give it another name.
    int is_right = fstat(fd, info) == 0 && info->st_nlink == 1 && fstatat(directory, who->pw_name, &now, AT_SYMLINK_NOFOLLOW) == 0
                && now.st_ino == info->st_ino && now.st_dev == info->st_dev;
    int is_kept = dprintf(lock, "%d\npost.office %lld %lld\n", getpid(), (long long)info->st_size, (long long)info->st_ino) > 0
               && fsync(lock) == 0 && fsync(directory) == 0;
    int error = errno;
    close(lock);
    if (!is_right || !is_kept) unlinkat(directory, lock_name, 0);
    if (!is_kept) fail(to, NOT_NOW, "lock", error);
    return is_right;
}

// What is there ends in an empty line, or nothing would see where the next message begins.
static int append(int fd, off_t size, int body) {
    char block[65536], last[3] = "\n\n";
    ssize_t n = size < 2 ? size : 2;
    FILE *out = fdopen(fd, "a");
    if (out == NULL || pread(fd, last + 2 - n, (size_t)n, size - n) != n) return -1;
    if (fputs(last[1] != '\n' ? "\n\n" : last[0] != '\n' ? "\n" : "", out) < 0) return -1;
    for (off_t at = 0; (n = pread(body, block, sizeof block, at)) > 0; at += n)
        if (fwrite(block, 1, (size_t)n, out) != (size_t)n) return -1;
    return n == 0 && fflush(out) == 0 ? fsync(fd) : -1;
}

void append_to_maildrop(const request *r, const char *path, struct passwd *who, uid_t service, int to, int body) {
    struct stat place, info;
    if (stat(path, &place) != 0 || !S_ISDIR(place.st_mode) || place.st_uid != 0)
        fail(to, NOT_NOW, "the maildrop directory is not root's", 0);
    become(who->pw_uid, place.st_gid != 0 ? place.st_gid : who->pw_gid, NULL, service), umask(0007);
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), slept = 0;
    if (directory < 0) fail(to, NOT_NOW, "maildrop directory", errno);
    snprintf(lock_name, sizeof lock_name, "%.32s.lock", who->pw_name);
    for (int wait = 10; slept < (int)r->time * 1000; slept += wait, wait = wait < 500 ? wait * 2 : wait) {
        int fd = open_locked(directory, who, to, &info);
        // Never one lock while waiting for the other: whoever takes them in the other order would wait for us.
        if (fd >= 0 && dot_lock(directory, fd, who, &info, to)) {
            int failed = append(fd, info.st_size, body), error = errno;
            if (failed && (ftruncate(fd, info.st_size) != 0 || fsync(fd) != 0)) fail(to, NOT_NOW, "cannot be cut back", errno);
            unlinkat(directory, lock_name, 0);
            if (failed) fail(to, NOT_NOW, "write", error);
            answer(to, DONE, 0, "", 0);
        }
        close(fd), usleep((useconds_t)wait * 1000);
    }
    fail(to, NOT_NOW, "the maildrop is locked", 0);
}
