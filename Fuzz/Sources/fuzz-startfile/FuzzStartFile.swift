import FuzzKit
import StartFile
import Vocabulary

/// A start file as somebody may have left it.
///
/// Beside the absence of traps this holds: a broken file is one line that names the file, and a whole one keeps its promises: absolute
/// directories, listeners with names of their own and ports that exist.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzStartFile(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let text = String(decoding: input.remaining(), as: UTF8.self)
    do throws(StartProblem) {
        let found = try StartConfiguration.read(text: text, file: "/etc/post.office.conf")
        let directories = found.directories
        expect(
            [directories.program, directories.spool, directories.mailbox].allSatisfy { $0.hasPrefix("/") }, "a path that is not absolute")
        expect(Set(found.listeners.map(\.role.name)).count == found.listeners.count, "two listeners of one name")
        expect(found.listeners.allSatisfy { (0...65_535).contains($0.port) }, "no such port")
        expect(found.controlSocket.utf8.count < 108, "a path that no socket can have")
    } catch {
        for language in Language.allCases {
            let line = error.text(language)
            expect(line.hasPrefix("/etc/post.office.conf"), "a complaint without its file")
            expect(!line.contains { $0.isNewline }, "a complaint of several lines")
        }
    }
    return 0
}
