internal import Bytes
package import Vocabulary

/// What the server at the other end said of itself in its reply to EHLO.
package struct SMTPPeer: Sendable, Hashable {
    /// Its name, as it says. Proves nothing.
    package private(set) var name = ""
    /// It took EHLO; otherwise nothing below is offered.
    package var isExtended = false
    /// The connection is encrypted.
    package var isEncrypted = false
    package private(set) var hasStartTLS = false
    package private(set) var hasPipelining = false
    package private(set) var hasEightBit = false
    package private(set) var hasInternational = false
    package private(set) var hasChunking = false
    package private(set) var hasDSN = false
    package private(set) var hasRequireTLS = false
    package private(set) var hasETRN = false
    /// SIZE was offered; without a limit of its own it is nil. [RFC1870-4]
    package private(set) var hasSize = false
    package private(set) var sizeLimit: Int64?
    /// Upper-case names.
    package private(set) var mechanisms: Set<String> = []

    package init() {}

    // RFC 5321 4.1.1.1:  ehlo-ok-rsp: the domain and a greeting, then a keyword with parameters a line
    /// From the reply to EHLO. Keywords that we do not know are passed over.
    package init(_ reply: Reply) {
        self.isExtended = true
        let lines = reply.text.split(separator: "\n", omittingEmptySubsequences: false)
        self.name = Self.name(lines.first ?? "")
        for line in lines.dropFirst() {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard let keyword = words.first else { continue }
            self.note(String(keyword).asciiLowercased, words.dropFirst())
        }
    }

    /// From the reply to HELO, which offers nothing.
    package init(plain reply: Reply) { self.name = Self.name(reply.text.split(separator: "\n").first ?? "") }

    private static func name(_ line: Substring) -> String { String(line.split(separator: " ").first?.prefix(255) ?? "") }

    private mutating func note(_ keyword: String, _ words: ArraySlice<Substring>) {
        switch keyword {
        case "starttls": self.hasStartTLS = true
        case "pipelining": self.hasPipelining = true
        case "8bitmime": self.hasEightBit = true
        case "smtputf8": self.hasInternational = true
        case "chunking": self.hasChunking = true
        case "dsn": self.hasDSN = true
        case "requiretls": self.hasRequireTLS = true
        case "etrn": self.hasETRN = true
        case "size":
            self.hasSize = true
            // A number that we cannot read limits nothing.
            if let limit = words.first.flatMap({ Int64($0) }), limit > 0 { self.sizeLimit = limit }
        case "auth": for word in words.prefix(32) { self.mechanisms.insert(word.uppercased()) }
        // Written without a blank by servers older than the standard.
        case _ where keyword.hasPrefix("auth="):
            self.mechanisms.insert(String(keyword.dropFirst(5)).uppercased())
            for word in words.prefix(32) { self.mechanisms.insert(word.uppercased()) }
        default: break
        }
    }
}
