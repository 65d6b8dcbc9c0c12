internal import Bytes
internal import NIOCore

/// Why a command cannot be understood.
struct GrammarFault: Error {
    var phrase: IMAPPhrase
    var code: String?
    /// NO instead of BAD: the grammar is right, the meaning is not.
    var isNO = false
    /// The literal that should stand here has not come yet.
    var needsLiteral = false

    init(_ phrase: IMAPPhrase = .badArguments, code: String? = nil, isNO: Bool = false) {
        self.phrase = phrase
        self.code = code
        self.isNO = isNO
    }
}

/// A place in a whole command, literals included, moving forward only. Every look checks the end. Blanks are taken exactly where the
/// grammar has them. [RFC9051-9]
struct Scanner {
    private let bytes: [UInt8]
    private(set) var at = 0
    /// Quoted strings and names of mailboxes may be UTF-8.
    let isUTF8: Bool
    let nesting: Int
    /// How the last name of a mailbox was written, where not in its normalized form. [RFC9051-5.1]
    var writtenName: String?

    /// - Parameter command: one command without its last CRLF; literals stand behind their `{n}` CRLF.
    init(_ command: ByteBuffer, isUTF8: Bool, nesting: Int) {
        self.bytes = Array(command.readableBytesView)
        self.isUTF8 = isUTF8
        self.nesting = nesting
    }

    init(_ bytes: some Sequence<UInt8>, isUTF8: Bool = true, nesting: Int = 20) {
        self.bytes = Array(bytes)
        self.isUTF8 = isUTF8
        self.nesting = nesting
    }

    static let empty = Scanner([], isUTF8: false)

    /// Octets of the command.
    var count: Int { self.bytes.count }
    var isAtEnd: Bool { self.at >= self.bytes.count }
    func peek() -> UInt8? { self.at < self.bytes.count ? self.bytes[self.at] : nil }
    func peek(after distance: Int) -> UInt8? {
        distance >= 0 && distance < self.bytes.count - self.at ? self.bytes[self.at + distance] : nil
    }
    func peek(_ character: Unicode.Scalar) -> Bool { self.peek() == UInt8(ascii: character) }

    // MARK: Single characters

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard self.peek() == UInt8(ascii: character) else { return false }
        self.at += 1
        return true
    }

    /// Consumes one octet, whatever it is.
    mutating func takeOne() -> UInt8? {
        guard let byte = self.peek() else { return nil }
        self.at += 1
        return byte
    }

    mutating func expect(_ character: Unicode.Scalar) throws(GrammarFault) {
        guard self.take(character) else { throw GrammarFault() }
    }

    mutating func expectSpace() throws(GrammarFault) { try self.expect(" ") }

    func expectEnd() throws(GrammarFault) {
        guard self.isAtEnd else { throw GrammarFault() }
    }

    // MARK: Words

    mutating func takeWhile(_ satisfies: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let start = self.at
        while self.at < self.bytes.count, satisfies(self.bytes[self.at]) { self.at += 1 }
        return self.bytes[start..<self.at]
    }

    /// An atom, as it stands; empty throws.
    mutating func atom() throws(GrammarFault) -> String {
        let found = self.takeWhile(\.isAtomCharacter)
        guard !found.isEmpty else { throw GrammarFault() }
        return String(decoding: found, as: UTF8.self)
    }

    /// A word of the protocol in capitals: letters, digits, `.`, `-`, `_`, `=`, `/`, `:`. Empty where none begins here.
    mutating func keyword() -> String {
        let found = self.takeWhile(Self.isKeywordCharacter)
        return String(decoding: found.map(\.asciiUppercased), as: UTF8.self)
    }

    /// The same, not consumed.
    func peekKeyword() -> String {
        var copy = self
        return copy.keyword()
    }

    /// Consumes `word` (in capitals) if exactly it comes next.
    mutating func takeKeyword(_ word: String) -> Bool {
        var copy = self
        guard copy.keyword() == word else { return false }
        self = copy
        return true
    }

    private static func isKeywordCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x41...0x5A, 0x61...0x7A, 0x30...0x39: true
        case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "="), UInt8(ascii: "/"), UInt8(ascii: ":"): true
        default: false
        }
    }

    // MARK: Numbers

    /// At most 63 bits. [RFC9051-4.2]
    mutating func number64() throws(GrammarFault) -> Int64 {
        let digits = self.takeWhile(\.isASCIIDigit)
        guard !digits.isEmpty, digits.count <= 19 else { throw GrammarFault() }
        var value: Int64 = 0
        for digit in digits {
            let (tens, over) = value.multipliedReportingOverflow(by: 10)
            let (sum, overSum) = tens.addingReportingOverflow(Int64(digit) - 0x30)
            guard !over, !overSum else { throw GrammarFault() }
            value = sum
        }
        return value
    }

    mutating func number() throws(GrammarFault) -> UInt32 {
        guard let value = UInt32(exactly: try self.number64()) else { throw GrammarFault() }
        return value
    }

    /// A number that is not zero and does not begin with zero.
    mutating func nzNumber() throws(GrammarFault) -> UInt32 {
        guard let first = self.peek(), first != UInt8(ascii: "0") else { throw GrammarFault() }
        return try self.number()
    }

    // MARK: Strings

    /// `string`: quoted or literal. [RFC9051-4.3]
    mutating func string() throws(GrammarFault) -> [UInt8] {
        switch self.peek() {
        case UInt8(ascii: "\""): return try self.quoted()
        case UInt8(ascii: "{"), UInt8(ascii: "~"): return try self.literal()
        default: throw GrammarFault()
        }
    }

    /// `astring`. [RFC9051-9]
    mutating func astring() throws(GrammarFault) -> [UInt8] {
        if let next = self.peek(), next.isAStringCharacter, !(next == UInt8(ascii: "~") && self.peek(after: 1) == UInt8(ascii: "{")) {
            return Array(self.takeWhile(\.isAStringCharacter))
        }
        return try self.string()
    }

    /// `astring` that must be text.
    mutating func text() throws(GrammarFault) -> String {
        guard let text = String(validating: try self.astring(), as: UTF8.self) else { throw GrammarFault(.badCharacters) }
        return text
    }

    /// `nstring`: a string or NIL.
    mutating func nstring() throws(GrammarFault) -> [UInt8]? {
        if self.takeKeyword("NIL") { return nil }
        return try self.string()
    }

    private mutating func quoted() throws(GrammarFault) -> [UInt8] {
        try self.expect("\"")
        var out: [UInt8] = []
        while true {
            guard let byte = self.peek() else { throw GrammarFault() }
            self.at += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard !out.contains(where: { $0 >= 0x80 }) else { return try self.utf8(out) }
                return out
            case UInt8(ascii: "\\"):
                guard let escaped = self.peek(), escaped == UInt8(ascii: "\"") || escaped == UInt8(ascii: "\\") else {
                    throw GrammarFault()
                }
                self.at += 1
                out.append(escaped)
            case 0, .cr, .lf: throw GrammarFault(.badCharacters)
            default: out.append(byte)
            }
        }
    }

    /// Octets beyond ASCII in quoted strings: UTF-8 and nothing else. Clients that have enabled nothing send them in search texts all the
    /// same; there they are taken for what they must mean. [RFC6855-3]
    private func utf8(_ bytes: [UInt8]) throws(GrammarFault) -> [UInt8] {
        guard String(validating: bytes, as: UTF8.self) != nil else { throw GrammarFault(.badCharacters) }
        return bytes
    }

    /// A literal that stands whole in the command. NUL may be in literal8 alone. [RFC9051-4.3] [RFC3516-4.2]
    private mutating func literal() throws(GrammarFault) -> [UInt8] {
        let mark = try self.literalMark()
        guard let count = Int(exactly: mark.size), count <= self.bytes.count - self.at else {
            var fault = GrammarFault()
            fault.needsLiteral = true
            throw fault
        }
        let content = Array(self.bytes[self.at..<self.at + count])
        guard mark.isBinary || !content.contains(0) else { throw GrammarFault(.badCharacters) }
        self.at += count
        return content
    }

    /// `{n}`, `{n+}`, `~{n}`, `~{n+}` and CRLF.
    mutating func literalMark() throws(GrammarFault) -> LiteralMark {
        let isBinary = self.take("~")
        try self.expect("{")
        let size = try self.number64()
        let isSynchronizing = !self.take("+")
        try self.expect("}")
        guard self.peek() == .cr, self.peek(after: 1) == .lf else { throw GrammarFault() }
        self.at += 2
        return LiteralMark(size: size, isSynchronizing: isSynchronizing, isBinary: isBinary)
    }

    // MARK: Lists

    /// `(a b c)`, with at least one item unless `mayBeEmpty`.
    mutating func list<Item>(
        mayBeEmpty: Bool = false, _ item: (inout Scanner) throws(GrammarFault) -> Item
    ) throws(GrammarFault) -> [Item] {
        try self.expect("(")
        var items: [Item] = []
        if mayBeEmpty, self.take(")") { return items }
        repeat { items.append(try item(&self)) } while self.take(" ")
        try self.expect(")")
        return items
    }

    /// Passes over a value of an extension that we do not look at: `tagged-ext-val`. [RFC4466-6]
    mutating func skipValue(_ depth: Int) throws(GrammarFault) {
        guard depth > 0 else { throw GrammarFault(.tooDeep) }
        guard self.take("(") else {
            _ = try self.astring()
            return
        }
        if self.take(")") { return }
        repeat { try self.skipValue(depth - 1) } while self.take(" ")
        try self.expect(")")
    }
}

/// The announcement of a literal. [RFC9051-4.3] [RFC7888-4]
struct LiteralMark: Hashable, Sendable {
    var size: Int64
    var isSynchronizing: Bool
    var isBinary: Bool

    init(size: Int64, isSynchronizing: Bool, isBinary: Bool) {
        self.size = size
        self.isSynchronizing = isSynchronizing
        self.isBinary = isBinary
    }

    /// At the end of a line without its CRLF; nil where the line announces none. A number beyond 63 bits is as large as can be: it will be
    /// refused, and must not be taken for the end of the command.
    init?(endOf line: some BidirectionalCollection<UInt8>) {
        var rest = line[...]
        guard rest.popLast() == UInt8(ascii: "}") else { return nil }
        self.isSynchronizing = rest.last != UInt8(ascii: "+")
        if !self.isSynchronizing { rest.removeLast() }
        var digits: [UInt8] = []
        while let last = rest.last, last.isASCIIDigit, digits.count < 40 {
            digits.append(last)
            rest.removeLast()
        }
        guard !digits.isEmpty, rest.popLast() == UInt8(ascii: "{") else { return nil }
        self.isBinary = rest.last == UInt8(ascii: "~")
        self.size = Int64(String(decoding: digits.reversed(), as: UTF8.self)) ?? Int64.max
    }
}
