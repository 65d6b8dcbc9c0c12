internal import Text

/// Makes text comparable, the same way for messages and for what is looked for in them:
///
/// - case folded, in compatibility composition (`ＡＢＣ` is `abc`, half-width kana are full-width);
/// - runs of blanks and line ends are one space, and none between Japanese or Chinese characters, where mail programs break lines as they like;
/// - characters that nobody sees (soft hyphens, joiners, marks of byte order) are gone.
///
/// ASCII, kana and Han characters, which is nearly all, go a short way; what is between two of them that may combine goes to the library.
package struct SearchFold {
    /// A separator that folded text does not hold.
    package static let separator: UInt8 = 0x0A

    package static func folded(_ text: String) -> [UInt8] {
        var text = text
        return text.withUTF8 { self.folded($0) }
    }

    /// - Parameter bytes: UTF-8; what is none becomes U+FFFD.
    package static func folded(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        self.fold(bytes, into: &out)
        return out
    }

    package static func fold(_ bytes: UnsafeBufferPointer<UInt8>, into out: inout [UInt8]) {
        var fold = SearchFold(bytes.count)
        fold.run(bytes)
        if fold.isGap, !fold.isWide || fold.isStart { fold.byte(0x20) }
        out.append(contentsOf: UnsafeBufferPointer(start: fold.out, count: fold.count))
        fold.out.deallocate()
    }

    /// Room for what the input still can give: an octet for each of its own, and one.
    private var out: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private var count = 0
    /// Blanks were met since the last character.
    private var isGap = false
    /// No character has been given out.
    private var isStart = true
    /// The last one is of a script that is written without blanks.
    private var isWide = false

    private init(_ input: Int) {
        self.capacity = input + 8
        self.out = .allocate(capacity: self.capacity)
    }

    private mutating func run(_ bytes: UnsafeBufferPointer<UInt8>) {
        var index = 0
        while index < bytes.count {
            index = self.words(bytes, index)
            guard index < bytes.count else { return }
            let scalar = Scalar(bytes, index)
            let behind = index + scalar.length
            if scalar.isStable, behind >= bytes.count || Scalar(bytes, behind).isStable {
                self.put(scalar.value)
                index = behind
            } else {
                index = self.slow(bytes, index)
            }
        }
    }

    /// ASCII, as long as ASCII follows: nothing combines. Answers where it ends.
    private mutating func words(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            guard byte < 0x80, index + 1 >= bytes.count || bytes[index + 1] < 0x80 else { return index }
            self.ascii(byte)
            index += 1
        }
        return index
    }

    /// From a character that the library must see, or that is followed by one, to the next that combines with nothing.
    private mutating func slow(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        var end = start + Scalar(bytes, start).length
        while end < bytes.count, end - start < Self.longestRun {
            let scalar = Scalar(bytes, end)
            if scalar.isStable { break }
            end += scalar.length
        }
        end = min(end, bytes.count)
        let text = String(decoding: bytes[start..<end], as: UTF8.self)
        var copy = text
        let folded = copy.withUTF8 { UnicodeText.caseless($0) }
        self.makeRoom(2 * folded.count + bytes.count - end)
        folded.withUnsafeBufferPointer { folded in
            var index = 0
            while index < folded.count {
                let scalar = Scalar(folded, index)
                self.put(scalar.value)
                index += scalar.length
            }
        }
        return end
    }

    /// Marks that combine without end are cut: a bound for the library's work at once.
    private static let longestRun = 4096

    // MARK: Output

    /// - Parameter more: octets that may still come.
    private mutating func makeRoom(_ more: Int) {
        guard self.count + more + 8 > self.capacity else { return }
        let wider = UnsafeMutablePointer<UInt8>.allocate(capacity: 2 * (self.count + more + 8))
        wider.update(from: self.out, count: self.count)
        self.out.deallocate()
        self.out = wider
        self.capacity = 2 * (self.count + more + 8)
    }

    private mutating func byte(_ byte: UInt8) {
        self.out[self.count] = byte
        self.count += 1
    }

    @inline(__always)
    private mutating func ascii(_ byte: UInt8) {
        if byte > 0x20, byte != 0x7F {
            if self.isGap { self.byte(0x20) }
            (self.isGap, self.isStart, self.isWide) = (false, false, false)
            self.byte(byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte)
        } else if byte == 0x20 || (0x09...0x0D).contains(byte) {
            self.isGap = true
        }
    }

    private mutating func put(_ value: UInt32) {
        switch value {
        case 0..<0x80: self.ascii(UInt8(truncatingIfNeeded: value))
        case 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: self.isGap = true
        case 0x80..<0xA0, 0xAD, 0x200B...0x200F, 0x202A...0x202E, 0x2060...0x206F, 0xFE00...0xFE0F, 0xFEFF: break
        // Full-width ASCII.
        case 0xFF01...0xFF5E: self.ascii(UInt8(truncatingIfNeeded: value - 0xFEE0))
        default:
            let isWide = CharacterClass.isUnspaced(value)
            if self.isGap, !(isWide && (self.isWide || self.isStart)) { self.byte(0x20) }
            (self.isGap, self.isStart, self.isWide) = (false, false, isWide)
            self.write(value)
        }
    }

    private mutating func write(_ value: UInt32) {
        func tail(_ shift: UInt32) -> UInt8 { 0x80 | UInt8(truncatingIfNeeded: value >> shift & 0x3F) }
        switch value {
        case 0..<0x800: self.byte(0xC0 | UInt8(truncatingIfNeeded: value >> 6))
        case 0x800..<0x1_0000:
            self.byte(0xE0 | UInt8(truncatingIfNeeded: value >> 12))
            self.byte(tail(6))
        default:
            self.byte(0xF0 | UInt8(truncatingIfNeeded: value >> 18 & 7))
            self.byte(tail(12))
            self.byte(tail(6))
        }
        self.byte(tail(0))
    }
}

/// One character of UTF-8, read without trust: what is none is U+FFFD, one byte long.
struct Scalar {
    let value: UInt32
    let length: Int

    init(_ bytes: UnsafeBufferPointer<UInt8>, _ index: Int) { (self.value, self.length) = Self.read(bytes, index) ?? (0xFFFD, 1) }

    // RFC 3629 4:  UTF8-octets = *( UTF8-char )
    private static func read(_ bytes: UnsafeBufferPointer<UInt8>, _ index: Int) -> (UInt32, Int)? {
        let first = UInt32(bytes[index])
        func tail(_ distance: Int) -> UInt32? {
            guard index + distance < bytes.count, bytes[index + distance] & 0xC0 == 0x80 else { return nil }
            return UInt32(bytes[index + distance] & 0x3F)
        }
        switch first {
        case 0..<0x80: return (first, 1)
        case 0xC2..<0xE0: return tail(1).map { ((first & 0x1F) << 6 | $0, 2) }
        case 0xE0..<0xF0:
            guard let a = tail(1), let b = tail(2) else { return nil }
            let value = (first & 0x0F) << 12 | a << 6 | b
            return value >= 0x800 && !(0xD800...0xDFFF).contains(value) ? (value, 3) : nil
        case 0xF0..<0xF5:
            guard let a = tail(1), let b = tail(2), let c = tail(3) else { return nil }
            let value = (first & 0x07) << 18 | a << 12 | b << 6 | c
            return value >= 0x1_0000 && value <= 0x10_FFFF ? (value, 4) : nil
        default: return nil
        }
    }

    /// Neither folding nor composition changes it beyond what `put` does, and it combines with nothing before it.
    var isStable: Bool {
        switch self.value {
        case 0..<0x80: true
        // Kana without the sound marks that combine, punctuation, Han, full-width ASCII, Hangul syllables.
        case 0x3000...0x3002, 0x3005...0x3029, 0x3041...0x3096, 0x30A1...0x30FE, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xAC00...0xD7A3,
            0xFF01...0xFF5E:
            true
        default: false
        }
    }
}

/// Scripts by code points.
enum CharacterClass {
    /// Written without blanks: kana and Han with their punctuation.
    static func isUnspaced(_ value: UInt32) -> Bool {
        switch value {
        case 0x2E80...0x2FDF, 0x3001...0x312F, 0x3190...0x4DBF, 0x4E00...0xA4CF, 0xF900...0xFAFF, 0xFE30...0xFE4F, 0xFF61...0xFF9F,
            0x1_B000...0x1_B16F, 0x2_0000...0x3_FFFF:
            true
        default: false
        }
    }

    /// Characters of which two say as much as three letters: the above and Hangul.
    static func isDense(_ value: UInt32) -> Bool {
        switch value {
        case 0x1100...0x11FF, 0x3130...0x318F, 0xA960...0xA97F, 0xAC00...0xD7FF: true
        default: self.isUnspaced(value)
        }
    }
}
