internal import Vocabulary

/// The maildrop of a session with its marks: what STAT, LIST, UIDL, DELE and RSET work on. [RFC1939-5]
struct MaildropSession: Sendable {
    let maildrop: Maildrop
    /// One bit a message; empty until the first DELE.
    private var marks: [UInt64] = []
    /// Messages and octets that are not marked.
    private(set) var count: Int
    private(set) var octets: Int64

    init(_ maildrop: Maildrop) {
        self.maildrop = maildrop
        self.count = maildrop.messages.count
        self.octets = maildrop.messages.reduce(0) { $0 &+ Int64($1.size) }
    }

    var hasMarks: Bool { self.count < self.maildrop.messages.count }

    func isMarked(_ index: Int) -> Bool {
        let word = index >> 6
        return word < self.marks.count && self.marks[word] & (1 << UInt64(index & 63)) != 0
    }

    /// Marks a message that is there and not marked.
    mutating func mark(_ index: Int) {
        guard self.maildrop.messages.indices.contains(index), !self.isMarked(index) else { return }
        if self.marks.isEmpty { self.marks = [UInt64](repeating: 0, count: (self.maildrop.messages.count + 63) >> 6) }
        self.marks[index >> 6] |= 1 << UInt64(index & 63)
        self.count -= 1
        self.octets -= Int64(self.maildrop.messages[index].size)
    }

    mutating func unmarkAll() { self = MaildropSession(self.maildrop) }

    var markedUIDs: [UID] {
        guard self.hasMarks else { return [] }
        return self.maildrop.messages.indices.lazy.filter(self.isMarked).map { self.maildrop.messages[$0].uid }
    }

    enum Lookup: Equatable { case found(Int), missing, marked }

    /// Place of a message number.
    func find(_ number: Int) -> Lookup {
        guard number >= 1, number <= self.maildrop.messages.count else { return .missing }
        return self.isMarked(number - 1) ? .marked : .found(number - 1)
    }
}
