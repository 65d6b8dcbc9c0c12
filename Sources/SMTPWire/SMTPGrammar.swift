import Bytes
import SASL
import Vocabulary

/// Arguments of the commands. Each reader starts behind the verb and consumes its line to the end; what it throws is the reply.
enum SMTPGrammar {
    /// What was negotiated, as far as the arguments depend on it.
    struct Context {
        /// EHLO was said, so that parameters may come.
        var isExtended: Bool
        var isSecure: Bool
        /// Bare local parts are completed later.
        var isSubmission: Bool
        var maximumSize: Int64
        /// The transaction said SMTPUTF8.
        var isInternationalized = false

        var addresses: AddressSyntax { AddressSyntax(allowsBareLocalPart: self.isSubmission, allowsStrayDots: true) }
    }

    // RFC 5321 4.1.1.1:  ehlo = "EHLO" SP ( Domain / address-literal ) CRLF
    /// Real clients send names with underscores and worse, and the name decides nothing: printable ASCII, or UTF-8, without blanks is taken.
    static func hello(_ cursor: inout ByteCursor, isExtended: Bool) throws(Reply) -> SMTPHello {
        cursor.skipBlanks()
        let name = cursor.takeWhile { $0 > 0x20 && $0 != 0x7F }
        cursor.skipBlanks()
        guard cursor.isAtEnd, !name.isEmpty, name.count <= Address.maximumDomain, let text = String(validating: name, as: UTF8.self) else {
            throw .badHello
        }
        return SMTPHello(name: text, isExtended: isExtended)
    }

    // RFC 5321 4.1.1.2:  mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF
    static func mail(_ cursor: inout ByteCursor, _ context: Context, identity: Identity?) throws(Reply) -> SMTPMail {
        guard cursor.skipBlanks() > 0, cursor.takeIgnoringCase("FROM:") else { throw .badMail }
        cursor.skipBlanks()  // not in the grammar, but sent by many
        let sender: Address?
        do { sender = try Address.readReversePath(&cursor, context.addresses) } catch { throw .badSender(error) }
        var mail = SMTPMail(envelope: Envelope(sender: sender), declaredSize: nil, identity: identity)
        try self.parameters(&cursor, context) { (name, value) throws(Reply) in
            try self.apply(name, value, to: &mail, context)
        }
        if let size = mail.declaredSize, size > context.maximumSize { throw .tooBig(context.maximumSize) }
        if sender?.isInternationalized == true, !mail.envelope.isInternationalized { throw .needsUTF8 }
        return mail
    }

    private static func apply(_ name: UnsafeRawBufferPointer, _ value: String?, to mail: inout SMTPMail, _ context: Context) throws(Reply) {
        switch value {
        case .some(let value) where self.same(name, "SIZE"):  // [RFC1870-6]
            guard let size = self.number(value) else { throw .badParameter }
            mail.declaredSize = size
        case .some(let value) where self.same(name, "BODY"):  // [RFC6152-2]
            switch value.asciiLowercased {
            case "7bit": mail.envelope.isEightBit = false
            case "8bitmime": mail.envelope.isEightBit = true
            default: throw .badParameter
            }
        case .none where self.same(name, "SMTPUTF8"): mail.envelope.isInternationalized = true  // [RFC6531-3.4]
        case .none where self.same(name, "REQUIRETLS"):  // [RFC8689-2]
            guard context.isSecure else { throw .needsTLS }
            mail.envelope.requiresTLS = true
        case .some(let value) where self.same(name, "RET"):  // [RFC3461-4.3]
            switch value.asciiLowercased {
            case "full": mail.envelope.dsnReturn = .full
            case "hdrs": mail.envelope.dsnReturn = .headers
            default: throw .badParameter
            }
        case .some(let value) where self.same(name, "ENVID"):  // [RFC3461-4.4]
            guard value.utf8.count <= self.maximumEnvelopeID, self.isXText(value) else { throw .badParameter }
            mail.envelope.envelopeID = value
        case .some(let value) where self.same(name, "AUTH"):  // [RFC4954-5]
            // Who the client says wrote it. We believe nobody, so it is checked and dropped.
            guard value == "<>" || self.isXText(value) else { throw .badParameter }
        default: throw .unknownParameter
        }
    }

    // RFC 5321 4.1.1.3:  rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF
    static func recipient(_ cursor: inout ByteCursor, _ context: Context) throws(Reply) -> Envelope.Recipient {
        guard cursor.skipBlanks() > 0, cursor.takeIgnoringCase("TO:") else { throw .badRcpt }
        cursor.skipBlanks()
        var recipient: Envelope.Recipient
        do { recipient = Envelope.Recipient(try Address.readForwardPath(&cursor, context.addresses)) } catch { throw .badRecipient(error) }
        try self.parameters(&cursor, context) { (name, value) throws(Reply) in
            try self.apply(name, value, to: &recipient)
        }
        if recipient.address.isInternationalized, !context.isInternationalized { throw .needsUTF8 }
        return recipient
    }

    private static func apply(_ name: UnsafeRawBufferPointer, _ value: String?, to recipient: inout Envelope.Recipient) throws(Reply) {
        guard let value else { throw .unknownParameter }
        if self.same(name, "NOTIFY") {  // [RFC3461-4.1]
            guard let notify = self.notify(value) else { throw .badParameter }
            recipient.notify = notify
        } else if self.same(name, "ORCPT") {  // [RFC3461-4.2]
            guard value.utf8.count <= 500, self.isOriginalRecipient(value) else { throw .badParameter }
            recipient.originalRecipient = value
        } else {
            throw .unknownParameter
        }
    }

    // RFC 3461 4.1:  notify-esmtp-value = "NEVER" / 1#( "SUCCESS" / "FAILURE" / "DELAY" )
    private static func notify(_ value: String) -> DSNNotify? {
        let lowered = value.asciiLowercased
        if lowered == "never" { return .never }
        var notify: DSNNotify = []
        for word in lowered.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            switch String(word) {
            case "success": notify.insert(.success)
            case "failure": notify.insert(.failure)
            case "delay": notify.insert(.delay)
            default: return nil
            }
        }
        return notify
    }

    // RFC 3461 4.2:  original-recipient-address = addr-type ";" xtext
    private static func isOriginalRecipient(_ value: String) -> Bool {
        let parts = value.utf8.split(separator: UInt8(ascii: ";"), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[0].allSatisfy({ Address.isAtomText($0) && $0 < 0x80 }), !parts[1].isEmpty else {
            return false
        }
        // utf-8-addr-unitext of RFC 6533 3 carries octets of UTF-8 as they are.
        return self.isXText(String(parts[1]) ?? "+")
    }

    // RFC 3030 2:  bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ] CR LF
    static func chunk(_ cursor: inout ByteCursor) throws(Reply) -> SMTPChunk {
        guard cursor.skipBlanks() > 0 else { throw .badBdat }
        let digits = cursor.takeWhile(\.isASCIIDigit)
        guard !digits.isEmpty, digits.count <= 18, let size = Int64(String(decoding: digits, as: UTF8.self)) else { throw .badBdat }
        var isLast = false
        if cursor.skipBlanks() > 0, !cursor.isAtEnd {
            guard cursor.takeIgnoringCase("LAST") else { throw .badBdat }
            isLast = true
            cursor.skipBlanks()
        }
        guard cursor.isAtEnd else { throw .badBdat }
        return SMTPChunk(remaining: size, isLast: isLast)
    }

    // RFC 4468 3.5:  burl-cmd = "BURL" SP absolute-URI [SP end-marker] CRLF ; end-marker = "LAST"
    static func url(_ cursor: inout ByteCursor) throws(Reply) -> (url: String, isLast: Bool) {
        cursor.skipBlanks()
        let bytes = cursor.takeWhile { $0 > 0x20 && $0 < 0x7F }
        guard !bytes.isEmpty else { throw .badURL }
        let url = String(decoding: bytes, as: UTF8.self)
        let isLast = cursor.skipBlanks() > 0 && cursor.takeIgnoringCase("LAST")
        cursor.skipBlanks()
        guard cursor.isAtEnd else { throw .badURL }
        return (url, isLast)
    }

    // RFC 4954 4:  AUTH mechanism [initial-response]
    static func auth(_ cursor: inout ByteCursor) throws(Reply) -> (mechanism: String, initial: [UInt8]?) {
        cursor.skipBlanks()
        let name = cursor.takeWhile { $0 > 0x20 && $0 < 0x7F }
        guard !name.isEmpty, name.count <= 20 else { throw .badAuth }
        let mechanism = String(decoding: name, as: UTF8.self)
        guard cursor.skipBlanks() > 0, !cursor.isAtEnd else { return (mechanism, nil) }
        let word = cursor.takeWhile { $0 > 0x20 }
        cursor.skipBlanks()
        guard cursor.isAtEnd else { throw .badAuth }
        if word.count == 1, word.first == UInt8(ascii: "=") { return (mechanism, []) }
        guard let initial = Base64.decode(word) else { throw .badBase64 }
        return (mechanism, initial)
    }

    /// One word, as VRFY and ETRN have it; printable, bounded.
    static func word(_ cursor: inout ByteCursor, isOptional: Bool) throws(Reply) -> String {
        cursor.skipBlanks()
        let bytes = cursor.takeRest()
        guard isOptional || !bytes.isEmpty, bytes.count <= 512, let text = String(validating: bytes, as: UTF8.self) else {
            throw .badArgument
        }
        return text
    }
}

// esmtp-param.
extension SMTPGrammar {
    /// More than this and somebody plays with us: no extension of ours needs half of it.
    private static let maximumParameters = 16
    /// Octets of the value of ENVID, encoded as it is. [RFC3461-4.4]
    private static let maximumEnvelopeID = 100

    // RFC 5321 4.1.2:  Mail-parameters = esmtp-param *(SP esmtp-param);  esmtp-param = esmtp-keyword ["=" esmtp-value]
    private static func parameters(
        _ cursor: inout ByteCursor, _ context: Context, _ apply: (UnsafeRawBufferPointer, String?) throws(Reply) -> Void
    ) throws(Reply) {
        var count = 0
        var seen: Set<String> = []
        while !cursor.isAtEnd {
            guard cursor.skipBlanks() > 0 else { throw .badParameter }
            if cursor.isAtEnd { return }
            count += 1
            guard context.isExtended, count <= self.maximumParameters else { throw .unknownParameter }
            let name = cursor.takeWhile { $0.isASCIILetter || $0.isASCIIDigit || $0 == UInt8(ascii: "-") }
            guard !name.isEmpty else { throw .badParameter }
            // Which of two values would count is anybody's guess, and two servers guess differently. [RFC3461-4.5]
            guard seen.insert(String(decoding: name, as: UTF8.self).asciiLowercased).inserted else { throw .badParameter }
            guard cursor.take(UInt8(ascii: "=")) else {
                try apply(name, nil)
                continue
            }
            let value = cursor.takeWhile { $0 > 0x20 && $0 != UInt8(ascii: "=") && $0 != 0x7F }
            guard !value.isEmpty, let text = String(validating: value, as: UTF8.self) else { throw .badParameter }
            try apply(name, text)
        }
    }

    private static func same(_ name: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
        var cursor = ByteCursor(name)
        return cursor.takeIgnoringCase(word) && cursor.isAtEnd
    }

    // RFC 1870 6:  size-value = 1*20DIGIT
    /// A number too large for us is too large for every limit.
    private static func number(_ text: String) -> Int64? {
        guard !text.isEmpty, text.utf8.count <= 20, text.utf8.allSatisfy(\.isASCIIDigit) else { return nil }
        return Int64(text) ?? .max
    }

    // RFC 3461 4:  xtext = *( xchar / hexchar );  hexchar = ASCII "+" and two upper case hexadecimal digits
    private static func isXText(_ text: String) -> Bool {
        var digitsDue = 0
        for byte in text.utf8 {
            if digitsDue > 0 {
                guard byte.isASCIIDigit || (0x41...0x46).contains(byte) else { return false }
                digitsDue -= 1
            } else if byte == UInt8(ascii: "+") {
                digitsDue = 2
            } else if byte <= 0x20 || byte == 0x7F || byte == UInt8(ascii: "=") {
                return false
            }
        }
        return digitsDue == 0
    }
}

/// A chunk of BDAT. [RFC3030-2]
struct SMTPChunk: Sendable {
    /// Octets still to come.
    var remaining: Int64
    var isLast: Bool
}
