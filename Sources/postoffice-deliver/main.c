// Takes requests from the mta, a child each. Started by the dispatcher before it gives up root:
//     postoffice-deliver SOCKET SERVICE-UID MAILDROPS PROGRAMS PASSWORDS
// Two directories, `-` for what is not served; PASSWORDS is `yes` or `-`. Ends when nobody holds the other end of the socket.
#include "deliver.h"
#include <grp.h>
#include <sys/socket.h>
#include <sys/wait.h>

void answer(int to, uint32_t result, uint32_t code, const char *text, size_t length) {
    uint32_t head[] = {MAGIC, result, code, (uint32_t)length};
    struct iovec parts[] = {{head, sizeof head}, {(char *)text, length}};
    sendmsg(to, &(struct msghdr){.msg_iov = parts, .msg_iovlen = 2}, MSG_NOSIGNAL);
    _exit(0);
}

void fail(int to, uint32_t result, const char *what, int error) {
    char text[200];
    snprintf(text, sizeof text, "%s%s%s", what, error ? ": " : "", error ? strerror(error) : "");
    answer(to, result, (uint32_t)error, text, strlen(text));
}

// A person of this system: not root, not a system user, not the service.
static struct passwd *person(const request *r, uid_t service, int to) {
    errno = 0;
    struct passwd *who = getpwnam(r->user);
    if (who == NULL) fail(to, errno == 0 || errno == ENOENT || errno == ESRCH ? NEVER : NOT_NOW, "no such user", errno);
    int is_system = who->pw_uid < LEAST_UID || who->pw_uid == NOBODY || who->pw_uid == service || who->pw_gid == 0;
    if (is_system || strcmp(who->pw_name, r->user) != 0) fail(to, NEVER, "not a user whom mail may be delivered to", 0);
    return who;
}

// For good, with nothing left of root. Ends the process where that cannot be. Only user `kept`, and not `uid`, may send it signals then.
void become(uid_t uid, gid_t gid, const char *groups_of, uid_t kept) {
    int failed = groups_of != NULL ? initgroups(groups_of, gid) : setgroups(0, NULL);
    if (failed || setresgid(gid, gid, gid) || setresuid(kept, uid, kept)) _exit(TEMPORARY);
    if (uid == 0 || gid == 0 || kept == 0 || setuid(0) == 0 || setgid(0) == 0 || geteuid() != uid || getegid() != gid) _exit(TEMPORARY);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

void limit(int what, rlim_t value) {
    if (setrlimit(what, &(struct rlimit){value, value}) != 0) _exit(TEMPORARY);
}

// In a child of its own. `given` descriptors: where to answer, then the message.
static _Noreturn void serve(char *packet, size_t length, char **argv, const int *given, int count) {
    request r;
    struct stat message;
    int to = count > 0 ? given[0] : -1;
    limit(RLIMIT_CORE, 0), signal(SIGXFSZ, SIG_IGN);
    if (read_request(packet, length, &r) != 0) fail(to, NEVER, "not a request", 0);
    alarm(r.kind == PASSWORD ? r.time : r.time + 120);
    int is_right = r.kind == PASSWORD ? count == 1 : count == 2 && fstat(given[1], &message) == 0 && S_ISREG(message.st_mode);
    if (!is_right) fail(to, NEVER, "wrong descriptors", 0);
    if (argv[2 + r.kind][0] == '-') fail(to, NEVER, "not served here", 0);
    uid_t service = (uid_t)atol(argv[2]);
    struct passwd *who = person(&r, service, to);
    if (r.kind == MAILDROP) append_to_maildrop(&r, argv[3], who, service, to, given[1]);
    if (r.kind == PROGRAM) run_program(&r, argv[4], who, service, to, given[1]);
    check_password(&r, who, to);
}

static void child_ended(int number) { (void)number; }

// There are two of us, for root is gone from whoever could start one anew: the parent waits, and follows a killed child with another; the
// child listens, and becomes such a parent where its own was killed. Requests wait in the socket. Returns in each child: its parent.
static pid_t stay_two(void) {
    pid_t self = getpid(), child, ended;
    for (int status = 0;; usleep(100000)) {
        if ((child = fork()) == 0) return prctl(PR_SET_PDEATHSIG, SIGCHLD, 0, 0, 0), self;
        while (child > 0 && (ended = wait(&status)) != child && (ended > 0 || errno == EINTR)) {}
        if (child > 0 && WIFEXITED(status)) _exit(WEXITSTATUS(status));
    }
}

int main(int argc, char **argv) {
    static char packet[PACKET];
    union { struct cmsghdr header; char room[CMSG_SPACE(4 * sizeof(int))]; } control;
    struct iovec part = {packet, PACKET};
    int given[4], children = 0;
    if (argc != 6 || geteuid() != 0 || atol(argv[2]) <= 0) return 64;
    if (dup2(atoi(argv[1]), 3) < 0 || fcntl(3, F_SETFL, 0) != 0 || close_range(4, ~0U, 0) != 0 || chdir("/") != 0) return 71;
    setsid(), umask(077), clearenv();
    signal(SIGPIPE, SIG_IGN);
    sigaction(SIGCHLD, &(struct sigaction){.sa_handler = child_ended}, NULL);  // without SA_RESTART: ends the wait below, to reap
    for (pid_t parent = 0;;) {
        if (getppid() != parent) parent = stay_two(), children = 0;
        while (children > 0 && waitpid(-1, NULL, children < CHILDREN ? WNOHANG : 0) > 0) children--;
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
        ssize_t length = recvmsg(3, &message, MSG_CMSG_CLOEXEC);
        if (length < 0 && errno == EINTR) continue;
        if (length <= 0) return 0;
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        int count = c != NULL && c->cmsg_type == SCM_RIGHTS ? (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int)) : 0;
        if (count > 0) memcpy(given, CMSG_DATA(c), (size_t)count * sizeof(int));
        pid_t child = fork();
        if (child == 0) {
            signal(SIGCHLD, SIG_DFL), close(3);
            serve(packet, (size_t)length, argv, given, count);
        }
        children += child > 0;
        for (int i = 0; i < count; i++) close(given[i]);
        explicit_bzero(packet, sizeof packet);
    }
}
