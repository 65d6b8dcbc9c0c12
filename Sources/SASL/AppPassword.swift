internal import Bytes

/// A password made by the server for one device or program: five groups of four letters and digits, `k3fp-7xqm-2hdn-w9ra-tzc4`.
///
/// The first group (20 bits) is the tag, which finds the row; the other sixteen (80 bits of chance) are the secret. A secret of that size needs no
/// slow hash: guessing it offline is out of reach, and so a login by app password costs no PBKDF2.
package struct AppPassword: Sendable {
    /// Without what is mistaken for something else when it is read off a screen: `0 1 l o`.
    private static let alphabet = Array("23456789abcdefghijkmnpqrstuvwxyz".utf8)
    private static let tagLength = 4
    private static let length = 20

    /// Not secret by itself.
    package let tag: String
    private let secret: Secret

    /// From `randomLength` unguessable bytes.
    package init(random: [UInt8]) {
        // 32 letters: five bits of each byte are taken, evenly.
        let letters = (0..<Self.length).map { Self.alphabet[Int(($0 < random.count ? random[$0] : 0) & 31)] }
        self.tag = String(decoding: letters.prefix(Self.tagLength), as: UTF8.self)
        self.secret = Secret(Array(letters.dropFirst(Self.tagLength)))
    }

    package static let randomLength = length

    /// What somebody typed, with or without hyphens and blanks, in any case of letters; nil for what has another shape.
    package init?(typed: Secret) {
        let letters: [UInt8]? = typed.withBytes { bytes in
            guard bytes.count <= 64 else { return nil }
            let plain = bytes.filter { $0 != UInt8(ascii: "-") && $0 != .space }.map(\.asciiLowercased)
            return plain.count == Self.length && plain.allSatisfy(Self.alphabet.contains) ? plain : nil
        }
        guard let letters else { return nil }
        self.tag = String(decoding: letters.prefix(Self.tagLength), as: UTF8.self)
        self.secret = Secret(Array(letters.dropFirst(Self.tagLength)))
    }

    /// As it is shown, once.
    package var text: String {
        let letters = Array(self.tag.utf8) + self.secret.withBytes { $0 }
        let groups = stride(from: 0, to: letters.count, by: 4).map {
            String(decoding: letters[$0..<min($0 + 4, letters.count)], as: UTF8.self)
        }
        return groups.joined(separator: "-")
    }

    /// What is stored: `HMAC-SHA-256$SALT$MAC` in base64.
    package func verifier(salt: [UInt8]) -> String {
        "HMAC-SHA-256$\(Base64.encode(salt))$\(Base64.encode(self.mac(salt)))"
    }

    /// In constant time; false for anything that is no verifier. The same work for one that is not there.
    package func matches(_ stored: String?) -> Bool {
        let parts = (stored ?? Self.nobody).utf8.split(separator: UInt8(ascii: "$"), omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].elementsEqual("HMAC-SHA-256".utf8), let salt = Base64.decode(parts[1]),
            let mac = Base64.decode(parts[2])
        else { return false }
        return constantTimeEqual(self.mac(salt), mac) && stored != nil
    }

    private static let nobody = AppPassword(random: []).verifier(salt: [UInt8](repeating: 0, count: 16))

    private func mac(_ salt: [UInt8]) -> [UInt8] { self.secret.withBytes { SCRAM.hmac(salt, $0) } }
}
