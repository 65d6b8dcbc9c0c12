internal import Bytes
internal import Search

/// An IMAP URL that carries the right to read what it names. [RFC4467-3] [RFC5092-6.1.2]
package struct AuthorizedURL: Hashable, Sendable {
    /// Who may use it. [RFC4467-3]
    package enum Access: Hashable, Sendable {
        /// A server for submission, on behalf of this user.
        case submit(String)
        case user(String)
        /// Whoever has logged in.
        case authUser
        case anonymous
    }

    /// Whose mailbox it is, and by whose rights it is read.
    package var user: String
    /// In small letters.
    package var host: String
    package var message: IMAPURL
    /// Unix seconds; nil is never.
    package var expires: Int64?
    package var access: Access
    /// All up to the access identifier: what the token is made of.
    package var rump: String
    /// In small letters, with its token; nil of a URL that is not authorized yet.
    package var authorization: (mechanism: String, token: String)? {
        self.mechanism.flatMap { mechanism in self.token.map { (mechanism, $0) } }
    }
    private var mechanism: String?
    private var token: String?

    // RFC 5092 11:  authimapurl = "imap://" enc-user [";AUTH=" …] "@" hostport "/" … [";EXPIRE=" date-time] ";URLAUTH=" access [":" mech ":" token]
    package init?(parsing text: String) {
        guard text.utf8.count <= 4096, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        guard text.lowercased().hasPrefix("imap://"), let (authority, whole) = IMAPURL.authority(text.dropFirst(7)),
            let user = authority.user
        else { return nil }
        guard let mark = Self.last(";urlauth=", in: whole) else { return nil }
        let value = whole[mark.upperBound...].split(separator: ":", omittingEmptySubsequences: false)
        guard let first = value.first, let access = Self.access(first), value.count == 1 || value.count == 3 else { return nil }
        var path = whole[..<mark.lowerBound]
        if let expiry = Self.last(";expire=", in: path) {
            guard let expires = InternetDate.seconds(path[expiry.upperBound...]) else { return nil }
            self.expires = expires
            path = path[..<expiry.lowerBound]
        }
        guard let message = IMAPURL(parsing: String(path)) else { return nil }
        (self.user, self.host, self.message, self.access) = (user, authority.host, message, access)
        self.rump = String(text[..<first.endIndex])
        guard value.count == 3 else { return }
        guard !value[1].isEmpty, !value[2].isEmpty else { return nil }
        self.mechanism = value[1].lowercased()
        self.token = value[2].lowercased()
    }

    private static func access(_ text: Substring) -> Access? {
        let lower = text.lowercased()
        if lower == "authuser" { return .authUser }
        if lower == "anonymous" { return .anonymous }
        guard let plus = text.firstIndex(of: "+"), let name = IMAPURL.unescaped(text[text.index(after: plus)...]), !name.isEmpty else {
            return nil
        }
        return lower.hasPrefix("submit+") ? .submit(name) : lower.hasPrefix("user+") ? .user(name) : nil
    }

    /// `mark` in small letters, with its last place in any case of letters.
    private static func last(_ mark: String, in text: Substring) -> Range<Substring.Index>? {
        var found: Range<Substring.Index>?
        var at = text.startIndex
        while let semicolon = text[at...].firstIndex(of: ";") {
            if text[semicolon...].prefix(mark.count).lowercased() == mark {
                found = semicolon..<text.index(semicolon, offsetBy: mark.count)
            }
            at = text.index(after: semicolon)
        }
        return found
    }
}

/// `2026-11-22T12:30:00Z` and the like. [RFC3339-5.6]
enum InternetDate {
    static func seconds(_ text: Substring) -> Int64? {
        var rest = text[...]
        guard let year = Self.number(&rest, 4), Self.take("-", &rest), let month = Self.number(&rest, 2), Self.take("-", &rest),
            let day = Self.number(&rest, 2), let date = CalendarDay(year: year, month: month, day: day),
            Self.take("T", &rest) || Self.take("t", &rest), let hour = Self.number(&rest, 2), hour < 24, Self.take(":", &rest),
            let minute = Self.number(&rest, 2), minute < 60, Self.take(":", &rest), let second = Self.number(&rest, 2), second <= 60
        else { return nil }
        if Self.take(".", &rest) { rest = rest.drop { $0.isASCII && $0.isNumber } }
        let seconds = Int64(date.number) * 86_400 + Int64(hour) * 3600 + Int64(minute) * 60 + Int64(second)
        if Self.take("Z", &rest) || Self.take("z", &rest) { return rest.isEmpty ? seconds : nil }
        let isEast = Self.take("+", &rest)
        guard isEast || Self.take("-", &rest), let hours = Self.number(&rest, 2), hours < 24, Self.take(":", &rest),
            let minutes = Self.number(&rest, 2), minutes < 60, rest.isEmpty
        else { return nil }
        let offset = Int64(hours) * 3600 + Int64(minutes) * 60
        return isEast ? seconds - offset : seconds + offset
    }

    private static func number(_ rest: inout Substring, _ count: Int) -> Int? {
        let digits = rest.prefix(count)
        guard digits.utf8.count == count, digits.utf8.allSatisfy(\.isASCIIDigit) else { return nil }
        rest = rest.dropFirst(count)
        return Int(digits)
    }

    private static func take(_ character: Character, _ rest: inout Substring) -> Bool {
        guard rest.first == character else { return false }
        rest.removeFirst()
        return true
    }
}
