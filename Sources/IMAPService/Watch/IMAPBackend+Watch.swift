internal import IMAPWire
internal import MessageStore
internal import NIOCore
internal import Vocabulary

extension IMAPBackend {
    /// Hints about the selected mailbox come always, so that IDLE needs nothing of its own.
    func watch(_ request: WatchRequest, _ answer: Answer) {
        switch request {
        case .idle: answer(.done)
        case .notify(let groups, let wantsStatus, let mode): self.notify(groups, wantsStatus: wantsStatus, mode, answer)
        }
    }

    private func notify(_ groups: [NotifyGroup], wantsStatus: Bool, _ mode: WireMode, _ answer: Answer) {
        let others = groups.filter { $0.filter != .selected && $0.filter != .selectedDelayed }
        self.state.withLock { $0.watch = nil }
        guard !others.isEmpty else { return answer(.done) }
        self.onWorker(answer) { () throws(IMAPRefusal) in
            let watch = MailboxWatch(others, mode, try self.finder()) { [link = self.link] in link(.noticesWait) }
            let selected = self.state.withLock { $0.selection?.id }
            let lines = try self.reading { () throws(StoreError) in try watch.begin(wantsStatus: wantsStatus, selected: selected) }
            self.state.withLock { state in
                if !state.hasEnded { state.watch = watch }
            }
            return .account(lines)
        }
    }

    func readNotices(_ answer: Answer) {
        let (watch, selected) = self.state.withLock { ($0.watch, $0.selection?.id) }
        guard let watch else { return answer(.account(ByteBuffer())) }
        self.onWorker(answer) { () throws(IMAPRefusal) in
            .account(try self.reading { () throws(StoreError) in try watch.take(selected: selected) })
        }
    }

    /// What this session does itself it is not told of. [RFC5465-5]
    func expectNotice(_ name: String) { self.state.withLock { $0.watch }?.expect(name) }
}
