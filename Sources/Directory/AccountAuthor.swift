package import Vocabulary

/// How From is written in mail that an account sends.
package enum FromRewrite: String, Sendable, Hashable { case quoted, comment, none }

/// Who sends, as mail of an account is to say it.
package struct AccountAuthor: Sendable, Hashable {
    /// The account's first address.
    package let address: Address
    /// Real name; may be empty.
    package let name: String
    package let rewrite: FromRewrite
}
