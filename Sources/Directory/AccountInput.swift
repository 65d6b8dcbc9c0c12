package import Forms
package import SASL
package import Vocabulary

/// What a new account is made of, or what changes in one: values that Forms has checked, and a verifier.
package struct AccountInput: Sendable {
    /// `.none` clears a field.
    package var values: [FieldKey: FieldValue]
    package var verifier: SCRAMVerifier?

    package init(values: [FieldKey: FieldValue] = [:], verifier: SCRAMVerifier? = nil) {
        self.values = values
        self.verifier = verifier
    }

    /// From names and texts as a person typed them; throws all that is wrong at once. Passwords go in as verifiers only.
    package init(parsing texts: [(name: String, texts: [String])]) throws(DirectoryError) {
        self.init()
        var problems: [FieldProblem] = []
        for (name, texts) in texts {
            guard let field = FieldTable.account(named: name), field.editors != .system, !field.isSecret else {
                problems.append(Self.unknownField(name))
                continue
            }
            do {
                self.values[field.key] = try field.parse(texts)
            } catch {
                problems.append(error)
            }
        }
        guard problems.isEmpty else { throw DirectoryError(problems) }
    }

    package static func unknownField(_ name: String) -> FieldProblem { FieldProblem.unknown(name, in: FieldTable.account) }
}

/// An account as somebody looks at it.
package struct AccountDetails: Sendable {
    package let id: AccountID
    /// Seconds since 1970.
    package let created: Int64
    package let changed: Int64
    package let hasPassword: Bool
    package let passwordChanged: Int64?
    /// In effect, also when the field is empty.
    package let login: String
    /// What the fields hold, addresses among them; without defaults.
    package let values: [FieldKey: FieldValue]

    package var addresses: [String] { self.values[AccountField.addresses.key]?.list ?? [] }
    package var primary: String { self.addresses.first ?? "" }

    /// What a field says in effect.
    package func value(_ field: Field) -> FieldValue { field.effective(self.values[field.key] ?? .none) }
}
