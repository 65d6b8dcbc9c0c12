internal import IMAPWire
internal import Vocabulary

/// Whose mailbox a name means, and how the store calls it.
struct FolderName: Hashable, Sendable {
    /// What every name of somebody else's mailbox begins with.
    static let othersPrefix = "Other Users/"
    static let othersRoot = "Other Users"
    static let inbox = "INBOX"

    /// Octets of a name and of one level, and levels.
    static let longest = 1000
    static let longestLevel = 250
    static let deepest = 50

    /// nil: the session's own account.
    var owner: String?
    /// As the store has it.
    var name: String

    init(owner: String?, name: String) {
        self.owner = owner
        self.name = name
    }

    /// From what a client says; nil where no mailbox can have that name.
    init?(client text: String) {
        if text == Self.othersRoot { return nil }
        guard text.hasPrefix(Self.othersPrefix) else {
            self.init(owner: nil, name: text)
            return
        }
        let rest = text.dropFirst(Self.othersPrefix.count)
        guard let slash = rest.firstIndex(of: "/") else { return nil }
        let name = String(rest[rest.index(after: slash)...])
        self.init(owner: String(rest[..<slash]), name: MailboxName.withCanonicalInbox(name))
    }

    /// As a client says it.
    var clientName: String { self.owner.map { Self.othersPrefix + $0 + "/" + self.name } ?? self.name }

    /// A name under which a mailbox can be made. Wildcards would make it impossible to name in LIST, controls to show. [RFC9051-5.1]
    var isUsable: Bool {
        guard !self.name.isEmpty, self.name.utf8.count <= Self.longest else { return false }
        let levels = self.name.split(separator: "/", omittingEmptySubsequences: false)
        guard levels.count <= Self.deepest, levels.allSatisfy({ !$0.isEmpty && $0.utf8.count <= Self.longestLevel }) else { return false }
        guard self.owner != nil || (self.name != Self.othersRoot && !self.name.hasPrefix(Self.othersPrefix)) else { return false }
        return self.name.unicodeScalars.allSatisfy { scalar in
            switch scalar.value {
            case 0..<0x20, 0x7F..<0xA0, 0x2A, 0x25, 0x2028, 0x2029, 0xFFFE, 0xFFFF: return false
            default: return true
            }
        }
    }

    /// Names of the levels above, from the top.
    var parents: [String] {
        var out: [String] = []
        for index in self.name.indices where self.name[index] == "/" { out.append(String(self.name[..<index])) }
        return out
    }

    var parent: String? { self.name.lastIndex(of: "/").map { String(self.name[..<$0]) } }
}
