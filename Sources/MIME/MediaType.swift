/// A media type with its parameters. Type and subtype are lower-case; parameter values are as decoded text. [RFC2045-5.1]
package struct MediaType: Hashable, Sendable {
    package var type: String
    package var subtype: String
    package var parameters: [Parameter]

    package struct Parameter: Hashable, Sendable {
        /// Lower-case.
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package init(_ type: String, _ subtype: String, _ parameters: [Parameter] = []) {
        self.type = type
        self.subtype = subtype
        self.parameters = parameters
    }

    /// What a part is that says nothing. [RFC2045-5.2]
    package static let plain = MediaType("text", "plain", [Parameter("charset", "us-ascii")])
    /// What a part of a digest is that says nothing. [RFC2046-5.1.5]
    package static let message = MediaType("message", "rfc822")

    package subscript(_ name: String) -> String? { self.parameters.first { $0.name == name }?.value }

    /// `text/plain`.
    package var name: String { "\(self.type)/\(self.subtype)" }
    package var isMultipart: Bool { self.type == "multipart" }
    /// Holds a whole message. [RFC2046-5.2.1] [RFC6532-3.7]
    package var isMessage: Bool { self.type == "message" && (self.subtype == "rfc822" || self.subtype == "global") }
}

/// How a body was made fit for the way. [RFC2045-6.1]
package enum TransferEncoding: Hashable, Sendable {
    case sevenBit, eightBit, binary, quotedPrintable, base64
    /// Lower-case. The bytes stay as they are, and nobody knows what they mean.
    case other(String)

    /// The body is its own content.
    package var isIdentity: Bool {
        switch self {
        case .sevenBit, .eightBit, .binary: true
        case .quotedPrintable, .base64, .other: false
        }
    }

    package init(_ word: String) {
        switch word {
        case "7bit", "": self = .sevenBit
        case "8bit": self = .eightBit
        case "binary": self = .binary
        case "quoted-printable": self = .quotedPrintable
        case "base64": self = .base64
        default: self = .other(word)
        }
    }

    /// As in a field.
    package var name: String {
        switch self {
        case .sevenBit: "7bit"
        case .eightBit: "8bit"
        case .binary: "binary"
        case .quotedPrintable: "quoted-printable"
        case .base64: "base64"
        case .other(let word): word
        }
    }
}

/// Content-Disposition. [RFC2183-2]
package struct ContentDisposition: Hashable, Sendable {
    /// Lower-case: `inline`, `attachment`.
    package var kind: String
    package var parameters: [MediaType.Parameter]

    package init(_ kind: String, _ parameters: [MediaType.Parameter] = []) {
        self.kind = kind
        self.parameters = parameters
    }

    package subscript(_ name: String) -> String? { self.parameters.first { $0.name == name }?.value }
}
