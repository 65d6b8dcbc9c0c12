internal import Bytes
internal import NIOCore
package import Policy
package import Vocabulary

/// What the postmaster can do with a message that is held for him.
package enum HeldAnswer: Sendable, Hashable {
    /// Back to its sender, with a report.
    case giveBack
    /// To this address instead.
    case redirect(Address)
    /// Once more to the same address.
    case retry
    case delete
}

/// Why a message is held for the postmaster, as the payload of its queue entry. The entry itself is the question: it is there until it was
/// answered, and whatever ends it answers it, once.
package struct HeldCase: Sendable, Hashable {
    package var failureClass: FailureClass
    package var status: EnhancedStatus
    /// The other host's reply, or words for the cause; one line of at most 1,000 octets.
    package var reason: String
    package var remoteHost: String?
    /// Number of the entry's channel before it was held.
    package var channel: UInt8
    /// The entry's payload before it was held.
    package var payload: [UInt8]
    /// Seconds since 1970.
    package var heldAt: Int64

    package init(
        failureClass: FailureClass, status: EnhancedStatus, reason: String, remoteHost: String? = nil, channel: UInt8,
        payload: [UInt8] = [],
        heldAt: Int64
    ) {
        self.failureClass = failureClass
        self.status = status
        self.reason = SafeText.line(reason, limit: 1000)
        self.remoteHost = remoteHost
        self.channel = channel
        self.payload = payload
        self.heldAt = heldAt
    }

    /// From a failure that is final.
    package init(_ failure: DeliveryFailure, as failureClass: FailureClass, channel: UInt8, payload: [UInt8], heldAt: Int64) {
        self.init(
            failureClass: failureClass, status: failure.status, reason: failure.replyText ?? failure.words.english,
            remoteHost: failure.remoteHost, channel: channel, payload: payload, heldAt: heldAt)
    }

    private static let version: UInt8 = 1

    /// For the queue entry's payload.
    package func encoded() -> [UInt8] {
        var out = ByteBuffer()
        out.writeInteger(Self.version)
        out.writeInteger(self.channel)
        out.writeInteger(self.heldAt)
        out.writeInteger(self.status.classDigit)
        out.writeInteger(self.status.subject)
        out.writeInteger(self.status.detail)
        for text in [self.failureClass.rawValue, self.reason, self.remoteHost ?? ""] {
            let bytes = text.utf8.prefix(Int(UInt16.max))
            out.writeInteger(UInt16(truncatingIfNeeded: bytes.count))
            out.writeBytes(bytes)
        }
        out.writeBytes(self.payload)
        return Array(out.readableBytesView)
    }

    /// nil for what `encoded` did not write.
    package init?(decoding bytes: [UInt8]) {
        var input = ByteBuffer(bytes: bytes)
        guard input.readInteger(as: UInt8.self) == Self.version, let channel = input.readInteger(as: UInt8.self),
            let heldAt = input.readInteger(as: Int64.self), let digit = input.readInteger(as: UInt8.self),
            let subject = input.readInteger(as: UInt16.self), let detail = input.readInteger(as: UInt16.self),
            let name = Self.readText(&input), let failureClass = FailureClass(rawValue: name), let reason = Self.readText(&input),
            let host = Self.readText(&input)
        else { return nil }
        self.init(
            failureClass: failureClass, status: EnhancedStatus(digit, subject, detail), reason: reason,
            remoteHost: host.isEmpty ? nil : host,
            channel: channel, payload: Array(input.readableBytesView), heldAt: heldAt)
    }

    private static func readText(_ input: inout ByteBuffer) -> String? {
        guard let count = input.readInteger(as: UInt16.self), let bytes = input.readBytes(length: Int(count)) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}
