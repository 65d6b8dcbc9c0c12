import ArgumentParser
import Forms
import Vocabulary

/// `postoffice route-login`: user and password at hosts that routes lead to. The rows are the setting `route-logins`; passwords are kept apart.
struct RouteLoginCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "route-login",
        abstract: .said("User and password at a smarthost: set, list, delete.", "スマートホスト（転送先）のユーザとパスワード: set、list、delete"),
        discussion: .said(
            """
            The host is named as in the mail routing table, with its port. Passwords are never shown.
            Examples:
              postoffice config set mail-routing-table '[*:[smtp.provider.example]:587]'
              postoffice route-login set smtp.provider.example:587 jane --password-stdin < pw
              postoffice route-login list
            """,
            """
            ホストはメールルーティングテーブルと同じ名前とポートで指定します。パスワードは表示されません。
            Examples:
              postoffice config set mail-routing-table '[*:[smtp.provider.example]:587]'
              postoffice route-login set smtp.provider.example:587 jane --password-stdin < pw
              postoffice route-login list
            """),
        subcommands: [Set.self, List.self, Delete.self])

    struct Set: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set",
            abstract: .said("Set the login of a host; mail that waits for it is tried at once.", "ホストのログインを設定し、待機中のメールをすぐに再送します。"),
            discussion: .said(
                """
                Security: `verified` sends the password only over TLS and to a host whose certificate is right (default), `encrypted` over TLS
                whatever the certificate, `clear` also without TLS. Port 465 is TLS from the first byte.
                Examples:
                  postoffice route-login set smtp.provider.example:587 jane --password-stdin < pw
                  postoffice route-login set '[192.0.2.25]:587' jane --security encrypted --password-file pw
                """,
                """
                安全性: verified は証明書が正しいホストにだけ TLS で送ります（既定値）。
                encrypted は証明書を確認しない TLS、clear は TLS なしでも送ります。
                ポート 465 は最初から TLS です。
                Examples:
                  postoffice route-login set smtp.provider.example:587 jane --password-stdin < pw
                  postoffice route-login set '[192.0.2.25]:587' jane --security encrypted --password-file pw
                """))

        @OptionGroup var common: CommonOptions
        @OptionGroup var password: PasswordOptions

        @Argument(help: .said("The host, and its port: host:port.", "ホストとポート（ホスト:ポート）"))
        var host: String

        @Argument(help: .said("The user there.", "そのホストでのユーザ名"))
        var user: String

        @Option(name: .long, help: .said("verified, encrypted or clear.", "verified、encrypted、clear のいずれか"))
        var security: String?

        func validate() throws {
            guard self.password.isGiven else { throw ValidationError("Give the password by --password-stdin or --password-file") }
            if let security, !NextHopField.securities.contains(security) {
                throw ValidationError("--security is verified, encrypted or clear")
            }
        }

        func run() throws {
            let password = try self.password.read(self.common)
            throw ExitCode(
                try self.common.perform(
                    "route-login set", operands: [self.host, self.user], options: self.security.map { ["security": [$0]] } ?? [:],
                    input: password
                ).rawValue)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: .said("Which hosts have a login, and whether it works.", "ログインを設定したホストと状態の一覧"),
            discussion: "Examples:\n  postoffice route-login list --json")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() throws { throw ExitCode(try self.common.perform("route-login list", json: self.listing.json).rawValue) }
    }

    struct Delete: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete", abstract: .said("Forget user and password of a host.", "ホストのユーザとパスワードを削除します。"),
            discussion: "Examples:\n  postoffice route-login delete smtp.provider.example:587")

        @OptionGroup var common: CommonOptions

        @Argument(help: .said("The host, as `route-login list` shows it.", "ホスト（route-login list の表示どおり）"))
        var host: String

        func run() throws { throw ExitCode(try self.common.perform("route-login delete", operands: [self.host]).rawValue) }
    }
}
