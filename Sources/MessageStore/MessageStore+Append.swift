internal import Database
internal import NIOCore
package import Vocabulary

// APPEND. A message takes the way of a delivery: into the log, one sync for all that wait, then filed; the answer waits for the UID.
extension MessageStore {
    /// Bodies in memory of one call, together; more of them go into files of their own first. Bytes.
    private static let mostInMemory = OpenLog.batchBytes / 2
    /// Messages of one call: they are filed in one transaction.
    package static let mostAppended = 1000

    /// Adds messages, all or none; they are on stable storage and filed before the answer. Fails with `.noSuchMailbox` when the mailbox
    /// went meanwhile. [RFC9051-6.3.12] [RFC3502-6.3.11]
    /// - Parameters:
    ///   - owner: of the mailbox, where the caller has found it just now: a small message is then looked up for the first time where it is filed.
    ///   - replacing: a message that goes in the same moment, or nothing happens: `.noSuchMessage` when it went before. Its size counts
    ///     as free. [RFC8508-3.4]
    package func append(
        _ items: [AppendItem], to mailbox: MailboxID, of owner: AccountID? = nil, replacing: (mailbox: MailboxID, uid: UID)? = nil,
        quota: Int64?, completion: @escaping Answer<AppendResult>
    ) {
        if let refusal = self.parts.state.refusal { return completion(.failure(StoreError(refusal))) }
        guard !items.isEmpty, items.count <= Self.mostAppended else { return completion(.failure(.tooLarge)) }
        if let owner, let item = items.first, items.count == 1, replacing == nil, let body = Self.smallBody(item) {
            let now = self.options.now()
            let planned = Self.item(item.body, [self.delivery(of: item, to: mailbox, owner, quota, now)], now)
            return self.write(PreparedItem(planned, body: body), [], completion)
        }
        let isTaken = self.parts.readers.submit {
            do throws(StoreError) {
                let box = try self.mailbox(mailbox)
                try self.checkRoom(for: items, in: mailbox)
                let old = try replacing.map { old throws(StoreError) in try self.replaced(old.mailbox, old.uid) }
                self.prepare(items, box, old?.message, quota.map { old?.account == box.account ? $0 + (old?.size ?? 0) : $0 }, completion)
            } catch { completion(.failure(error)) }
        }
        if !isTaken { completion(.failure(.busy)) }
    }

    /// It goes to the writer before `append` returns, so that messages that are added one after the other come into the mailbox in that order; where the
    /// owner of the mailbox is named, and nothing is replaced.
    package static func takesAtOnce(_ item: AppendItem) -> Bool { self.smallBody(item) != nil }

    /// Of a message that can be prepared where the caller is: nothing is to be asked before, and its digest takes some 60 microseconds at most.
    private static func smallBody(_ item: AppendItem) -> ByteBuffer? {
        guard item.keywords.isEmpty, case .memory(let body) = item.body, body.readableBytes <= Self.digestInPlace else { return nil }
        return body
    }

    private func delivery(of item: AppendItem, to mailbox: MailboxID, _ owner: AccountID, _ quota: Int64?, _ now: Int64) -> PlannedDelivery
    {
        var delivery = PlannedDelivery(account: owner, mailbox: mailbox, flags: item.flags.intersection(.system), quota: quota)
        delivery.append = AppendFacts(date: item.date ?? now, keywords: item.keywords)
        return delivery
    }

    /// Keywords that do not fit are an error now and passed over later, when somebody else was faster.
    private func checkRoom(for items: [AppendItem], in mailbox: MailboxID) throws(StoreError) {
        let wanted = Set(items.flatMap { $0.keywords.map { $0.lowercased() } })
        guard !wanted.isEmpty else { return }
        let known = Set(try self.keywords(of: mailbox).values.map { $0.lowercased() })
        if known.union(wanted).count > Flags.keywordBits.count { throw .tooManyKeywords }
    }

    private static let old = Statement("SELECT blob, size FROM message WHERE mailbox = ?1 AND uid = ?2")

    private func replaced(_ mailbox: MailboxID, _ uid: UID) throws(StoreError) -> (
        message: ReplacedMessage, account: AccountID, size: Int64
    ) {
        let box = try self.mailbox(mailbox)
        let row = try self.readMail { db throws(DatabaseError) in
            try db.row(Self.old, .int(mailbox.rawValue), .int(uid.rawValue)) { (blob: $0.int(0), size: $0.int(1)) }
        }
        guard let row else { throw .noSuchMessage }
        let message = ReplacedMessage(
            mailbox: mailbox.rawValue, uidValidity: Int64(box.uidValidity.rawValue), uid: Int64(uid.rawValue), blob: row.blob)
        return (message, box.account, row.size)
    }

    private func prepare(
        _ items: [AppendItem], _ box: MailboxFacts, _ old: ReplacedMessage?, _ quota: Int64?, _ completion: @escaping Answer<AppendResult>
    ) {
        let now = self.options.now()
        var deliveries = items.map { self.delivery(of: $0, to: box.id, box.account, quota, now) }
        deliveries[0].append?.replaces = old
        guard items.count > 1 else {
            let body = items.first?.body ?? .memory(ByteBuffer())
            return self.prepareBody(body, deliveries, now) { prepared in
                switch prepared {
                case .failure(let refusal): completion(.failure(StoreError(refusal)))
                case .success(let (item, large)): self.write(item, large.map { [$0] } ?? [], completion)
                }
            }
        }
        let bytes = items.reduce(0) { sum, item in if case .memory(let body) = item.body { sum + body.readableBytes } else { sum } }
        self.prepareNext(AppendGroup(items: items, deliveries: deliveries, time: now, isSpilling: bytes > Self.mostInMemory), completion)
    }

    /// Messages that are added together, on the way to be one group of records.
    private struct AppendGroup: Sendable {
        var items: [AppendItem]
        var deliveries: [PlannedDelivery]
        var time: Int64
        /// Together they are too long for memory.
        var isSpilling: Bool
        var prepared: [PreparedItem] = []
        var files: [LargeBody] = []
    }

    private func prepareNext(_ group: AppendGroup, _ completion: @escaping Answer<AppendResult>) {
        let index = group.prepared.count
        guard index < group.items.count else {
            return self.write(PreparedItem(adding: group.prepared, group.deliveries, at: group.time), group.files, completion)
        }
        self.prepareBody(group.items[index].body, [], group.time, isSpilling: group.isSpilling) { prepared in
            switch prepared {
            case .failure(let refusal):
                for file in group.files { file.discard() }
                completion(.failure(StoreError(refusal)))
            case .success(let (item, large)):
                var group = group
                group.prepared.append(item)
                if let large { group.files.append(large) }
                self.prepareNext(group, completion)
            }
        }
    }

    private typealias Body = (item: PreparedItem, file: LargeBody?)

    private static func item(_ body: AcceptItem.Body, _ deliveries: [PlannedDelivery], _ now: Int64) -> AcceptItem {
        AcceptItem(body: body, envelope: Envelope(sender: nil), receivedAt: now, trace: TraceID(""), deliveries: deliveries)
    }

    private func prepareBody(
        _ body: AcceptItem.Body, _ deliveries: [PlannedDelivery], _ now: Int64, isSpilling: Bool = false,
        _ done: @escaping @Sendable (Result<Body, StoreRefusal>) -> Void
    ) {
        let item = Self.item(body, deliveries, now)
        switch body {
        case .large(let large): large.finish(item) { result in done(result.map { ($0, large) }) }
        case .memory(let bytes):
            guard isSpilling || bytes.readableBytes > Self.mostInMemory else {
                return done(.success((PreparedItem(item, body: bytes), nil)))
            }
            do throws(StoreRefusal) {
                let large = try self.beginLargeBody()
                large.append(bytes) { _ in }
                large.finish(item) { result in done(result.map { ($0, large) }) }
            } catch { done(.failure(error)) }
        }
    }

    private func write(_ item: PreparedItem, _ files: [LargeBody], _ completion: @escaping Answer<AppendResult>) {
        let account = AccountID(rawValue: item.payload.deliveries.first?.account ?? 0)
        self.parts.writer.append(
            .init(
                prepared: item,
                completion: { accepted in
                    switch accepted {
                    case .success(let accepted) where accepted.deferred.isEmpty: return  // answered when it is filed
                    case .success(let accepted):
                        let isGone = accepted.deferred.contains { $0.reason == .accountGone }
                        for file in files { file.discard() }
                        completion(.failure(isGone ? .noSuchAccount(account) : .overQuota))
                    case .failure(let refusal):
                        for file in files { file.discard() }
                        completion(.failure(StoreError(refusal)))
                    }
                }, whenFiled: completion))
    }
}

extension StoreError {
    init(_ refusal: StoreRefusal) {
        switch refusal {
        case .diskLow, .diskFull: self = .diskFull
        case .io(let failure): self = .io(failure)
        case .failed(let reason): self = .failed(reason)
        case .busy: self = .busy
        case .tooLarge: self = .tooLarge
        case .closed: self = .closed
        }
    }
}
