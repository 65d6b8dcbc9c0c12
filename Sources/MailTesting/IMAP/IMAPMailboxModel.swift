internal import Synchronization

/// What is known of the mailboxes that many sessions work on, whatever the order in which they did.
///
/// Each message carries a token in its subject and each session has a keyword of its own, so that what is true of them does not depend on
/// how the sessions were interleaved.
package final class IMAPMailboxModel: Sendable {
    package struct Key: Hashable, Sendable {
        package var mailbox: String
        package var uid: UInt32
    }

    private struct State {
        var validity: [String: UInt32] = [:]
        var tokens: [Key: String] = [:]
        /// Highest UID that a finished command has shown.
        var highest: [String: UInt32] = [:]
        /// An answered APPEND, COPY or MOVE put them there.
        var confirmed: Set<Key> = []
        /// Somebody has marked it \Deleted, moved it, or was about to.
        var endangered: Set<Key> = []
        /// Some session was told that it is gone.
        var gone: Set<Key> = []
        /// By keyword: whether its owner has set it; nil when nobody knows (the connection broke).
        var marks: [Key: [String: Bool?]] = [:]
        /// Messages that somebody has marked \\Deleted or was about to, wherever they have been copied to since.
        var doomed: Set<String> = []
        /// By token: how many there may be beyond the first: those of before, and copies that were asked for.
        var copies: [String: Int] = [:]
        /// Somebody has copied or moved them.
        var carried: [String: Int] = [:]
        /// What sessions have sent one behind the other, until all is answered.
        var flights: [Int: [Sending]] = [:]
        /// The highest that anybody has been told.
        var modSeq: [String: UInt64] = [:]
        var nextFlight = 0
        /// What the server took for delivery.
        var delivered: Set<String> = []
        var violations: [String] = []
        var commands = 0
    }

    /// One command that puts messages into a mailbox.
    package struct Sending: Sendable {
        package enum Kind: Sendable { case append, copy, move }
        var kind: Kind
        /// Where they were before.
        var source: String?
        var mailbox: String
        var tokens: [String]

        package init(kind: Kind = .append, source: String? = nil, mailbox: String, tokens: [String]) {
            (self.kind, self.source, self.mailbox, self.tokens) = (kind, source, mailbox, tokens)
        }
    }

    private let state = Mutex(State())

    package init() {}

    package var violations: [String] { self.state.withLock { $0.violations } }
    package var commands: Int { self.state.withLock { $0.commands } }
    package func counted() { self.state.withLock { $0.commands += 1 } }
    package func violated(_ text: String) {
        self.state.withLock { state in if state.violations.count < 20 { state.violations.append(text) } }
    }

    package func selected(_ mailbox: String, validity: UInt32) {
        let old = self.state.withLock { state -> UInt32? in
            defer { state.validity[mailbox] = validity }
            return state.validity[mailbox]
        }
        if let old, old != validity { self.violated("UIDVALIDITY of \(mailbox) was \(old), is \(validity)") }
    }

    package func highest(_ mailbox: String) -> UInt32 { self.state.withLock { $0.highest[mailbox] ?? 0 } }

    /// A message was seen under a UID: it must be the same for ever.
    package func saw(_ mailbox: String, _ uid: UInt32, token: String) {
        let key = Key(mailbox: mailbox, uid: uid)
        let old = self.state.withLock { state -> String? in
            state.highest[mailbox] = max(state.highest[mailbox] ?? 0, uid)
            defer { state.tokens[key] = token }
            return state.tokens[key]
        }
        if let old, old != token { self.violated("UID \(uid) of \(mailbox) was \(old), is \(token)") }
    }

    package func token(_ mailbox: String, _ uid: UInt32) -> String? { self.state.withLock { $0.tokens[Key(mailbox: mailbox, uid: uid)] } }

    /// An answered command made this message. `above` is the highest UID that was known before the command began.
    /// `source` is what it is a copy of: \\Deleted is copied, too.
    package func made(_ mailbox: String, _ uid: UInt32, token: String?, above: UInt32, source: Key? = nil) {
        if uid <= above { self.violated("new UID \(uid) of \(mailbox) is not above \(above)") }
        if let token { self.saw(mailbox, uid, token: token) }
        self.state.withLock { state in
            state.confirmed.insert(Key(mailbox: mailbox, uid: uid))
            if let source, state.endangered.contains(source) { state.endangered.insert(Key(mailbox: mailbox, uid: uid)) }
        }
    }

    /// These are to be taken out of this mailbox; a move puts them elsewhere.
    package func endanger(_ mailbox: String, _ uids: some Sequence<UInt32>) {
        self.state.withLock { state in for uid in uids { state.endangered.insert(Key(mailbox: mailbox, uid: uid)) } }
    }

    /// These may be gone for good.
    package func doom(_ mailbox: String, _ uids: some Sequence<UInt32>) {
        self.state.withLock { state in
            for uid in uids {
                let key = Key(mailbox: mailbox, uid: uid)
                state.endangered.insert(key)
                if let token = state.tokens[key] { state.doomed.insert(token) }
            }
        }
    }

    /// Copies of these are about to be asked for, or they are about to be moved.
    package func carry(_ tokens: some Sequence<String>, mayDouble: Bool) {
        self.state.withLock { state in
            for token in tokens {
                state.carried[token, default: 0] += 1
                if mayDouble { state.copies[token, default: 0] += 1 }
            }
        }
    }

    /// Messages of before the first round: so many there are.
    func found(_ tokens: [String]) {
        self.state.withLock { state in
            for (token, all) in Dictionary(grouping: tokens, by: { $0 }) { state.copies[token, default: 0] += all.count - 1 }
        }
    }

    // MARK: Commands on their way

    package func beganFlight() -> Int {
        self.state.withLock { state in
            state.nextFlight += 1
            return state.nextFlight
        }
    }

    package func sends(_ sending: Sending, flight: Int) { self.state.withLock { $0.flights[flight, default: []].append(sending) } }

    func endedFlight(_ flight: Int) { self.state.withLock { _ = $0.flights.removeValue(forKey: flight) } }

    /// What is there of all messages, when nobody changes anything: none is lost or doubled, and what was sent without an answer is there or not.
    package func verify(_ messages: [String: [UInt32: String]]) {
        let state = self.state.withLock { state in
            defer { state.flights = [:] }
            return state
        }
        let counts = Dictionary(grouping: messages.values.flatMap(\.values)) { $0 }.mapValues(\.count)
        for token in Set(state.tokens.values).subtracting(state.doomed) where counts[token] == nil {
            self.violated("\(token) was seen, nobody meant to delete it, and it is nowhere")
        }
        for (token, count) in counts where count > 1 + (state.copies[token] ?? 0) {
            self.violated("\(token) is there \(count) times, copies that were asked for: \(state.copies[token] ?? 0)")
        }
        for flight in state.flights.values { self.verify(flight, messages, Set(counts.keys), state) }
    }

    private func verify(_ flight: [Sending], _ messages: [String: [UInt32: String]], _ all: Set<String>, _ state: State) {
        for sending in flight where sending.kind == .append {
            let present = sending.tokens.filter { all.contains($0) || state.doomed.contains($0) }
            if !present.isEmpty, present.count < sending.tokens.count {
                self.violated("of one APPEND \(present) are there, and not all of \(sending.tokens)")
            }
        }
        for sending in flight where sending.kind != .append { self.verify(sending, messages, state) }
        let appended = flight.filter { $0.kind == .append }
        for (mailbox, sendings) in Dictionary(grouping: appended, by: \.mailbox) {
            let tokens = sendings.flatMap(\.tokens).filter { state.carried[$0] == nil }
            let uids = tokens.compactMap { token in messages[mailbox]?.first { $0.value == token }?.key }
            if uids != uids.sorted() { self.violated("sent one behind the other to \(mailbox), they have UIDs \(uids)") }
        }
    }

    /// COPY puts all of its messages there or none, MOVE takes them away besides: of those that nobody else has touched. [RFC9051-6.4.7]
    private func verify(_ sending: Sending, _ messages: [String: [UInt32: String]], _ state: State) {
        guard let source = sending.source, source != sending.mailbox else { return }
        // Of messages that were there twice before, one may be anywhere.
        let copies = sending.kind == .copy ? 1 : 0
        let tokens = sending.tokens.filter { state.carried[$0] == 1 && !state.doomed.contains($0) && state.copies[$0] ?? 0 == copies }
        let (there, here) = (Set((messages[sending.mailbox] ?? [:]).values), Set((messages[source] ?? [:]).values))
        let arrived = tokens.filter { there.contains($0) }
        if !arrived.isEmpty, arrived.count < tokens.count {
            self.violated("of one \(sending.kind) to \(sending.mailbox) \(arrived) have come, and not all of \(tokens)")
        }
        let left = tokens.filter { !here.contains($0) }
        if sending.kind == .copy ? !left.isEmpty : left != arrived {
            self.violated("of one \(sending.kind) from \(source) to \(sending.mailbox) \(left) have gone and \(arrived) have come")
        }
    }

    // MARK: MODSEQ

    func sawModSeq(_ mailbox: String, _ value: UInt64) {
        self.state.withLock { $0.modSeq[mailbox] = max($0.modSeq[mailbox] ?? 0, value) }
    }

    /// The highest that a finished command has shown: whoever looks later is told no less.
    func modSeq(_ mailbox: String) -> UInt64 { self.state.withLock { $0.modSeq[mailbox] ?? 0 } }

    /// Nobody has marked it, moved it, or was told that it is gone.
    func isSafe(_ mailbox: String, _ uid: UInt32) -> Bool {
        let key = Key(mailbox: mailbox, uid: uid)
        return self.state.withLock { !$0.endangered.contains(key) && !$0.gone.contains(key) }
    }

    package func wentAway(_ mailbox: String, _ uid: UInt32) {
        self.state.withLock { _ = $0.gone.insert(Key(mailbox: mailbox, uid: uid)) }
    }

    package func delivered(_ token: String) { self.state.withLock { _ = $0.delivered.insert(token) } }

    /// Deliveries that are in no mailbox and that nobody has seen and meant to delete.
    package func missingDeliveries(present: Set<String>) -> Set<String> {
        self.state.withLock { state in
            state.delivered.subtracting(present).subtracting(state.doomed)
        }
    }

    /// What its owner last made of a keyword; nil when nobody knows.
    package func mark(of mailbox: String, _ uid: UInt32, _ keyword: String) -> Bool? {
        self.state.withLock { $0.marks[Key(mailbox: mailbox, uid: uid)]?[keyword] ?? nil }
    }

    package func mark(_ mailbox: String, _ uid: UInt32, _ keyword: String, _ isSet: Bool?) {
        self.state.withLock { $0.marks[Key(mailbox: mailbox, uid: uid), default: [:]][keyword] = .some(isSet) }
    }

    /// All sessions are quiet: what a fresh session sees must agree with all that was answered.
    package func verify(_ mailbox: String, _ messages: [UInt32: Set<String>]) {
        let state = self.state.withLock { $0 }
        for key in state.confirmed where key.mailbox == mailbox && !state.endangered.contains(key) && messages[key.uid] == nil {
            self.violated("UID \(key.uid) of \(mailbox) was answered and is lost")
        }
        for key in state.gone where key.mailbox == mailbox {
            if messages[key.uid] != nil { self.violated("UID \(key.uid) of \(mailbox) was told as gone and is there") }
            if !state.endangered.contains(key) {
                self.violated("UID \(key.uid) of \(mailbox) is gone, and nobody marked it \\Deleted or moved it")
            }
        }
        for (key, marks) in state.marks where key.mailbox == mailbox {
            guard let flags = messages[key.uid] else { continue }
            for (keyword, isSet) in marks {
                guard let isSet, flags.contains(keyword.lowercased()) != isSet else { continue }
                self.violated("UID \(key.uid) of \(mailbox): \(keyword) should be \(isSet ? "set" : "clear"), flags are \(flags.sorted())")
            }
        }
    }
}
