/// Compares what a store shows after a crash with what was promised before it.
struct Audit {
    let ledger: Ledger
    let contents: StoreContents
    private(set) var complaints: [String] = []

    init(_ ledger: Ledger, _ contents: StoreContents) {
        self.ledger = ledger
        self.contents = contents
        self.complaints = contents.complaints.map { "check: \($0)" }
        for (account, mailbox) in contents.mailboxes.sorted(by: { $0.key < $1.key }) { self.audit(account, mailbox) }
        for (number, sent) in ledger.sent.sorted(by: { $0.key < $1.key }) { self.audit(number, sent) }
        self.auditQueue()
    }

    private mutating func complain(_ text: String) { self.complaints.append(text) }

    private mutating func audit(_ account: Int, _ mailbox: StoreContents.Mailbox) {
        if let known = self.ledger.validity[account], known != mailbox.validity, self.ledger.removed[account] == nil {
            self.complain("account \(account): UIDVALIDITY was \(known) and is \(mailbox.validity)")
        }
        var last: UInt32 = 0
        for message in mailbox.messages {
            if message.uid <= last { self.complain("account \(account): UID \(message.uid) after \(last)") }
            last = message.uid
            self.audit(account, message)
        }
    }

    private mutating func audit(_ account: Int, _ message: StoreContents.Message) {
        guard let number = message.number, let sent = self.ledger.sent[number] else {
            return self.complain("account \(account): UID \(message.uid) has bytes that nobody sent (\(message.size) of them)")
        }
        let copy = Ledger.Copy(account: account, number: number)
        if !sent.sample.recipients.contains(account) { self.complain("account \(account): message \(number) was not for it") }
        if self.ledger.expunged[copy] == .done { self.complain("account \(account): message \(number) was expunged and is back") }
        if self.ledger.moved[copy] == .done { self.complain("account \(account): message \(number) was moved and is back") }
        if self.ledger.removed[account] == .done { self.complain("account \(account) was removed and has message \(number)") }
        if let uid = self.ledger.seen[copy] {
            if uid != message.uid { self.complain("account \(account): message \(number) had UID \(uid) and has \(message.uid)") }
        } else if let highest = self.ledger.highestUID[account], message.uid <= highest {
            self.complain("account \(account): UID \(message.uid) of message \(number) was given before (up to \(highest))")
        }
        let allowed = self.ledger.flags[copy] ?? [0]
        if !allowed.contains(message.flags) {
            self.complain("account \(account): message \(number) has flags \(message.flags), allowed are \(allowed.sorted())")
        }
    }

    /// Present once in each mailbox when it was answered; in all or in none when the cut came before the answer.
    private mutating func audit(_ number: Int, _ sent: Ledger.Sent) {
        var present = 0
        var missing: [Int] = []
        var lost: [Int] = []
        for account in sent.sample.recipients {
            let copies = self.contents.mailboxes[account]?.messages.count { $0.number == number } ?? 0
            if copies > 1 { self.complain("account \(account): message \(number) is there \(copies) times") }
            let copy = Ledger.Copy(account: account, number: number)
            let elsewhere = self.contents.moved[account]?.count { $0 == number } ?? 0
            let isMoved = self.ledger.moved[copy] != nil && self.ledger.removed[account] == nil && self.ledger.expunged[copy] == nil
            if isMoved, copies + elsewhere != 1 {
                self.complain("account \(account): message \(number) was being moved and is there \(copies) + \(elsewhere) times")
            }
            let mayBeGone = self.ledger.removed[account] != nil || self.ledger.expunged[copy] != nil || isMoved
            if copies > 0 {
                present += 1
            } else if !mayBeGone {
                missing.append(account)
                // What a reader was shown counts like a 250, even when the answer itself was still on its way.
                if sent.answer == .accepted || self.ledger.seen[copy] != nil { lost.append(account) }
            }
        }
        if !lost.isEmpty {
            self.complain("message \(number) (\(sent.sample.size) bytes) was answered 250 and is lost for accounts \(lost)")
        } else if present > 0 && !missing.isEmpty {
            self.complain("message \(number) is half there: not for accounts \(missing)")
        }
        if sent.sample.isQueued && sent.answer != .accepted && present > 0 && !self.contents.queued.contains(number) {
            self.complain("message \(number) is in mailboxes but its queue entry is not")
        }
    }

    private mutating func auditQueue() {
        let queued = Dictionary(grouping: self.contents.queued, by: { $0 })
        for (number, copies) in queued.sorted(by: { $0.key < $1.key }) {
            guard let sent = self.ledger.sent[number], sent.sample.isQueued else {
                self.complain("the queue holds \(number), which nobody queued")
                continue
            }
            if copies.count > 1 { self.complain("message \(number) is queued \(copies.count) times") }
        }
        for (number, sent) in self.ledger.sent.sorted(by: { $0.key < $1.key }) where sent.sample.isQueued && sent.answer == .accepted {
            if queued[number] == nil { self.complain("message \(number) was answered 250 and its queue entry is lost") }
        }
    }
}
