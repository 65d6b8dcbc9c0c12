internal import IMAPWire
internal import MessageStore
internal import NetKit
internal import Synchronization
internal import Vocabulary

/// APPENDs that came together. [DESIGN 7]
private struct AppendRun: Sendable {
    struct Member: Sendable {
        let draft: AppendDraft
        let items: [AppendItem]

        /// The store takes it into its next transaction where the caller is. What is looked at on another thread first would be overtaken.
        var isQuick: Bool {
            guard let item = self.items.first, self.items.count == 1, self.draft.replacing == nil else { return false }
            return MessageStore.takesAtOnce(item)
        }
    }

    let members: [Result<Member, IMAPRefusal>]
    let outcomes: RunOutcomes

    /// Whether this one and the next may be under way at the same time, and still come into the mailbox in their order.
    func mayGoOn(behind index: Int) -> Bool {
        guard index + 1 < self.members.count else { return false }
        return [index, index + 1].allSatisfy { (try? self.members[$0].get().isQuick) ?? true }
    }
}

extension IMAPBackend {
    /// An APPEND, and those that came together with it: they go to the store together, which syncs and files them together; where one of them takes
    /// several steps, the next waits for it.
    func finishAppend(with more: [AddedMessage], _ answer: Answer) {
        guard let first = self.takeAppend() else { return answer(.refused(.unavailable)) }
        let version = self.environment.store.changes.namesVersion
        if let last = self.state.withLock({ $0.lastTarget }), last.version == version, more.allSatisfy({ $0.mailbox == last.name }) {
            return self.add(first, more, more.map { _ in .success(last.found) }, answer)
        }
        let isTaken = self.onTurn {
            let targets = more.map { message -> Result<FoundMailbox, IMAPRefusal> in
                do throws(IMAPRefusal) {
                    return .success(try self.find(message.mailbox, needing: .insert, orElse: self.absent(message.mailbox)))
                } catch { return .failure(error) }
            }
            self.add(first, more, targets, answer)
        }
        guard !isTaken else { return }
        first.abandon()
        answer(.refused(.unavailable))
    }

    private func add(_ first: AppendDraft, _ more: [AddedMessage], _ targets: [Result<FoundMailbox, IMAPRefusal>], _ answer: Answer) {
        var members = [Self.member(first)]
        for (message, target) in zip(more, targets) {
            do throws(IMAPRefusal) { members.append(Self.member(try self.draft(of: message, try target.get()))) } catch {
                members.append(.failure(error))
            }
        }
        self.add(AppendRun(members: members, outcomes: RunOutcomes(members.count, answer)), from: 0)
    }

    private static func member(_ draft: AppendDraft) -> Result<AppendRun.Member, IMAPRefusal> {
        if let items = draft.finish() { return .success(AppendRun.Member(draft: draft, items: items)) }
        draft.abandon()
        return .failure(IMAPRefusal(.emptyMessage))
    }

    /// As `beginAppend`, `beginMessage` and `messageBytes` make it. Quotas are looked at when it is written.
    private func draft(of message: AddedMessage, _ target: FoundMailbox) throws(IMAPRefusal) -> AppendDraft {
        let draft = AppendDraft(
            target, replacing: nil, self.environment.store, sizeLimit: self.limits.messageSize, memoryLimit: self.limits.sessionMemory)
        draft.begin(message.message)
        let refusal = Mutex<StoreRefusal?>(nil)
        // What comes later, of a file, comes again when the file is finished.
        draft.add(message.text) { if case .failure(let reason) = $0 { refusal.withLock { $0 = reason } } }
        guard let reason = refusal.withLock({ $0 }) else { return draft }
        draft.abandon()
        throw IMAPRefusal(reason)
    }

    private func add(_ run: AppendRun, from first: Int) {
        for index in first..<run.members.count {
            let goesOn = run.mayGoOn(behind: index)
            let answer = Answer { outcome in
                run.outcomes.set(index, outcome)
                if !goesOn { self.addNext(of: run, behind: index) }
            }
            switch run.members[index] {
            case .success(let member): self.add(member.items, member.draft, answer)
            case .failure(let refusal): answer(.refused(refusal))
            }
            if !goesOn { return }
        }
    }

    /// Not on the thread of the store that answers.
    private func addNext(of run: AppendRun, behind index: Int) {
        guard index + 1 < run.members.count, !self.onTurn({ self.add(run, from: index + 1) }) else { return }
        for rest in (index + 1)..<run.members.count { run.outcomes.set(rest, .refused(.unavailable)) }
    }
}
