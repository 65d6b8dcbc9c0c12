internal import Database
internal import Forms
internal import SASL
package import Vocabulary

/// A passkey as it is kept: the public half of a key that a device of its owner holds.
package struct Passkey: Sendable, Hashable {
    /// Never given again.
    package var id: Int64
    package var account: AccountID
    /// How its device calls it.
    package var credential: [UInt8]
    /// As the device wrote it; the web knows how to read it.
    package var key: [UInt8]
    /// The host name of the web that it was made for; browsers offer it there and nowhere else.
    package var host: String
    package var label: String
    package var signCount: UInt32
    /// It may be copied to other devices of its owner, and whether it was at its last use.
    package var isBackupEligible: Bool
    package var isBackedUp: Bool
    /// Seconds since 1970.
    package var created: Int64
    package var lastUsed: Int64?

    package init(
        account: AccountID, credential: [UInt8], key: [UInt8], host: String, label: String, signCount: UInt32, isBackupEligible: Bool,
        isBackedUp: Bool
    ) {
        self.id = 0
        self.account = account
        self.credential = credential
        self.key = key
        self.host = host
        self.label = label
        self.signCount = signCount
        self.isBackupEligible = isBackupEligible
        self.isBackedUp = isBackedUp
        self.created = 0
    }

    init(_ row: Row) {
        self.init(
            account: AccountID(rawValue: row.int(1)), credential: row.bytes(2), key: row.bytes(3), host: row.text(4), label: row.text(5),
            signCount: UInt32(clamping: row.int(6)), isBackupEligible: row.int(7) != 0, isBackedUp: row.int(8) != 0)
        self.id = row.int(0)
        self.created = row.int(9)
        self.lastUsed = row.optionalInt(10)
    }
}

// Passkeys of accounts. All calls block.
extension Directory {
    package static let mostPasskeys = 20

    package func passkeys(of account: AccountID) throws(DirectoryError) -> [Passkey] {
        try self.reading { connection throws(DatabaseError) in
            try connection.rows(DirectorySchema.passkeys, .int(account.rawValue)) { Passkey($0) }
        }
    }

    /// Whose it is that a device calls so. One read, also where there is none.
    package func passkey(_ credential: [UInt8]) throws(DirectoryError) -> Passkey? {
        try self.reading { connection throws(DatabaseError) in
            try connection.row(DirectorySchema.passkey, .blob(credential)) { Passkey($0) }
        }
    }

    /// Without blanks around it; what is wrong with it is told before a device is asked.
    package func checkedPasskeyLabel(_ typed: String, of account: AccountID) throws(DirectoryError) -> String {
        let label = typed.trimmingBlanks
        guard !label.isEmpty, label.unicodeScalars.count <= 100,
            !label.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
        else {
            throw DirectoryError(
                .invalid, "give the passkey a name of at most 100 characters, such as the device it is on",
                "パスキーに 100 文字以内の名前（機器の名前など）を付けてください")
        }
        let existing = try self.passkeys(of: account)
        guard existing.count < Self.mostPasskeys else {
            throw DirectoryError(
                .conflict, "the account has \(existing.count) passkeys; delete one that is not used any more",
                "パスキーが \(existing.count) 個あります。使っていないものを削除してください")
        }
        guard !existing.contains(where: { $0.label == label }) else {
            throw DirectoryError(
                .conflict, "there is a passkey \(Shown.text(label)) already; choose another name",
                "パスキー \(Shown.text(label)) は既にあります。別の名前にしてください")
        }
        return label
    }

    /// From now on the web asks for a second step.
    /// - Parameter recoveryCodes: MACs, for an account that has no second factor yet.
    /// - Returns: whether the recovery codes count.
    package func addPasskey(_ passkey: Passkey, recoveryCodes: [String], by actor: Actor) throws(DirectoryError) -> Bool {
        let label = try self.checkedPasskeyLabel(passkey.label, of: passkey.account)
        let account: Int64 = passkey.account.rawValue
        return try self.change { connection, snapshot, _ in
            guard snapshot.contents.accounts[passkey.account] != nil else { throw DirectoryError.noAccount("\(passkey.account)") }
            let isTaken = try connection.row(DirectorySchema.passkey, .blob(passkey.credential)) { _ in true } ?? false
            guard !isTaken, try self.countPasskeys(passkey.account, connection) < Self.mostPasskeys else {
                throw DirectoryError(.conflict, "this passkey is registered already", "このパスキーは登録済みです")
            }
            let (count, eligible, backedUp): (Int64, Int64, Int64) = (
                Int64(passkey.signCount), passkey.isBackupEligible ? 1 : 0, passkey.isBackedUp ? 1 : 0
            )
            try connection.run(
                DirectorySchema.insertPasskey, .int(account), .blob(passkey.credential), .blob(passkey.key), .text(passkey.host),
                .text(label), .int(count), .int(eligible), .int(backedUp), .int(self.location.now()))
            try self.recordPasskey(connection, passkey.account, actor, old: nil, new: label)
            guard try self.factor(passkey.account, connection) == nil else { return false }
            try self.store(SecondFactor(key: Secret(""), lastStep: 0, recoveryCodes: recoveryCodes), passkey.account, connection)
            return true
        }
    }

    /// False when it is gone, or has counted on in the meantime: somebody else has used it.
    package func usePasskey(_ passkey: Passkey, signCount: UInt32, isBackedUp: Bool) throws(DirectoryError) -> Bool {
        try self.writing { connection throws(DatabaseError) in
            let (count, backedUp): (Int64, Int64) = (Int64(signCount), isBackedUp ? 1 : 0)
            try connection.run(
                DirectorySchema.usePasskey, .int(passkey.id), .int(count), .int(backedUp), .int(self.location.now()))
            return connection.changes > 0
        }
    }

    /// The name of the one that is gone; nil when there was none. With the last of an account whose owner has no codes the second step ends.
    package func removePasskey(_ account: AccountID, _ id: Int64, by actor: Actor) throws(DirectoryError) -> String? {
        try self.change { connection, snapshot, _ in
            try self.checkKey(actor, account, connection, snapshot)
            let label = try connection.rows(DirectorySchema.passkeys, .int(account.rawValue)) { Passkey($0) }.first { $0.id == id }?.label
            guard let label else { return nil }
            try connection.run(DirectorySchema.deletePasskey, .int(account.rawValue), .int(id))
            try self.recordPasskey(connection, account, actor, old: label, new: nil)
            if try self.countPasskeys(account, connection) == 0, try self.factor(account, connection)?.takesCodes == false {
                try connection.run(DirectorySchema.deleteSecondFactor, .int(account.rawValue))
            }
            return label
        }
    }

    /// Codes, recovery codes and passkeys go: the password alone is enough.
    package func endSecondFactor(of account: AccountID, by actor: Actor) throws(DirectoryError) {
        try self.change { connection, _, _ in
            let had = try self.factor(account, connection)
            let labels = try connection.rows(DirectorySchema.passkeys, .int(account.rawValue)) { Passkey($0).label }
            guard had != nil || !labels.isEmpty else { return }
            try connection.run(DirectorySchema.deleteSecondFactor, .int(account.rawValue))
            try connection.run(DirectorySchema.deletePasskeys, .int(account.rawValue))
            let revision = try self.revision(connection, actor, "")
            for (field, old) in [("second-factor", had == nil ? "" : "on"), ("passkey", labels.joined(separator: ", "))] where !old.isEmpty
            {
                try connection.run(
                    DirectorySchema.insertChange, .int(revision), .int(account.rawValue), .text(field), .text(String(old.prefix(400))),
                    .null)
            }
        }
    }

    func countPasskeys(_ account: AccountID, _ connection: Connection) throws(DatabaseError) -> Int64 {
        try connection.row(DirectorySchema.passkeyCount, .int(account.rawValue)) { $0.int(0) } ?? 0
    }

    private func recordPasskey(_ connection: Connection, _ account: AccountID, _ actor: Actor, old: String?, new: String?) throws {
        let revision = try self.revision(connection, actor, "")
        try connection.run(
            DirectorySchema.insertChange, .int(revision), .int(account.rawValue), .text("passkey"), .text(old), .text(new))
    }
}
