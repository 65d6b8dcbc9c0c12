internal import ArgumentParser
@preconcurrency internal import Glibc
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
    @Option(help: "SMTP port on this host: mail comes in meanwhile.") var smtpPort: Int?
    @Option(help: "The account's address, for that.") var address: String?
    @Option(help: "POP3 port on this host: another program reads and deletes meanwhile.") var pop3Port: Int?
    @Option(help: "File with the process to kill (-9) in every other round; whoever watches it must start it again.") var victim: String?

    @Flag(help: "Two clients that move a message at the same time may both get it (Dovecot).") var movesMayDouble = false
    @Option(help: "Directory for all that was said, when something is wrong.") var transcripts: String?

    func run() throws {
        setlinebuf(Glibc.stdout)
        var settings = IMAPStress.Settings(port: self.port, login: self.login, password: self.password)
        settings.sessions = self.sessions
        settings.seconds = self.seconds
        settings.seed = self.seed
        settings.smtpPort = self.smtpPort
        settings.address = self.address ?? self.login
        settings.pop3Port = self.pop3Port
        settings.movesMayDouble = self.movesMayDouble
        settings.transcripts = self.transcripts
        let stress = IMAPStress(settings)
        try stress.prepare()
        for round in 1...max(1, self.rounds) {
            if let victim, round % 2 == 0 { try self.round(round, stress, killing: victim) } else { try stress.round(round) }
            print("round \(round): \(stress.model.commands) commands, \(stress.model.violations.count) violations")
            if !stress.model.violations.isEmpty { break }
        }
        for violation in stress.model.violations { print(violation) }
        if !stress.model.violations.isEmpty { Glibc.exit(1) }
    }

    private func round(_ number: Int, _ stress: IMAPStress, killing file: String) throws {
        let delay = UInt32.random(in: 200_000..<UInt32(max(0.3, self.seconds * 0.9) * 1_000_000))
        try stress.round(number) {
            usleep(delay)
            guard let old = Self.process(file) else { return }
            kill(old, SIGKILL)
        }
        guard eventually({ Self.process(file) != nil && stress.isServed }) else {
            throw ValidationError("nothing serves port \(self.port) a minute after the kill")
        }
        try stress.verify()
    }

    /// The process that a file names, when it is there.
    private static func process(_ file: String) -> pid_t? {
        let text = ChildProcess.text(of: file).split(whereSeparator: \.isWhitespace).first
        return text.flatMap { pid_t($0) }.flatMap { kill($0, 0) == 0 ? $0 : nil }
    }
}
