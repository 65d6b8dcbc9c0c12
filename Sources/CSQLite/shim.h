#pragma once
#include <sqlite3.h>

/// Leaves the write-ahead log alone when the connection is closed (sqlite3_db_config is variadic, which Swift cannot call).
static inline int po_sqlite_keep_log(sqlite3 *database) { return sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)0); }
