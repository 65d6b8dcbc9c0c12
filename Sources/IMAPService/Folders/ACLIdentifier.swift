internal import Vocabulary

/// Whom an entry of an access control list means. [RFC4314-2]
///
/// An account is kept by its number, not by its name: who gets the name of somebody who left does not get what was shared with him, and who
/// gets another name keeps it.
struct ACLIdentifier {
    static let anyone = "anyone"
    private static let special: Set<String> = [Self.anyone, "anonymous"]

    /// As it stands in the store: `anyone`, `anonymous` or `=` and the number of an account; behind a `-` where it takes rights away.
    let stored: String

    init(_ account: AccountID) { self.stored = "=\(account.rawValue)" }

    /// As a client names it; nil where there is nobody of that name.
    init?(client text: String, _ account: (String) -> AccountID?) {
        let sign = text.hasPrefix("-") ? "-" : ""
        let name = String(text.dropFirst(sign.count))
        if Self.special.contains(name.lowercased()) {
            self.stored = sign + name.lowercased()
        } else if let account = account(name) {
            self.stored = sign + Self(account).stored
        } else {
            return nil
        }
    }

    /// nil for what this does not write.
    init?(stored text: String) {
        self.stored = text
        guard Self.special.contains(self.bare) || self.account != nil else { return nil }
    }

    private var sign: String { self.stored.hasPrefix("-") ? "-" : "" }
    private var bare: String { String(self.stored.dropFirst(self.sign.count)) }

    private var account: AccountID? {
        guard self.bare.hasPrefix("="), let number = Int64(self.bare.dropFirst()) else { return nil }
        return AccountID(rawValue: number)
    }

    /// As clients see it; nil where the account is gone.
    func name(_ loginName: (AccountID) -> String?) -> String? {
        guard let account = self.account else { return self.stored }
        return loginName(account).map { self.sign + $0 }
    }
}
