internal import Bytes
internal import Vocabulary

/// The product's name in greetings and trace fields, in the shape the original has. Without a version when the postmaster hides it.
struct ProductName: Sendable {
    /// `v1.2 release 3`, or empty.
    private let version: String

    /// - Parameter version: `major.minor.release`; nil hides it.
    init(version: String?) {
        guard let version else {
            self.version = ""
            return
        }
        let parts = version.split(separator: ".", maxSplits: 2)
        let release = parts.count > 2 ? parts[2] : "0"
        self.version = " v\(parts.prefix(2).joined(separator: ".")) release \(release)"
    }

    /// `host ESMTP server (Post.Office v1.2 release 3) ready Sat, 21 Nov 2026 18:38:19 +0000`
    func greeting(host: String, isLMTP: Bool = false, date: CivilTime) -> Reply {
        Reply(220, nil, "\(host) \(isLMTP ? "LMTP" : "ESMTP") server (Post.Office\(self.version)) ready \(date.rfc5322)")
    }

    /// `(Post.Office MTA v1.2 release 3)`
    var traceComment: String { "(Post.Office MTA\(self.version))" }
}
