internal import Bytes
internal import Vocabulary

/// Finds the places in the body of an address field where a domain is missing: `taro, "Hanako" <hanako>` -> behind `taro` and behind
/// `hanako`. Everything else in the field is left as it is: comments, groups, quoted strings, encoded words, and whatever is no address
/// list at all. One pass, no recursion. [RFC5322-3.4]
struct AddressFieldCompleter {
    /// Offsets, from the start of the field body, at which `@domain` belongs; ascending.
    private(set) var places: [Int] = []
    /// Most addresses completed in one field.
    private static let maximumPlaces = 1000
    private static let maximumCommentDepth = 32

    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    /// Words of the mailbox at hand (or of its route address) so far, and the end of the last.
    private var words = 0
    private var lastWordEnd = 0
    /// The word is no local part: an encoded word, or a quoted string outside angle brackets, which is more often a name.
    private var isName = false
    /// An `@` or a `:` of a route was met: nothing is missing.
    private var isComplete = false
    private var isInAngle = false
    /// Behind `<…>`: the mailbox is done.
    private var isBehindAngle = false

    /// nil when the field is not understood; then it stays as it is.
    static func places(in bytes: UnsafeRawBufferPointer) -> [Int]? {
        var completer = AddressFieldCompleter(bytes)
        return completer.run() ? completer.places : nil
    }

    private init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private mutating func run() -> Bool {
        while self.position < self.bytes.count {
            let byte = self.bytes[self.position]
            switch byte {
            case .space, .tab, .cr, .lf: self.position += 1
            case UInt8(ascii: "("): guard self.skipComment() else { return false }
            case UInt8(ascii: "\""): guard self.skipQuoted() else { return false }
            case UInt8(ascii: "["): guard self.skipLiteral() else { return false }
            case UInt8(ascii: ","), UInt8(ascii: ";"):
                guard !self.isInAngle else { return false }
                self.endMailbox()
                self.position += 1
            case UInt8(ascii: ":"):
                // Behind the name of a group, or behind a source route.
                if self.isInAngle { self.isComplete = true } else { self.startMailbox() }
                self.position += 1
            case UInt8(ascii: "<"):
                guard !self.isInAngle, !self.isBehindAngle else { return false }
                self.startMailbox()
                self.isInAngle = true
                self.position += 1
            case UInt8(ascii: ">"):
                guard self.isInAngle else { return false }
                self.endMailbox()
                self.isBehindAngle = true
                self.position += 1
            case UInt8(ascii: "@"):
                self.isComplete = true
                self.position += 1
            default: guard self.takeAtom() else { return false }
            }
            guard self.places.count <= Self.maximumPlaces else { return false }
        }
        guard !self.isInAngle else { return false }
        self.endMailbox()
        return true
    }

    private mutating func startMailbox() {
        self.words = 0
        self.isName = false
        self.isComplete = false
        self.isInAngle = false
        self.isBehindAngle = false
    }

    /// A single word without `@` is a bare local part.
    private mutating func endMailbox() {
        if self.words == 1, !self.isComplete, !self.isBehindAngle, !self.isName { self.places.append(self.lastWordEnd) }
        self.startMailbox()
    }

    private mutating func wordEnded() {
        self.words += 1
        self.lastWordEnd = self.position
    }

    /// Atoms with dots between them are one word. False for what stands in no address.
    private mutating func takeAtom() -> Bool {
        let start = self.position
        while self.position < self.bytes.count,
            Address.isAtomText(self.bytes[self.position]) || self.bytes[self.position] == UInt8(ascii: ".")
        {
            self.position += 1
        }
        guard self.position > start else { return false }
        let startsEncoded =
            self.bytes[start] == UInt8(ascii: "=") && start + 1 < self.position && self.bytes[start + 1] == UInt8(ascii: "?")
        if startsEncoded { self.isName = true }
        self.wordEnded()
        return true
    }

    private mutating func skipQuoted() -> Bool {
        self.position += 1
        while self.position < self.bytes.count {
            let byte = self.bytes[self.position]
            self.position += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") {
                if !self.isInAngle { self.isName = true }
                self.wordEnded()
                return true
            }
        }
        return false
    }

    private mutating func skipLiteral() -> Bool {
        guard let end = self.bytes.firstOffset(of: UInt8(ascii: "]"), from: self.position) else { return false }
        self.position = end + 1
        self.isComplete = true
        return true
    }

    private mutating func skipComment() -> Bool {
        var depth = 0
        while self.position < self.bytes.count {
            let byte = self.bytes[self.position]
            self.position += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "(") { depth += 1 }
            if byte == UInt8(ascii: ")") { depth -= 1 }
            if depth == 0 { return true }
            if depth > Self.maximumCommentDepth { return false }
        }
        return false
    }
}
