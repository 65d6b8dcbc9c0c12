package import MessageStore
package import NIOCore
package import Routing
package import Vocabulary

/// What an account asks for beside the copy in its mailbox, as queue entries: one for its maildrop, one for each of its programs, one for
/// all it forwards to, one for its automatic reply. So one that fails does not bring about another a second time.
package enum MethodDrafts {
    /// In the order in which they count as the account's own copy, where its mailbox takes none. Empty for who has a mailbox alone.
    /// - Parameter fields: trace fields before the message, whole lines; without those of one delivery.
    package static func make(_ recipient: Envelope.Recipient, _ local: LocalRecipient, fields: ByteBuffer, now: Int64) -> [QueueDraft] {
        let methods = local.delivery
        guard methods != .mailbox else { return [] }
        var drafts: [QueueDraft] = []
        var hasCopy = methods.contains(.mailbox)
        // Who asked to be told hears it once, of the copy that counts. [RFC3461-5.2.3]
        var others = recipient
        others.notify?.remove(.success)
        func add(_ channel: QueueDraft.Channel, _ command: String = "") {
            let order = MethodOrder(account: local.account, isOnlyCopy: !hasCopy, command: command, fields: fields)
            // By account, so that one whose entries wait in thousands hides nobody else's.
            drafts.append(
                QueueDraft(
                    channel, recipient: hasCopy ? others : recipient, destination: "account \(local.account)", due: now,
                    payload: order.encoded()))
            hasCopy = true
        }
        if methods.contains(.maildrop) { add(.maildrop) }
        if methods.contains(.program) { for command in local.programs { add(.program, command) } }
        if methods.contains(.forward) {
            let order = ForwardOrder(hasCopy: hasCopy, fields: fields)
            drafts.append(QueueDraft(.forward, recipient: hasCopy ? others : recipient, due: now, payload: order.encoded()))
            hasCopy = true
        }
        if methods.contains(.reply) { add(.reply) }
        return drafts
    }
}
