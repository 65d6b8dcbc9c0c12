// Calls that fail on command.
//
// The control file holds one rule a line; the first that fits decides:
//
//     CALL EFFECT [match TEXT] [skip N] [every N] [times N]
//
//     CALL    sync | write | allocate | open | rename
//     EFFECT  EIO | ENOSPC | EDQUOT | EMFILE | EROFS | short (write only: half of the bytes are written) | KILL (the program, before the call)
//     match   only paths that contain TEXT           skip   let the first N pass
//     every   then only each Nth                     times  then at most N
//
// Two more lines need no path:
//
//     clock SECONDS      the wall clock is so much ahead (or behind, when negative) of the machine's; the monotonic one is not touched
//     delay MILLISECONDS every sync takes so much longer (beside POSTOFFICE_FAULTS_SYNC_DELAY_MS)
//
// Counting starts anew whenever the file changes. With a root set, only paths below it are met.
#include "faults.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MAXIMUM_RULES = 32, SHORTEN = -1, DIE = -2 };

struct rule {
    enum faults_call call;
    int effect;
    char match[256];
    long skip, every, times, met, fired;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rule rules[MAXIMUM_RULES];
static int rule_count;
static long clock_offset, extra_delay;
static struct timespec changed;
static ino_t source;
static off_t source_size = -1;

static const char *const call_names[CALL_COUNT] = {"sync", "write", "allocate", "open", "rename"};

static int effect_named(const char *name) {
    if (strcmp(name, "EIO") == 0) return EIO;
    if (strcmp(name, "ENOSPC") == 0) return ENOSPC;
    if (strcmp(name, "EDQUOT") == 0) return EDQUOT;
    if (strcmp(name, "EMFILE") == 0) return EMFILE;
    if (strcmp(name, "EROFS") == 0) return EROFS;
    if (strcmp(name, "short") == 0) return SHORTEN;
    if (strcmp(name, "KILL") == 0) return DIE;
    return 0;
}

/// A rule that cannot be understood ends the program: a test must not go on believing that something fails.
static void parse(char *line) {
    char *rest = NULL, *word = strtok_r(line, " \t\r", &rest);
    if (word == NULL || *word == '#') return;
    long *number = strcmp(word, "clock") == 0 ? &clock_offset : strcmp(word, "delay") == 0 ? &extra_delay : NULL;
    if (number != NULL) {
        const char *value = strtok_r(NULL, " \t\r", &rest);
        __atomic_store_n(number, value != NULL ? atol(value) : 0, __ATOMIC_RELEASE);
        return;
    }
    struct rule rule = {.call = CALL_COUNT, .every = 1, .times = LONG_MAX};
    for (int call = 0; call < CALL_COUNT; call++)
        if (strcmp(word, call_names[call]) == 0) rule.call = (enum faults_call)call;
    const char *effect = strtok_r(NULL, " \t\r", &rest);
    rule.effect = effect != NULL ? effect_named(effect) : 0;
    bool good = rule.call != CALL_COUNT && rule.effect != 0 && rule_count < MAXIMUM_RULES;
    while (good && (word = strtok_r(NULL, " \t\r", &rest)) != NULL) {
        const char *value = strtok_r(NULL, " \t\r", &rest);
        if (value == NULL) good = false;
        else if (strcmp(word, "match") == 0) good = snprintf(rule.match, sizeof rule.match, "%s", value) < (int)sizeof rule.match;
        else if (strcmp(word, "skip") == 0) rule.skip = atol(value);
        else if (strcmp(word, "every") == 0) good = (rule.every = atol(value)) > 0;
        else if (strcmp(word, "times") == 0) rule.times = atol(value);
        else good = false;
    }
    if (!good) {
        fprintf(stderr, "CFaults: bad rule in %s\n", faults_control);
        _exit(97);
    }
    rules[rule_count++] = rule;
}

/// Reads the control file when it is another one than at the last call. Needs the lock.
static void refresh(void) {
    struct stat now;
    if (stat(faults_control, &now) != 0) {
        rule_count = 0;
        clock_offset = extra_delay = 0;
        source_size = -1;
        return;
    }
    if (now.st_ino == source && now.st_size == source_size && now.st_mtim.tv_sec == changed.tv_sec && now.st_mtim.tv_nsec == changed.tv_nsec) return;
    source = now.st_ino;
    source_size = now.st_size;
    changed = now.st_mtim;
    rule_count = 0;
    clock_offset = extra_delay = 0;
    static char text[8192];
    int fd = (int)syscall(SYS_openat, AT_FDCWD, faults_control, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return;
    ssize_t length = read(fd, text, sizeof text - 1);
    syscall(SYS_close, fd);
    text[length > 0 ? length : 0] = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) parse(line);
}

static const char *effect_name(int effect) { return effect == SHORTEN ? "short" : effect == DIE ? "KILL" : strerrorname_np(effect); }

static void report(const struct rule *rule, const char *path) {
    if (faults_report == NULL) return;
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%s %s %s\n", call_names[rule->call], effect_name(rule->effect), path);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, faults_report, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return;
    (void)!syscall(SYS_write, fd, line, (size_t)length);
    syscall(SYS_close, fd);
}

/// Counts this call for `rule` and says whether it shall be hit.
static bool fires(struct rule *rule) {
    long turn = rule->met++;
    if (turn < rule->skip || (turn - rule->skip) % rule->every != rule->every - 1 || rule->fired >= rule->times) return false;
    rule->fired++;
    return true;
}

void faults_lock_rules(void) { pthread_mutex_lock(&lock); }
void faults_unlock_rules(void) { pthread_mutex_unlock(&lock); }

bool faults_has_rules(void) { return faults_control != NULL; }

int faults_verdict(enum faults_call call, const char *path, bool *shorten) {
    if (faults_control == NULL || (faults_root != NULL && !faults_below_root(path))) return 0;
    int saved = errno, verdict = 0;
    pthread_mutex_lock(&lock);
    refresh();
    for (int index = 0; index < rule_count; index++) {
        struct rule *rule = &rules[index];
        if (rule->call != call || (rule->match[0] != 0 && strstr(path, rule->match) == NULL)) continue;
        if (!fires(rule)) continue;
        report(rule, path);
        if (rule->effect == DIE) kill(getpid(), SIGKILL);
        if (rule->effect == SHORTEN && shorten != NULL) *shorten = true;
        else if (rule->effect != SHORTEN) verdict = rule->effect;
        break;
    }
    pthread_mutex_unlock(&lock);
    errno = saved;
    return verdict;
}

/// The rules may have changed since the last call.
static void look_again(void) {
    if (faults_control == NULL) return;
    int saved = errno;
    pthread_mutex_lock(&lock);
    refresh();
    pthread_mutex_unlock(&lock);
    errno = saved;
}

void faults_delay(void) {
    look_again();
    long wanted = faults_delay_ms + __atomic_load_n(&extra_delay, __ATOMIC_ACQUIRE);
    if (wanted <= 0) return;
    struct timespec rest = {.tv_sec = wanted / 1000, .tv_nsec = (wanted % 1000) * 1000000};
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {}
}

long faults_clock_offset(void) {
    look_again();
    return __atomic_load_n(&clock_offset, __ATOMIC_ACQUIRE);
}
