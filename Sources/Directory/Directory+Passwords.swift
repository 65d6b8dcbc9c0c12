internal import Forms
package import SASL
internal import Text
internal import Vocabulary

extension Directory {
    /// The verifier of a new password, after the rules: long enough, no blank at either end, no control characters.
    /// Takes some 50 ms of CPU: never on an event loop; several may run side by side.
    package func verifier(for password: Secret) throws(DirectoryError) -> SCRAMVerifier {
        let prepared = try self.prepared(password)
        return SCRAMVerifier(password: prepared, salt: self.location.random(SCRAMVerifier.saltLength))
    }

    /// The rules alone: cheap, for telling a person before the work is done.
    package func prepared(_ password: Secret) throws(DirectoryError) -> Secret {
        let field = AccountField.password
        let least = self.configuration.security.passwordLength
        let length = password.withBytes { bytes in String(validating: bytes, as: UTF8.self)?.unicodeScalars.count ?? 0 }
        guard length >= least else {
            throw DirectoryError([field.problem(Localized("too short; at least \(least) characters", "短すぎます。\(least) 文字以上で指定してください"))])
        }
        let edges = password.withBytes { bytes in
            String(decoding: bytes, as: UTF8.self).unicodeScalars.first?.properties.isWhitespace == true
                || String(decoding: bytes, as: UTF8.self).unicodeScalars.last?.properties.isWhitespace == true
        }
        guard !edges else {
            throw DirectoryError([field.problem(Localized("must not begin or end with a blank", "先頭と末尾に空白は使用できません"))])
        }
        guard let prepared = Self.preparation.prepared(password) else {
            throw DirectoryError([
                field.problem(
                    Localized(
                        "cannot be used: at most \(PasswordPreparation.maximumLength) octets without control characters",
                        "使用できません。制御文字を含まない \(PasswordPreparation.maximumLength) オクテット以内で指定してください"))
            ])
        }
        return prepared
    }

    static let preparation = PasswordPreparation(normalize: { UnicodeText.nfkc($0) })
}
