#pragma once
#include <sqlite3.h>

/// Leaves the write-ahead log alone when the connection is closed (sqlite3_db_config is variadic, which Swift cannot call).
static inline int po_sqlite_keep_log(sqlite3 *database) { return sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)0); }

/// Steps on and writes the first columns of each row as numbers, row after row, until there are `most` rows or no more. Answers how many;
/// `code` is what the last step said: SQLITE_ROW where more may come, SQLITE_DONE, or a failure.
static inline int po_sqlite_take(sqlite3_stmt *statement, int columns, long long *out, int most, int *code) {
    int rows = 0;
    *code = SQLITE_ROW;
    while (rows < most) {
        *code = sqlite3_step(statement);
        if (*code != SQLITE_ROW) return rows;
        for (int column = 0; column < columns; column++) *out++ = sqlite3_column_int64(statement, column);
        rows++;
    }
    return rows;
}
