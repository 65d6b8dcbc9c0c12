import ArgumentParser
import Bytes
import SMTPService

/// `postoffice filter`: trying the SMTP filters without touching mail.
struct FilterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "filter", abstract: "Try the SMTP filters. They are set as the field `filters`.",
        discussion: """
            Examples:
              postoffice config set filters 'big: if size > 10M then refuse "Too big"'
              postoffice filter test message.eml
            """, subcommands: [Test.self])

    struct Test: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test", abstract: "What the filters would do with a message; nothing is done.",
            discussion: """
                Examples:
                  postoffice filter test message.eml --from a@example.net --to jane@example.com
                  postoffice filter test --entry 4711
                  postoffice filter test --account jane@example.com --uid 12 --rules new-rules.txt
                Sender and recipient are taken from the trace fields of a delivered message where they are not given.
                """)

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        @Argument(help: "File with one message, or - for standard input.")
        var file: String?

        @Option(name: .long, help: "A message that waits: its number in `queue list`.")
        var entry: Int64?

        @Option(name: .long, help: "A delivered message: the account.")
        var account: String?

        @Option(name: .long, help: "A delivered message: its number (UID) in the inbox.")
        var uid: UInt32?

        @Option(name: .long, help: "Envelope sender; empty is the null sender.")
        var from: String?

        @Option(name: .long, help: "Envelope recipient; may be given several times.")
        var to: [String] = []

        @Option(name: .long, help: "IP address of the client.")
        var client: String?

        @Flag(name: .long, help: "As if the sender had logged in.")
        var login = false

        @Option(name: .long, help: "File with rules to try instead of those that are set.")
        var rules: String?

        func run() throws {
            var options: [String: [String]] = [:]
            options["entry"] = self.entry.map { ["\($0)"] }
            options["account"] = self.account.map { [$0] }
            options["uid"] = self.uid.map { ["\($0)"] }
            options["from"] = self.from.map { [$0] }
            options["to"] = self.to.isEmpty ? nil : self.to
            options["client"] = self.client.map { [$0] }
            options["login"] = self.login ? [] : nil
            options["rules"] = try self.rules.map { [try self.common.yaml($0)] }
            var input: String?
            if let file = self.file {
                let bytes = try self.common.contents(of: file, limit: 256 << 20)
                options["size"] = ["\(bytes.count)"]
                input = Base64.encode(bytes.prefix(MessageFacts.head))
            }
            throw ExitCode(
                try self.common.perform("filter test", options: options, input: input, json: self.listing.json).rawValue)
        }
    }
}
