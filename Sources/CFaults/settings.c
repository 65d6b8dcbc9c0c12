// What the environment asks for, and where a path belongs.
#include "faults.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *faults_root, *faults_log, *faults_marks, *faults_control, *faults_report;
long faults_delay_ms;

static const char *setting(const char *name) {
    const char *value = getenv(name);
    return value != NULL && *value != 0 ? strdup(value) : NULL;
}

static void read_environment(void) {
    int saved = errno;
    faults_root = setting("POSTOFFICE_FAULTS_ROOT");
    faults_log = setting("POSTOFFICE_FAULTS_RECORD");
    faults_marks = setting("POSTOFFICE_FAULTS_MARKS");
    faults_control = setting("POSTOFFICE_FAULTS_CONTROL");
    faults_report = setting("POSTOFFICE_FAULTS_REPORT");
    const char *delay = getenv("POSTOFFICE_FAULTS_SYNC_DELAY_MS");
    faults_delay_ms = delay != NULL ? strtol(delay, NULL, 10) : 0;
    if (faults_root == NULL) faults_log = NULL;
    // A child that is forked while another thread logs or looks at the rules must not find the lock held for ever.
    if (faults_log != NULL) pthread_atfork(faults_lock, faults_unlock, faults_unlock);
    if (faults_control != NULL) pthread_atfork(faults_lock_rules, faults_unlock_rules, faults_unlock_rules);
    errno = saved;
}

void faults_prepare(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_environment);
}

bool faults_path_of(int fd, char out[PATH_MAX]) {
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, out, PATH_MAX - 1);
    if (length <= 0) return false;
    out[length] = 0;
    return out[0] == '/';
}

bool faults_absolute(int dirfd, const char *path, char out[PATH_MAX]) {
    char whole[PATH_MAX], parent[PATH_MAX];
    if (path[0] == '/') {
        if (snprintf(whole, sizeof whole, "%s", path) >= PATH_MAX) return false;
    } else {
        char base[PATH_MAX];
        if (dirfd == AT_FDCWD ? getcwd(base, sizeof base) == NULL : !faults_path_of(dirfd, base)) return false;
        if (snprintf(whole, sizeof whole, "%s/%s", base, path) >= PATH_MAX) return false;
    }
    size_t end = strlen(whole);
    while (end > 1 && whole[end - 1] == '/') whole[--end] = 0;
    char *slash = strrchr(whole, '/');
    if (slash == NULL) return false;
    char last[NAME_MAX + 1];
    if (snprintf(last, sizeof last, "%s", slash + 1) >= (int)sizeof last) return false;
    *slash = 0;
    if (realpath(whole[0] != 0 ? whole : "/", parent) == NULL) return false;
    return snprintf(out, PATH_MAX, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, last) < PATH_MAX;
}

bool faults_below_root(const char *path) {
    if (faults_root == NULL) return false;
    size_t length = strlen(faults_root);
    return strncmp(path, faults_root, length) == 0 && (path[length] == 0 || path[length] == '/');
}
