package import Vocabulary

/// Binds an action message to the held message that it asks about: only who has read the message can answer it. Nothing is stored for it, since
/// a number of a queue entry is given once and the entry goes with its answer.
package struct ActionSecret: Sendable {
    private let keyed: Keyed
    /// 80 bits.
    private static let letters = 16

    /// - Parameter key: secret of this instance, at least 16 bytes.
    package init(key: [UInt8]) { self.keyed = Keyed(key) }

    /// - Parameter heldAt: of the entry's `HeldCase`: an entry that is held again asks again.
    package func secret(_ entry: QueueID, heldAt: Int64) -> String {
        self.keyed.proof("action", ["\(entry)", "\(heldAt)"], letters: Self.letters)
    }

    /// Takes as long for a wrong secret as for the right one. Blanks at the ends and the case of letters do not matter.
    package func isRight(_ given: String, _ entry: QueueID, heldAt: Int64) -> Bool {
        let plain = String(String.UnicodeScalarView(given.unicodeScalars.filter { $0 != " " }))
        return self.keyed.isProof(plain, "action", ["\(entry)", "\(heldAt)"], letters: Self.letters)
    }
}
