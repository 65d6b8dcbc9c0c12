import Foundation
import PostOffice
import Testing
import Vocabulary

@Suite struct ControlTests {
    @Test func anUnknownVerbIsWrongUse() {
        let start = StartConfiguration(file: "/x", directories: .init(program: "/p", spool: "/s", mailbox: "/m"), listeners: [])
        let output = AdminOutput(language: .english) { _ in }
        #expect(AdminRegistry([]).perform(AdminRequest("no such"), AdminContext(start: start), output) == .misuse)
    }
}
