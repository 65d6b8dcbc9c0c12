import ArgumentParser
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
        do {
            var command = try PostOfficeCommand.parseAsRoot()
            try command.run()
        } catch {
            let code = PostOfficeCommand.exitCode(for: error)
            let text = PostOfficeCommand.fullMessage(for: error)
            // ArgumentParser says 64 for wrong use; every command of ours says 2.
            let isMisuse = code == .validationFailure
            let shown = isMisuse ? MisuseText.text(text, CommonOptions.language(of: CommandLine.arguments)) : text
            if !text.isEmpty { AdminPrinter().show(code == .success ? .output(text + "\n") : .problem(shown + "\n")) }
            exit(isMisuse ? AdminStatus.misuse.rawValue : code.rawValue)
        }
        exit(AdminStatus.done.rawValue)
    }
}

struct PostOfficeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "postoffice",
        abstract: "Integrated mail server.",
        discussion: """
            Examples:
              postoffice setup --quick ./var
              postoffice run --config ./var/post.office.conf
              postoffice status
            """,
        version: ProductVersion.text,
        subcommands: [
            SetupCommand.self, RunCommand.self, StatusCommand.self, ReloadCommand.self, ShutdownCommand.self, PermissionsCommand.self,
            AccountCommand.self, ConfigCommand.self, RouteCommand.self, QueueCommand.self, BlockedCommand.self, DropCommand.self,
            FilterCommand.self,
            CheckCommand.self,
            RepairCommand.self,
            CertCommand.self,
            TraceCommand.self, LogCommand.self, MTACommand.self,
        ])
}
