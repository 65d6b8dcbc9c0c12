internal import MessageStore
internal import POP3Wire
internal import Synchronization
internal import Vocabulary

/// The inbox of one session and the messages opened ahead: clients fetch one after the other and wait for each, so the next ones are
/// opened while the current one travels.
final class OpenInbox: Sendable {
    typealias Opened = Result<MessageReader, StoreError>

    /// Octets of messages held ready; a message larger than this is not opened ahead.
    static let aheadOctets: Int64 = 96 << 10
    static let aheadMessages = 16

    private enum Ahead {
        case opening
        case awaited(@Sendable (Opened) -> Void)
        case ready(Opened)
    }

    private struct State {
        var ahead: [Int: Ahead] = [:]
        var octets: Int64 = 0
        var isClosed = false
    }

    let mailbox: MailboxID
    /// Shared with the machine: one array for both.
    private let messages: [Maildrop.Entry]
    private let store: MessageStore
    private let state = Mutex(State())

    init(_ mailbox: MailboxID, _ messages: [Maildrop.Entry], _ store: MessageStore) {
        self.mailbox = mailbox
        self.messages = messages
        self.store = store
    }

    /// The message at a place of the listing; `completion` comes at once when it was opened ahead.
    func reader(_ index: Int, _ completion: @escaping @Sendable (Opened) -> Void) {
        guard self.messages.indices.contains(index) else { return completion(.failure(.noSuchMessage)) }
        let found = self.state.withLock { state -> Ahead? in
            let found = state.ahead[index]
            switch found {
            case .ready: self.forget(index, &state)
            case .opening: state.ahead[index] = .awaited(completion)
            case .awaited, nil: break
            }
            return found
        }
        switch found {
        case .ready(let opened): completion(opened)
        case .opening: break
        case .awaited, nil: self.store.reader(self.mailbox, self.messages[index].uid, completion: completion)
        }
        self.openAhead(after: index)
    }

    /// Drops what was opened; a message still being opened is dropped when it comes.
    func close() {
        self.state.withLock { state in
            state.isClosed = true
            state.ahead = [:]
            state.octets = 0
        }
    }

    private func openAhead(after index: Int) {
        let wanted = self.state.withLock { state -> [Int] in
            guard !state.isClosed else { return [] }
            // What lies behind was passed over: the client goes another way.
            for stale in state.ahead.keys where stale <= index || stale > index + Self.aheadMessages {
                if case .ready = state.ahead[stale] { self.forget(stale, &state) }
            }
            // In lots, not one by one: waking a thread costs more than opening a message.
            guard state.octets <= Self.aheadOctets / 2, state.ahead.count <= Self.aheadMessages / 2 else { return [] }
            var wanted: [Int] = []
            for next in (index + 1)..<min(index + 1 + Self.aheadMessages, self.messages.count) where state.ahead[next] == nil {
                let size = Int64(self.messages[next].size)
                guard state.octets + size <= Self.aheadOctets else { break }
                state.octets += size
                state.ahead[next] = .opening
                wanted.append(next)
            }
            return wanted
        }
        guard !wanted.isEmpty else { return }
        self.store.readers(self.mailbox, wanted.map { self.messages[$0].uid }) { self.came(wanted[$0], $1) }
    }

    private func came(_ index: Int, _ opened: Opened) {
        let waiting = self.state.withLock { state -> (@Sendable (Opened) -> Void)? in
            switch state.ahead[index] {
            case .awaited(let completion):
                self.forget(index, &state)
                return completion
            case .opening:
                state.ahead[index] = .ready(opened)
                return nil
            case .ready, nil: return nil
            }
        }
        waiting?(opened)
    }

    private func forget(_ index: Int, _ state: inout State) {
        guard state.ahead.removeValue(forKey: index) != nil else { return }
        state.octets -= Int64(self.messages[index].size)
    }
}
