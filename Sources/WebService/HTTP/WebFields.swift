internal import WebPages

/// Names and values of a query or a posted form, in order; a name may come several times.
package struct WebFields: Sendable, Equatable {
    package private(set) var pairs: [Pair]

    package struct Pair: Sendable, Equatable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// More than any form of ours has.
    static let maximumFields = 20_000

    package init(_ pairs: [Pair] = []) { self.pairs = pairs }

    package subscript(name: String) -> String? { self.pairs.first { $0.name == name }?.value }

    package func all(_ name: String) -> [String] { self.pairs.filter { $0.name == name }.map(\.value) }

    package var isEmpty: Bool { self.pairs.isEmpty }

    mutating func append(_ name: String, _ value: String) { self.pairs.append(Pair(name, value)) }

    /// Without those of that name.
    package func without(_ names: String...) -> WebFields { WebFields(self.pairs.filter { !names.contains($0.name) }) }

    // MARK: application/x-www-form-urlencoded

    /// nil where something is not percent-encoded UTF-8, or there are too many.
    package init?(encoded bytes: some Collection<UInt8>) {
        self.pairs = []
        for part in bytes.split(separator: UInt8(ascii: "&")) {
            guard self.pairs.count < Self.maximumFields else { return nil }
            let border = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
            let value = border < part.endIndex ? part[part.index(after: border)...] : part[part.endIndex...]
            guard let name = Self.decoded(part[..<border], plusIsSpace: true), let value = Self.decoded(value, plusIsSpace: true) else {
                return nil
            }
            self.pairs.append(Pair(name, value))
        }
    }

    /// As a query or the body of a form.
    package var encoded: String { self.pairs.map { "\(Link.encoded($0.name))=\(Link.encoded($0.value))" }.joined(separator: "&") }

    /// nil where a `%` is not followed by two hexadecimal digits, or the bytes are not UTF-8 or hold NUL.
    static func decoded(_ bytes: some Collection<UInt8>, plusIsSpace: Bool) -> String? {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var rest = bytes.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(Self.digit), let low = rest.next().flatMap(Self.digit) else { return nil }
                out.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: out.append(UInt8(ascii: " "))
            default: out.append(byte)
            }
        }
        guard !out.contains(0) else { return nil }
        return String(validating: out, as: UTF8.self)
    }

    var posted: PostedForm { PostedForm(self.pairs.map { ($0.name, $0.value) }) }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
