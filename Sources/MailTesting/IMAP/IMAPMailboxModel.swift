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
        /// What the server took for delivery.
        var delivered: Set<String> = []
        var violations: [String] = []
        var commands = 0
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

    package func endanger(_ mailbox: String, _ uids: some Sequence<UInt32>) {
        self.state.withLock { state in for uid in uids { state.endangered.insert(Key(mailbox: mailbox, uid: uid)) } }
    }

    package func wentAway(_ mailbox: String, _ uid: UInt32) {
        self.state.withLock { _ = $0.gone.insert(Key(mailbox: mailbox, uid: uid)) }
    }

    package func delivered(_ token: String) { self.state.withLock { _ = $0.delivered.insert(token) } }

    /// Deliveries that are in no mailbox and that nobody has seen and meant to delete.
    package func missingDeliveries(present: Set<String>) -> Set<String> {
        self.state.withLock { state in
            state.delivered.subtracting(present).subtracting(state.endangered.compactMap { state.tokens[$0] })
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
