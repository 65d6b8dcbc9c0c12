internal import Bytes
package import NIOCore
package import Vocabulary

/// Counters of a mailbox, for STATUS. Only what was asked for must be filled.
package struct StatusValues: Hashable, Sendable {
    package var messages = 0
    package var uidNext = UID(rawValue: 1)
    package var validity = UIDValidity(rawValue: 1)
    package var unseen = 0
    package var deleted = 0
    package var size: Int64 = 0
    package var highestModSeq = ModSeq(rawValue: 1)
    package var mailboxID = ""
    /// nil: NIL, no limit of its own.
    package var appendLimit: Int64?
    package var deletedStorage: Int64 = 0

    package init() {}
}

extension ByteBuffer {
    /// A whole line. [RFC9051-7.3.3]
    package mutating func writeStatusLine(_ name: String, _ values: StatusValues, _ items: StatusItems, mode: WireMode) {
        self.writeStaticString("* STATUS ")
        self.writeMailboxName(name, isUTF8: mode.isUTF8)
        self.writeStaticString(" (")
        var isFirst = true
        func next(_ name: StaticString, _ out: inout ByteBuffer) {
            if !isFirst { out.writeInteger(UInt8.space) }
            isFirst = false
            out.writeStaticString(name)
        }
        func number(_ item: StatusItems, _ name: StaticString, _ value: some BinaryInteger, _ out: inout ByteBuffer) {
            guard items.contains(item) else { return }
            next(name, &out)
            out.writeIMAPNumber(value)
        }
        number(.messages, "MESSAGES ", values.messages, &self)
        number(.recent, "RECENT ", 0, &self)
        number(.uidNext, "UIDNEXT ", values.uidNext.rawValue, &self)
        number(.uidValidity, "UIDVALIDITY ", values.validity.rawValue, &self)
        number(.unseen, "UNSEEN ", values.unseen, &self)
        number(.deleted, "DELETED ", values.deleted, &self)
        number(.size, "SIZE ", values.size, &self)
        number(.highestModSeq, "HIGHESTMODSEQ ", values.highestModSeq.rawValue, &self)
        number(.deletedStorage, "DELETED-STORAGE ", values.deletedStorage, &self)
        if items.contains(.mailboxID) {
            next("MAILBOXID (", &self)
            self.writeString("\(values.mailboxID))")
        }
        if items.contains(.appendLimit) {
            next("APPENDLIMIT ", &self)
            if let limit = values.appendLimit { self.writeIMAPNumber(limit) } else { self.writeStaticString("NIL") }
        }
        self.writeStaticString(")\r\n")
    }
}
