import ArgumentParser
import Forms
import Vocabulary

/// `postoffice route-login`: user and password at hosts that routes lead to. The rows are the setting `route-logins`; passwords are kept apart.
struct RouteLoginCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "route-login", abstract: "User and password at a smarthost: set, list, delete.",
        discussion: """
            The host is named as in the mail routing table, with its port. Passwords are never shown.
            Examples:
              postoffice config set mail-routing-table '[*:[smtp.provider.example]:587]'
              postoffice route-login set smtp.provider.example:587 jane --password-stdin < pw
              postoffice route-login list
            """,
        subcommands: [Set.self, List.self, Delete.self])

    struct Set: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Set the login of a host; mail that waits for it is tried at once.",
            discussion: """
                Security: `verified` sends the password only over TLS and to a host whose certificate is right (default), `encrypted` over TLS
                whatever the certificate, `clear` also without TLS. Port 465 is TLS from the first byte.
                Examples:
                  postoffice route-login set smtp.provider.example:587 jane --password-stdin < pw
                  postoffice route-login set '[192.0.2.25]:587' jane --security encrypted --password-file pw
                """)

        @OptionGroup var common: CommonOptions
        @OptionGroup var password: PasswordOptions

        @Argument(help: "The host, and its port: host:port.")
        var host: String

        @Argument(help: "The user there.")
        var user: String

        @Option(name: .long, help: "verified, encrypted or clear.")
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
            commandName: "list", abstract: "Which hosts have a login, and whether it works.",
            discussion: "Examples:\n  postoffice route-login list --json")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() throws { throw ExitCode(try self.common.perform("route-login list", json: self.listing.json).rawValue) }
    }

    struct Delete: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete", abstract: "Forget user and password of a host.",
            discussion: "Examples:\n  postoffice route-login delete smtp.provider.example:587")

        @OptionGroup var common: CommonOptions

        @Argument(help: "The host, as `route-login list` shows it.")
        var host: String

        func run() throws { throw ExitCode(try self.common.perform("route-login delete", operands: [self.host]).rawValue) }
    }
}
