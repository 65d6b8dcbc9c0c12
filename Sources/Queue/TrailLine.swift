internal import Bytes
package import Vocabulary

// One event is one line of text:
//
//   2026-11-21T18:38:19.123Z SMTP-Accept opened id=K3F9A2 peer=192.0.2.1 listener=smtp
//
// Time in UTC, module, event, then `key=value` pairs. A value that is not plain stands in double quotes, with backslash escapes.
// Everything a peer can choose goes through `append(value:)`: no value can end a line, open a field or move a terminal's cursor.

/// Writes the text of one event.
package enum TrailLine {
    /// Bytes of one value; what is longer is cut and ends in `…`.
    package static let maximumValue = 512
    /// Facts of one event; more are a mistake of ours and are dropped.
    static let maximumFacts = 32

    /// Appends everything after the time stamp, with the line end.
    package static func append(_ event: TrailEvent, to out: inout [UInt8]) {
        out.append(contentsOf: event.module.rawValue.utf8)
        out.append(.space)
        out.append(contentsOf: event.event.utf8)
        if let trace = event.trace { Self.append(key: "id", value: trace.text, to: &out) }
        for fact in event.facts.prefix(Self.maximumFacts) { Self.append(key: fact.key, value: fact.value, to: &out) }
        out.append(.lf)
    }

    static func append(key: String, value: String, to out: inout [UInt8]) {
        out.append(.space)
        out.append(contentsOf: key.utf8)
        out.append(UInt8(ascii: "="))
        Self.append(value: value, to: &out)
    }

    /// The value as it stands in a line; the same spelling is what a search has to look for.
    package static func append(value: String, to out: inout [UInt8]) {
        let isPlain = !value.isEmpty && value.utf8.count <= Self.maximumValue && value.utf8.allSatisfy(Self.isPlain)
        if isPlain {
            out.append(contentsOf: value.utf8)
            return
        }
        out.append(UInt8(ascii: "\""))
        let start = out.count
        for scalar in value.unicodeScalars {
            if out.count - start >= Self.maximumValue {
                out.append(contentsOf: "…".utf8)
                break
            }
            Self.append(scalar, to: &out)
        }
        out.append(UInt8(ascii: "\""))
    }

    private static func append(_ scalar: Unicode.Scalar, to out: inout [UInt8]) {
        switch scalar {
        case "\"", "\\":
            out.append(UInt8(ascii: "\\"))
            out.append(UInt8(truncatingIfNeeded: scalar.value))
        case _ where Self.isHarmful(scalar):
            out.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".utf8)
        default:
            out.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
    }

    /// Controls of C0 and C1, line and paragraph separators, and what turns the direction of text or hides in it.
    private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }

    /// Bytes that need no quotes: printable ASCII but blank, quote, backslash and `=`.
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") && byte != UInt8(ascii: "=")
    }
}

/// The time stamp that begins each line, made once a second.
struct TrailStamp {
    private var second: Int64 = .min
    private var text: [UInt8] = []
    /// `2026-11-21`, the name of the day in UTC, as of the last `set` or `append`.
    private(set) var day = ""

    /// Makes `day` that of the time.
    mutating func set(milliseconds: Int64) {
        let second = milliseconds >= 0 ? milliseconds / 1000 : (milliseconds - 999) / 1000
        guard second != self.second else { return }
        self.second = second
        let text = CivilTime(unixSeconds: second).rfc3339
        self.day = String(text.prefix(10))
        self.text = Array(text.utf8.dropLast())
    }

    mutating func append(milliseconds: Int64, to out: inout [UInt8]) {
        self.set(milliseconds: milliseconds)
        out.append(contentsOf: self.text)
        let rest = milliseconds - self.second * 1000
        out.append(UInt8(ascii: "."))
        for digit in [rest / 100, rest / 10, rest] { out.append(UInt8(truncatingIfNeeded: 0x30 + digit % 10)) }
        out.append(UInt8(ascii: "Z"))
        out.append(.space)
    }
}
