import Glibc
import MailTesting
import Testing

/// Instances that earlier releases made, opened by this build. `scripts/make-upgrade-fixture` makes them.
@Suite(.serialized) struct UpgradeTests {
    private static let root = String("\(#filePath)".dropLast("Tests/SystemTests/UpgradeTests.swift".count))
    private static let fixtures = root + "Fixtures/upgrade"

    /// Releases that left an instance.
    private static var versions: [String] {
        directoryEntries(Self.fixtures).filter { access("\(Self.fixtures)/\($0)/instance.tar.gz", R_OK) == 0 }.sorted()
    }

    @Test("every release left an instance") func present() { #expect(Self.versions.contains("0.1.0")) }

    @Test("an instance of an earlier release opens with everything that it held, takes mail, and is sound", arguments: Self.versions)
    func opens(_ version: String) throws {
        let scratch = TemporaryDirectory("upgrade")
        let instance = try QuickInstance(in: scratch("var"))
        defer { instance.stop() }
        // Ports, certificates and the start file are of this machine; all that is kept is the release's.
        let unpack =
            "cd \"$1\" && rm -rf mailbox && find spool -mindepth 1 -maxdepth 1 ! -name certificates -exec rm -rf {} + && tar -xzf \"$2\""
        let tar = try ChildProcess.run(
            "/bin/sh", ["-c", unpack, "sh", instance.directory, "\(Self.fixtures)/\(version)/instance.tar.gz"], seconds: 60)
        try #require(tar.ending == .exited(0), "\(tar.output)")
        try instance.start()
        #expect(try self.told(instance, version) == "the same\n")
        // Again from what the first start may have converted.
        instance.stop()
        try instance.start()
        #expect(try self.told(instance, version) == "the same\n")
        let client = try IMAPTestClient(port: instance.port("IMAP_PORT"))
        try client.ok("LOGIN taro \"correct horse 7\"")
        #expect(try client.append("Work", "Subject: new\r\n\r\n").isOK)
        instance.stop()
        let check = try instance.command(["check"])
        #expect(check.ending == .exited(0), "\(check.output)")
    }

    private func told(_ instance: QuickInstance, _ version: String) throws -> String {
        let words = [
            "\(Self.root)Tests/SystemTests/Upgrade/instance.py", "same", instance.directory, try QuickInstance.program,
            "\(Self.fixtures)/\(version)/expected.json",
        ]
        let result = try ChildProcess.run(fetched("python/bin/python3"), words, environment: ["LC_ALL": "C.UTF-8"], seconds: 120)
        return result.output
    }
}
