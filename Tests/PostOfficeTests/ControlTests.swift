import Directory
import MailTesting
import MessageStore
import PostOffice
import Testing
import Vocabulary

@Suite struct ControlTests {
    private static func context(_ place: TemporaryDirectory) throws -> AdminContext {
        let start = StartConfiguration(
            file: place("post.office.conf"), directories: .init(program: "/p", spool: place.path, mailbox: place("mailbox")), listeners: [])
        let location = DirectoryLocation(file: start.directoryDatabase, now: { 0 }, random: SystemSources.random)
        return AdminContext(start: start, directory: try Directory.open(location))
    }

    @Test func anUnknownVerbIsWrongUse() throws {
        let output = AdminOutput(language: .english) { _ in }
        let context = try Self.context(TemporaryDirectory("control"))
        #expect(AdminRegistry([]).perform(AdminRequest("no such"), context, output) == .misuse)
    }
}
