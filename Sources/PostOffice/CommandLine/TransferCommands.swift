import ArgumentParser
import Vocabulary

/// `postoffice import`: mail of other programs into mailboxes.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: .said("Mail from files of other programs into an account.", "他のプログラムのメールファイルをアカウントに取り込みます。"),
        discussion: """
            Examples:
              postoffice import mbox jane@example.test /var/mail/jane
              postoffice import mbox jane@example.test old.mbox --mailbox Archive/2020
              postoffice import maildir jane@example.test /home/jane/Maildir --dry-run
            """,
        subcommands: [Mbox.self, Maildir.self])

    /// What both kinds take.
    struct Choice: ParsableArguments {
        @Argument(help: .said("The account, by an address or login name.", "アカウント（アドレスまたはログイン名）。"))
        var account: String

        @Option(name: .long, help: .said("Mailbox that takes the messages; made where it is missing.", "取り込み先のメールボックス。なければ作成します。"))
        var mailbox = "INBOX"

        @Flag(name: .long, help: .said("Say what would be added, and add nothing.", "追加される数だけを表示し、追加はしません。"))
        var dryRun = false

        @Flag(
            name: .long,
            help: .said("Add messages again that are there already, octet by octet.", "既にある同一のメッセージも、もう一度追加します。"))
        var duplicates = false

        func work(_ common: CommonOptions) throws -> MailImport {
            MailImport(
                conversation: try common.mailboxes(), account: self.account, mailbox: self.mailbox, isTrial: self.dryRun,
                keepsDuplicates: self.duplicates)
        }
    }

    struct Mbox: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "mbox",
            abstract: .said("A file with many messages, each behind a line `From SENDER DATE`.", "From 行で区切られた 1 つのファイル"),
            discussion: "Examples:\n  postoffice import mbox jane@example.test /var/mail/jane")

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        @Argument(help: .said("The file.", "ファイル。"))
        var file: String

        func run() throws {
            let work = try self.choice.work(self.common)
            var source = try MboxSource(self.file)
            defer { source.finish() }
            throw ExitCode(try work.run(&source).rawValue)
        }
    }

    struct Maildir: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "maildir",
            abstract: .said("A directory with a file for each message, and its folders.", "1 通 1 ファイルのディレクトリと、その下のフォルダ"),
            discussion: "Examples:\n  postoffice import maildir jane@example.test /home/jane/Maildir")

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        @Argument(help: .said("The directory, with `cur` in it.", "cur を含むディレクトリ。"))
        var directory: String

        func run() throws {
            let work = try self.choice.work(self.common)
            var source = try MaildirSource(self.directory)
            throw ExitCode(try work.run(&source).rawValue)
        }
    }
}

/// `postoffice export`: mailboxes into files that other programs read.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: .said("Mail of an account into files.", "アカウントのメールをファイルに書き出します。"),
        discussion: """
            Examples:
              postoffice export mbox jane@example.test jane.mbox
              postoffice export maildir jane@example.test /backup/jane
            """,
        subcommands: [Mbox.self, Maildir.self])

    struct Mbox: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "mbox", abstract: .said("One mailbox into one file.", "1 つのメールボックスを 1 つのファイルに書き出します。"),
            discussion: "Examples:\n  postoffice export mbox jane@example.test jane.mbox --mailbox Sent")

        @OptionGroup var common: CommonOptions

        @Argument(help: .said("The account, by an address or login name.", "アカウント（アドレスまたはログイン名）。"))
        var account: String

        @Argument(help: .said("The new file.", "新しいファイル。"))
        var file: String

        @Option(name: .long, help: .said("The mailbox.", "メールボックス。"))
        var mailbox = "INBOX"

        func run() throws {
            let export = MailExport(conversation: try self.common.mailboxes(), account: self.account)
            throw ExitCode(try MboxExport(export: export, mailbox: self.mailbox, path: self.file).run().rawValue)
        }
    }

    struct Maildir: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "maildir",
            abstract: .said(
                "All mailboxes into a directory; run again, it adds what is new.", "すべてのメールボックスをディレクトリに書き出します。再実行すると新しいものだけを追加します。"),
            discussion: "Examples:\n  postoffice export maildir jane@example.test /backup/jane")

        @OptionGroup var common: CommonOptions

        @Argument(help: .said("The account, by an address or login name.", "アカウント（アドレスまたはログイン名）。"))
        var account: String

        @Argument(help: .said("The directory; made where it is missing.", "ディレクトリ。なければ作成します。"))
        var directory: String

        @Option(name: .long, help: .said("Only this mailbox; may come several times.", "このメールボックスだけ（複数指定可）。"))
        var mailbox: [String] = []

        func run() throws {
            let export = MailExport(conversation: try self.common.mailboxes(), account: self.account)
            let wanted = self.mailbox.isEmpty ? nil : self.mailbox
            throw ExitCode(try MaildirExport(export: export, mailboxes: wanted, path: self.directory).run().rawValue)
        }
    }
}

extension CommonOptions {
    /// The way to the running server's mailboxes.
    func mailboxes() throws -> MailboxConversation {
        let remote = try self.remote()
        return MailboxConversation(
            start: remote == nil ? try self.start() : nil, remote: remote, language: self.language, actor: Self.userName)
    }
}
