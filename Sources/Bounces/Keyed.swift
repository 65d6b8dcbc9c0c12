internal import Bytes
internal import Crypto

/// Short proofs that this instance wrote something: HMAC-SHA-256, cut, in letters without case.
struct Keyed: Sendable {
    private let key: SymmetricKey

    init(_ key: [UInt8]) { self.key = SymmetricKey(data: key) }

    /// `purpose` keeps a proof for one thing from being one for another.
    func proof(_ purpose: StaticString, _ parts: [String], letters: Int) -> String {
        var hash = HMAC<SHA256>(key: self.key)
        hash.update(data: Array("\(purpose)".utf8))
        for part in parts {
            // Lengths in front: no two lists of parts are the same bytes.
            hash.update(data: Array("\0\(part.utf8.count)\0\(part.asciiLowercased)".utf8))
        }
        return Base32.encode(Array(hash.finalize()), count: letters)
    }

    /// Takes as long for a wrong proof as for a right one.
    func isProof(_ given: some StringProtocol, _ purpose: StaticString, _ parts: [String], letters: Int) -> Bool {
        let wanted = Array(self.proof(purpose, parts, letters: letters).utf8)
        let found = Array(given.utf8).map(\.asciiLowercased)
        guard found.count == wanted.count else { return false }
        var difference: UInt8 = 0
        for (a, b) in zip(found, wanted) { difference |= a ^ b }
        return difference == 0
    }
}
