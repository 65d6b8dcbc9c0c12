internal import Synchronization

/// The text of one SQL statement, with parameters `?1 … ?n` (in SQLite `$1` is a name, numbered by first appearance: values would
/// swap silently). Each is a `static let`, so that a connection finds its prepared form by number, without hashing the text.
package final class Statement: Sendable {
    package let text: String
    let number: Int

    private static let next = Atomic<Int>(0)

    package init(_ text: String) {
        self.text = text
        self.number = Self.next.wrappingAdd(1, ordering: .relaxed).oldValue
    }
}

/// A value bound to a parameter.
package enum Value: Sendable, Equatable, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, ExpressibleByNilLiteral {
    case null
    case int(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    package init(integerLiteral value: Int64) { self = .int(value) }
    package init(stringLiteral value: String) { self = .text(value) }
    package init(nilLiteral: ()) { self = .null }

    package static func int(_ value: some BinaryInteger) -> Value { .int(Int64(clamping: value)) }
    package static func int(_ value: Int64?) -> Value { value.map { .int($0) } ?? .null }
    package static func text(_ value: String?) -> Value { value.map { .text($0) } ?? .null }
    package static func bool(_ value: Bool) -> Value { .int(value ? 1 : 0) }
}
