internal import Database

/// Tables of `counters.db`. An hour's row is the sum of its minutes', so that a month is 744 rows and not 44,640.
enum CountersSchema {
    static let schema = Schema(
        applicationID: 0x504F_434E,  // "POCN"
        steps: [
            """
            CREATE TABLE minute(minute INTEGER PRIMARY KEY, tally BLOB NOT NULL) STRICT;
            CREATE TABLE hour(hour INTEGER PRIMARY KEY, tally BLOB NOT NULL) STRICT;
            """
        ])

    static let put = Statement("INSERT OR REPLACE INTO minute(minute, tally) VALUES(?1, ?2)")
    static let putHour = Statement("INSERT OR REPLACE INTO hour(hour, tally) VALUES(?1, ?2)")
    static let one = Statement("SELECT tally FROM minute WHERE minute = ?1")
    static let oneHour = Statement("SELECT tally FROM hour WHERE hour = ?1")
    static let minutes = Statement("SELECT minute, tally FROM minute WHERE minute >= ?1 AND minute < ?2 ORDER BY minute")
    static let hours = Statement("SELECT hour, tally FROM hour WHERE hour >= ?1 AND hour < ?2 ORDER BY hour")
    /// By their number, not by the calendar: a clock that jumps ahead must not empty the table.
    static let forget = Statement(
        "DELETE FROM minute WHERE minute <= (SELECT minute FROM minute ORDER BY minute DESC LIMIT 1 OFFSET ?1)")
    static let forgetHours = Statement("DELETE FROM hour WHERE hour <= (SELECT hour FROM hour ORDER BY hour DESC LIMIT 1 OFFSET ?1)")
    static let oldest = Statement("SELECT min(minute) FROM minute")
}
