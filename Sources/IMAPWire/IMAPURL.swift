package import Vocabulary

/// A URL of CATENATE or URLFETCH that names a message, or a part of one. [RFC5092-11] [RFC4469-3]
package struct IMAPURL: Hashable, Sendable {
    /// UTF-8.
    package var mailbox: String
    package var validity: UIDValidity?
    package var uid: UID
    /// Empty: the whole message.
    package var section: BodySection
    /// As the client wrote it: stands in BADURL.
    package var text: String
    /// Whose mailbox on which server, of a whole URL; nil of a path, which means the mailboxes of the session.
    package var authority: Authority?

    package struct Authority: Hashable, Sendable {
        /// nil where the URL names nobody.
        package var user: String?
        /// In small letters.
        package var host: String
    }

    package init(
        mailbox: String, validity: UIDValidity?, uid: UID, section: BodySection, text: String, authority: Authority? = nil
    ) {
        self.authority = authority
        self.mailbox = mailbox
        self.validity = validity
        self.uid = uid
        self.section = section
        self.text = text
    }
}

extension IMAPURL {
    // RFC 4469 5:  badurl-response-code = "BADURL" SP url-resp-text ; url-resp-text = 1*(TEXT-CHAR except "]")
    /// The response code of a URL that leads nowhere: bare, what cannot stand there percent-encoded, and cut where it is long.
    package static func badCode(_ text: String) -> String {
        var out = "BADURL "
        for byte in text.utf8.prefix(Self.longestTold) {
            switch byte {
            case 0x21...0x5C, 0x5E...0x7E: out.unicodeScalars.append(Unicode.Scalar(byte))
            default: out += "%" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return text.isEmpty ? out + "%20" : out
    }

    private static let longestTold = 200

    // RFC 5092 11:  ienc-mailbox [uidvalidity] "/" iuid ["/" isection] ["/" ipartial]
    /// An absolute path on this server, or a whole `imap:` URL; nil where it names no message.
    package init?(parsing text: String) {
        guard text.utf8.count <= 4096 else { return nil }
        var path = Substring(text)
        var authority: Authority?
        if path.lowercased().hasPrefix("imap://") {
            guard let whole = Self.authority(path.dropFirst(7)) else { return nil }
            (authority, path) = (whole.authority, whole.path)
        }
        guard path.popFirst() == "/" else { return nil }
        // Parameters begin with `;NAME=`; the mailbox's own parts may hold `/`.
        guard let range = Self.parameter("uid", in: path) else { return nil }
        var name = path[..<range.start]
        var validity: UIDValidity?
        if let found = Self.parameter("uidvalidity", in: name) {
            guard let number = UInt32(name[found.value]), number > 0 else { return nil }
            validity = UIDValidity(rawValue: number)
            name = name[..<found.start]
        }
        if name.last == "/" { name = name.dropLast() }
        guard let mailbox = Self.unescaped(name).flatMap({ MailboxName.decoded($0.utf8, isUTF8: true) }), !mailbox.isEmpty else {
            return nil
        }
        guard let uid = UInt32(path[range.value]), uid > 0 else { return nil }
        guard let section = Self.section(path[range.value.upperBound...]) else { return nil }
        self.init(mailbox: mailbox, validity: validity, uid: UID(rawValue: uid), section: section, text: text, authority: authority)
    }

    // RFC 5092 11:  iserver = [iuserinfo "@"] host [":" port]
    static func authority(_ rest: Substring) -> (authority: Authority, path: Substring)? {
        guard let slash = rest.firstIndex(of: "/") else { return nil }
        let path = rest[slash...]
        var server = rest[..<slash]
        var user: String?
        if let at = server.lastIndex(of: "@") {
            // `;AUTH=` says how to log in, which is nothing to us.
            let name = server[..<at].prefix { $0 != ";" }
            if !name.isEmpty {
                guard let unescaped = Self.unescaped(name) else { return nil }
                user = unescaped
            }
            server = server[server.index(after: at)...]
        }
        let host = server.prefix { $0 != ":" }
        return host.isEmpty ? nil : (Authority(user: user, host: host.lowercased()), path)
    }

    /// `;NAME=` in any case of letters, with what follows up to the next `/` or `;`.
    private static func parameter(_ name: String, in text: Substring) -> (start: String.Index, value: Range<String.Index>)? {
        var at = text.startIndex
        while let semicolon = text[at...].firstIndex(of: ";") {
            let rest = text[text.index(after: semicolon)...]
            if rest.prefix(name.count + 1).lowercased() == name + "=" {
                let start = rest.index(rest.startIndex, offsetBy: name.count + 1)
                let end = rest[start...].firstIndex { $0 == "/" || $0 == ";" } ?? rest.endIndex
                return (semicolon, start..<end)
            }
            at = text.index(after: semicolon)
        }
        return nil
    }

    private static func section(_ rest: Substring) -> BodySection? {
        var section = BodySection(part: [], text: .all, isPeek: true)
        if let found = Self.parameter("section", in: rest) {
            guard let text = Self.unescaped(rest[found.value]) else { return nil }
            var scanner = Scanner(text.utf8, isUTF8: true, nesting: 10)
            guard let parsed = try? scanner.sectionSpec(isPeek: true), scanner.isAtEnd else { return nil }
            section = parsed
        }
        if let found = Self.parameter("partial", in: rest) {
            let numbers = rest[found.value].split(separator: ".", omittingEmptySubsequences: false)
            guard let first = numbers.first.flatMap({ UInt32($0) }), numbers.count <= 2 else { return nil }
            let count = numbers.count == 2 ? UInt32(numbers[1]) : UInt32.max
            guard let count, count > 0 else { return nil }
            section.partial = OctetRange(first: first, count: count)
        }
        return section
    }

    /// Percent-encoding undone; nil where it is broken or no UTF-8.
    static func unescaped(_ text: Substring) -> String? {
        var out: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                out.append(byte)
                continue
            }
            guard rest.count >= 2, rest.prefix(2).allSatisfy(\.isHexDigit),
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            else { return nil }
            out.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: out, as: UTF8.self)
    }
}

extension UInt8 {
    fileprivate var isHexDigit: Bool { (0x30...0x39).contains(self) || (0x41...0x46).contains(self & 0xDF) }
}
