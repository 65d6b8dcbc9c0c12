internal import NIOCore
internal import Vocabulary

/// The payload of a queue entry of channel `.mailbox`: the delivery that could not be made when the message was accepted.
package struct DeferredDelivery: Sendable, Hashable {
    package var delivery: PlannedDelivery

    package init(_ delivery: PlannedDelivery) { self.delivery = delivery }

    package func encoded() -> [UInt8] {
        var out = ByteBuffer()
        out.writeVarint(self.delivery.account.rawValue)
        out.writeVarint(self.delivery.mailbox?.rawValue ?? 0)
        out.writeVarint(Int64(bitPattern: self.delivery.flags.rawValue))
        out.writeVarint((self.delivery.quota ?? -1) + 1)
        out.writeVarint(self.delivery.prefix.readableBytes)
        out.writeImmutableBuffer(self.delivery.prefix)
        return Array(out.readableBytesView)
    }

    package init?(decoding bytes: [UInt8]) {
        var rest = ByteBuffer(bytes: bytes)
        guard let account = rest.readVarint(), let mailbox = rest.readVarint(), let flags = rest.readVarint(),
            let quota = rest.readVarint(),
            let length = rest.readVarint(), let prefix = rest.readSlice(length: Int(clamping: length))
        else { return nil }
        self.delivery = PlannedDelivery(
            account: AccountID(rawValue: account), mailbox: mailbox == 0 ? nil : MailboxID(rawValue: mailbox),
            flags: Flags(rawValue: UInt64(bitPattern: flags)), prefix: prefix, quota: quota == 0 ? nil : quota - 1)
    }
}
