internal import ArgumentParser
internal import Glibc
internal import MailTesting

/// Hours of many clients against a server that runs: `imapstress --port N --login NAME --password WORD`.
@main
struct IMAPStressCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "imapstress", abstract: "Many IMAP clients on the same mailboxes, each checking all that it is told.")
    @Option(help: "IMAP port on this host (no TLS).") var port: Int
    @Option(help: "Login name.") var login: String
    @Option(help: "Password.") var password: String
    @Option(help: "Clients at a time.") var sessions = 6
    @Option(help: "Seconds of a round.") var seconds = 10.0
    @Option(help: "Rounds.") var rounds = 6
    @Option(help: "Where the dice begin.") var seed: UInt64 = 1

    func run() throws {
        var settings = IMAPStress.Settings(port: self.port, login: self.login, password: self.password)
        settings.sessions = self.sessions
        settings.seconds = self.seconds
        settings.seed = self.seed
        let stress = IMAPStress(settings)
        try stress.prepare()
        for round in 1...max(1, self.rounds) {
            try stress.round(round)
            print("round \(round): \(stress.model.commands) commands, \(stress.model.violations.count) violations")
            if !stress.model.violations.isEmpty { break }
        }
        for violation in stress.model.violations { print(violation) }
        if !stress.model.violations.isEmpty { Glibc.exit(1) }
    }
}
