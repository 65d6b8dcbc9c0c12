// Reads one JSON document as somebody sent it. [RFC8259-9] Bounded in depth and in the number of values; numbers with a fraction or exponent are
// not taken, because nothing of ours is one; a name may not come twice in an object, so that two readers cannot read different things.

/// Why a text is no JSON that is taken here, with the offset in bytes.
package struct JSONProblem: Error, Sendable, Hashable {
    package let words: String
    package let offset: Int
}

extension JSONValue {
    package static let maximumDepth = 40
    package static let maximumValues = 200_000

    package init(reading bytes: [UInt8]) throws(JSONProblem) {
        var reader = JSONReader(bytes)
        self = try reader.document()
    }

    /// A member of an object; nil where there is none, or this is no object.
    package subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == name }?.value
    }

    package var text: String? { if case .text(let text) = self { text } else { nil } }
    package var number: Int64? { if case .int(let number) = self { number } else { nil } }
    package var flag: Bool? { if case .bool(let flag) = self { flag } else { nil } }
    package var items: [JSONValue]? { if case .list(let items) = self { items } else { nil } }
    package var members: [(key: String, value: JSONValue)]? { if case .object(let members) = self { members } else { nil } }
}

private struct JSONReader {
    private let bytes: [UInt8]
    private var place = 0
    private var values = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(JSONProblem) -> JSONValue {
        let value = try self.value(JSONValue.maximumDepth)
        self.skip()
        guard self.place == self.bytes.count else { throw self.problem("something follows the document") }
        return value
    }

    private func problem(_ words: String) -> JSONProblem { JSONProblem(words: words, offset: self.place) }
    private var next: UInt8? { self.place < self.bytes.count ? self.bytes[self.place] : nil }

    private mutating func skip() {
        while let byte = self.next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { self.place += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        self.skip()
        guard self.next == byte else { return false }
        self.place += 1
        return true
    }

    private mutating func value(_ depth: Int) throws(JSONProblem) -> JSONValue {
        guard depth > 0 else { throw self.problem("too deep") }
        self.values += 1
        guard self.values <= JSONValue.maximumValues else { throw self.problem("too many values") }
        self.skip()
        switch self.next {
        case UInt8(ascii: "{"): return try self.object(depth)
        case UInt8(ascii: "["): return try self.list(depth)
        case UInt8(ascii: "\""): return .text(try self.string())
        case UInt8(ascii: "t"): return try self.word("true", .bool(true))
        case UInt8(ascii: "f"): return try self.word("false", .bool(false))
        case UInt8(ascii: "n"): return try self.word("null", .null)
        default: return try self.number()
        }
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(JSONProblem) -> JSONValue {
        guard self.bytes[self.place...].starts(with: word.utf8) else { throw self.problem("no value") }
        self.place += word.utf8.count
        return value
    }

    private mutating func number() throws(JSONProblem) -> JSONValue {
        let start = self.place
        if self.next == UInt8(ascii: "-") { self.place += 1 }
        while let byte = self.next, byte >= 0x30, byte <= 0x39 { self.place += 1 }
        let text = String(decoding: self.bytes[start..<self.place], as: UTF8.self)
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        guard let first = digits.first, first != "0" || digits.utf8.count == 1, let number = Int64(text) else {
            throw self.problem("no value")
        }
        if let byte = self.next, byte == UInt8(ascii: ".") || byte | 0x20 == UInt8(ascii: "e") { throw self.problem("no whole number") }
        return .int(number)
    }

    private mutating func list(_ depth: Int) throws(JSONProblem) -> JSONValue {
        self.place += 1
        var items: [JSONValue] = []
        if self.take(UInt8(ascii: "]")) { return .list(items) }
        repeat { items.append(try self.value(depth - 1)) } while self.take(UInt8(ascii: ","))
        guard self.take(UInt8(ascii: "]")) else { throw self.problem("a list has no end") }
        return .list(items)
    }

    private mutating func object(_ depth: Int) throws(JSONProblem) -> JSONValue {
        self.place += 1
        var members: [(key: String, value: JSONValue)] = []
        var names: Set<String> = []
        if self.take(UInt8(ascii: "}")) { return .object(members) }
        repeat {
            self.skip()
            guard self.next == UInt8(ascii: "\"") else { throw self.problem("a name is missing") }
            let name = try self.string()
            guard names.insert(name).inserted else { throw self.problem("a name comes twice") }
            guard self.take(UInt8(ascii: ":")) else { throw self.problem("a colon is missing") }
            members.append((name, try self.value(depth - 1)))
        } while self.take(UInt8(ascii: ","))
        guard self.take(UInt8(ascii: "}")) else { throw self.problem("an object has no end") }
        return .object(members)
    }

    private mutating func string() throws(JSONProblem) -> String {
        self.place += 1
        var out: [UInt8] = []
        while let byte = self.next {
            self.place += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: out, as: UTF8.self) else { throw self.problem("a text is not UTF-8") }
                return text
            case UInt8(ascii: "\\"): try self.escape(&out)
            case 0..<0x20: throw self.problem("a control character stands in a text")
            default: out.append(byte)
            }
        }
        throw self.problem("a text has no end")
    }

    private mutating func escape(_ out: inout [UInt8]) throws(JSONProblem) {
        guard let byte = self.next else { throw self.problem("a text has no end") }
        self.place += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(byte)
        case UInt8(ascii: "b"): out.append(0x08)
        case UInt8(ascii: "f"): out.append(0x0C)
        case UInt8(ascii: "n"): out.append(0x0A)
        case UInt8(ascii: "r"): out.append(0x0D)
        case UInt8(ascii: "t"): out.append(0x09)
        case UInt8(ascii: "u"):
            var code = try self.four()
            if code >= 0xD800, code <= 0xDBFF {
                // The other half of a character beyond 16 bits.
                guard self.take2(UInt8(ascii: "\\"), UInt8(ascii: "u")) else { throw self.problem("half a character") }
                let low = try self.four()
                guard low >= 0xDC00, low <= 0xDFFF else { throw self.problem("half a character") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw self.problem("half a character") }
            out.append(contentsOf: String(Character(scalar)).utf8)
        default: throw self.problem("an unknown escape")
        }
    }

    private mutating func take2(_ first: UInt8, _ second: UInt8) -> Bool {
        guard self.place + 1 < self.bytes.count, self.bytes[self.place] == first, self.bytes[self.place + 1] == second else { return false }
        self.place += 2
        return true
    }

    private mutating func four() throws(JSONProblem) -> UInt32 {
        guard self.place + 4 <= self.bytes.count else { throw self.problem("an escape has no end") }
        let digits = self.bytes[self.place..<(self.place + 4)]
        guard digits.allSatisfy({ ($0 >= 0x30 && $0 <= 0x39) || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x66) }),
            let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw self.problem("an unknown escape") }
        self.place += 4
        return code
    }
}
