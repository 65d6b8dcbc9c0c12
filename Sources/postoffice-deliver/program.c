// Runs a program as its user, and leaves nothing of it behind.
#include "deliver.h"
#include <poll.h>
#include <sched.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

// The program's own process. `path` stands in a directory that only root writes to.
static _Noreturn void start(const request *r, const char *path, struct passwd *who, int body, int out) {
    const char *own[][2] = {{"HOME", who->pw_dir}, {"USER", who->pw_name}, {"LOGNAME", who->pw_name}, {"SHELL", "/bin/sh"},
                            {"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"LANG", "C.UTF-8"}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (setenv(own[i][0], own[i][1], 1) != 0) _exit(TEMPORARY);
    for (uint32_t i = 0; i < r->facts; i++)
        if (putenv(r->fact[i]) != 0) _exit(TEMPORARY);
    limit(RLIMIT_CPU, r->cpu), limit(RLIMIT_AS, (rlim_t)r->memory << 20), limit(RLIMIT_FSIZE, (rlim_t)r->file << 20);
    limit(RLIMIT_NPROC, r->processes), limit(RLIMIT_NOFILE, 256);
    setsid();
    become(who->pw_uid, who->pw_gid, who->pw_name, who->pw_uid);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (chdir(who->pw_dir) != 0 && chdir("/") != 0) _exit(TEMPORARY);
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    if (lseek(body, 0, SEEK_SET) != 0 || dup2(body, 0) != 0 || dup2(out, 1) != 1 || dup2(out, 2) != 2) _exit(TEMPORARY);
    close_range(3, ~0U, 0);
    execv(path, r->argument);
    dprintf(2, "%s: %s\n", r->argument[0], strerror(errno));
    _exit(TEMPORARY);
}

static int exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

// First process of a world of its own: when it ends, the kernel ends everything in there.
static _Noreturn void keep_world(uid_t service, pid_t program) {
    int status = 0;
    become(service, NOBODY, NULL, service);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    close_range(3, ~0U, 0);
    for (pid_t ended = 0; ended != program;)
        if ((ended = wait(&status)) < 0) _exit(TEMPORARY);
    _exit(exit_code(status));
}

void run_program(const request *r, const char *directory, struct passwd *who, uid_t service, int to, int body) {
    static char path[4096 + 70], text[PACKET], block[65536];
    struct stat place, file;
    size_t used = 0;
    int out[2], status = 0, timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    snprintf(path, sizeof path, "%.4095s/%s", directory, r->argument[0]);
    if (stat(directory, &place) != 0 || place.st_uid != 0 || (place.st_mode & 022))
        fail(to, NOT_NOW, "the directory of programs is not root's alone", 0);
    if (stat(path, &file) != 0) fail(to, NOT_NOW, r->argument[0], errno);
    if (!S_ISREG(file.st_mode) || (file.st_uid != 0 && file.st_uid != service) || (file.st_mode & 022))
        fail(to, NOT_NOW, "others may change the program", 0);
    if (pipe2(out, O_CLOEXEC | O_NONBLOCK) != 0 || fcntl(out[1], F_SETFL, 0) != 0) fail(to, NOT_NOW, "pipe", errno);
    if (timerfd_settime(timer, 0, &(struct itimerspec){.it_value.tv_sec = r->time}, NULL) != 0) fail(to, NOT_NOW, "timer", errno);
    // Without one a program could leave processes behind that nobody finds: then none is run.
    if (unshare(CLONE_NEWPID) != 0) fail(to, NOT_NOW, "no process namespace", errno);
    pid_t first = fork(), program = first == 0 ? fork() : -1;
    if (program == 0) start(r, path, who, body, out[1]);
    if (first == 0) keep_world(service, program);
    if (first < 0) fail(to, NOT_NOW, "fork", errno);
    close(out[1]);
    become(service, NOBODY, NULL, service);  // as the first process does: enough to end it
    struct pollfd watched[] = {{(int)syscall(SYS_pidfd_open, first, 0), POLLIN, 0}, {to, 0, 0}, {timer, POLLIN, 0}, {out[0], POLLIN, 0}};
    for (int is_over = 0; !is_over;) {  // it ended, nobody waits for the answer any more, or its time is over
        is_over = poll(watched, 4, -1) < 0 || watched[0].fd < 0 || watched[0].revents || watched[1].revents || watched[2].revents;
        // Until it is waited for, the number is nobody else's. It may not have given up root yet, and cannot be ended by us until then.
        while (is_over && waitpid(first, &status, kill(first, SIGKILL) == 0 ? 0 : WNOHANG) == 0) usleep(1000);
        // All that a pipe holds at once: the first bytes are kept, the rest is thrown away.
        ssize_t got = read(out[0], block, sizeof block);
        size_t kept = got < 0 ? 0 : (size_t)got < r->output - used ? (size_t)got : r->output - used;
        memcpy(text + used, block, kept), used += kept;
        if (got == 0) watched[3].fd = -1;
    }
    int is_late = watched[2].revents && !watched[0].revents;
    answer(to, is_late ? NOT_NOW : DONE, is_late ? 124 : (uint32_t)exit_code(status), text, used);
}
