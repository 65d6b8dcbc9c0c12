import Glibc
import MailTesting
import NetKit
import PostOffice
import Testing
import Vocabulary

/// What a changed start file makes of the sockets that are there.
@Suite(.serialized) struct ListeningSocketsTests {
    private typealias Listener = StartConfiguration.Listener

    private static func listener(_ name: String, _ port: Int, allow: [String] = []) throws -> Listener {
        Listener(
            role: ListenerRole(name: name, service: .smtp), address: .address(try #require(IPAddress("127.0.0.1"))), port: port,
            allow: allow)
    }

    private static func closeAll(_ sockets: ListeningSockets) { for (_, socket) in sockets.sockets { close(socket.descriptor) } }

    /// A port that was free a moment ago.
    private static func freePort() throws -> Int {
        let socket = try BoundListener.bind(IPAddress("127.0.0.1"), port: 0)
        close(socket.descriptor)
        return socket.port
    }

    @Test("what stays keeps its socket, what is new is bound, what is gone is handed back")
    func changesAreFollowed() throws {
        let ports = try (0..<3).map { _ in try Self.freePort() }
        let sockets = try ListeningSockets.open([Self.listener("a", ports[0]), Self.listener("b", ports[1])], inherited: [])
        let change = try sockets.following([Self.listener("a", ports[0]), Self.listener("c", ports[2])])
        defer { Self.closeAll(change.sockets) }
        #expect(change.isAny && change.problems.isEmpty)
        #expect(change.sockets.sockets.map(\.listener.role.name) == ["a", "c"])
        #expect(change.sockets.sockets[0].socket.descriptor == sockets.sockets[0].socket.descriptor)
        #expect(change.sockets.sockets[1].socket.port == ports[2])
        #expect(change.dropped.map(\.port) == [ports[1]])
        for socket in change.dropped { close(socket.descriptor) }
    }

    @Test("another access list alone moves no socket; two names that change places keep both ports open")
    func namesAndListsMayChange() throws {
        let ports = try (0..<2).map { _ in try Self.freePort() }
        let sockets = try ListeningSockets.open([Self.listener("a", ports[0]), Self.listener("b", ports[1])], inherited: [])
        defer { Self.closeAll(sockets) }
        let same = try sockets.following([Self.listener("a", ports[0], allow: ["127.0.0.1"]), Self.listener("b", ports[1])])
        #expect(!same.isAny && same.dropped.isEmpty && same.sockets.sockets[0].listener.allow == ["127.0.0.1"])
        let swapped = try sockets.following([Self.listener("a", ports[1]), Self.listener("b", ports[0])])
        #expect(swapped.isAny && swapped.dropped.isEmpty && swapped.problems.isEmpty)
        #expect(swapped.sockets.sockets.map(\.socket.port) == [ports[1], ports[0]])
    }

    @Test("a port that cannot be had is a problem of that listener alone, and says what to do")
    func aBusyPortIsAProblem() throws {
        let busy = try BoundListener.bind(IPAddress("127.0.0.1"), port: 0)
        defer { close(busy.descriptor) }
        let sockets = try ListeningSockets.open([Self.listener("a", Self.freePort())], inherited: [])
        defer { Self.closeAll(sockets) }
        let change = try sockets.following([sockets.sockets[0].listener, Self.listener("b", busy.port)])
        #expect(!change.isAny && change.sockets.sockets.count == 1)
        #expect(change.problems.map(\.listener.role.name) == ["b"])
        #expect(change.problems.first?.text.english.contains("in use") == true)
    }

    @Test("the mta takes what came by name, and closes what it cannot name")
    func receivedSocketsAreNamed() throws {
        let listeners = try [Self.listener("a", 1), Self.listener("b", 2)]
        let sockets = try (0..<3).map { _ in try BoundListener.bind(IPAddress("127.0.0.1"), port: 0) }
        let place = TemporaryDirectory("received")
        place.write("file", "")
        let file = open(place("file"), O_RDONLY)
        // Another test may get the numbers at once: what is open under them is something else then.
        let given = [sockets[1].descriptor, file].map { (number: $0, what: Self.identity($0)) }
        let taken = ListeningSockets.received(["b", "x", "a"], sockets.map(\.descriptor) + [file], listeners)
        defer { Self.closeAll(taken) }
        #expect(taken.sockets.map(\.listener.role.name) == ["b", "a"])
        #expect(taken.sockets.map(\.socket.port) == [sockets[0].port, sockets[2].port])
        for gone in given { #expect(gone.what != nil && Self.identity(gone.number) != gone.what) }
    }

    /// What is open under a number; nil for nothing.
    private static func identity(_ descriptor: CInt) -> [UInt64]? {
        var facts = stat()
        return fstat(descriptor, &facts) == 0 ? [UInt64(facts.st_dev), UInt64(facts.st_ino)] : nil
    }
}
