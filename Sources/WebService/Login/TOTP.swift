internal import Bytes
internal import Crypto
package import SASL

internal import struct Foundation.Data

/// Codes that change with the time: six digits, half a minute each, HMAC-SHA-1, as every program for telephones makes them. [RFC6238-4]
package enum TOTP {
    package static let stepSeconds: Int64 = 30
    /// Bytes of a key. [RFC4226-4]
    package static let keyLength = 20
    private static let modulus: UInt32 = 1_000_000

    package static func step(at unixSeconds: Int64) -> Int64 { unixSeconds / Self.stepSeconds }

    /// The value of a counter. [RFC4226-5.3]
    package static func code(_ key: Secret, step: Int64) -> String {
        let counter = withUnsafeBytes(of: UInt64(bitPattern: step).bigEndian) { Data($0) }
        let mac = key.withBytes { Array(HMAC<Insecure.SHA1>.authenticationCode(for: counter, using: SymmetricKey(data: $0))) }
        let offset = Int((mac.last ?? 0) & 15)
        var number: UInt32 = 0
        for byte in mac[offset..<(offset + 4)] { number = number << 8 | UInt32(byte) }
        let digits = String((number & 0x7FFF_FFFF) % Self.modulus)
        return String(repeating: "0", count: 6 - digits.utf8.count) + digits
    }

    /// The step of a right code, one step of a slow or fast clock allowed; nil for a wrong one. [RFC6238-5.2]
    package static func step(of typed: String, _ key: Secret, at now: Int64) -> Int64? {
        let digits = typed.filter { $0 != " " && $0 != "-" }
        guard digits.utf8.count == 6 else { return nil }
        let here = self.step(at: now)
        var found: Int64?
        // All three are always made, so that the time is the same.
        for step in [here - 1, here, here + 1] where constantTimeEqual(Array(digits.utf8), Array(self.code(key, step: step).utf8)) {
            found = step
        }
        return found
    }

    /// `JBSWY3DPEHPK3PXP`: as people type it. [RFC4648-6]
    package static func base32(_ bytes: [UInt8]) -> String { Base32.encode(bytes).uppercased() }
}
