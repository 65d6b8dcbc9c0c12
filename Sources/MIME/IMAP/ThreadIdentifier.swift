internal import Crypto
internal import NIOCore

extension MessageSummary {
    /// Which conversation the message says that it belongs to: letters and digits, the same for ever and everywhere, of the first message that it
    /// refers to, else of itself; nil where it names none. Two messages that THREAD=REFERENCES links by their fields alone have the same, unless one of
    /// them leaves out where the conversation began. What it is made of is frozen: clients keep it. [RFC8474-5.2] [docs/decisions: 0036]
    package var thread: String? {
        guard let root = self.conversation else { return nil }
        var text = [UInt8(ascii: "T")]
        text.reserveCapacity(33)
        for byte in SHA256.hash(data: root).prefix(16) {
            for digit in [byte >> 4, byte & 15] { text.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// [RFC5256-3] says which field comes first.
    private var conversation: [UInt8]? {
        for field in [Text.referencesField, .inReplyToField, .messageIDField] where self.has(field) {
            if let first = MessageIdentifiers.first(in: self.bytes(field).readableBytesView) { return first }
        }
        return nil
    }
}

/// What a message is called that names no conversation, nor itself: one of its own. [RFC8474-5.2]
package enum LoneThread {
    /// - Parameter emailID: as clients read it.
    package static func name(_ emailID: String) -> String { "T" + emailID }
}
