// A library to be preloaded (LD_PRELOAD) into a program under test. It never links into the product.
//
// It can do three things, each switched on by the environment of the program:
//
// Recorder.  POSTOFFICE_FAULTS_RECORD=LOG    appends every change below POSTOFFICE_FAULTS_ROOT, and every sync, to the file LOG,
//            POSTOFFICE_FAULTS_ROOT=DIR      in the one order in which they happened (calls are serialised while they are recorded).
//            POSTOFFICE_FAULTS_MARKS=FILE    what the program writes into FILE is put into the same order: "250 given for message 7".
// Failer.    POSTOFFICE_FAULTS_CONTROL=FILE  rules, read again whenever FILE changes; see `rules.c` for their grammar.
//            POSTOFFICE_FAULTS_REPORT=FILE   a line is appended for each call that was made to fail.
// Slow disk. POSTOFFICE_FAULTS_SYNC_DELAY_MS=3   every fsync, fdatasync, syncfs, sync and msync takes so much longer.
//
// All directories are given as absolute paths without symbolic links.
#pragma once
#include <stdint.h>

/// One entry of the log: this header, then `path`, `target` and `data` bytes. Numbers are in the order of the CPU.
struct faults_record {
    uint32_t magic;        // FAULTS_MAGIC
    uint16_t version;      // FAULTS_VERSION
    uint16_t kind;         // enum faults_kind
    uint64_t node;         // inode number of the file or directory concerned
    int64_t offset;        // where a write or an allocation begins
    int64_t length;        // bytes written or allocated; size after a truncation
    int32_t error;         // errno of a failed sync, else 0 (other calls that fail change nothing and are not logged)
    uint32_t flags;        // FAULTS_CREATED …, or the mode of an allocation
    uint32_t path;         // bytes of the path that follows
    uint32_t target;       // bytes of the second path that follows (rename, link)
    uint32_t data;         // bytes of data that follow
    uint32_t thread;       // kernel's thread id
};

enum faults_kind {
    FAULTS_OPEN = 1, FAULTS_WRITE, FAULTS_TRUNCATE, FAULTS_ALLOCATE, FAULTS_RENAME, FAULTS_LINK, FAULTS_UNLINK, FAULTS_MKDIR, FAULTS_RMDIR,
    FAULTS_SYNC, FAULTS_MARK, FAULTS_MAPPED, FAULTS_UNKNOWN, FAULTS_SYNC_ALL,
};

enum {
    FAULTS_MAGIC = 0x4C464F50, FAULTS_VERSION = 1,
    FAULTS_CREATED = 1, FAULTS_TRUNCATED = 2, FAULTS_DIRECTORY = 4,   // of FAULTS_OPEN
    FAULTS_DATA_ONLY = 1,                                             // of FAULTS_SYNC: fdatasync
};
