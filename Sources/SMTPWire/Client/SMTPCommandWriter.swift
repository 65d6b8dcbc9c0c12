internal import Bytes
internal import NIOCore
internal import Text
internal import Vocabulary

// The commands of a client, as bytes. Everything that goes into them was checked when it was taken; what could still break a line (none of
// the parts may have a control character) is refused here once more, since a line of ours in somebody else's session is theirs to abuse.
extension ByteBuffer {
    // RFC 5321 4.1.1.2:  mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF
    mutating func writeMail(_ message: SMTPClientMessage, _ peer: SMTPPeer, isInternational: Bool) {
        let envelope = message.envelope
        self.writeStaticString("MAIL FROM:<")
        if let sender = envelope.sender { self.writeString(sender.wireText(isInternational: isInternational)) }
        self.writeStaticString(">")
        if peer.hasSize, !message.isQuestion { self.writeString(" SIZE=\(message.size)") }
        if envelope.isEightBit, peer.hasEightBit { self.writeStaticString(" BODY=8BITMIME") }
        if isInternational { self.writeStaticString(" SMTPUTF8") }
        if envelope.requiresTLS, peer.hasRequireTLS { self.writeStaticString(" REQUIRETLS") }
        if peer.hasDSN {
            switch envelope.dsnReturn {
            case .full: self.writeStaticString(" RET=FULL")
            case .headers: self.writeStaticString(" RET=HDRS")
            case nil: break
            }
            if let id = envelope.envelopeID { self.writeString(" ENVID=\(id)") }
        }
        self.writeStaticString("\r\n")
    }

    // RFC 5321 4.1.1.3:  rcpt = "RCPT TO:" Forward-path [SP Rcpt-parameters] CRLF
    mutating func writeRecipient(_ recipient: Envelope.Recipient, _ peer: SMTPPeer, isInternational: Bool) {
        self.writeStaticString("RCPT TO:<")
        self.writeString(recipient.address.wireText(isInternational: isInternational))
        self.writeStaticString(">")
        if peer.hasDSN {
            if let notify = recipient.notify { self.writeString(" NOTIFY=\(notify.wireText)") }
            if let original = recipient.originalRecipient { self.writeString(" ORCPT=\(original)") }
        }
        self.writeStaticString("\r\n")
    }

    /// True when the bytes are so many commands and nothing else: lines in CRLF, no other control characters.
    func isCommands(_ count: Int) -> Bool {
        var previous: UInt8 = 0
        var lines = 0
        for byte in self.readableBytesView {
            if byte == .lf {
                guard previous == .cr else { return false }
                lines += 1
            } else if previous == .cr || (byte < 0x20 && byte != .cr) || byte == 0x7F {
                return false
            }
            previous = byte
        }
        return previous == .lf && lines == count
    }
}

extension Address {
    /// For a server without SMTPUTF8 the domain goes as A-labels, which mean the same.
    func wireText(isInternational: Bool) -> String {
        guard !isInternational, self.isInternationalized, let domain = DomainName.normalized(self.domain) else { return self.description }
        return Address(localPart: self.localPart, domain: domain).description
    }

    /// Cannot be written without SMTPUTF8.
    var needsInternational: Bool {
        self.isInternationalized && (!self.localPart.utf8.allSatisfy { $0 < 0x80 } || DomainName.normalized(self.domain) == nil)
    }
}

extension DSNNotify {
    // RFC 3461 4.1:  notify-esmtp-value = "NEVER" / 1#notify-list-element
    fileprivate var wireText: String {
        if self.isEmpty { return "NEVER" }
        var words: [String] = []
        if self.contains(.success) { words.append("SUCCESS") }
        if self.contains(.failure) { words.append("FAILURE") }
        if self.contains(.delay) { words.append("DELAY") }
        return words.joined(separator: ",")
    }
}
