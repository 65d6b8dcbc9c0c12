// Between the files of this library. The real calls are made with syscall(2): nothing must be looked up, and no order of loading matters.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CFaults.h"
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/// What a rule may meet.
enum faults_call { CALL_SYNC, CALL_WRITE, CALL_ALLOCATE, CALL_OPEN, CALL_RENAME, CALL_COUNT };

// settings.c
extern const char *faults_root, *faults_log, *faults_marks, *faults_control, *faults_report;
extern long faults_delay_ms;
/// Reads the environment once; every entry point calls it first, since other libraries' constructors may run before ours.
void faults_prepare(void);

// paths.c
/// The path that `fd` was opened with, as the kernel knows it now. False when there is none (socket, pipe).
bool faults_path_of(int fd, char out[PATH_MAX]);
/// `path` relative to `dirfd` made absolute, with the links of its directory resolved but not those of its last part.
bool faults_absolute(int dirfd, const char *path, char out[PATH_MAX]);
bool faults_below_root(const char *path);

// rules.c
/// 0, or the errno with which the call shall fail. `*shorten` is set when a write shall be cut in half instead.
int faults_verdict(enum faults_call call, const char *path, bool *shorten);
bool faults_has_rules(void);
/// Around a fork.
void faults_lock_rules(void);
void faults_unlock_rules(void);
void faults_delay(void);
/// Seconds by which the wall clock is to be wrong.
long faults_clock_offset(void);

// record.c
enum faults_class { FD_FREE = 0, FD_TRACKED, FD_MARKS };
void faults_lock(void);
void faults_unlock(void);
/// Takes the lock for good: the caller is about to end the program.
void faults_stop(void);
enum faults_class faults_class_of(int fd);
void faults_opened(int fd, const char *path, int flags, bool existed);
void faults_closed(int fd);
void faults_duplicated(int from, int to);
void faults_write(int fd, const void *bytes, size_t count, int64_t offset);
void faults_entry(enum faults_kind kind, uint64_t node, const char *path, const char *target);
void faults_sized(enum faults_kind kind, int fd, uint32_t flags, int64_t offset, int64_t length);
void faults_synced(int fd, uint32_t flags, int error);
void faults_unknown(const char *call, int fd);
