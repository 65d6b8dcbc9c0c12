import ArgumentParser
import Glibc
import Vocabulary

struct CertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cert",
        abstract: .said(
            "Certificates for TLS: make, request, install, show. A running server takes them without restart.",
            "TLS 証明書の作成、要求、インストール、表示。再起動せずに反映されます。"),
        discussion: .said(
            """
            Examples:
              postoffice cert show
              postoffice cert self-signed
              postoffice cert request --name mail.example.com > mail.csr
              postoffice cert install --chain mail.pem
              postoffice cert install --chain fullchain.pem --key privkey.pem
              postoffice cert install --name shop --chain shop.pem --key shop.key    a further one, chosen by server name
            """,
            """
            Examples:
              postoffice cert show
              postoffice cert self-signed
              postoffice cert request --name mail.example.com > mail.csr
              postoffice cert install --chain mail.pem
              postoffice cert install --chain fullchain.pem --key privkey.pem
              postoffice cert install --name shop --chain shop.pem --key shop.key    サーバ名で選ばれる別の証明書
            """),
        subcommands: [SelfSigned.self, Request.self, Install.self, Show.self])

    struct SelfSigned: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "self-signed", abstract: .said("Make a new key and a certificate that it signed itself.", "新しい鍵と自己署名証明書を作成します。"),
            discussion: "Example:\n  postoffice cert self-signed --name mail.example.com --name example.com")

        @OptionGroup var common: CommonOptions

        @Option(
            name: .long,
            help: .said("Host name; may be repeated. Default: this host and its domain.", "ホスト名（複数指定可）。省略時はこのホストとドメイン。", valueName: "host"))
        var name: [String] = []

        func run() throws {
            let options = self.name.isEmpty ? [:] : ["name": self.name]
            let request = AdminRequest("cert self-signed", options: options, language: self.common.language)
            throw ExitCode(try self.common.perform(request).rawValue)
        }
    }

    struct Request: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "request",
            abstract: .said(
                "Make a signing request for an authority, on standard output. The key stays here.", "認証局に送る証明書要求を標準出力に書きます。秘密鍵は外に出ません。"),
            discussion: "Example:\n  postoffice cert request --name mail.example.com --organization 'Example Ltd' > mail.csr")

        @OptionGroup var common: CommonOptions

        @Option(
            name: .long,
            help: .said("Host name; may be repeated. Default: this host and its domain.", "ホスト名（複数指定可）。省略時はこのホストとドメイン。", valueName: "host"))
        var name: [String] = []

        @Option(name: .long, help: .said("Name of the organization.", "組織名。"))
        var organization: String?

        func run() throws {
            var options = self.name.isEmpty ? [:] : ["name": self.name]
            if let organization { options["organization"] = [organization] }
            let request = AdminRequest("cert request", options: options, language: self.common.language)
            throw ExitCode(try self.common.perform(request).rawValue)
        }
    }

    struct Install: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "install", abstract: .said("Install a certificate that an authority issued.", "認証局が発行した証明書をインストールします。"),
            discussion: "Example:\n  postoffice cert install --chain fullchain.pem --key privkey.pem")

        @OptionGroup var common: CommonOptions

        @Option(
            name: .long,
            help: .said("PEM file: the server's certificate first, then intermediate ones.", "PEM ファイル。サーバの証明書、中間証明書の順。", valueName: "file")
        )
        var chain: String

        @Option(
            name: .long,
            help: .said(
                "PEM file of the key. Default: the key of `cert request`.", "秘密鍵の PEM ファイル。省略時は cert request で作成した鍵。", valueName: "file"))
        var key: String?

        @Option(
            name: .long,
            help: .said(
                "Name of a further pair, for other server names. Default: the main one.", "別のサーバ名のための証明書の名前。省略時は主証明書。", valueName: "name"))
        var name: String?

        func run() throws {
            var options: [String: [String]] = [:]
            options["chain-file"] = [self.chain]
            if let key {
                options["key"] = [try self.read(key)]
                options["key-file"] = [key]
            }
            if let name { options["name"] = [name] }
            let request = AdminRequest(
                "cert install", options: options, input: try self.read(self.chain), language: self.common.language)
            throw ExitCode(try self.common.perform(request).rawValue)
        }

        private func read(_ path: String) throws -> String {
            do {
                return String(decoding: try FileAccess.contents(of: path, limit: 1 << 20), as: UTF8.self)
            } catch {
                throw self.common.exit(error)
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: .said("Names, end and fingerprint of each certificate.", "各証明書の名前、有効期限、フィンガープリントを表示します。"),
            discussion: "Example:\n  postoffice cert show --json")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() throws {
            let request = AdminRequest("cert show", language: self.common.language, wantsJSON: self.listing.json)
            throw ExitCode(try self.common.perform(request).rawValue)
        }
    }
}
