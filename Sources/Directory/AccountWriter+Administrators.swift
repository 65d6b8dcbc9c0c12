internal import Database
internal import Forms
internal import Vocabulary

// Somebody must always be able to log in and administer: no change may lock out the last administrator. Root can still set any password.
extension AccountWriter {
    /// Refuses a change after which no administrative account could log in, and any that makes the Postmaster something else.
    func checkAdministrators(
        _ id: AccountID, from before: AccountDetails, to merged: [FieldKey: FieldValue], isPostmaster: Bool
    ) throws {
        if isPostmaster, AccountField.type.effective(merged[AccountField.type.key] ?? .none).text != "administrative" {
            throw DirectoryError([
                AccountField.type.problem(
                    Localized(
                        "the Postmaster account is always administrative; leave its type as it is",
                        "Postmaster アカウントは常に管理アカウントです。種類は変更できません"))
            ])
        }
        // The Postmaster counts also while it has no password yet: it is what setup and `--password-stdin` bring back.
        let wasAble = isPostmaster ? self.hindrance(before.values) == nil : self.isAble(before)
        guard wasAble, let field = self.hindrance(merged), try !self.isThereAnother(id) else { return }
        throw DirectoryError([field.problem(Self.lastOne)])
    }

    /// Refuses to delete the last administrative account that can log in.
    func checkRemoval(_ account: AccountDetails) throws {
        guard self.isAble(account), try !self.isThereAnother(account.id) else { return }
        throw DirectoryError(.invalid, "\(account.primary): \(Self.lastOne.english)", "\(account.primary): \(Self.lastOne.japanese)")
    }

    private static let lastOne = Localized(
        "this is the last administrative account that can log in; give another one the type administrative, a password and web access first",
        "ログインできる最後の管理アカウントです。先に別のアカウントを管理アカウントにし、パスワードと Web の使用を設定してください")

    private func isAble(_ account: AccountDetails) -> Bool { account.hasPassword && self.hindrance(account.values) == nil }

    /// The field for which such an account can not administer, now or from a day on.
    private func hindrance(_ values: [FieldKey: FieldValue]) -> Field? {
        func effective(_ field: Field) -> FieldValue { field.effective(values[field.key] ?? .none) }
        if effective(AccountField.type).text != "administrative" { return AccountField.type }
        if effective(AccountField.state).text != "active" { return AccountField.state }
        if values[AccountField.expiryDate.key] != nil { return AccountField.expiryDate }
        // Passwords of the operating system cannot be checked by every installation.
        if effective(AccountField.useOSPassword).flag == true { return AccountField.useOSPassword }
        let services = values[DeliveryField.services.key]?.list ?? []
        return services.isEmpty || services.contains("web") ? nil : DeliveryField.services
    }

    private func isThereAnother(_ id: AccountID) throws -> Bool {
        let ids = try self.connection.rows(DirectorySchema.accountsWithValue, .text(AccountField.type.key.text), .text("administrative")) {
            AccountID(rawValue: $0.int(0))
        }
        for other in ids where other != id {
            if let details = try Directory.details(self.connection, other), self.isAble(details) { return true }
        }
        return false
    }
}
