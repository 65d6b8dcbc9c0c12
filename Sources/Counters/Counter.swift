/// What is counted. The numbers are stored: a counter keeps its own for ever, and one that goes leaves a gap.
package enum Counter: Int, Sendable, CaseIterable {
    // Taken.
    case messagesIn = 0
    case bytesIn = 1
    case recipientsIn = 2

    // What became of recipients: entries of the queue, and copies put into mailboxes at once.
    case deliveredLocal = 3
    case deliveredRemote = 4
    case deferredLocal = 5
    case deferredRemote = 6
    case failedLocal = 7
    case failedRemote = 8
    /// Reports of failure sent to senders.
    case returned = 9
    /// Entries held for the postmaster or for a route.
    case held = 10
    case forwarded = 11

    // Connections, by service.
    case connectionsSMTP = 12
    case connectionsSubmission = 13
    case connectionsLMTP = 14
    case connectionsPOP3 = 15
    case connectionsIMAP = 16
    case connectionsFinger = 17
    case connectionsPassword = 18
    case connectionsWeb = 19
    /// Closed before a word was said: access rules, limits, peers that are shut out.
    case connectionsRefused = 20

    // Logins.
    case logins = 21
    /// Unknown names and wrong passwords.
    case loginsFailed = 22
    /// Those that did not come so far: too many failures before.
    case loginsShutOut = 23
    /// Right or not, it may not be: lists, services, state of the account, no TLS.
    case loginsNotAllowed = 24
    /// Our own fault: directory, operating system, too much to do.
    case loginsNotChecked = 25

    // Recipients and messages, refused by reason.
    case recipientsAccepted = 26
    case refusedUnknown = 27
    case refusedRelay = 28
    case refusedRecipient = 29
    /// By a list or rate of the postmaster's, at the greeting or at MAIL; MAIL counts among the refused messages too.
    case blocked = 30
    case messagesRefused = 31
    /// Of the refused messages: too large.
    case refusedTooLarge = 32
    /// Of the refused messages: those that may come again (4xx).
    case refusedForNow = 33
    case filtered = 34

    // Time from acceptance to the end of delivery, recipients in each of `Latency.bounds`.
    case localLatency0 = 40, localLatency1, localLatency2, localLatency3, localLatency4, localLatency5
    case localLatency6, localLatency7, localLatency8, localLatency9, localLatency10, localLatency11
    case remoteLatency0 = 52, remoteLatency1, remoteLatency2, remoteLatency3, remoteLatency4, remoteLatency5
    case remoteLatency6, remoteLatency7, remoteLatency8, remoteLatency9, remoteLatency10, remoteLatency11

    /// Places of a tally.
    static let slots = 64

    /// Name for programs: `messages-in`.
    package var name: String { Self.names[self] ?? "\(self)" }

    package init?(name: String) {
        guard let found = Self.byName[name] else { return nil }
        self = found
    }

    private static let names: [Counter: String] = Dictionary(
        uniqueKeysWithValues: Counter.allCases.map { ($0, Counter.dashed("\($0)")) })
    private static let byName: [String: Counter] = Dictionary(uniqueKeysWithValues: Counter.names.map { ($1, $0) })

    /// `connectionsSMTP` → `connections-smtp`, `localLatency10` → `local-latency-10`.
    private static func dashed(_ text: String) -> String {
        var out = ""
        var last: UInt8 = 0
        for byte in text.utf8 {
            let isUpper = byte >= 0x41 && byte <= 0x5A
            let wasUpper = last >= 0x41 && last <= 0x5A
            let isDigit = byte >= 0x30 && byte <= 0x39
            let wasDigit = last >= 0x30 && last <= 0x39
            // `POP3` and `IMAP` are one word.
            if !out.isEmpty, isUpper && !wasUpper || isDigit && !wasDigit && !wasUpper { out += "-" }
            out.unicodeScalars.append(Unicode.Scalar(isUpper ? byte | 0x20 : byte))
            last = byte
        }
        return out
    }
}

/// A histogram of seconds.
package struct Latency: Sendable {
    /// Upper bounds of the buckets in seconds, inclusive; a last bucket takes the rest.
    package static let bounds: [Int64] = [1, 2, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400]

    /// Recipients in each bucket.
    package let counts: [Int64]

    package init(_ tally: Tally, isLocal: Bool) {
        let first = isLocal ? Counter.localLatency0.rawValue : Counter.remoteLatency0.rawValue
        self.counts = (0...Self.bounds.count).map { tally.slot(first + $0) }
    }

    package var total: Int64 { self.counts.reduce(0) { $0.addingReportingOverflow($1).partialValue } }

    /// The bound below which `part` of all lie (0.5 is the median): no more is known than the bucket. nil where nothing was delivered;
    /// `Int64.max` for more than the last bound.
    package func percentile(_ part: Double) -> Int64? {
        let total = self.total
        guard total > 0 else { return nil }
        let wanted = Int64((Double(total) * part).rounded(.up))
        var sum: Int64 = 0
        for (index, count) in self.counts.enumerated() {
            sum += count
            if sum >= max(1, wanted) { return index < Self.bounds.count ? Self.bounds[index] : .max }
        }
        return .max
    }

    static func counter(_ seconds: Int64, isLocal: Bool) -> Counter? {
        let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
        return Counter(rawValue: (isLocal ? Counter.localLatency0.rawValue : Counter.remoteLatency0.rawValue) + bucket)
    }
}

/// What is looked at once a minute: a state, not a number of events. The numbers are stored.
package enum Gauge: Int, Sendable, CaseIterable {
    case queueEntries = 0
    case queueDeferred = 1
    case queueHeld = 2
    /// Seconds since the first message that still waits was accepted, held ones aside.
    case queueAge = 3
    /// Bytes of the messages in the queue.
    case queueBytes = 4
    /// Bytes free on the file system of the spool, and of the mailboxes.
    case spoolFree = 5
    case mailboxFree = 6
    case connections = 7
    /// Resident bytes of the server.
    case memory = 8

    static let slots = 16

    package var name: String {
        switch self {
        case .queueEntries: "queue-entries"
        case .queueDeferred: "queue-deferred"
        case .queueHeld: "queue-held"
        case .queueAge: "queue-age"
        case .queueBytes: "queue-bytes"
        case .spoolFree: "spool-free"
        case .mailboxFree: "mailbox-free"
        case .connections: "connections"
        case .memory: "memory"
        }
    }

    package init?(name: String) {
        guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    /// Of several minutes the one that matters: the least free space, the longest queue.
    func worse(_ a: Int64, _ b: Int64) -> Int64 {
        switch self {
        case .spoolFree, .mailboxFree: min(a, b)
        case .queueEntries, .queueDeferred, .queueHeld, .queueAge, .queueBytes, .connections, .memory: max(a, b)
        }
    }
}
