import Foundation
import PostOffice
import Testing

struct ProductVersionTests {
    @Test func theProgramSaysTheVersionOfTheFile() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../VERSION")
        let text = try String(contentsOf: file, encoding: .utf8)
        #expect(text == ProductVersion.text + "\n")
    }
}
