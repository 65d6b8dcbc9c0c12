/// A value of CBOR, of the kinds that devices and browsers write. [RFC8949-3.1]
package indirect enum CBORValue: Sendable, Equatable {
    case unsigned(UInt64)
    /// -1 minus the number, so that -7 is `.negative(6)`.
    case negative(UInt64)
    case bytes([UInt8])
    case text(String)
    case list([CBORValue])
    case map([CBORPair])
    case bool(Bool)
    case null

    package var bytes: [UInt8]? { if case .bytes(let bytes) = self { bytes } else { nil } }
    package var text: String? { if case .text(let text) = self { text } else { nil } }

    /// What a map has under a key.
    package subscript(key: CBORValue) -> CBORValue? {
        guard case .map(let pairs) = self else { return nil }
        return pairs.first { $0.key == key }?.value
    }

    package subscript(name: String) -> CBORValue? { self[.text(name)] }

    /// A key of a COSE key: small, positive or negative.
    package subscript(number: Int) -> CBORValue? { self[Self.int(number)] }

    package static func int(_ number: Int) -> CBORValue {
        number < 0 ? .negative(UInt64(bitPattern: Int64(~number))) : .unsigned(UInt64(number))
    }
}

package struct CBORPair: Sendable, Equatable {
    package let key: CBORValue
    package let value: CBORValue

    package init(_ key: CBORValue, _ value: CBORValue) {
        self.key = key
        self.value = value
    }
}

/// Reads CBOR as devices are told to write it: lengths known beforehand, numbers in their shortest form, each key once. Everything else (tags,
/// fractions, chunks) is refused, so that there is one way to read some bytes. [RFC8949-4.2.1]
package struct CBORReader {
    private let bytes: [UInt8]
    /// The first byte that was not read.
    package private(set) var offset: Int
    private var left = PasskeyLimits.values

    package init(_ bytes: [UInt8], at offset: Int = 0) {
        self.bytes = bytes
        self.offset = max(0, offset)
    }

    package var isAtEnd: Bool { self.offset >= self.bytes.count }

    /// One value that fills all bytes.
    package static func whole(_ bytes: [UInt8]) throws(PasskeyProblem) -> CBORValue {
        var reader = CBORReader(bytes)
        let value = try reader.value()
        guard reader.isAtEnd else { throw .malformed }
        return value
    }

    package mutating func value() throws(PasskeyProblem) -> CBORValue { try self.value(PasskeyLimits.depth) }

    private mutating func value(_ depth: Int) throws(PasskeyProblem) -> CBORValue {
        guard self.left > 0, let first = self.take(1)?.first else { throw .malformed }
        self.left -= 1
        let (major, info) = (first >> 5, first & 31)
        if major == 7 { return try self.simple(info) }
        let argument = try self.argument(info)
        switch major {
        case 0: return .unsigned(argument)
        case 1: return .negative(argument)
        case 2: return .bytes(try self.string(argument))
        case 3:
            guard let text = String(validating: try self.string(argument), as: UTF8.self) else { throw .malformed }
            return .text(text)
        case 4:
            var items: [CBORValue] = []
            for _ in 0..<(try self.count(argument, depth)) { items.append(try self.value(depth - 1)) }
            return .list(items)
        case 5: return try self.map(try self.count(argument, depth), depth - 1)
        default: throw .malformed
        }
    }

    private mutating func map(_ count: Int, _ depth: Int) throws(PasskeyProblem) -> CBORValue {
        var pairs: [CBORPair] = []
        for _ in 0..<count {
            let key = try self.value(depth)
            switch key {
            case .unsigned, .negative, .text: break
            default: throw .malformed
            }
            guard !pairs.contains(where: { $0.key == key }) else { throw .malformed }
            pairs.append(CBORPair(key, try self.value(depth)))
        }
        return .map(pairs)
    }

    private func simple(_ info: UInt8) throws(PasskeyProblem) -> CBORValue {
        switch info {
        case 20: .bool(false)
        case 21: .bool(true)
        case 22: .null
        default: throw .malformed
        }
    }

    /// The number in or behind the first byte; longer than it needs to be is wrong.
    private mutating func argument(_ info: UInt8) throws(PasskeyProblem) -> UInt64 {
        let (length, least): (Int, UInt64)
        switch info {
        case 0..<24: return UInt64(info)
        case 24: (length, least) = (1, 24)
        case 25: (length, least) = (2, 1 << 8)
        case 26: (length, least) = (4, 1 << 16)
        case 27: (length, least) = (8, 1 << 32)
        default: throw .malformed
        }
        guard let bytes = self.take(length) else { throw .malformed }
        let number = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard number >= least else { throw .malformed }
        return number
    }

    private mutating func string(_ length: UInt64) throws(PasskeyProblem) -> [UInt8] {
        guard let length = Int(exactly: length), let bytes = self.take(length) else { throw .malformed }
        return Array(bytes)
    }

    /// How many things there are in a list or map: not more than bytes that are left.
    private func count(_ count: UInt64, _ depth: Int) throws(PasskeyProblem) -> Int {
        guard depth > 1, let count = Int(exactly: count), count <= self.left, count <= self.bytes.count - self.offset else {
            throw .malformed
        }
        return count
    }

    private mutating func take(_ length: Int) -> ArraySlice<UInt8>? {
        guard self.offset <= self.bytes.count, length <= self.bytes.count - self.offset else { return nil }
        defer { self.offset += length }
        return self.bytes[self.offset..<(self.offset + length)]
    }
}
