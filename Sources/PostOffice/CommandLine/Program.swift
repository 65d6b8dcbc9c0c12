import ArgumentParser
import Forms
import Glibc
import Vocabulary

/// The `postoffice` command: one executable with sub-commands.
package enum Program {
    /// Runs the command of the arguments and ends the process with its status.
    package static func main() -> Never {
        signal(SIGPIPE, SIG_IGN)  // `postoffice log | head` must not die with a message
        // Under the names that programs know, by a link, or as `postoffice sendmail …`.
        let words = CommandLine.arguments
        let name = words.first?.split(separator: "/").last.map(String.init) ?? ""
        if SendmailProgram.names.contains(name) { SendmailProgram.main(name, Array(words.dropFirst())) }
        if words.count > 1, SendmailProgram.names.contains(words[1]) { SendmailProgram.main(words[1], Array(words.dropFirst(2))) }
        if let place = CommandWords.firstNotUTF8() {
            let text = String.said("argument \(place) is not UTF-8 text", "\(place) 番目の引数が UTF-8 ではありません")
            AdminPrinter().show(.problem("postoffice: \(text)\n"))
            exit(AdminStatus.misuse.rawValue)
        }
        let prepared = CommandWords.prepared(Array(words.dropFirst()))
        if let (name, known) = CommandWords.unknownCommand(prepared, PostOfficeCommand.self) {
            let list = known.joined(separator: ", ")
            let text = String.said(
                "there is no command \(Shown.text(name)); there are: \(list)", "\(Shown.text(name)) というコマンドはありません。使えるコマンド: \(list)")
            AdminPrinter().show(.problem("postoffice: \(text)\n"))
            exit(AdminStatus.misuse.rawValue)
        }
        do {
            var command = try PostOfficeCommand.parseAsRoot(prepared)
            try command.run()
        } catch {
            exit(Self.end(with: error))
        }
        exit(AdminStatus.done.rawValue)
    }

    /// Prints help, or what is wrong, and gives the exit status.
    private static func end(with error: any Error) -> Int32 {
        let printer = AdminPrinter()
        if let failure = error as? AdminFailure {
            printer.show(.problem("postoffice: \(failure.text.text(Spoken.language))\n"))
            return failure.status.rawValue
        }
        if let failure = error as? SystemFailure {
            printer.show(.problem("postoffice: \(failure.text.text(Spoken.language))\n"))
            return AdminStatus.failed.rawValue
        }
        setenv("COLUMNS", HelpText.neverFold, 1)
        let code = PostOfficeCommand.exitCode(for: error)
        let text = PostOfficeCommand.fullMessage(for: error)
        // ArgumentParser says 64 for wrong use; every command of ours says 2.
        let isMisuse = code == .validationFailure
        let shown = isMisuse ? MisuseText.text(text, Spoken.language) : text
        if !text.isEmpty {
            printer.show(code == .success ? .output(HelpText.text(text, Spoken.language) + "\n") : .problem(shown + "\n"))
        }
        return isMisuse ? AdminStatus.misuse.rawValue : code.rawValue
    }
}

struct PostOfficeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "postoffice",
        abstract: .said("Integrated mail server.", "統合メールサーバ"),
        discussion: """
            Examples:
              postoffice setup --quick ./var
              postoffice run --config ./var/post.office.conf
              postoffice status
            """,
        version: ProductVersion.text,
        subcommands: [
            SetupCommand.self, RunCommand.self, StatusCommand.self, ReloadCommand.self, ShutdownCommand.self, PermissionsCommand.self,
            AccountCommand.self, SeatsCommand.self, ConfigCommand.self, RouteCommand.self, RouteLoginCommand.self, QueueCommand.self,
            BlockedCommand.self,
            DropCommand.self, BroadcastCommand.self,
            FilterCommand.self, ImportCommand.self, ExportCommand.self,
            CheckCommand.self,
            RepairCommand.self,
            CertCommand.self,
            TraceCommand.self, LogCommand.self, AuditCommand.self, TokenCommand.self, CountersCommand.self, MTACommand.self,
        ])
}
