/// What is done to each server in turn.
struct Workload {
    enum Kind {
        case smtp(sessions: Int, messages: Int, size: Int, pipelining: Bool)
        /// 1 KiB to accounts in turn, in an index that holds so many messages in so many mailboxes already (ours only).
        case prefilled(sessions: Int, messages: Int, index: Int, mailboxes: Int)
        /// One message of `size` bytes to so many recipients.
        case fanOut(recipients: Int, size: Int)
        /// So many sessions, ten at a time, each fetching `messages` of `size` bytes.
        case retrieve(sessions: Int, messages: Int, size: Int)
        /// STAT, LIST and UIDL of a mailbox with so many messages.
        case list(messages: Int)
        case idle(connections: Int, tls: Bool)
        /// Operations on one mailbox of so many messages.
        case imap(IMAPWork.Kind, messages: Int, size: Int)
        /// So many sessions in IDLE, on up to 1,000 mailboxes.
        case imapIdle(connections: Int, tls: Bool)
        /// So many probes to a client in IDLE, while so many messages a second go to others.
        case imapNotify(probes: Int, others: Int)
        /// 1 KiB through the queue to so many next hops, all of them one sink.
        case relay(sessions: Int, messages: Int, destinations: Int)
    }

    var name: String
    var title: String
    var kind: Kind

    static let all: [Workload] = [
        Workload(name: "1k-1", title: "1 KiB, 1 session x 100", kind: .smtp(sessions: 1, messages: 100, size: 1 << 10, pipelining: false)),
        Workload(name: "1k-10", title: "1 KiB, 10 x 100", kind: .smtp(sessions: 10, messages: 100, size: 1 << 10, pipelining: false)),
        Workload(name: "1k-100", title: "1 KiB, 100 x 100", kind: .smtp(sessions: 100, messages: 100, size: 1 << 10, pipelining: false)),
        Workload(name: "1k-connect", title: "1 KiB, 100 x 1", kind: .smtp(sessions: 100, messages: 1, size: 1 << 10, pipelining: false)),
        Workload(
            name: "1k-pipe", title: "1 KiB, 10 x 100, pipelining", kind: .smtp(sessions: 10, messages: 100, size: 1 << 10, pipelining: true)
        ),
        Workload(name: "10k-10", title: "10 KiB, 10 x 100", kind: .smtp(sessions: 10, messages: 100, size: 10 << 10, pipelining: false)),
        Workload(name: "100k-10", title: "100 KiB, 10 x 100", kind: .smtp(sessions: 10, messages: 100, size: 100 << 10, pipelining: false)),
        Workload(name: "1m-10", title: "1 MiB, 10 x 10", kind: .smtp(sessions: 10, messages: 10, size: 1 << 20, pipelining: false)),
        Workload(name: "fan-out", title: "10 KiB to 1,000 recipients", kind: .fanOut(recipients: 1000, size: 10 << 10)),
        Workload(name: "pop3", title: "POP3, RETR 100 x 10 KiB", kind: .retrieve(sessions: 200, messages: 100, size: 10 << 10)),
        Workload(name: "pop3-list", title: "POP3, STAT LIST UIDL of 10,000", kind: .list(messages: 10_000)),
        Workload(
            name: "out-1", title: "1 KiB through the queue, 20 x 500 to 1 next hop",
            kind: .relay(sessions: 20, messages: 500, destinations: 1)),
        Workload(
            name: "out-1000", title: "1 KiB through the queue, 20 x 500 to 1,000 next hops",
            kind: .relay(sessions: 20, messages: 500, destinations: 1000)),
        Workload(name: "imap", title: "IMAP, 10,000 messages of 4 KiB", kind: .imap(.programs, messages: 10_000, size: 4 << 10)),
        Workload(name: "imap-idle", title: "1,000 sessions in IDLE", kind: .imapIdle(connections: 1000, tls: false)),
        Workload(
            name: "imap-notify", title: "from 250 to EXISTS in IDLE, 1,000 messages/s to others",
            kind: .imapNotify(probes: 500, others: 1000)),
        Workload(name: "idle", title: "10,000 idle SMTP connections", kind: .idle(connections: 10_000, tls: false)),
        Workload(name: "idle-tls", title: "10,000 idle TLS connections", kind: .idle(connections: 10_000, tls: true)),
    ]

    /// Takes minutes to set up, so it runs only when asked for.
    static let prefilled = Workload(
        name: "prefilled", title: "1 KiB, 10 x 100 to 1,000 accounts, 20 million messages in the index",
        kind: .prefilled(sessions: 10, messages: 100, index: 20_000_000, mailboxes: 100_000))

    /// Large ones over IMAP, too.
    static let large: [Workload] = [
        Workload.prefilled,
        Workload(name: "imap-million", title: "IMAP, 1,000,000 messages", kind: .imap(.many, messages: 1_000_000, size: 1 << 10)),
        Workload(name: "imap-search", title: "IMAP, search in 100,000 messages", kind: .imap(.search, messages: 100_000, size: 4 << 10)),
        Workload(name: "imap-idle-10k", title: "10,000 sessions in IDLE", kind: .imapIdle(connections: 10_000, tls: false)),
        Workload(name: "imap-idle-tls", title: "10,000 sessions in IDLE, TLS", kind: .imapIdle(connections: 10_000, tls: true)),
    ]

    static func named(_ name: String) -> Workload? { (self.all + self.large).first { $0.name == name } }

    /// Measured beside Dovecot alone, with its fastest format; a process of its own for each of 10,000 sessions is not asked of it.
    var isIMAP: Bool {
        switch self.kind {
        case .imap: true
        case .imapIdle(let connections, let tls): connections <= 1000 && !tls
        default: false
        }
    }

    /// Accounts that the servers need for it.
    var accounts: Int {
        switch self.kind {
        case .smtp: 100
        case .fanOut(let recipients, _): recipients
        case .prefilled: 1000
        case .imapIdle: 1000
        case .imap, .imapNotify: 11
        case .retrieve, .list, .idle, .relay: 10
        }
    }

    /// A smaller version with the same shape, for a first look.
    var quick: Workload {
        var copy = self
        switch self.kind {
        case .smtp(let sessions, let messages, let size, let pipelining):
            copy.kind = .smtp(sessions: sessions, messages: max(1, messages / 5), size: size, pipelining: pipelining)
        case .prefilled(let sessions, let messages, _, _):
            copy.kind = .prefilled(sessions: sessions, messages: messages, index: 1_000_000, mailboxes: 10_000)
        case .fanOut(_, let size): copy.kind = .fanOut(recipients: 100, size: size)
        case .retrieve(_, let messages, let size): copy.kind = .retrieve(sessions: 40, messages: messages / 5, size: size)
        case .list: copy.kind = .list(messages: 1000)
        case .relay(let sessions, let messages, let destinations):
            copy.kind = .relay(sessions: sessions, messages: messages / 5, destinations: min(destinations, 200))
        case .imap(let kind, let messages, let size): copy.kind = .imap(kind, messages: messages / 10, size: size)
        case .imapIdle(let connections, let tls): copy.kind = .imapIdle(connections: connections / 10, tls: tls)
        case .imapNotify(_, let others): copy.kind = .imapNotify(probes: 50, others: others)
        case .idle(_, let tls): copy.kind = .idle(connections: 1000, tls: tls)
        }
        copy.title += " (a fifth or less)"
        return copy
    }
}
