internal import Forms
internal import Vocabulary

// A key of the API that is for accounts only must not become more than it is: whoever sets the password or the rights of somebody who
// administers could log in as that one, and make a key for everything. (A5)
extension AccountWriter {
    /// Whether an account with these values and addresses administers: it is administrative, or its mail is the postmaster's.
    private func administers(_ values: [FieldKey: FieldValue]) throws -> Bool {
        if AccountField.type.effective(values[AccountField.type.key] ?? .none).text == "administrative" { return true }
        if values[AccountField.postmasterPrivilege.key]?.flag == true { return true }
        let list = Set(try self.deliveryList().compactMap(Self.key))
        return (values[AccountField.addresses.key]?.list ?? []).compactMap(Self.key).contains(where: list.contains)
    }

    /// Refuses what would make, change or remove somebody who administers. `values` are those before, or those after the change.
    func checkKey(_ actor: Actor, _ values: [FieldKey: FieldValue], isPostmaster: Bool = false) throws {
        guard actor.isLimited, try isPostmaster || self.administers(values) else { return }
        throw DirectoryError(
            .invalid, "this key is for ordinary accounts; who administers is changed with a key of the scope all",
            "このキーで変更できるのは一般のアカウントだけです。管理者のアカウントを変更するには、スコープ all のキーが必要です")
    }
}
