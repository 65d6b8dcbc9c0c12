package import Vocabulary

/// Why a certificate cannot be used: which file, what is wrong with it, and what to do.
package struct TLSFailure: Error, Equatable, CustomStringConvertible {
    package enum Problem: String, Sendable, CaseIterable {
        /// The file cannot be opened or read; `detail` is the system's reason.
        case unreadable
        case tooLarge, empty
        /// No line `-----BEGIN …-----`.
        case notPEM
        /// The binary form of a certificate or key.
        case isDER
        /// PKCS #7 or PKCS #12.
        case isBundle
        case isRequest
        /// A certificate is wanted, and a private key is there; or the other way round.
        case isKey, isCertificate
        case isPublicKey
        case damagedCertificate
        case notYetValid, expired
        case isEncrypted, damagedKey
        /// A key that the TLS library or its clients cannot use.
        case kindOfKey
        case keyDoesNotMatch
        /// The TLS library refuses the pair; `detail` is its reason, for the log.
        case unusable
    }

    package var file: String
    package var problem: Problem
    package var detail: String

    package init(file: String, problem: Problem, detail: String = "") {
        self.file = file
        self.problem = problem
        self.detail = detail
    }

    /// For the log.
    package var description: String { "\(self.file): \(self.problem.rawValue)" + (self.detail.isEmpty ? "" : ": \(self.detail)") }

    /// For people.
    package var text: Localized {
        let words = self.words
        return Localized(en: "\(self.file): \(words.english)", ja: "\(self.file): \(words.japanese)")
    }

    private var words: Localized {
        switch self.problem {
        case .unreadable:
            Localized(en: "cannot be read (\(self.detail)); check its name and permissions", ja: "読めません。名前と権限を確認してください (\(self.detail))")
        case .tooLarge:
            Localized(en: "is too large for a PEM file; name the certificate or key alone", ja: "PEM ファイルとしては大きすぎます。証明書または鍵のファイルを指定してください")
        case .empty: Localized(en: "is empty; copy it again", ja: "空のファイルです。もう一度コピーしてください")
        case .notPEM:
            Localized(
                en: "is no PEM file: it has no line -----BEGIN …-----; ask for the PEM form",
                ja: "PEM ファイルではありません（-----BEGIN …----- の行がありません）。PEM 形式のものを用意してください")
        case .isDER:
            Localized(
                en: "is in the binary form DER; convert it: openssl x509 -inform der -in FILE -out FILE.pem (for a key: openssl pkey)",
                ja: "バイナリ形式 (DER) です。openssl x509 -inform der -in FILE -out FILE.pem で変換してください（鍵の場合は openssl pkey）")
        case .isBundle:
            Localized(
                en: "is a PKCS bundle; take it apart: openssl pkcs7 -print_certs -in FILE, or openssl pkcs12 -nodes -in FILE",
                ja: "PKCS 形式のまとまりです。openssl pkcs7 -print_certs -in FILE または openssl pkcs12 -nodes -in FILE で取り出してください")
        default: self.wordsOnContent
        }
    }

    private var wordsOnContent: Localized {
        switch self.problem {
        case .isRequest:
            Localized(en: "is a signing request; install the certificate that the authority sends back", ja: "証明書要求です。認証局から届いた証明書を指定してください")
        case .isKey:
            Localized(
                en: "holds a private key and no certificate; are the two files exchanged?", ja: "証明書がなく、秘密鍵が入っています。2 つのファイルが逆ではありませんか")
        case .isCertificate:
            Localized(
                en: "holds a certificate and no private key; are the two files exchanged?", ja: "秘密鍵がなく、証明書が入っています。2 つのファイルが逆ではありませんか")
        case .isPublicKey: Localized(en: "holds a public key; the private key is needed", ja: "公開鍵です。秘密鍵を指定してください")
        case .damagedCertificate: Localized(en: "holds a certificate that is damaged; copy it again", ja: "証明書が壊れています。もう一度コピーしてください")
        case .notYetValid:
            Localized(
                en: "is not valid yet; check the clock of this machine and the certificate's dates",
                ja: "有効期間がまだ始まっていません。このマシンの時計と証明書の日付を確認してください")
        case .expired: Localized(en: "has expired; renew it at the authority", ja: "期限切れです。認証局で更新してください")
        case .isEncrypted:
            Localized(
                en: "holds an encrypted key; take the passphrase off: openssl pkey -in FILE -out NEW",
                ja: "暗号化された鍵です。openssl pkey -in FILE -out NEW でパスフレーズを外してください")
        case .damagedKey: Localized(en: "holds a key that is damaged; copy it again", ja: "秘密鍵が壊れています。もう一度コピーしてください")
        case .kindOfKey:
            Localized(
                en: "holds a kind of key that cannot be used for TLS here; use RSA (2048 bits or more) or ECDSA P-256 or P-384",
                ja: "この種類の鍵は使用できません。RSA（2048 ビット以上）か ECDSA の P-256、P-384 を使用してください")
        case .keyDoesNotMatch:
            Localized(
                en: "the key does not belong to the first certificate of the chain; the server's own certificate comes first",
                ja: "秘密鍵が先頭の証明書と一致しません。サーバ自身の証明書を先頭にしてください")
        default:
            Localized(
                en: "the pair cannot be used for TLS; make a new one, of RSA or ECDSA P-256",
                ja: "この証明書と鍵は TLS に使用できません。RSA か ECDSA P-256 で作り直してください")
        }
    }
}
