internal import Database
package import Vocabulary

// COPY and MOVE. Up to `copySlice` messages are one transaction. More of them go slice by slice, so that mail of others is filed
// between; a copy that fails is taken back, message by message, by a job that a restart resumes.
extension MessageStore {
    private struct Plan: Sendable {
        var from: MailboxID
        var to: MailboxID
        var quota: Int64?
        var isMove: Bool
        /// Flags that come along.
        var flags: Flags
    }

    /// Every flag that a message can have.
    package static let allFlags = Flags(rawValue: .max >> 1)

    /// Copies messages with flags, keywords and internal date, all or none. A move takes the originals away in the same transaction;
    /// a move of very many does so slice by slice, each message being in one of the mailboxes at any time. [RFC9051-6.4.7]
    /// - Parameters:
    ///   - quota: most bytes that the account of the destination may hold with the copies.
    ///   - flags: what comes along of the originals' flags; of keywords all or none, since their bits are the source's. [RFC4314-4]
    package func copy(
        _ uids: UIDSet, from: MailboxID, to: MailboxID, quota: Int64?, isMove: Bool, flags: Flags = MessageStore.allFlags,
        completion: @escaping Answer<CopyResult>
    ) {
        let plan = Plan(from: from, to: to, quota: quota, isMove: isMove, flags: flags)
        self.resolved(uids, in: from, above: Self.copySlice, completion) { uids in
            if uids.count <= Self.copySlice {
                return self.changing(completion) { writer throws(StoreError) in try self.copyNow(uids, plan, writer) }
            }
            if isMove { self.move(uids, plan, completion) } else { self.copyMany(uids, plan, completion) }
        }
    }

    private func copyNow(_ uids: UIDSet, _ plan: Plan, _ writer: MailWriter) throws(StoreError) -> CopyResult {
        try writer.copy(uids, from: plan.from.rawValue, to: plan.to.rawValue, isMove: plan.isMove, flags: plan.flags) {
            account throws(StoreError) in
            guard let quota = plan.quota else { return nil }
            return try StoreError.wrap { () throws(DatabaseError) in
                quota - (try self.parts.usage.amount(of: account, self.parts.mail)).bytes
            }
        }
    }

    // MARK: Very many

    /// Each slice as a move of its own. What fails leaves the rest where it was, and the answer tells what was moved.
    private func move(_ uids: UIDSet, _ plan: Plan, _ completion: @escaping Answer<CopyResult>) {
        self.moveOn(uids, plan, nil, completion)
    }

    private func moveOn(_ uids: UIDSet, _ plan: Plan, _ soFar: CopyResult?, _ completion: @escaping Answer<CopyResult>) {
        let slice = uids.slice(0..<Self.copySlice)
        let rest = uids.slice(slice.count..<uids.count)
        self.changing({ (result: Result<CopyResult, StoreError>) in
            switch (result, soFar) {
            case (.success(let done), _):
                let all = soFar?.with(done) ?? done
                if rest.isEmpty { completion(.success(all)) } else { self.moveOn(rest, plan, all, completion) }
            case (.failure(let error), .some(var moved)):
                moved.failure = error
                completion(.success(moved))
            case (.failure(let error), .none): completion(.failure(error))
            }
        }) { writer throws(StoreError) in try self.copyNow(slice, plan, writer) }
    }

    private func copyMany(_ uids: UIDSet, _ plan: Plan, _ completion: @escaping Answer<CopyResult>) {
        self.changing({ (number: Result<Int64, StoreError>) in
            switch number {
            case .failure(let error): completion(.failure(error))
            case .success(let number): self.copyOn(uids, plan, number, nil, completion)
            }
        }) { writer throws(StoreError) in try writer.beginCopy(to: plan.to.rawValue) }
    }

    private func copyOn(_ uids: UIDSet, _ plan: Plan, _ number: Int64, _ soFar: CopyResult?, _ completion: @escaping Answer<CopyResult>) {
        let slice = uids.slice(0..<Self.copySlice)
        let rest = uids.slice(slice.count..<uids.count)
        self.changing({ (result: Result<CopyResult, StoreError>) in
            switch result {
            case .success(let done):
                let all = soFar?.with(done) ?? done
                if rest.isEmpty { completion(.success(all)) } else { self.copyOn(rest, plan, number, all, completion) }
            case .failure(let error): self.takeBack(number, error, completion)
            }
        }) { writer throws(StoreError) in
            let done = try self.copyNow(slice, plan, writer)
            if rest.isEmpty {
                try writer.finishCopy(number)
            } else {
                try writer.noteCopied(number, plan.to.rawValue, done.copies)
            }
            return done
        }
    }

    private func takeBack(_ number: Int64, _ reason: StoreError, _ completion: @escaping Answer<CopyResult>) {
        self.changing({ (_: Result<Bool, StoreError>) in
            // What could not even be noted for the job is taken back at the next start.
            self.parts.folder.wakeForJobs()
            completion(.failure(reason))
        }) { writer throws(StoreError) in
            try writer.undoCopy(number)
            return true
        }
    }
}

extension CopyResult {
    /// With what a later slice did.
    fileprivate func with(_ later: CopyResult) -> CopyResult {
        CopyResult(
            uidValidity: later.uidValidity, sources: self.sources.union(later.sources), copies: self.copies.union(later.copies),
            modSeq: later.modSeq)
    }
}
