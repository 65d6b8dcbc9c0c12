internal import Bounces
internal import Database
internal import Directory
internal import MessageStore
internal import NIOCore
internal import Policy
package import Queue
internal import Routing
internal import Text
internal import Vocabulary

/// What answering by itself needs beside the queue.
package struct Answering: Sendable {
    /// Whom accounts have answered; without it there are no answers, since nobody would know whether there were.
    package var ledger: AccountLedger
    /// Minutes east of UTC at a time: the account's days are those of this host.
    package var offset: @Sendable (Int64) -> Int
    /// Unpredictable bytes.
    package var random: @Sendable (Int) -> [UInt8]

    package init(
        ledger: AccountLedger, offset: @escaping @Sendable (Int64) -> Int, random: @escaping @Sendable (Int) -> [UInt8]
    ) {
        self.ledger = ledger
        self.offset = offset
        self.random = random
    }
}

// Accounts that answer by themselves.
extension LocalDelivery {
    /// Octets of a message that an echo sends back; of a longer one it sends the header.
    private static let longestEcho = 1 << 20
    /// The header of every message that was accepted ends within so many bytes.
    private static let beginning = 256 << 10
    /// Answers of one account in an hour: whoever makes it answer senders that never wrote gets no more than this out of it.
    private static let mostAnswers = 300
    /// Answers to one sender where each of his messages gets one.
    private static let rule = AccountLedger.AnswerRule(most: 10, within: 3600)

    /// Answers the message of an entry of channel `.reply`, where it is to be answered at all. Blocks; on the thread of local delivery, with
    /// the entry leased, its account there and the reply switched on. A reply is accepted in one record with the end of its entry.
    /// - Parameter local: the account, with the detail of the address it was found by.
    func reply(_ entry: StoredQueueEntry, _ order: MethodOrder, _ local: LocalRecipient) -> MethodOutcome {
        guard let answering = self.answering else { return .skipped("no-ledger") }
        guard self.remote?.isBlamed(entry) != true else { return .skipped("blamed") }
        let snapshot = self.directory.snapshot
        let settings: AutoReplySettings
        do throws(DirectoryError) {
            guard let known = try self.directory.autoReply(of: local.account) else { return .skipped("switched-off") }
            settings = known
        } catch {
            return .failed(Reason("directory", .local("the directory cannot be read")))
        }
        let now = self.now()
        let day = Int32(clamping: (now + Int64(answering.offset(now)) * 60) / 86_400)
        guard settings.isDue(on: day) else { return .skipped("not-today") }
        guard let original = self.original(entry, whole: settings.mode == .echo) else {
            return .failed(Reason("not-readable", .local("the message cannot be read")))
        }
        let isOwn: (Address) -> Bool = { address in
            if case .account(let found) = snapshot.resolve(address) { return found.account == local.account }
            return snapshot.account(holding: address) == local.account
        }
        let crashGuard: any CrashGuard = self.remote?.environment.crashGuard ?? NoCrashGuard()
        let refusal = crashGuard.handling(.sending, original.bytes, named: ContentHash(entry.blob)) { _ in
            AutoReply.refusal(
                original.bytes, sender: entry.envelope.sender, mode: settings.mode, hostName: snapshot.configuration.hostName, isOwn: isOwn)
        }
        if let refusal { return .skipped(refusal.rawValue) }
        return self.answer(entry, original, local, settings, answering)
    }

    private func answer(
        _ entry: StoredQueueEntry, _ original: AutoReplyComposer.Original, _ local: LocalRecipient, _ settings: AutoReplySettings,
        _ answering: Answering
    ) -> MethodOutcome {
        guard let sender = entry.envelope.sender, let name = AddressKey(sender)?.text else { return .skipped("null-sender") }
        let isOnce = settings.mode == .vacation
        let rule = isOnce ? AccountLedger.AnswerRule(most: 1, within: settings.interval) : Self.rule
        // Who changes his text wants it to be read.
        let key = isOnce ? "\(settings.fingerprint) \(name)" : name
        let now = self.now()
        guard let mayAnswer = try? answering.ledger.mayAnswer(key, from: local.account, rule, now: now) else {
            return .failed(Reason("ledger", .local("whom the account has answered cannot be read")))
        }
        guard mayAnswer else { return .skipped("answered-before") }
        let count = self.answers.withLock { answers -> Int in
            if answers.count > 10_000 { answers = answers.filter { !$0.value.isStale(at: now) } }
            return answers[local.account, default: RateCounter(window: 3600)].add(at: now)
        }
        guard count <= Self.mostAnswers else { return .skipped("too-many-answers") }
        let snapshot = self.directory.snapshot
        let author = snapshot.author(local.account)
        let composer = AutoReplyComposer(
            hostName: snapshot.configuration.hostName, address: local.primary, name: author?.name ?? "", mode: settings.mode,
            subject: settings.subject, text: settings.text,
            siteText: snapshot.configuration.replyText(settings.mode, snapshot.language(local.account)),
            language: snapshot.language(local.account))
        let (envelope, message) = composer.compose(
            original, to: sender, now: now, offset: answering.offset(now), random: answering.random(32))
        let house = HouseMail(directory: self.directory, store: self.store, now: self.now)
        switch house.send(message, envelope, trace: Lineage.answer.trace(of: entry.trace), finishing: [entry.id]) {
        case .sent:
            // Behind the answer: a crash between the two costs one answer more, never one that nobody gets.
            try? answering.ledger.noteAnswer(key, from: local.account, rule, now: now)
            // Its row goes when the answer is filed; that it goes now keeps it from being answered again.
            _ = try? self.store.changeQueue([.finish(entry.id)])
            self.note("answered", entry, [("to", "\(sender)"), ("mode", settings.mode.rawValue)])
            return .ended
        case .nobody: return .skipped("sender-unknown")
        case .notNow(let reason): return .failed(Reason("answer-not-accepted", .local(reason)))
        }
    }

    /// The message, or its beginning; nil when it cannot be read now.
    private func original(_ entry: StoredQueueEntry, whole: Bool) -> AutoReplyComposer.Original? {
        let goesWhole = whole && entry.bodySize <= Self.longestEcho
        let limit = goesWhole ? Int.max : Self.beginning
        var bytes = ByteBuffer()
        do throws(StoreError) {
            let reader = try self.store.queueReader(entry.id, prefix: ByteBuffer())
            while bytes.readableBytes < limit, var piece = try reader.nextNow() { bytes.writeBuffer(&piece) }
        } catch {
            return nil
        }
        return AutoReplyComposer.Original(envelope: entry.envelope, bytes: bytes, isWhole: goesWhole)
    }

    private func note(_ event: String, _ entry: StoredQueueEntry, _ facts: [(key: String, value: String)]) {
        let account = ("for", "\(entry.draft.recipient.address)")
        self.events.record(TrailEvent(.mailboxDeliver, event, trace: entry.trace, [account] + facts), switchedBy: nil)
    }
}
