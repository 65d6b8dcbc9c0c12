internal import Bytes

/// Names and values that a form was submitted with, in their order.
package struct PostedForm: Sendable {
    package struct File: Sendable {
        package let name: String
        package let bytes: [UInt8]

        package init(name: String, bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }
    }

    package let pairs: [(name: String, value: String)]
    package let files: [String: File]
    private let places: [String: [Int]]

    package init(_ pairs: [(name: String, value: String)] = [], files: [String: File] = [:]) {
        self.pairs = pairs
        self.files = files
        var places: [String: [Int]] = [:]
        for (index, pair) in pairs.enumerated() { places[pair.name, default: []].append(index) }
        self.places = places
    }

    /// All values of a name; empty when the form had no such field.
    package func all(_ name: String) -> [String] { (self.places[name] ?? []).map { self.pairs[$0].value } }
    /// The last value: a box that was ticked comes behind the hidden field that says it was there.
    package func last(_ name: String) -> String? { self.places[name]?.last.map { self.pairs[$0].value } }
    package func has(_ name: String) -> Bool { self.places[name] != nil }
}

extension PostedForm.File {
    var base64: String { Base64.encode(self.bytes) }
}
