import ArgumentParser

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Serve until stopped, in the foreground.",
        discussion: """
            Examples:
              postoffice run
              postoffice run --config ./var/post.office.conf
            """)

    @OptionGroup var common: CommonOptions

    func run() throws {
        _ = try self.common.start()
    }
}

/// Started by the dispatcher; not for people.
struct MTACommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mta", abstract: "Internal: the process that serves sessions, started by the dispatcher.", shouldDisplay: false)

    @OptionGroup var common: CommonOptions

    func run() throws {
        _ = try self.common.start()
    }
}
