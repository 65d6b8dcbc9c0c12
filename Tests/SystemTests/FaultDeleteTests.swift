import Glibc
import MailTesting
import Testing

/// Deleting an account takes three commits in two files: the directory's, the store's, and the note that both are done. Each test kills the
/// process at one after the other.
extension Faults {
    @Test("R1 R5 kill -9 of the server in the middle of account delete: the next one finishes it, and nobody else's mail is touched")
    func deletionSurvivesKillOfTheServer() throws {
        let rules = ["write KILL match mail.db-wal", "sync KILL match mail.db-wal", "sync KILL skip 1 match directory.db-wal"]
        let scene = try DeletionScene(victims: rules.count)
        try scene.start(withRules: true)
        for (victim, rule) in rules.enumerated() {
            scene.rules(rule)
            let mta = try #require(scene.instance.server.mtaID)
            // The command loses its server; what it says of that is not the point.
            _ = try scene.delete(victim)
            try DispatcherTests.wait("the mta to be killed (\(rule))") { kill(mta, 0) != 0 || scene.instance.server.mtaID != mta }
            scene.rules("")
            try Self.eventually("the account is gone after the restart (\(rule))") { scene.isGone(victim) }
            try scene.expectOthersUntouched()
            try scene.expectFresh(victim)
        }
        try scene.instance.expectSound()
    }

    @Test("R1 R5 kill -9 of the command in the middle of account delete: all of it is there, or nothing is after the next start")
    func deletionSurvivesKillOfTheCommand() throws {
        let rules: [(rule: String, isGone: Bool)] = [
            ("write KILL match directory.db-wal", false),
            // A fresh log has its header synced first, then the commit.
            ("sync KILL skip 1 match directory.db-wal", true), ("write KILL match mail.db-wal", true),
            ("sync KILL skip 1 match mail.db-wal", true), ("sync KILL skip 2 match directory.db-wal", true),
        ]
        let scene = try DeletionScene(victims: rules.count)
        for (victim, (rule, isGone)) in rules.enumerated() {
            scene.rules(rule)
            #expect(try scene.delete(victim) == .signalled(SIGKILL), "\(rule)")
            try scene.start(withRules: false)
            if isGone {
                try Self.eventually("nothing of the account is left (\(rule))") { scene.isGone(victim) }
                try scene.expectFresh(victim)
            } else {
                #expect(!scene.isGone(victim), "\(rule)")
                #expect(try scene.instance.reader.messages(of: victim).count == DeletionScene.messages)
            }
            try scene.expectOthersUntouched()
            #expect(scene.instance.server.stop() == .exited(0))
        }
        let check = try scene.instance.server.command(["check"])
        #expect(check.ending == .exited(0), "\(check.output)")
    }
}

/// Accounts that are to go, and two that stay, with mail of which all have a copy.
private final class DeletionScene {
    static let messages = 3
    let instance: FaultInstance
    private let victims: Int
    private let controls = TemporaryDirectory("controls")
    private var before: [[String]] = []

    init(victims: Int) throws {
        self.victims = victims
        self.instance = try FaultInstance(users: victims + 2, arguments: ["--pause", "50"])
        self.rules("")
        let session = try self.instance.session()
        for number in 1...Self.messages {
            #expect(try session.command("MAIL FROM:<a@remote.test>") == 250)
            for user in 0..<(victims + 2) { #expect(try session.command("RCPT TO:<\(self.address(user))>") == 250) }
            #expect(try session.command("DATA") == 354)
            #expect(try session.command("Subject: \(number)\r\n\r\nfor all\r\n.") == 250)
        }
        self.before = try self.othersMail()
        #expect(self.before.allSatisfy { $0.count == Self.messages })
        #expect(self.instance.server.stop() == .exited(0))
    }

    private var environment: [String: String] {
        get throws { ["LD_PRELOAD": try QuickInstance.faultLibrary, "POSTOFFICE_FAULTS_CONTROL": self.controls("rules")] }
    }

    func address(_ user: Int) -> String { "user\(user)@\(self.instance.domain)" }
    func rules(_ text: String) { self.controls.write("rules", text + "\n") }

    func start(withRules: Bool) throws {
        self.instance.server.environment = withRules ? try self.environment : [:]
        try self.instance.server.start()
    }

    func delete(_ user: Int) throws -> ChildProcess.Ending {
        try ChildProcess.run(
            try QuickInstance.program, ["account", "delete", self.address(user), "--yes", "--config", self.instance.server.configuration],
            environment: self.instance.server.isRunning ? [:] : try self.environment, seconds: 120
        ).ending
    }

    /// Neither account nor mail: `check` names a deletion that is not finished, and a mailbox without an account.
    func isGone(_ user: Int) -> Bool {
        guard let list = try? self.instance.server.command(["account", "list"]), list.ending == .exited(0),
            !list.output.contains(self.address(user) + " ")
        else { return false }
        return (try? self.instance.server.command(["check"]).ending) == .exited(0)
    }

    private func othersMail() throws -> [[String]] {
        try (self.victims..<(self.victims + 2)).map { user in
            try self.instance.reader.messages(of: user).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    func expectOthersUntouched() throws { #expect(try self.othersMail() == self.before) }

    /// Whoever gets the address next finds an empty mailbox.
    func expectFresh(_ user: Int) throws {
        try self.instance.server.addAccounts([self.address(user)], password: FaultInstance.password)
        #expect(try self.instance.reader.messages(of: user).isEmpty)
    }
}
