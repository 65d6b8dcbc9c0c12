internal import Bytes
internal import Text

/// Text of unstructured fields: encoded words, and what stands there without any label. [RFC2047-2]
package enum HeaderText {
    /// Octets of a field that are taken apart; the rest is dropped.
    private static let longestField = 64 << 10
    /// Encoded words of one field.
    private static let maximumWords = 2000

    private struct Word {
        var charset: Charset
        var bytes: [UInt8]
        /// Behind the closing `?=`.
        var end: Int
    }

    /// The text that a reader sees of an unfolded field. Blanks between two encoded words are none [RFC2047-6.2], and a character that was
    /// cut between two of them is put together again.
    package static func decode(_ field: [UInt8]) -> String {
        guard self.hasWord(field) else {
            return self.unlabelled(field.count > self.longestField ? Array(field.prefix(self.longestField)) : field)
        }
        let field = field.prefix(self.longestField)
        var out = ""
        var plain: [UInt8] = []
        var open: (charset: Charset, bytes: [UInt8])?
        var index = field.startIndex
        var words = 0
        func flush() {
            if let word = open { out += word.charset.decode(word.bytes) }
            open = nil
        }
        while index < field.endIndex {
            if field[index] == UInt8(ascii: "="), words < self.maximumWords, let word = self.word(field, index) {
                words += 1
                let isOnlyBlank = plain.allSatisfy { $0 == .space || $0 == .tab }
                if let before = open, isOnlyBlank, before.charset == word.charset {
                    open = (before.charset, before.bytes + word.bytes)
                } else {
                    let follows = open != nil
                    flush()
                    if !(follows && isOnlyBlank) { out += self.unlabelled(plain) }
                    open = (word.charset, word.bytes)
                }
                plain = []
                index = word.end
            } else {
                plain.append(field[index])
                index += 1
            }
        }
        flush()
        return out + self.unlabelled(plain)
    }

    /// Something begins that may be an encoded word.
    private static func hasWord(_ field: [UInt8]) -> Bool {
        field.withUnsafeBytes { bytes in
            var start = 0
            while let found = bytes.firstOffset(of: UInt8(ascii: "?"), from: start) {
                if found > 0, bytes[found - 1] == UInt8(ascii: "=") { return true }
                start = found + 1
            }
            return false
        }
    }

    /// Text of bytes that say nothing of their charset: UTF-8, or what Japanese mail writes instead.
    package static func unlabelled(_ bytes: [UInt8]) -> String {
        if bytes.contains(0x1B) { return Charset.iso2022JP.decode(bytes) }
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        for charset in [Charset.eucJP, .shiftJIS] {
            if let text = charset.decodeStrictly(bytes) { return text }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    // RFC 2047 2:  encoded-word = "=?" charset "?" encoding "?" encoded-text "?="
    private static func word(_ field: ArraySlice<UInt8>, _ start: Int) -> Word? {
        let mark = UInt8(ascii: "?")
        guard start + 1 < field.endIndex, field[start + 1] == mark,
            let first = self.next(mark, field, start + 2, within: 60), let second = self.next(mark, field, first + 1, within: 2),
            let third = self.end(field, second + 1), second == first + 2
        else { return nil }
        // The language behind an asterisk says nothing of the bytes. [RFC2231-5]
        let label = field[(start + 2)..<first].prefix { $0 != UInt8(ascii: "*") }
        guard let charset = Charset(named: String(decoding: label, as: UTF8.self)) else { return nil }
        let text = field[(second + 1)..<third]
        switch field[first + 1].asciiLowercased {
        case UInt8(ascii: "b"): return Word(charset: charset, bytes: TransferDecoder.base64(text), end: third + 2)
        case UInt8(ascii: "q"): return Word(charset: charset, bytes: self.q(text), end: third + 2)
        default: return nil
        }
    }

    private static func next(_ byte: UInt8, _ field: ArraySlice<UInt8>, _ start: Int, within most: Int) -> Int? {
        field[start...].prefix(most).firstIndex { $0 == byte || $0 == .space || $0 == .tab }.flatMap { field[$0] == byte ? $0 : nil }
    }

    /// Where `?=` stands. RFC 2047 allows 75 octets a word; longer ones occur.
    private static func end(_ field: ArraySlice<UInt8>, _ start: Int) -> Int? {
        var index = start
        while index + 1 < field.endIndex, index - start < 4096 {
            if field[index] == UInt8(ascii: "?") { return field[index + 1] == UInt8(ascii: "=") ? index : nil }
            index += 1
        }
        return nil
    }

    /// `_` is a blank, `=XX` an octet. [RFC2047-4.2]
    private static func q(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            if byte == UInt8(ascii: "="), index + 2 < text.endIndex, let high = text[index + 1].hexadecimal,
                let low = text[index + 2].hexadecimal
            {
                out.append(high << 4 | low)
                index += 3
            } else {
                out.append(byte == UInt8(ascii: "_") ? .space : byte)
                index += 1
            }
        }
        return out
    }
}
