internal import Bytes
internal import Crypto
internal import Database
internal import Forms
internal import SASL
internal import Vocabulary

/// What a key of the API may be used for.
package enum TokenScope: String, Sendable, Hashable, CaseIterable {
    /// To look at everything that no secret is in.
    case read
    /// Accounts, and what belongs to them.
    case accounts
    /// The queue.
    case queue
    /// Settings, routes, filters, certificates.
    case configuration
    /// Everything that a postmaster may do.
    case all
}

/// A key of the API as a postmaster looks at it; the key itself is shown once, when it is made.
package struct TokenDetails: Sendable, Hashable {
    package let id: Int64
    package let label: String
    package let scopes: Set<TokenScope>
    package let created: Int64
    package let createdBy: String
    /// Its last day, `2026-11-21`; nil is no end.
    package let lastDay: String?
    /// To the hour.
    package let lastUsed: Int64?

    /// Whether it opens what needs this. Looking needs any scope of the matter, or `read`.
    package func allows(_ scope: TokenScope) -> Bool { self.scopes.contains(.all) || self.scopes.contains(scope) }

    package var scopeNames: [String] { TokenScope.allCases.filter(self.scopes.contains).map(\.rawValue) }
}

// Keys of the API. A key is `po_TAG_SECRET` in lower-case letters and digits: what is random in it is 256 bits, so that one round of a hash
// keeps it. All calls block.
extension Directory {
    static let mostTokens = 200
    private static let prefix = "po"

    /// Makes one; the text is to be shown now and is nowhere afterwards.
    package func addToken(
        label: String, scopes: Set<TokenScope>, lastDay: String?, by actor: Actor
    ) throws(DirectoryError) -> (id: Int64, text: String) {
        let label = label.trimmedOfBlanks
        guard !label.isEmpty, label.count <= 80 else {
            throw DirectoryError(.invalid, "give the key a name of at most 80 characters", "キーに 80 文字以内の名前を付けてください")
        }
        guard !scopes.isEmpty else {
            let known = TokenScope.allCases.map(\.rawValue).joined(separator: ", ")
            throw DirectoryError(.invalid, "say what the key is for: \(known)", "キーの用途を指定してください: \(known)")
        }
        let day = try lastDay.map { text throws(DirectoryError) -> Int32 in
            guard let day = Day.number(text) else {
                throw DirectoryError(
                    .invalid, "\(Shown.text(text)) is no date: write 2026-11-21", "\(Shown.text(text)) は日付ではありません。2026-11-21 の形で入力してください")
            }
            guard Int64(day) >= self.location.now() / 86_400 - 1 else {
                throw DirectoryError(.invalid, "\(text) is over: the key would open nothing", "\(text) は過ぎているため、このキーは使えません")
            }
            return day
        }
        let tag = Base32.encode(self.location.random(7), count: 10)
        let secret = Base32.encode(self.location.random(32))
        let hash = Self.hash(tag, secret)
        let names = TokenScope.allCases.filter(scopes.contains).map(\.rawValue).joined(separator: " ")
        let made = try self.insertToken(tag, hash, label, names, day, actor)
        guard let made else {
            throw DirectoryError(
                .conflict, "there is a key named \(Shown.text(label)) already, or there are \(Self.mostTokens); delete one",
                "\(Shown.text(label)) という名前のキーが既にあるか、キーが \(Self.mostTokens) 個あります。不要なものを削除してください")
        }
        return (made, "\(Self.prefix)_\(tag)_\(secret)")
    }

    /// nil when the name is taken, or there are too many.
    private func insertToken(
        _ tag: String, _ hash: [UInt8], _ label: String, _ scopes: String, _ day: Int32?, _ actor: Actor
    ) throws(DirectoryError) -> Int64? {
        do throws(DatabaseError) {
            return try self.database.write { connection throws(DatabaseError) -> Int64? in
                let known = try connection.rows(DirectorySchema.tokens) { $0.text(2) }
                guard known.count < Self.mostTokens, !known.contains(label) else { return nil }
                var lastDay = Value.null
                if let day {
                    let number = Int64(day)
                    lastDay = .int(number)
                }
                try connection.run(
                    DirectorySchema.insertToken, .text(tag), .blob(hash), .text(label), .text(scopes), .int(self.location.now()),
                    .text(actor.name), lastDay)
                let id = connection.lastInsertID
                let revision = try self.revision(connection, actor, "token add")
                try connection.run(
                    DirectorySchema.insertChange, .int(revision), .int(Self.actionNumber), .text("token"), .null,
                    .text("\(label): \(scopes)"))
                return id
            }
        } catch { throw DirectoryError(error) }
    }

    package func tokens() throws(DirectoryError) -> [TokenDetails] {
        try self.reading { connection throws(DatabaseError) in
            try connection.rows(DirectorySchema.tokens) { row in
                TokenDetails(
                    id: row.int(0), label: row.text(2), scopes: Self.scopes(row.text(3)), created: row.int(4), createdBy: row.text(5),
                    lastDay: row.optionalInt(6).map { Day.text(Int32(clamping: $0)) }, lastUsed: row.optionalInt(7))
            }
        }
    }

    /// False when there is no such one (any more). Nothing more is answered to it from now on.
    @discardableResult
    package func deleteToken(_ id: Int64, by actor: Actor) throws(DirectoryError) -> Bool {
        do throws(DatabaseError) {
            return try self.database.write { connection throws(DatabaseError) in
                let label = try connection.rows(DirectorySchema.tokens) { ($0.int(0), $0.text(2)) }.first { $0.0 == id }?.1
                guard let label else { return false }
                try connection.run(DirectorySchema.deleteToken, .int(id))
                let revision = try self.revision(connection, actor, "token delete")
                try connection.run(DirectorySchema.insertChange, .int(revision), .int(Self.actionNumber), "token", .text(label), .null)
                return true
            }
        } catch { throw DirectoryError(error) }
    }

    /// Whose key this is; nil for none of ours, and for one whose last day is over. Takes the same time for every wrong secret.
    package func token(_ text: String) -> TokenDetails? {
        guard text.utf8.count <= 200 else { return nil }
        let parts = text.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == Self.prefix else { return nil }
        let (tag, hash) = (String(parts[1]), Self.hash(String(parts[1]), String(parts[2])))
        let found = try? self.reading { connection throws(DatabaseError) in
            try connection.row(DirectorySchema.token, .text(tag)) { row in
                (
                    hash: row.bytes(1),
                    details: TokenDetails(
                        id: row.int(0), label: row.text(2), scopes: Self.scopes(row.text(3)), created: 0, createdBy: "",
                        lastDay: row.optionalInt(4).map { Day.text(Int32(clamping: $0)) }, lastUsed: row.optionalInt(5)),
                    lastDay: row.optionalInt(4)
                )
            }
        }
        guard let found = found ?? nil, constantTimeEqual(found.hash, hash) else { return nil }
        let now = self.location.now()
        if let last = found.lastDay, Int64(Day.number(at: now)) > last { return nil }
        if found.details.lastUsed.map({ now - $0 >= 3600 || now < $0 }) ?? true {
            // To the hour: not every request is worth a write.
            _ = try? self.database.write { connection throws(DatabaseError) in
                try connection.run(DirectorySchema.useToken, .int(found.details.id), .int(now))
            }
        }
        return found.details
    }

    private static func scopes(_ text: String) -> Set<TokenScope> {
        Set(text.split(separator: " ").compactMap { TokenScope(rawValue: String($0)) })
    }

    private static func hash(_ tag: String, _ secret: String) -> [UInt8] { Array(SHA256.hash(data: Array("\(tag)_\(secret)".utf8))) }
}

extension String {
    fileprivate var trimmedOfBlanks: String {
        let kept = self.drop { $0 == " " }
        return String(kept.reversed().drop { $0 == " " }.reversed())
    }
}
