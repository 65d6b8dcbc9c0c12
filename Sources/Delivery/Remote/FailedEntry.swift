internal import MessageStore
internal import Policy
internal import Vocabulary

/// An entry whose sender is to be told something.
struct FailedEntry: Sendable {
    let entry: StoredQueueEntry
    /// nil for good news.
    let failure: DeliveryFailure?
    let status: EnhancedStatus
    /// Under which it is handled.
    let failureClass: FailureClass

    /// - Parameter failureClass: where another than the failure's own counts.
    init(entry: StoredQueueEntry, failure: DeliveryFailure?, status: EnhancedStatus, as failureClass: FailureClass? = nil) {
        self.entry = entry
        self.failure = failure
        self.status = status
        self.failureClass = failureClass ?? failure?.failureClass ?? .refused
    }

    /// Why it is held, where the failure's own words do not say it.
    var heldWords: String?
    /// What is written beside an entry that is held: its class, then the words, then the host that said them.
    var heldReason: String {
        let host = self.heldWords != nil || self.failure?.replyText == nil ? nil : self.failure?.remoteHost
        return "\(self.failureClass.rawValue): \(self.heldWords ?? self.failure?.words.english ?? "")" + (host.map { " (\($0))" } ?? "")
    }

    /// An entry that the postmaster sends back by hand. One that is held for a failure goes back for that failure.
    init(returning entry: StoredQueueEntry) {
        let parts = entry.reason.split(separator: ":", maxSplits: 1)
        if entry.flags.contains(.held), parts.count == 2, let known = FailureClass(rawValue: String(parts[0])) {
            let failure = Self.failure(heldFor: String(parts[1].drop { $0 == " " }))
            self.init(entry: entry, failure: failure, status: failure.replyText == nil ? known.usualStatus : failure.status, as: known)
        } else {
            let failure = DeliveryFailure(.returnedByHand(entry.flags.contains(.held) ? "" : entry.reason))
            self.init(entry: entry, failure: failure, status: failure.status)
        }
    }

    /// The failure that `heldReason` put into words.
    private static func failure(heldFor words: String) -> DeliveryFailure {
        let known: [DeliveryFailure.Cause] =
            [
                .noSuchDomain, .noMailHost, .nullMX, .dnsFailed, .mxLoop, .tooManyHops, .needsEightBit, .needsInternational,
                .needsRequireTLS,
                .unknownHere, .overQuota,
            ] + DeliveryFailure.TLSGap.allCases.map { .needsEncryption($0) }
        if let cause = known.first(where: { DeliveryFailure($0).words.english == words }) { return DeliveryFailure(cause) }
        let (said, host) = Self.withoutHost(words)
        if let reply = DeliveryFailure.reply(inWords: said) { return DeliveryFailure(.reply(reply, .message), remoteHost: host) }
        return DeliveryFailure(.returnedByHand(words))
    }

    private static func withoutHost(_ words: String) -> (String, host: String?) {
        guard words.hasSuffix(")"), let open = words.lastIndex(of: "("), open > words.startIndex else { return (words, nil) }
        let host = words[words.index(after: open)...].dropLast()
        guard !host.isEmpty, !host.contains(where: { $0.isWhitespace || $0 == ")" }) else { return (words, nil) }
        return (String(words[..<open].dropLast()), String(host))
    }
}
