internal import Bytes
internal import NIOCore
internal import Text

/// Writes values of FETCH responses. How text beyond ASCII goes to a client:
///
/// - IMAP4rev2 and UTF8=ACCEPT: as UTF-8 in quoted strings. Octets that are no UTF-8 are decoded by guess first (see `HeaderText`).
/// - IMAP4rev1: subjects, names and descriptions as encoded words, parameters by RFC 2231, hosts as A-labels. A local part that is not ASCII can be
///   written in none of these ways: it stands as it is in a literal, which may hold any octet but NUL. [RFC9051-4.3] [RFC6855-3]
struct ValueWriter {
    let form: MessageSummary.Form
    var out = ByteBuffer()
    /// Something was written that the other form writes otherwise.
    private(set) var dependsOnForm = false

    /// Longer strings are written as literals, since some clients bound their lines.
    private static let longestQuoted = 1000

    init(_ form: MessageSummary.Form) { self.form = form }

    mutating func raw(_ text: StaticString) { self.out.writeStaticString(text) }
    mutating func number(_ value: Int64) { self.out.writeString(String(value)) }

    /// nstring of octets as they stand; NIL for nil.
    mutating func nstring(_ bytes: [UInt8]?) {
        guard let bytes else { return self.raw("NIL") }
        self.string(bytes)
    }

    /// nstring of text for people.
    mutating func ntext(_ bytes: [UInt8]?) {
        guard let bytes else { return self.raw("NIL") }
        guard !Self.isASCII(bytes) else { return self.string(bytes) }
        self.dependsOnForm = true
        let text = HeaderText.unlabelled(bytes)
        self.string(Array((self.form == .utf8 ? text : Self.encodedWords(text)).utf8))
    }

    private static func encodedWords(_ text: String) -> String { EncodedWords.text(text).replacing("\r\n ", with: " ") }

    mutating func host(_ bytes: [UInt8]?) {
        guard let bytes, !Self.isASCII(bytes) else { return self.nstring(bytes) }
        self.dependsOnForm = true
        let text = HeaderText.unlabelled(bytes)
        self.string(Array((self.form == .utf8 ? text : DomainName.normalized(text) ?? text).utf8))
    }

    mutating func mailbox(_ bytes: [UInt8]?) {
        guard let bytes, !Self.isASCII(bytes) else { return self.nstring(bytes) }
        self.dependsOnForm = true
        self.string(Array(HeaderText.unlabelled(bytes).utf8))
    }

    mutating func parameters(_ parameters: [ParameterPiece.Shown]) {
        guard !parameters.isEmpty else { return self.raw("NIL") }
        var separator: StaticString = "("
        for parameter in parameters {
            self.raw(separator)
            separator = " "
            self.parameter(parameter)
        }
        self.raw(")")
    }

    private mutating func parameter(_ parameter: ParameterPiece.Shown) {
        if parameter.isExtended {
            self.dependsOnForm = true
            self.string(Array(parameter.name.utf8))
            self.raw(" ")
            // RFC 9051 7.5.2: decoded, under the name with the asterisk; clients of RFC 3501 decode it themselves.
            self.string(
                self.form == .utf8
                    ? Array(parameter.text.utf8) : Self.isASCII(parameter.value) ? parameter.value : self.extended(parameter.text))
        } else if Self.isASCII(parameter.value) {
            self.string(Array(parameter.name.utf8))
            self.raw(" ")
            self.string(parameter.value)
        } else {
            self.dependsOnForm = true
            self.string(Array((self.form == .utf8 ? parameter.name : parameter.name + "*").utf8))
            self.raw(" ")
            self.string(self.form == .utf8 ? Array(parameter.text.utf8) : self.extended(parameter.text))
        }
    }

    private func extended(_ text: String) -> [UInt8] { Array("UTF-8''".utf8) + ParameterPiece.percentEncoded(text.utf8) }

    // RFC 9051 9:  quoted = DQUOTE *QUOTED-CHAR DQUOTE;  literal = "{" number64 ["+"] "}" CRLF *CHAR8, CHAR8 = %x01-ff
    mutating func string(_ bytes: [UInt8]) {
        let needsLiteral =
            bytes.count > Self.longestQuoted || bytes.contains { $0 == .cr || $0 == .lf || ($0 >= 0x80 && self.form == .ascii) }
        guard needsLiteral else { return self.quoted(bytes) }
        let bytes = bytes.contains(0) ? bytes.filter { $0 != 0 } : bytes
        self.out.writeString("{\(bytes.count)}\r\n")
        self.out.writeBytes(bytes)
    }

    private mutating func quoted(_ bytes: [UInt8]) {
        self.out.writeInteger(UInt8(ascii: "\""))
        if bytes.contains(where: { $0 == 0 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) {
            for byte in bytes where byte != 0 {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { self.out.writeInteger(UInt8(ascii: "\\")) }
                self.out.writeInteger(byte)
            }
        } else {
            self.out.writeBytes(bytes)
        }
        self.out.writeInteger(UInt8(ascii: "\""))
    }

    static func isASCII(_ bytes: [UInt8]) -> Bool { bytes.allSatisfy { $0 < 0x80 } }
}

// MARK: ENVELOPE

extension ValueWriter {
    // RFC 9051 9:  envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP env-cc SP env-bcc SP
    //              env-in-reply-to SP env-message-id ")"
    mutating func envelope(_ fields: MessageFields) {
        self.raw("(")
        self.ntext(fields.first(.date))
        self.raw(" ")
        self.ntext(fields.first(.subject))
        let from = fields.addresses(.from)
        for name in [MessageFields.Name.from, .sender, .replyTo, .to, .cc, .bcc] {
            self.raw(" ")
            let list = name == .from ? from : fields.addresses(name)
            // Without them the author is who sent it and who is to be answered. [RFC9051-7.5.2]
            self.addresses(list.isEmpty && (name == .sender || name == .replyTo) ? from : list)
        }
        self.raw(" ")
        self.ntext(fields.first(.inReplyTo))
        self.raw(" ")
        self.ntext(fields.first(.messageID))
        self.raw(")")
    }

    // RFC 9051 9:  address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"
    private mutating func addresses(_ list: [EnvelopeAddress]) {
        guard !list.isEmpty else { return self.raw("NIL") }
        self.raw("(")
        for address in list {
            self.raw("(")
            self.ntext(address.name)
            self.raw(" ")
            self.host(address.route)
            self.raw(" ")
            if address.isGroupMark { self.ntext(address.mailbox) } else { self.mailbox(address.mailbox) }
            self.raw(" ")
            self.host(address.host)
            self.raw(")")
        }
        self.raw(")")
    }
}
