internal import ArgumentParser
internal import Glibc
internal import PowerCutKit

/// `powercut`: the power-cut tester by hand. `make test` runs a bounded part of the same.
struct PowerCut: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Cuts the power of a store at every place of a recorded run and checks what it makes of the disk.",
        discussion: """
            powercut record --library libPostOfficeFaults.so --seed 7 --into /tmp/run
            powercut check /tmp/run --seed 7 --images 100000 --keep /tmp/failed
            powercut inspect /tmp/failed/cut-812-3
            """,
        subcommands: [Work.self, Recover.self, Record.self, Check.self, Inspect.self, FailCommit.self])
}

PowerCut.main()
