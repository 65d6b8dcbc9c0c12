internal import Database
internal import Forms
package import SASL
package import Vocabulary

// Rules between passwords: the postmaster's, the personal one and that of the operating system are three different ones (must-have 58).
// Two of them are compared where the new one is known in clear, at its change. Whoever breaks a rule is told which, so that a comparison with a
// password that is not one's own would be a way to guess it, past all budgets. Therefore:
// - whoever may set any password (commands, the postmaster) is told always;
// - the owner of an account is told about the postmaster's password only when it is his to know: when he is a postmaster.
extension Directory {
    /// How a new password is checked beyond its form.
    package enum PasswordChange: Sendable {
        /// By somebody who may set any password.
        case byPostmaster
        case byOwner
    }

    /// The owner changes the account's own password. Blocks, and takes the time of up to four hashes.
    package func changeOwnPassword(_ id: AccountID, from old: Secret, to new: Secret, by actor: Actor) throws(DirectoryError) {
        guard self.configuration.value(SecurityField.userPassword).flag ?? true else {
            throw DirectoryError(
                .invalid, "users may not change their passwords here; ask the postmaster", "パスワードの変更は許可されていません。ポストマスタに問い合わせてください")
        }
        guard let stored = try self.storedPassword(of: id), let prepared = Self.preparation.prepared(old), stored.verifier.matches(prepared)
        else {
            // The password of another place, or one that was changed meanwhile.
            throw DirectoryError(
                .invalid, "the password of this account cannot be changed here; ask the postmaster",
                "このアカウントのパスワードはここでは変更できません。ポストマスタに問い合わせてください")
        }
        let wanted = try self.prepared(new)
        guard wanted != prepared else {
            throw DirectoryError([
                AccountField.password.problem(
                    Localized("the new password is the old one; choose another", "新しいパスワードが古いものと同じです。別のものを指定してください"))
            ])
        }
        let verifier = try self.checkedVerifier(for: new, of: id, .byOwner)
        try self.change { connection, snapshot, touched in
            guard snapshot.contents.accounts[id]?.passwordVersion == stored.version else {
                throw DirectoryError(
                    .conflict, "the password was changed by somebody else in this moment", "パスワードは同時に別の操作で変更されました")
            }
            try self.writer(connection, snapshot, actor, "").setPassword(id, verifier)
            touched.accounts = [id]
        }
    }

    /// The verifier of a new password for an account, after all rules. nil is an account that is still to be made. Blocks.
    package func checkedVerifier(
        for password: Secret, of id: AccountID?, _ change: PasswordChange = .byPostmaster
    ) throws(DirectoryError) -> SCRAMVerifier {
        let prepared = try self.prepared(password)
        let snapshot = self.snapshot
        let postmaster = snapshot.contents.postmaster?.id
        if let id, id == postmaster {
            for other in try self.postmasters() {
                guard try self.storedPassword(of: other)?.verifier.matches(prepared) == true else { continue }
                throw Self.sameAsPersonal(snapshot.recipient(other)?.primary.description ?? "\(other)")
            }
        } else if let postmaster, try self.mayCompare(id, change) {
            if try self.storedPassword(of: postmaster)?.verifier.matches(prepared) == true { throw Self.sameAsPostmaster }
        }
        try self.checkSystemPassword(password, of: id)
        return SCRAMVerifier(password: prepared, salt: self.location.random(SCRAMVerifier.saltLength))
    }

    /// How to ask the operating system whether a password is a user's; given in by whoever can. Without it such passwords are not compared,
    /// and right nowhere. It blocks.
    package func compareSystemPasswords(_ ask: @escaping @Sendable (SystemPassword.Question) -> SystemPassword.Answer) {
        self.systemPassword.withLock { $0 = ask }
    }

    /// The own password of an account that is linked to a user of the operating system, and the postmaster's, must be none of the linked users'.
    /// One question at a change: a wrong answer takes PAM two seconds.
    private func checkSystemPassword(_ password: Secret, of id: AccountID?) throws(DirectoryError) {
        guard let ask = self.systemPassword.withLock({ $0 }), let id, let user = self.snapshot.contents.accounts[id]?.osUser else { return }
        guard ask(SystemPassword.Question(user: user, password: password)) == .right else { return }
        throw DirectoryError([
            AccountField.password.problem(
                Localized(
                    "this is the operating system's password of \(user); the account's own must be another one",
                    "OS のユーザ \(user) のパスワードと同じです。アカウントには別のパスワードを指定してください"))
        ])
    }

    private func mayCompare(_ id: AccountID?, _ change: PasswordChange) throws(DirectoryError) -> Bool {
        switch change {
        case .byPostmaster: return true
        case .byOwner:
            guard let id else { return false }
            return try self.postmasters().contains(id)
        }
    }

    /// Blocks, and takes the time of a hash.
    package func isPostmastersPassword(_ password: Secret) throws(DirectoryError) -> Bool {
        guard let postmaster = self.snapshot.contents.postmaster?.id else { return false }
        return try self.isPassword(password, of: postmaster)
    }

    package static let sameAsPostmaster = DirectoryError([
        AccountField.password.problem(
            Localized(
                "this is the postmaster's password; an account's own must be another one", "ポストマスタのパスワードと同じです。アカウントには別のパスワードを指定してください"))
    ])

    private static func sameAsPersonal(_ name: String) -> DirectoryError {
        DirectoryError([
            AccountField.password.problem(
                Localized(
                    "this is the personal password of \(name); the postmaster's must be another one",
                    "\(name) の個人のパスワードと同じです。ポストマスタには別のパスワードを指定してください"))
        ])
    }

    /// Blocks, and takes the time of a hash.
    package func isPassword(_ password: Secret, of id: AccountID) throws(DirectoryError) -> Bool {
        guard let prepared = Self.preparation.prepared(password) else { return false }
        return try self.storedPassword(of: id)?.verifier.matches(prepared) ?? false
    }

    /// Whether it is the password that the account logs in with now: its own, or that of its user of the operating system. Blocks, and takes the
    /// time of a hash, or that which the operating system takes.
    package func isLoginPassword(_ password: Secret, of id: AccountID) throws(DirectoryError) -> SystemPassword.Answer {
        guard let user = self.snapshot.contents.accounts[id]?.osUser else {
            return try self.isPassword(password, of: id) ? .right : .wrong
        }
        guard let ask = self.systemPassword.withLock({ $0 }) else { return .unavailable }
        return ask(SystemPassword.Question(user: user, password: password))
    }

    /// Verifier and version of an account's own password; nil when it has none.
    func storedPassword(of id: AccountID) throws(DirectoryError) -> (verifier: SCRAMVerifier, version: Int64)? {
        try self.reading { connection throws(DatabaseError) in
            try connection.row(DirectorySchema.verifier, .int(id.rawValue)) { ($0.optionalText(0), $0.int(1)) }
        }.flatMap { text, version in text.flatMap { SCRAMVerifier(stored: $0) }.map { ($0, version) } }
    }
}
