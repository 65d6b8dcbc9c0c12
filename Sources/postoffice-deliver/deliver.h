// postoffice-deliver: the only part of Post.Office that stays privileged. docs/security.md tells what was reviewed, and how.
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// One request a packet: numbers of 32 bits, little-endian, in the order below (the packet's length; counts of arguments and facts; seconds
// of time and CPU; MiB of memory and of a file; processes; bytes of output); then strings, each a number with its length, its bytes and a
// NUL: the user, the arguments, the facts. With it come descriptors: where to answer, and the message.
enum { MAGIC = 0x31444F50, PACKET = 32768, NUMBERS = 44, ARGUMENTS = 32, FACTS = 16, MAILDROP = 1, PROGRAM = 2, PASSWORD = 3 };
typedef struct {
    uint32_t magic, kind, length, arguments, facts, time, cpu, memory, file, processes, output;
    char *user, *argument[ARGUMENTS + 1], *fact[FACTS];  // the arguments end in NULL
} request;
// 0; -1 for anything that is not exactly as above. The strings stay in `bytes`.
int read_request(char *bytes, size_t length, request *out);

// The answer is one packet too: magic, result, code, length of the text, the text.
enum { DONE = 0, NOT_NOW = 1, NEVER = 2 };
_Noreturn void answer(int to, uint32_t result, uint32_t code, const char *text, size_t length);
_Noreturn void fail(int to, uint32_t result, const char *what, int error);

enum { LEAST_UID = 1000, NOBODY = 65534, TEMPORARY = 75, CHILDREN = 64 };
void become(uid_t uid, gid_t gid, const char *groups_of, uid_t kept);
void limit(int what, rlim_t value);

_Noreturn void append_to_maildrop(const request *r, const char *directory, struct passwd *who, uid_t service, int to, int body);
_Noreturn void run_program(const request *r, const char *directory, struct passwd *who, uid_t service, int to, int body);
_Noreturn void check_password(const request *r, struct passwd *who, int to);
