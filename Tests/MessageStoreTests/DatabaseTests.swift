import Database
import Glibc
import Testing

@Suite struct DatabaseTests {
    @Test("R1 a database that is locked for a moment is waited for: what is promised must not be answered as if the disk were full")
    func lockedForAMoment() throws {
        let scratch = try Scratch()
        let schema = Schema(applicationID: 1, steps: ["CREATE TABLE number(value INTEGER)"])
        let others = try Database.open(scratch.path + "/some.db", schema)
        let ours = try Database.open(scratch.path + "/some.db", schema)
        defer {
            ours.close()
            others.close()
        }
        let isLocked = Monitor(false)
        // As a reader does for microseconds when it meets the header of the log half-written.
        let locker = Thread("locker") {
            try? others.write { _ throws(DatabaseError) in
                isLocked.withLock { $0 = true }
                isLocked.broadcast()
                usleep(100_000)
            }
        }
        isLocked.wait(until: { $0 }, then: { _ in })
        try ours.write { db throws(DatabaseError) in try db.execute("INSERT INTO number VALUES(7)") }
        locker.join()
        #expect(try ours.read { db throws(DatabaseError) in try db.row(Statement("SELECT value FROM number")) { $0.int(0) } } == 7)
    }
}
