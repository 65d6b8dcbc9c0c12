#include "CPattern.h"

#include <re2/re2.h>

#include <cstdio>
#include <new>
#include <string>

struct po_pattern {
    re2::RE2 expression;
    po_pattern(const re2::StringPiece &text, const re2::RE2::Options &options) : expression(text, options) {}
};

static void say(char *error, size_t size, const char *text) {
    if (size > 0) snprintf(error, size, "%s", text);
}

extern "C" po_pattern *po_pattern_new(
    const char *text, size_t length, int ignores_case, int max_program, int64_t max_memory, char *error, size_t error_size) {
    try {
        re2::RE2::Options options;
        options.set_log_errors(false);
        options.set_case_sensitive(!ignores_case);
        options.set_max_mem(max_memory);
        options.set_never_capture(true);
        po_pattern *pattern = new po_pattern(re2::StringPiece(text, length), options);
        if (!pattern->expression.ok()) {
            say(error, error_size, pattern->expression.error().c_str());
            delete pattern;
            return nullptr;
        }
        if (pattern->expression.ProgramSize() > max_program) {
            say(error, error_size, "pattern too large");
            delete pattern;
            return nullptr;
        }
        return pattern;
    } catch (...) {
        say(error, error_size, "out of memory");
        return nullptr;
    }
}

extern "C" void po_pattern_free(po_pattern *pattern) { delete pattern; }

extern "C" int po_pattern_matches(const po_pattern *pattern, const char *text, size_t length) {
    try {
        re2::StringPiece whole(text, length);
        return pattern->expression.Match(whole, 0, length, re2::RE2::UNANCHORED, nullptr, 0) ? 1 : 0;
    } catch (...) {
        return 0;
    }
}
