import Directory
import Glibc
import MailTesting
import MessageStore
import PostOffice
import Synchronization
import Testing
import Vocabulary

@Suite(.serialized) struct ControlTests {
    private static func context(_ place: TemporaryDirectory) throws -> AdminContext {
        let start = StartConfiguration(
            file: place("post.office.conf"), directories: .init(program: "/p", spool: place.path, mailbox: place("mailbox")), listeners: [])
        let location = DirectoryLocation(file: start.directoryDatabase, now: { 0 }, random: SystemSources.random)
        return AdminContext(start: start, directory: try Directory.open(location))
    }

    private static let echo = AdminHandler("echo") { request, _, output throws(AdminFailure) in
        if request.has("fail") { throw AdminFailure(Localized(en: "as asked", ja: "指示どおり")) }
        for word in request.operands { output.line(word) }
        return .done
    }

    /// A connection to the server's socket that speaks bytes.
    private static func connect(_ path: String) -> Int32 {
        let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(fd, $0, size) }
        }
        return connected == 0 ? fd : -1
    }

    private static func readAll(_ fd: Int32) -> String {
        var text: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 4096)
        while case let count = read(fd, &block, block.count), count > 0 { text += block[..<count] }
        return String(decoding: text, as: UTF8.self)
    }

    private static func frame(_ json: String) -> [UInt8] {
        withUnsafeBytes(of: UInt32(json.utf8.count).bigEndian) { Array($0) } + Array(json.utf8)
    }

    private static let request = #"{"verb":"echo","operands":["a","b"],"options":{},"language":"en","wantsJSON":false}"#

    @Test func anUnknownVerbIsWrongUse() throws {
        let output = AdminOutput(language: .english) { _ in }
        let context = try Self.context(TemporaryDirectory("control"))
        #expect(AdminRegistry([]).perform(AdminRequest("no such"), context, output) == .misuse)
    }

    @Test func aFailureIsToldInTheLanguageOfTheRequest() throws {
        let told = Mutex<[AdminFrame]>([])
        let output = AdminOutput(language: .japanese) { frame in told.withLock { $0.append(frame) } }
        let context = try Self.context(TemporaryDirectory("control"))
        let status = AdminRegistry([Self.echo]).perform(AdminRequest("echo", options: ["fail": []]), context, output)
        #expect(status == .failed)
        #expect(told.withLock { $0 } == [.problem("指示どおり\n")])
    }

    @Test("P7 the control socket: closed to others, whole frames only, lengths checked before memory is taken")
    func theSocketTakesWholeFramesOnly() throws {
        let place = TemporaryDirectory("control")
        defer { withExtendedLifetime(place) {} }
        let context = try Self.context(place)
        let server = try ControlServer(AdminRegistry([Self.echo]), context)
        server.start()
        defer { server.stop() }
        var status = stat()
        #expect(stat(context.start.controlSocket, &status) == 0 && status.st_mode & 0o777 == 0o600)

        // Byte by byte is as good as at once.
        let patient = Self.connect(context.start.controlSocket)
        for byte in Self.frame(Self.request) { _ = [byte].withUnsafeBytes { write(patient, $0.baseAddress, 1) } }
        let answer = Self.readAll(patient)
        #expect(answer.contains("a\\n") && answer.contains("done"), "\(answer)")
        close(patient)

        // Broken frames get no answer and end the conversation.
        let broken: [[UInt8]] = [
            [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0], Self.frame("{}"), Self.frame("not json"),
            Self.frame("[" + String(repeating: "[", count: 5000)),
            [0, 0, 1, 0] + Array("short".utf8),
        ]
        for bytes in broken {
            let fd = Self.connect(context.start.controlSocket)
            _ = bytes.withUnsafeBytes { write(fd, $0.baseAddress, $0.count) }
            shutdown(fd, Int32(SHUT_WR))
            #expect(Self.readAll(fd).isEmpty)
            close(fd)
        }
        let last = Self.connect(context.start.controlSocket)
        _ = Self.frame(Self.request).withUnsafeBytes { write(last, $0.baseAddress, $0.count) }
        #expect(Self.readAll(last).contains("done"), "it still serves")
        close(last)
    }

    @Test func oneLockHolderAtATime() {
        let place = TemporaryDirectory("lock")
        defer { withExtendedLifetime(place) {} }
        guard case .taken(let lock) = ServerLock.take(place("lock")) else {
            Issue.record("the first cannot take it")
            return
        }
        if case .held = ServerLock.take(place("lock")) {} else { Issue.record("taken twice") }
        lock.release()
        if case .taken(let again) = ServerLock.take(place("lock")) { again.release() } else { Issue.record("not free after release") }
    }

    @Test func aPIDFileOfADeadProcessFoolsNobody() throws {
        let place = TemporaryDirectory("pid")
        defer { withExtendedLifetime(place) {} }
        place.write("left-over", "1\n")
        #expect(PIDFile.holder(place("left-over")) == nil)
        let file = try #require(try PIDFile.take(place("pid")))
        #expect(PIDFile.holder(place("pid")) == getpid())
        #expect(try PIDFile.take(place("pid")) == nil)
        file.release()
        #expect(PIDFile.holder(place("pid")) == nil)
    }
}
