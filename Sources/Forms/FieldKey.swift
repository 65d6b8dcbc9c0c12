/// Name of a field in commands, exports and the database: lower-case words joined by hyphens.
package struct FieldKey: Hashable, Sendable, Comparable, CustomStringConvertible, ExpressibleByStringLiteral {
    package let text: String
    package init(_ text: String) { self.text = text }
    package init(stringLiteral text: String) { self.text = text }
    package var description: String { self.text }
    package static func < (a: Self, b: Self) -> Bool { a.text < b.text }
}
