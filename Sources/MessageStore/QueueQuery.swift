internal import Vocabulary

/// Which entries of the queue somebody wants to see. Everything that is said must hold.
package struct QueueQuery: Sendable, Hashable {
    package enum State: String, Sendable, Hashable, CaseIterable {
        /// Its time has come: it is being delivered, or waits for its turn.
        case due
        /// It was tried, or its time has not come.
        case deferred
        /// Nobody tries until somebody releases it.
        case held
    }

    package var state: State?
    /// An address, a domain with or without `@`, or `<>` for reports. Case is not looked at.
    package var sender: String?
    package var recipient: String?
    /// Name of a next hop, as entries have it.
    package var destination: String?
    /// A part of the reason, whatever its case in ASCII.
    package var reason: String?

    package init(
        state: State? = nil, sender: String? = nil, recipient: String? = nil, destination: String? = nil, reason: String? = nil
    ) {
        self.state = state
        self.sender = sender
        self.recipient = recipient
        self.destination = destination
        self.reason = reason
    }

    package var isEverything: Bool { self == QueueQuery() }

    /// Whether an entry fits.
    package func contains(_ entry: StoredQueueEntry, now: Int64) -> Bool {
        if let state, Self.state(of: entry, now: now) != state { return false }
        if let sender, !QueueKey.fits(QueueKey.of(entry.envelope.sender), sender) { return false }
        if let recipient, !QueueKey.fits(QueueKey.of(entry.draft.recipient.address), recipient) { return false }
        if let destination, destination != entry.draft.destination { return false }
        if let reason, !entry.reason.lowercased().contains(reason.lowercased()) { return false }
        return true
    }

    package static func state(of entry: StoredQueueEntry, now: Int64) -> State {
        if entry.draft.due >= MessageStore.never { return .held }
        return entry.draft.due > now ? .deferred : .due
    }
}

/// A place in the answer to a query, from which the next page goes on. Its text goes through pages, and comes back as somebody may have
/// changed it: it chooses where to read on and nothing else.
package struct QueuePlace: Sendable, Hashable {
    let numbers: [Int64]
    /// Where addresses give the order: that of the last entry, as `QueueKey` writes it.
    let key: String?

    init(_ numbers: Int64..., key: String? = nil) {
        self.numbers = numbers
        self.key = key
    }

    /// Letters, digits, points and one `-`.
    package var text: String {
        let digits = self.numbers.map { "\($0)" }.joined(separator: ".")
        guard let key else { return digits }
        return digits + "-" + key.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// nil for anything else.
    package init?(text: String) {
        guard text.utf8.count <= 2000 else { return nil }
        let halves = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = halves.first else { return nil }
        let parts = first.split(separator: ".", omittingEmptySubsequences: false).map { Int64($0) }
        let numbers = parts.compactMap { $0 }
        guard (1...3).contains(parts.count), numbers.count == parts.count, numbers.allSatisfy({ $0 >= 0 }) else { return nil }
        self.numbers = numbers
        guard halves.count == 2 else {
            self.key = nil
            return
        }
        let digits = Array(halves[1].utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) else { return nil }
            bytes.append(byte)
        }
        guard let key = String(validating: bytes, as: UTF8.self) else { return nil }
        self.key = key
    }
}

/// One page of entries.
package struct QueuePage: Sendable {
    package var entries: [StoredQueueEntry] = []
    /// Where the next page begins; nil at the end. With fewer entries than were asked for there may still be more: what one call looks at
    /// is bounded.
    package var next: QueuePlace?
    /// Entries that were looked at for it.
    package var examined = 0

    package init() {}
}

/// How an address stands in the columns for looking: `domain@local` in lower case, so that a domain is a range of them. A report has `@`.
enum QueueKey {
    static func of(_ address: Address?) -> String {
        guard let address else { return "@" }
        return "\(address.domain.lowercased())@\(address.localPart.lowercased())"
    }

    /// What somebody typed: an address, a domain, `@domain`, `<>`.
    enum Wanted: Hashable {
        case exactly(String)
        /// Keys of one domain: from the first to before the second.
        case between(String, String)

        init(_ typed: String) {
            let text = typed.lowercased()
            if text == "<>" || text == "@" {
                self = .exactly("@")
            } else if let border = text.lastIndex(of: "@"), border != text.startIndex {
                let local = (try? Address(parsing: text))?.localPart ?? String(text[..<border])
                self = .exactly("\(text[text.index(after: border)...])@\(local)")
            } else {
                let domain = text.hasPrefix("@") ? String(text.dropFirst()) : text
                // "A" is the character behind "@".
                self = .between("\(domain)@", "\(domain)A")
            }
        }
    }

    static func fits(_ key: String, _ typed: String) -> Bool {
        switch Wanted(typed) {
        case .exactly(let text): key == text
        case .between(let first, let end): key >= first && key < end
        }
    }
}
