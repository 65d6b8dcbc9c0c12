internal import Bytes

/// Undoes a transfer encoding, of a body in pieces as they come. What is wrong is passed over or passed on: it never fails, and never
/// gives more bytes than it got. [RFC2045-6]
package struct TransferDecoder: Sendable {
    private enum Mode: Sendable { case identity, base64, quotedPrintable }
    private let mode: Mode
    // base64: bits that wait for more.
    private var held: UInt32 = 0
    private var count = 0
    // quoted-printable: an equals sign with what follows it so far, and blanks that count only if something follows them on the line.
    private var escape: [UInt8] = []
    private var blanks: [UInt8] = []
    /// Blanks at the end of a line that are remembered; more than these are passed on at once.
    private static let longestBlanks = 1000

    package init(_ encoding: TransferEncoding) {
        self.mode =
            switch encoding {
            case .base64: .base64
            case .quotedPrintable: .quotedPrintable
            case .sevenBit, .eightBit, .binary, .other: .identity
            }
    }

    /// All of a word or body at once.
    package static func base64(_ text: some Sequence<UInt8>) -> [UInt8] {
        var decoder = TransferDecoder(.base64)
        var out: [UInt8] = []
        decoder.decode(text, into: &out)
        decoder.finish(into: &out)
        return out
    }

    package mutating func decode(_ bytes: some Sequence<UInt8>, into out: inout [UInt8]) {
        switch self.mode {
        case .identity: out.append(contentsOf: bytes)
        case .base64: for byte in bytes { self.takeBase64(byte, &out) }
        case .quotedPrintable: for byte in bytes { self.takeQuoted(byte, &out) }
        }
    }

    /// Gives out what waited for more.
    package mutating func finish(into out: inout [UInt8]) {
        out += self.escape + self.blanks
        (self.escape, self.blanks) = ([], [])
        if self.count == 2 { out.append(UInt8(truncatingIfNeeded: self.held >> 4)) }
        if self.count == 3 { out += [UInt8(truncatingIfNeeded: self.held >> 10), UInt8(truncatingIfNeeded: self.held >> 2)] }
        self.count = 0
    }

    /// Foreign bytes are passed over [RFC2045-6.8]; behind the padding a new run may begin, as when two encoded files were put together.
    private mutating func takeBase64(_ byte: UInt8, _ out: inout [UInt8]) {
        guard let value = Self.value(byte) else {
            if byte == UInt8(ascii: "="), self.count > 0 { self.finish(into: &out) }
            return
        }
        self.held = self.held << 6 | value
        self.count += 1
        guard self.count == 4 else { return }
        out.append(UInt8(truncatingIfNeeded: self.held >> 16))
        out.append(UInt8(truncatingIfNeeded: self.held >> 8))
        out.append(UInt8(truncatingIfNeeded: self.held))
        (self.held, self.count) = (0, 0)
    }

    private mutating func takeQuoted(_ byte: UInt8, _ out: inout [UInt8]) {
        if !self.escape.isEmpty { return self.continueEscape(byte, &out) }
        switch byte {
        case UInt8(ascii: "="):
            out += self.blanks
            self.blanks = []
            self.escape = [byte]
        case .space, .tab:
            self.blanks.append(byte)
            if self.blanks.count > Self.longestBlanks {
                out += self.blanks
                self.blanks = []
            }
        case .cr, .lf:
            self.blanks = []  // added on the way [RFC2045-6.7]
            out.append(byte)
        default:
            out += self.blanks
            self.blanks = []
            out.append(byte)
        }
    }

    /// `=XX`, or `=` and blanks at the end of a line. Anything else is passed on as it stands.
    private mutating func continueEscape(_ byte: UInt8, _ out: inout [UInt8]) {
        switch (self.escape.count, byte) {
        case (1, .lf), (1, .space), (1, .tab), (1, .cr):
            if byte == .lf { self.escape = [] } else { self.escape.append(byte) }
        case (1, _) where byte.hexadecimal != nil: self.escape.append(byte)
        case (2, _) where self.escape[1].hexadecimal != nil && byte.hexadecimal != nil:
            out.append((self.escape[1].hexadecimal ?? 0) << 4 | (byte.hexadecimal ?? 0))
            self.escape = []
        case (2..., .lf) where self.escape.dropFirst().allSatisfy({ $0 == .space || $0 == .tab || $0 == .cr }): self.escape = []
        case (2...Self.longestBlanks, .space), (2...Self.longestBlanks, .tab), (2...Self.longestBlanks, .cr):
            if self.escape[1].hexadecimal == nil { self.escape.append(byte) } else { self.giveUpEscape(byte, &out) }
        default: self.giveUpEscape(byte, &out)
        }
    }

    private mutating func giveUpEscape(_ byte: UInt8, _ out: inout [UInt8]) {
        out += self.escape
        self.escape = []
        self.takeQuoted(byte, &out)
    }

    private static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
