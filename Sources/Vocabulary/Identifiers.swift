// A type for each kind of number, so that an account is never taken for a mailbox, nor a UID for a sequence number.

/// A whole number with a meaning. Conforming types differ only in that meaning.
package protocol Identifier: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible where RawValue: FixedWidthInteger {
    init(rawValue: RawValue)
}

extension Identifier {
    package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    package var description: String { "\(self.rawValue)" }
}

/// An account of the directory, given once and never again.
package struct AccountID: Identifier {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
}

/// A mailbox (folder) of the message store.
package struct MailboxID: Identifier {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
}

/// One stored body, shared by all messages that are copies of it. Internal to the store and its tools.
package struct BlobID: Identifier {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
}

/// One recipient that is still to be delivered.
package struct QueueID: Identifier {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
}

/// Unique identifier of a message in a mailbox. Zero is no UID. [RFC9051-2.3.1.1]
package struct UID: Identifier {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// The value that says whether remembered UIDs of a mailbox still hold. [RFC9051-2.3.1.1]
package struct UIDValidity: Identifier {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// Modification sequence of a mailbox, growing with each change. 63 bits. [RFC7162-3.1]
package struct ModSeq: Identifier {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
}
