internal import Bytes
internal import NIOCore
internal import SMTPWire
internal import Vocabulary

/// The trace fields that go before a message, one prefix a delivery. What differs between the deliveries of a message stands in the
/// middle, so that the store keeps the rest once. [RFC5321-4.4]
struct TracePrefix: Sendable {
    private let top: String
    private let bottom: String

    struct Facts: Sendable {
        var sender: Address?
        var hello: SMTPHello?
        var peer: IPAddress
        var tls: TLSFacts?
        var isAuthenticated: Bool
        var isInternationalized: Bool
        var isLMTP = false
        var host: String
        var product: ProductName
        var trace: TraceID
        /// Only where there is exactly one: `for` must not tell one recipient of another. [RFC5321-7.6]
        var onlyRecipient: Address?
        var date: CivilTime
    }

    init(_ facts: Facts) {
        self.top = "Return-Path: <\(facts.sender?.description ?? "")>\r\nDelivered-To: "
        let fold = "\r\n          "
        var line = "\r\nReceived: from \(Self.helloText(facts.hello)) (\(facts.peer.literal))"
        line += "\(fold)by \(facts.host) \(facts.product.traceComment)"
        if let tls = facts.tls {
            let cipher = tls.cipher.isEmpty || tls.cipher == "unknown" ? "" : " cipher=\(Self.word(tls.cipher))"
            line += "\(fold)(version=\(Self.word(tls.version))\(cipher))"
        }
        line += "\(fold)with \(Self.protocolName(facts)) id \(facts.trace)"
        if let recipient = facts.onlyRecipient { line += "\(fold)for <\(recipient)>" }
        self.bottom = line + ";\(fold)\(facts.date.rfc5322)\r\n"
    }

    /// Of a message that a program on this host handed over.
    init(localUser id: UInt32, sender: Address?, host: String, product: ProductName, trace: TraceID, date: CivilTime) {
        self.top = "Return-Path: <\(sender?.description ?? "")>\r\nDelivered-To: "
        let fold = "\r\n          "
        // The user's number: his name is nobody's business elsewhere.
        self.bottom =
            "\r\nReceived: from localhost (user \(id) of this host)\(fold)by \(host) \(product.traceComment)\(fold)with local id \(trace);"
            + "\(fold)\(date.rfc5322)\r\n"
    }

    /// Our Received field alone: what goes before a message that leaves this host. Behind it `tags`, whole lines.
    func relayed(tags: String) -> ByteBuffer { ByteBuffer(bytes: Array(self.bottom.utf8.dropFirst(2)) + Array(tags.utf8)) }

    /// - Parameter tags: fields of filters, whole lines.
    func bytes(for recipient: Address, tags: String = "") -> ByteBuffer {
        let address = recipient.description
        var out = ByteBuffer()
        out.reserveCapacity(self.top.utf8.count + address.utf8.count + self.bottom.utf8.count)
        out.writeString(self.top)
        out.writeString(address)
        out.writeString(self.bottom)
        out.writeString(tags)
        return out
    }

    /// Keywords registered for `with`. [RFC3848-1] [RFC6531-4.3]
    private static func protocolName(_ facts: Facts) -> String {
        guard facts.hello?.isExtended == true else { return "SMTP" }
        let base = facts.isLMTP ? (facts.isInternationalized ? "UTF8LMTP" : "LMTP") : facts.isInternationalized ? "UTF8SMTP" : "ESMTP"
        return base + (facts.tls == nil ? "" : "S") + (facts.isAuthenticated ? "A" : "")
    }

    /// The name as it was given, made safe for a field: anything but letters, digits and a few signs becomes `?`.
    private static func helloText(_ hello: SMTPHello?) -> String { hello.map { self.word($0.name) } ?? "unknown" }

    private static func word(_ text: String) -> String {
        let safe = text.utf8.prefix(255).map { byte -> UInt8 in
            let isSign = byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ":")
            let isBracket = byte == UInt8(ascii: "[") || byte == UInt8(ascii: "]")
            return byte.isASCIILetter || byte.isASCIIDigit || isSign || isBracket || byte >= 0x80 ? byte : UInt8(ascii: "?")
        }
        return safe.isEmpty ? "unknown" : String(decoding: safe, as: UTF8.self)
    }
}
