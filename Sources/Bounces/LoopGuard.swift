internal import Bytes
internal import MIME
package import NIOCore
package import Text
internal import Vocabulary

/// Finds messages that go in circles.
package enum LoopGuard {
    package enum Verdict: Sendable, Hashable {
        case fine
        /// More Received fields than allowed. [RFC5321-6.3]
        case tooManyHops(Int)
        /// The message was delivered to this address here before.
        case deliveredBefore
    }

    /// - Parameters:
    ///   - header: the beginning of the message, with all of its header; without what is now put in front.
    ///   - address: for which the message is to be sent on; nil looks at hops alone.
    package static func check(_ header: ByteBuffer, forwardingFor address: AddressKey?, hopLimit: Int) -> Verdict {
        var reader = HeaderReader(header)
        var hops = 0
        var wasHere = false
        while let field = reader.next() {
            if header.isField(field, named: "Received") {
                hops += 1
            } else if let address, !wasHere, header.isField(field, named: "Delivered-To") {
                wasHere = Self.key(header.unfolded(field)) == address
            }
        }
        // Nobody sends so many fields but a loop, or somebody who wants to hide one.
        if reader.end == .tooManyFields { return .tooManyHops(max(hops, hopLimit)) }
        if hops > hopLimit { return .tooManyHops(hops) }
        return wasHere ? .deliveredBefore : .fine
    }

    private static func key(_ body: [UInt8]) -> AddressKey? {
        var text = body[...]
        if text.first == UInt8(ascii: "<"), text.last == UInt8(ascii: ">") { text = text.dropFirst().dropLast() }
        guard let plain = String(validating: text, as: UTF8.self), let address = try? Address(parsing: plain) else { return nil }
        return AddressKey(address)
    }
}
