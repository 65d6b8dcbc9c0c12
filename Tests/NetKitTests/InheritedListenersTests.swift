import Glibc
import NetKit
import Testing
import Vocabulary

/// What a service manager may hand over, and what it may not.
@Suite(.serialized) struct InheritedListenersTests {
    /// Copies of `descriptors` in a row, as a manager passes them, at a place where nobody else's are; all of them are closed afterwards.
    private static func withRow(_ descriptors: [CInt], _ body: (_ first: CInt) throws -> Void) throws {
        // Other tests open thousands of connections meanwhile and get the lowest free numbers: so near the limit, and more than one try.
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let top = CInt(clamping: min(limit.rlim_cur, 60_000))
        for place in stride(from: top - 20, to: 200, by: -20) {
            let row = descriptors.map { fcntl($0, F_DUPFD, place) }
            defer { for descriptor in row { close(descriptor) } }
            guard let first = row.first, row == (0..<CInt(row.count)).map({ first + $0 }) else { continue }
            defer { for descriptor in descriptors { close(descriptor) } }
            return try body(first)
        }
        Issue.record("no descriptors in a row")
    }

    private static func listening() throws -> CInt { try BoundListener.bind(IPAddress("127.0.0.1"), port: 0).descriptor }

    private static func take(
        _ count: String, names: String? = nil, pid: String = "42", at first: CInt = 900
    ) throws -> [(name: String, listener: BoundListener)] {
        var environment = ["LISTEN_PID": pid, "LISTEN_FDS": count]
        environment["LISTEN_FDNAMES"] = names
        return try InheritedListeners.take(environment, processID: 42, first: first)
    }

    @Test("sockets come in the manager's order with their names, do not block and are not inherited further")
    func socketsAreTaken() throws {
        try Self.withRow([Self.listening(), Self.listening()]) { first in
            let taken = try Self.take("2", names: "smtp:pop3", at: first)
            #expect(taken.map(\.name) == ["smtp", "pop3"])
            #expect(taken.map(\.listener.descriptor) == [first, first + 1])
            #expect(taken.allSatisfy { $0.listener.port > 0 && $0.listener.address == IPAddress("127.0.0.1") })
            for (_, listener) in taken {
                #expect(fcntl(listener.descriptor, F_GETFL) & O_NONBLOCK != 0)
                #expect(fcntl(listener.descriptor, F_GETFD) & FD_CLOEXEC != 0)
            }
        }
    }

    @Test("too few names leave the rest without one; too many are passed over", arguments: [nil, "", "smtp", "smtp::", "smtp:a:b:c:d"])
    func namesMayBeMissing(_ names: String?) throws {
        try Self.withRow([Self.listening(), Self.listening()]) { first in
            let taken = try Self.take("2", names: names, at: first)
            #expect(taken.count == 2)
            #expect(taken[0].name == (names ?? "").prefix { $0 != ":" })
        }
    }

    @Test("variables for another process, or with nonsense, hand over nothing")
    func othersVariablesAreLeftAlone() throws {
        for pid in ["43", "", "x", "-42", "42 "] { #expect(try Self.take("1", pid: pid).isEmpty, "pid \(pid)") }
        for count in ["0", "-1", "", "x", "257", "99999999999999999999"] { #expect(try Self.take(count).isEmpty, "count \(count)") }
        #expect(try InheritedListeners.take([:], processID: 42).isEmpty)
        #expect(try InheritedListeners.take(["LISTEN_FDS": "1"], processID: 42).isEmpty)
    }

    @Test("what is no listening TCP socket is refused by name of the call")
    func strangeDescriptorsAreRefused() throws {
        #expect(throws: ListenFailure(operation: "getsockname", errno: EBADF)) { try Self.take("1", at: CInt.max - 300) }
        let file = open("/dev/null", O_RDONLY)
        try Self.withRow([file]) { first in
            #expect(throws: ListenFailure(operation: "getsockname", errno: ENOTSOCK)) { try Self.take("1", at: first) }
        }
        let mute = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        try Self.withRow([mute]) { first in
            #expect(throws: ListenFailure(operation: "SO_ACCEPTCONN", errno: EINVAL)) { try Self.take("1", at: first) }
        }
        let local = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        try Self.withRow([local]) { first in #expect(throws: ListenFailure.self) { try Self.take("1", at: first) } }
    }
}
