import ArgumentParser
import Bytes
import SMTPService

/// `postoffice filter`: trying the SMTP filters without touching mail.
struct FilterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "filter",
        abstract: .said("Try the SMTP filters. They are set as the field `filters`.", "SMTP フィルタを試します。フィルタはフィールド filters で設定します。"),
        discussion: """
            Examples:
              postoffice config set filters 'big: if size > 10M then refuse "Too big"'
              postoffice filter test message.eml
            """, subcommands: [Test.self])

    struct Test: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test",
            abstract: .said("What the filters would do with a message; nothing is done.", "メッセージに対するフィルタの動作を表示します。実際には何も行いません。"),
            discussion: .said(
                """
                Examples:
                  postoffice filter test message.eml --from a@example.net --to jane@example.com
                  postoffice filter test --entry 4711
                  postoffice filter test --account jane@example.com --uid 12 --rules new-rules.txt
                Sender and recipient are taken from the trace fields of a delivered message where they are not given.
                """,
                """
                Examples:
                  postoffice filter test message.eml --from a@example.net --to jane@example.com
                  postoffice filter test --entry 4711
                  postoffice filter test --account jane@example.com --uid 12 --rules new-rules.txt
                送信者と宛先を省略すると、配信済みメッセージのヘッダから補います。
                """))

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        @Argument(help: .said("File with one message, or - for standard input.", "メッセージ 1 通のファイル。- は標準入力。"))
        var file: String?

        @Option(
            name: .long, parsing: .unconditional,
            help: .said("A message that waits: its number in `queue list`.", "キュー内のメッセージ: queue list の番号。"),
            transform: WholeNumber.within(1...Int64.max))
        var entry: Int64?

        @Option(name: .long, help: .said("A delivered message: the account.", "配信済みのメッセージ: アカウント。"))
        var account: String?

        @Option(
            name: .long, parsing: .unconditional,
            help: .said("A delivered message: its number (UID) in the inbox.", "配信済みのメッセージ: 受信箱での番号（UID）。"),
            transform: WholeNumber.within(1...UInt32.max))
        var uid: UInt32?

        @Option(name: .long, help: .said("Envelope sender; empty is the null sender.", "エンベロープの送信者。空は送信者なし（<>）。"))
        var from: String?

        @Option(name: .long, help: .said("Envelope recipient; may be given several times.", "エンベロープの宛先（複数指定可）。"))
        var to: [String] = []

        @Option(name: .long, help: .said("IP address of the client.", "クライアントの IP アドレス。"))
        var client: String?

        @Flag(name: .long, help: .said("As if the sender had logged in.", "送信者がログインしたものとして判断します。"))
        var login = false

        @Option(name: .long, help: .said("File with rules to try instead of those that are set.", "設定済みの規則の代わりに試す規則のファイル。"))
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
