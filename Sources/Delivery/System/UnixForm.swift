package import NIOCore

/// Turns a message as it came over SMTP into what UNIX expects: lines end in LF. For a maildrop also a line `From SENDER DATE` before it,
/// a `>` before every line of the message that could be taken for such a one (however many `>` it has: so it can be undone), and an
/// empty line behind it. Fed in pieces; where they are cut does not matter.
package struct UnixForm: Sendable {
    private let quotesFrom: Bool
    /// A CR was the last byte: it goes where an LF follows.
    private var hasReturn = false
    /// The beginning of a line that could still become `>…>From `; nil in the middle of one.
    private var beginning: [UInt8]? = []
    private var isEmpty = true
    private var endsInLine = true

    private static let from = Array("From ".utf8)
    /// More `>` than this at the beginning of a line are text.
    private static let mostSigns = 1000

    /// - Parameter quotesFrom: for a maildrop.
    package init(quotesFrom: Bool) { self.quotesFrom = quotesFrom }

    package mutating func take(_ piece: ByteBuffer) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(piece.readableBytes + 16)
        for byte in piece.readableBytesView {
            if self.hasReturn {
                self.hasReturn = false
                if byte != 10 { self.put(13, &out) }
            }
            if byte == 13 { self.hasReturn = true } else { self.put(byte, &out) }
        }
        return out
    }

    /// What is left, with a line end and, for a maildrop, an empty line.
    package mutating func finish() -> [UInt8] {
        var out: [UInt8] = []
        if self.hasReturn { self.put(13, &out) }
        if let beginning { out += beginning }
        if !self.endsInLine { out.append(10) }
        if self.quotesFrom { out.append(10) }
        return out
    }

    private mutating func put(_ byte: UInt8, _ out: inout [UInt8]) {
        self.endsInLine = byte == 10
        guard self.quotesFrom else { return out.append(byte) }
        if var beginning = self.beginning {
            self.beginning = nil
            beginning.append(byte)
            let signs = beginning.prefix { $0 == UInt8(ascii: ">") }.count
            let word = beginning[signs...]
            if word.elementsEqual(Self.from) {
                out.append(UInt8(ascii: ">"))
                out += beginning
            } else if signs <= Self.mostSigns, Self.from.starts(with: word) {
                self.beginning = beginning
            } else {
                out += beginning
            }
        } else {
            out.append(byte)
        }
        if byte == 10 { self.beginning = [] }
    }
}
