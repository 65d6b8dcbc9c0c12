/// A piece of a response, as it was written. [RFC9051-9]
package indirect enum IMAPValue: Equatable, Sendable, CustomStringConvertible {
    /// Atoms, numbers, flags, sections: everything that is neither quoted nor a list.
    case atom(String)
    case string(String)
    case list([IMAPValue])

    package var text: String {
        switch self {
        case .atom(let text), .string(let text): text
        case .list: ""
        }
    }

    package var list: [IMAPValue] { if case .list(let values) = self { values } else { [] } }
    package var number: UInt32? { UInt32(self.text) }
    package var isNil: Bool { self == .atom("NIL") }

    package var description: String {
        switch self {
        case .atom(let text): text
        case .string(let text): "\"\(text)\""
        case .list(let values): "(\(values.map(\.description).joined(separator: " ")))"
        }
    }

    /// The value behind a name in a list of names and values: `FLAGS` of `(UID 1 FLAGS (\Seen))`.
    package subscript(_ name: String) -> IMAPValue? {
        let values = self.list
        for index in stride(from: 0, to: values.count - 1, by: 2) where values[index].text.uppercased() == name { return values[index + 1] }
        return nil
    }
}

/// One response of a server.
package enum IMAPResponse: Sendable, CustomStringConvertible {
    /// OK, NO, BAD, BYE or PREAUTH; `code` is what stood in brackets. The tag is `*` without one.
    case status(tag: String, word: String, code: String?, text: String)
    case data([IMAPValue])
    case goAhead(String)

    package var description: String {
        switch self {
        case .status(let tag, let word, let code, let text): "\(tag) \(word) \(code.map { "[\($0)] " } ?? "")\(text)"
        case .data(let values): "* \(values.map(\.description).joined(separator: " "))"
        case .goAhead(let text): "+ \(text)"
        }
    }
}
