/// What `check` found. Empty `problems` means that every byte and every number was looked at and is right.
package struct CheckReport: Sendable {
    package struct Problem: Sendable, Hashable, CustomStringConvertible {
        /// Constant name of the class of problem: `body-checksum`, `missing-segment`, `reference-count` …
        package var kind: String
        /// Facts: which segment, offset, mailbox, what was expected.
        package var detail: String
        package var description: String { "\(self.kind): \(self.detail)" }

        package init(_ kind: String, _ detail: String) {
            self.kind = kind
            self.detail = detail
        }
    }

    package var problems: [Problem] = []
    package var segments = 0
    package var records = 0
    package var messages = 0
    package var mailboxes = 0
    package var bytes: Int64 = 0
    /// Bytes at the ends of segments that a crash left behind and no 250 stands for.
    package var unfinishedBytes: Int64 = 0

    package init() {}
}

/// How far a long task is.
package struct Progress: Sendable {
    package var step: String
    package var done: Int64
    package var total: Int64

    package init(step: String, done: Int64, total: Int64) {
        self.step = step
        self.done = done
        self.total = total
    }
}
