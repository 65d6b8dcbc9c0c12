internal import Bytes
internal import IMAPWire
internal import MessageStore
internal import NIOCore
internal import Synchronization
internal import Vocabulary

/// The messages of one APPEND on their way in. Small ones wait in memory, which is counted; longer ones go into a file of their own.
final class AppendDraft: Sendable {
    typealias Completion = @Sendable (Result<Void, StoreRefusal>) -> Void

    private struct Message {
        var head: AppendMessage
        var memory = ByteBuffer()
        var large: LargeBody?
        var fixer = LineEndFixer()
        var lastByte: UInt8 = 0
        var octets: Int64 = 0
    }

    private struct State {
        var items: [AppendItem] = []
        var message: Message?
        /// Counted in the store's budget.
        var reserved = 0
        /// Parts of CATENATE came to nothing.
        var hasEmpty = false
        var isOver = false
    }

    /// Of REPLACE: what goes from the selected mailbox.
    struct Old: Sendable {
        let selection: Selection
        let uid: UID
        let size: Int64
    }

    let target: FoundMailbox
    let replacing: Old?
    private let store: MessageStore
    private let sizeLimit: Int64
    /// Octets of all messages that may wait in memory.
    private let memoryLimit: Int
    private let state = Mutex(State())

    init(_ target: FoundMailbox, replacing: Old?, _ store: MessageStore, sizeLimit: Int64, memoryLimit: Int) {
        self.target = target
        self.replacing = replacing
        self.store = store
        self.sizeLimit = sizeLimit
        self.memoryLimit = memoryLimit
    }

    deinit { self.abandon() }

    /// Lets go of everything.
    func abandon() {
        let last = self.state.withLock { state in
            defer { state = State(isOver: true) }
            return state
        }
        last.message?.large?.abandon()
        for item in last.items { if case .large(let body) = item.body { body.abandon() } }
        if last.reserved > 0 { self.store.memory.release(last.reserved) }
    }

    func begin(_ head: AppendMessage) {
        self.finishMessage()
        self.state.withLock { $0.message = Message(head: head) }
    }

    /// Adds octets to the message in hand; `completion` comes when more may come.
    func add(_ bytes: ByteBuffer, _ completion: @escaping Completion) {
        enum Way { case kept, large(LargeBody, ByteBuffer), refused(StoreRefusal) }
        let way: Way = self.state.withLock { state in
            guard var message = state.message, !state.isOver else { return .refused(.closed) }
            state.message = nil
            defer { state.message = message }
            message.lastByte = bytes.readableBytesView.last ?? message.lastByte
            let piece = message.head.isBinary ? bytes : message.fixer.fix(bytes)
            message.octets += Int64(piece.readableBytes)
            guard message.octets <= self.sizeLimit else { return .refused(.tooLarge) }
            if let large = message.large { return .large(large, piece) }
            // One session does not take what there is for all.
            let isWithin = state.reserved + piece.readableBytes <= self.memoryLimit
            if message.octets <= Int64(self.store.options.inlineLimit), isWithin, self.store.memory.reserve(piece.readableBytes) {
                state.reserved += piece.readableBytes
                message.memory.writeImmutableBuffer(piece)
                return .kept
            }
            do throws(StoreRefusal) {
                let large = try self.store.beginLargeBody()
                message.large = large
                var all = message.memory
                message.memory = ByteBuffer()
                all.writeImmutableBuffer(piece)
                return .large(large, all)
            } catch { return .refused(error) }
        }
        switch way {
        case .kept: completion(.success(()))
        case .large(let body, let bytes): body.append(bytes, completion: completion)
        case .refused(let refusal): completion(.failure(refusal))
        }
    }

    private func finishMessage() {
        self.state.withLock { state in
            guard var message = state.message else { return }
            state.message = nil
            if message.octets == 0 { state.hasEmpty = true }
            // A line end that was cut in half is made whole; nothing else is added to what the client said.
            if !message.head.isBinary, message.lastByte == .cr {
                let rest = message.fixer.finish()
                if let large = message.large { large.append(rest) { _ in } } else { message.memory.writeImmutableBuffer(rest) }
            }
            let body: AcceptItem.Body = message.large.map { .large($0) } ?? .memory(message.memory)
            let allowed = AllowedFlags(self.target.rights)
            state.items.append(
                AppendItem(
                    body: body, flags: message.head.flags.intersection(allowed.allowed),
                    keywords: allowed.allowsKeywords ? message.head.keywords : [], date: message.head.date))
        }
    }

    /// Everything that came, once; nil where a message is empty. Memory stays counted until the draft is gone.
    func finish() -> [AppendItem]? {
        self.finishMessage()
        return self.state.withLock { state in
            guard !state.hasEmpty else { return nil }
            defer { state.items = [] }
            return state.items
        }
    }

    /// What the account of the target has again when the old message is gone. Bytes. [RFC8508-3.4]
    var freed: Int64 { self.replacing.map { $0.selection.owner == self.target.facts.account ? $0.size : 0 } ?? 0 }

    /// Octets of all messages so far.
    var octets: Int64 { self.state.withLock { $0.message?.octets ?? 0 } }
}
