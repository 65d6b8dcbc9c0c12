internal import Database
internal import Forms
package import SASL
package import Vocabulary

/// An app password as its owner looks at it; the password itself is shown once, when it is made.
package struct AppPasswordDetails: Sendable, Hashable {
    package let id: AppPasswordID
    package let label: String
    /// Names as in the field `services`; never those of which one could make more of oneself.
    package let services: [String]
    /// Its last day, `2026-11-21`; nil is no end.
    package let lastDay: String?
    /// Seconds since 1970.
    package let created: Int64
    /// To the hour.
    package let lastUsed: Int64?
}

/// What serving needs to know of an app password.
struct AppPasswordScope: Sendable {
    let services: ServiceSet
    let lastDay: Int32

    func allows(_ service: ListenerRole.Service, on day: Int32) -> Bool {
        day <= self.lastDay && self.services.contains(ServiceSet(service))
    }
}

enum AppPasswordRows {
    static func live(_ connection: Connection) throws(DatabaseError) -> [AccountID: [AppPasswordID: AppPasswordScope]] {
        var out: [AccountID: [AppPasswordID: AppPasswordScope]] = [:]
        try connection.each(DirectorySchema.allAppPasswords) { row throws(DatabaseError) in
            out[AccountID(rawValue: row.int(0)), default: [:]][AppPasswordID(rawValue: row.int(1))] = self.scope(
                row.text(2), row.optionalInt(3))
            return true
        }
        return out
    }

    /// nil when the account has none.
    static func live(_ connection: Connection, of account: AccountID) throws(DatabaseError) -> [AppPasswordID: AppPasswordScope]? {
        let rows = try connection.rows(DirectorySchema.appPasswords, .int(account.rawValue)) {
            (AppPasswordID(rawValue: $0.int(0)), self.scope($0.text(2), $0.optionalInt(3)))
        }
        return rows.isEmpty ? nil : Dictionary(rows) { $1 }
    }

    private static func scope(_ services: String, _ lastDay: Int64?) -> AppPasswordScope {
        // An empty text would be "all services" for an account; here it is none.
        let names = services.split(separator: " ").map(String.init)
        return AppPasswordScope(
            services: names.isEmpty ? ServiceSet(rawValue: 0) : ServiceSet(names), lastDay: lastDay.map { Int32(clamping: $0) } ?? Int32.max
        )
    }
}

// Passwords for devices and programs. All calls block.
extension Directory {
    /// Services that an app password can be for: reading and sending mail, filters, directory. Never the web forms and the password server,
    /// where one could make another password with it.
    package static let appPasswordServices = ["pop3", "imap", "submission", "ldap", "sieve"]
    static let mostAppPasswords = 100

    /// Makes one; the text is to be shown to its owner now and is nowhere afterwards.
    /// - Parameter lastDay: `2026-11-21`; nil is no end.
    package func addAppPassword(
        _ account: AccountID, label: String, services: [String], lastDay: String?, by actor: Actor
    ) throws(DirectoryError) -> (id: AppPasswordID, text: String) {
        let (label, services, day) = try self.checked(label, services, lastDay)
        return try self.change { connection, snapshot, touched in
            guard snapshot.contents.accounts[account] != nil else { throw DirectoryError.noAccount("\(account)") }
            guard account != snapshot.contents.postmaster?.id else {
                throw DirectoryError(
                    .invalid, "the Postmaster account is no mailbox; make app passwords for accounts of persons",
                    "Postmaster アカウントにメールボックスはありません。利用者のアカウントに作成してください")
            }
            try self.checkKey(actor, account, connection, snapshot)
            let existing = try connection.rows(DirectorySchema.appPasswords, .int(account.rawValue)) { $0.text(1) }
            guard existing.count < Self.mostAppPasswords else {
                throw DirectoryError(
                    .conflict, "the account has \(existing.count) app passwords; revoke one that is not used any more",
                    "アプリパスワードが \(existing.count) 個あります。使っていないものを取り消してください")
            }
            guard !existing.contains(label) else {
                throw DirectoryError(
                    .conflict, "there is an app password \(Shown.text(label)) already; choose another name or revoke it",
                    "アプリパスワード \(Shown.text(label)) は既にあります。別の名前にするか、取り消してください")
            }
            let made = try self.freshAppPassword(connection, account)
            var lastDayValue = Value.null
            if let day {
                let number = Int64(day)
                lastDayValue = .int(number)
            }
            try connection.run(
                DirectorySchema.insertAppPassword, .int(account.rawValue), .text(made.tag),
                .text(made.verifier(salt: self.location.random(16))), .text(label), .text(services.joined(separator: " ")),
                lastDayValue, .int(self.location.now()))
            let id = AppPasswordID(rawValue: connection.lastInsertID)
            try self.recordAppPassword(connection, account, actor, old: nil, new: "\(label): \(services.joined(separator: ", "))")
            touched.accounts = [account]
            return (id, made.text)
        }
    }

    /// False when there is no such one (any more). Sessions that it opened end at their next command.
    @discardableResult
    package func revokeAppPassword(_ account: AccountID, _ id: AppPasswordID, by actor: Actor) throws(DirectoryError) -> Bool {
        try self.change { connection, snapshot, touched in
            try self.checkKey(actor, account, connection, snapshot)
            let label = try connection.rows(DirectorySchema.appPasswords, .int(account.rawValue)) { ($0.int(0), $0.text(1)) }
                .first { $0.0 == id.rawValue }?.1
            guard let label else { return false }
            try connection.run(DirectorySchema.deleteAppPassword, .int(account.rawValue), .int(id.rawValue))
            try self.recordAppPassword(connection, account, actor, old: label, new: nil)
            touched.accounts = [account]
            return true
        }
    }

    /// Of what belongs to an account: `AccountWriter.checkKey`.
    func checkKey(_ actor: Actor, _ account: AccountID, _ connection: Connection, _ snapshot: DirectorySnapshot) throws {
        guard actor.isLimited, let details = try Self.details(connection, account) else { return }
        try AccountWriter(connection: connection, snapshot: snapshot, now: 0, revision: 0).checkKey(actor, details.values)
    }

    package func appPasswords(of account: AccountID) throws(DirectoryError) -> [AppPasswordDetails] {
        try self.reading { connection throws(DatabaseError) in
            try connection.rows(DirectorySchema.appPasswords, .int(account.rawValue)) { row in
                AppPasswordDetails(
                    id: AppPasswordID(rawValue: row.int(0)), label: row.text(1),
                    services: row.text(2).split(separator: " ").map(String.init),
                    lastDay: row.optionalInt(3).map { Day.text(Int32(clamping: $0)) }, created: row.int(4), lastUsed: row.optionalInt(5))
            }
        }
    }

    // MARK: Checking a login

    /// What the row says that a password of this shape belongs to. One read, also for an account that is not there.
    func foundAppPassword(_ account: AccountID?, tag: String) throws(DatabaseError) -> (
        id: AppPasswordID, verifier: String, lastUsed: Int64?
    )? {
        let number: Int64 = account?.rawValue ?? 0
        return try self.database.read { connection throws(DatabaseError) in
            try connection.row(DirectorySchema.appPassword, .int(number), .text(tag)) {
                (AppPasswordID(rawValue: $0.int(0)), $0.text(1), $0.optionalInt(2))
            }
        }
    }

    /// Seconds between two notes of the same app password's use.
    static let usePrecision: Int64 = 3600

    /// Notes that it was used. Not worth an error: the login stands.
    func noteUse(_ id: AppPasswordID, before: Int64?) {
        let now = self.location.now()
        guard before.map({ now - $0 > Self.usePrecision || $0 > now }) ?? true else { return }
        _ = try? self.database.write { connection throws(DatabaseError) in
            try connection.run(DirectorySchema.useAppPassword, .int(id.rawValue), .int(now), .int(Self.usePrecision))
        }
    }

    // MARK: Parts

    private func freshAppPassword(_ connection: Connection, _ account: AccountID) throws -> AppPassword {
        for _ in 0..<100 {
            let made = AppPassword(random: self.location.random(AppPassword.randomLength))
            let isTaken = try connection.row(DirectorySchema.appPassword, .int(account.rawValue), .text(made.tag)) { _ in true } ?? false
            if !isTaken { return made }
        }
        throw DirectoryError(.conflict, "no app password could be made; try again", "アプリパスワードを作成できませんでした。もう一度実行してください")
    }

    private func checked(_ label: String, _ services: [String], _ lastDay: String?) throws(DirectoryError) -> (String, [String], Int32?) {
        let clean = label.trimmingBlanks
        guard !clean.isEmpty, clean.unicodeScalars.count <= 100,
            !clean.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
        else {
            throw DirectoryError(
                .invalid, "give the app password a name of at most 100 characters, such as the device it is for",
                "アプリパスワードに 100 文字以内の名前（使用する機器の名前など）を付けてください")
        }
        let unknown = services.first { !Self.appPasswordServices.contains($0) }
        guard unknown == nil, !services.isEmpty else {
            let names = Self.appPasswordServices.joined(separator: ", ")
            throw DirectoryError(
                .invalid, "\(unknown.map { Shown.text($0) + " is no service of app passwords; " } ?? "")choose among \(names)",
                "\(unknown.map { Shown.text($0) + " にはアプリパスワードを使えません。" } ?? "")\(names) から指定してください")
        }
        var day: Int32?
        if let lastDay {
            day = Day.number(lastDay)
            guard let day, day >= Day.number(at: self.location.now()) else {
                throw DirectoryError(
                    .invalid, "\(Shown.text(lastDay)) is no day to come; write 2027-03-31",
                    "\(Shown.text(lastDay)) は使用できません。2027-03-31 のように今日以降の日付を指定してください")
            }
        }
        return (clean, Self.appPasswordServices.filter(services.contains), day)
    }

    private func recordAppPassword(_ connection: Connection, _ account: AccountID, _ actor: Actor, old: String?, new: String?) throws {
        let revision = try self.revision(connection, actor, "")
        try connection.run(
            DirectorySchema.insertChange, .int(revision), .int(account.rawValue), .text("app-password"), .text(old), .text(new))
    }
}

extension String {
    /// Without blanks at both ends.
    var trimmingBlanks: String {
        var scalars = self.unicodeScalars[...]
        while let first = scalars.first, first.properties.isWhitespace { scalars.removeFirst() }
        while let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
        return String(scalars)
    }
}
