/// All that a store shows after it was opened.
package struct StoreContents: Equatable, Sendable {
    package struct Message: Equatable, Sendable {
        package let uid: UInt32
        package let flags: UInt32
        /// nil when its bytes are not those of any message that was sent.
        package let number: Int?
        /// Length, for messages about which more must be said.
        package let size: Int
    }

    package struct Mailbox: Equatable, Sendable {
        package let validity: UInt32
        package let messages: [Message]
    }

    package var mailboxes: [Int: Mailbox] = [:]
    /// Numbers of messages in second mailboxes, sorted.
    package var moved: [Int: [Int]] = [:]
    package var queued: [Int] = []
    package var complaints: [String] = []

    /// Reads everything in `store`; bytes are compared with what `ledger` knows was sent.
    package static func of(_ store: any LiveStore, _ ledger: Ledger) throws -> StoreContents {
        var contents = StoreContents()
        contents.complaints = try store.complaints()
        contents.queued = try store.queued()
        for account in ledger.accounts {
            guard let listed = try store.list(account) else { continue }
            let messages = listed.messages.map { entry -> Message in
                let bytes = (try? store.read(account, uid: entry.uid)) ?? []
                return Message(uid: entry.uid, flags: entry.flags, number: Self.identify(bytes, account, ledger), size: bytes.count)
            }
            contents.mailboxes[account] = Mailbox(validity: listed.validity, messages: messages)
            contents.moved[account] = try store.moved(account).sorted()
        }
        return contents
    }

    /// Without accounts whose removal had begun: that goes on in the background.
    func staying(_ ledger: Ledger) -> StoreContents {
        var contents = self
        contents.mailboxes = contents.mailboxes.filter { ledger.removed[$0.key] == nil }
        contents.moved = contents.moved.filter { ledger.removed[$0.key] == nil }
        return contents
    }

    private static func identify(_ bytes: [UInt8], _ account: Int, _ ledger: Ledger) -> Int? {
        guard let number = Sample.number(in: bytes), let sent = ledger.sent[number] else { return nil }
        let prefix = sent.sample.prefix(for: account)
        guard bytes.count == prefix.count + sent.body.count, bytes.starts(with: prefix) else { return nil }
        return bytes[prefix.count...].elementsEqual(sent.body) ? number : nil
    }
}
