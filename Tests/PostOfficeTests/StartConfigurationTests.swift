import Foundation
import PostOffice
import Testing
import Vocabulary

/// Damaged start files are data: `NAME.conf` beside `NAME.expected`, which holds the beginning of the one line that the person sees.
@Suite struct StartConfigurationTests {
    private static let directory = Bundle.module.resourceURL?.appendingPathComponent("Configurations").path ?? ""

    static let damaged: [String] = ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [])
        .filter { $0.hasSuffix(".expected") }.map { String($0.dropLast(9)) }.sorted()

    @Test func everyDamageIsAmongTheData() { #expect(Self.damaged.count >= 20) }

    @Test("a broken start file gives one line with file, line, field and cure", arguments: damaged)
    func brokenFileIsExplained(name: String) throws {
        let file = "\(Self.directory)/\(name).conf"
        let expected = try String(contentsOfFile: "\(Self.directory)/\(name).expected", encoding: .utf8)
            .trimmingCharacters(in: .newlines).replacingOccurrences(of: "FILE", with: file)
        let problem = try #require(throws: StartProblem.self) { try StartConfiguration.read(file: file) }
        let text = problem.text(.english)
        #expect(text.hasPrefix(expected), "\(text)")
        #expect(!text.contains("\n"))
        #expect(problem.text(.japanese).hasPrefix(file))
        #expect(!problem.text(.japanese).contains("\n"))
    }

    @Test func aWholeFileIsRead() throws {
        let start = try StartConfiguration.read(file: "\(Self.directory)/good.conf")
        #expect(start.directories.spool == "/var/spool/post.office")
        #expect(start.user == "mta" && start.group == "mta")
        #expect(start.listeners.map(\.role.name) == ["smtp", "submissions", "pop3-inside"])
        #expect(start.listeners[0].address == .any && !start.listeners[0].role.isInside)
        #expect(start.listeners[1].role.implicitTLS && start.listeners[1].port == 465)
        #expect(start.listeners[2].role.isInside && start.listeners[2].allow == ["127.0.0.0/8", "*.example.test"])
        #expect(start.listeners[2].deny == ["127.0.0.2"])
    }

    @Test func aMissingFileNamesTheCure() throws {
        let problem = try #require(throws: StartProblem.self) { try StartConfiguration.read(file: "/nonexistent/post.office.conf") }
        #expect(problem.text(.english).contains("postoffice setup"))
    }
}
