internal import Crypto

/// The code of a URL that shows that its maker holds the key: which code it is, then HMAC-SHA-256, in hexadecimal digits. [RFC4467-2.2]
package enum URLToken {
    private static let version = "01"

    package static func make(_ rump: String, key: [UInt8]) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: Array(rump.utf8), using: SymmetricKey(data: key))
        return self.version + code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// How many of its digits are right does not show in the time that this takes.
    package static func isRight(_ token: String, of rump: String, key: [UInt8]) -> Bool {
        guard token.hasPrefix(self.version), token.utf8.count == self.version.utf8.count + 2 * SHA256.byteCount else { return false }
        var bytes: [UInt8] = []
        var digits = Array(token.utf8.dropFirst(self.version.utf8.count))[...]
        while digits.count >= 2 {
            guard let value = UInt8(String(decoding: digits.prefix(2), as: UTF8.self), radix: 16) else { return false }
            bytes.append(value)
            digits = digits.dropFirst(2)
        }
        return HMAC<SHA256>.isValidAuthenticationCode(bytes, authenticating: Array(rump.utf8), using: SymmetricKey(data: key))
    }
}
