internal import MIME
internal import Vocabulary

/// Keywords of a mailbox between bits and names.
enum Keywords {
    /// In the order of their bits; a bit between that nobody has is empty.
    static func list(_ names: [Int: String]) -> [String] {
        guard let last = names.keys.max(), last >= Flags.keywordBits.lowerBound else { return [] }
        return (Flags.keywordBits.lowerBound...last).map { names[$0] ?? "" }
    }
}

/// Identifiers of objects as clients see them: letters and digits, unlike for unlike objects, the same for ever. [RFC8474-4]
enum ObjectID {
    static func mailbox(_ id: MailboxID) -> String { "F\(id.rawValue)" }
    /// Copies of one message share their body. [RFC8474-5.1]
    static func email(_ blob: BlobID) -> String { "M\(blob.rawValue)" }
    static func thread(_ summary: MessageSummary, _ blob: BlobID) -> String { summary.thread ?? LoneThread.name(self.email(blob)) }
}
