import ArgumentParser
import Glibc
import Vocabulary

/// Started by the dispatcher; not for people.
struct MTACommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mta",
        abstract: .said("Internal: the process that serves sessions, started by the dispatcher.", "内部用: ディスパッチャが起動するプロセス"),
        shouldDisplay: false)

    @OptionGroup var common: CommonOptions

    @Option(
        name: .long, parsing: .unconditional,
        help: .said("Seconds that sessions get to finish at SIGTERM.", "SIGTERM の後、セッションの終了を待つ秒数。", visibility: .hidden),
        transform: WholeNumber.within(0...3600))
    var drain: Int64 = 30

    func run() throws {
        let start = try self.common.start()
        guard geteuid() != 0 || start.user == "root" else {
            throw self.common.exit(.misuse, Localized(en: "the mta does not run as root", ja: "mta は root では動きません"))
        }
        throw ExitCode(MTARunner(start, self.common.language, drain: self.drain).run())
    }
}
