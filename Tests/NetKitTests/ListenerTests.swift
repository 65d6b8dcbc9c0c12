import Glibc
import MailTesting
import NIOCore
import NetKit
import Policy
import Synchronization
import Testing
import Vocabulary

private final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    func next() -> Int { self.count.add(1, ordering: .relaxed).newValue }
    var value: Int { self.count.load(ordering: .relaxed) }
}

@Suite(.serialized) struct ListenerTests {
    @Test func aConversationOverASocket() throws {
        let server = try EchoServer()
        defer { server.stop() }
        let client = try TestClient(port: server.port)
        #expect(try client.readLine() == "hello")
        try client.send("ECHO a\r\nWAIT b\r\nECHO c\r\n")
        #expect(try client.readLine() == "a")
        #expect(try client.readLine() == "waited b")
        #expect(try client.readLine() == "c")
        let facts = try #require(server.service.facts.first)
        #expect("\(facts.peer)" == "127.0.0.1")
        #expect("\(facts.local)" == "127.0.0.1")
        #expect(facts.localPort == server.port)
        try client.sendLine("QUIT")
        #expect(try client.readToEnd() == "bye\r\n")
        // The server does not wait for the client to close first.
        #expect(eventually { server.limits.count == 0 })
        withExtendedLifetime(client) {}
    }

    @Test func everyReplyArrivesWhenTheClientShutsItsSide() throws {
        let server = try EchoServer()
        defer { server.stop() }
        server.service.setManner(.whenTold)
        let client = try TestClient(port: server.port)
        #expect(try client.readLine() == "hello")
        try client.send("ECHO a\r\nWAIT b\r\nECHO c\r\nQUIT\r\n")
        client.finishSending()
        #expect(eventually { server.service.backends.first?.calls.isEmpty == false })
        server.service.backends.first?.tell()
        #expect(try client.readToEnd() == "a\r\nwaited b\r\nc\r\nbye\r\n")
        #expect(eventually { server.limits.count == 0 })
        #expect(server.service.backends.first?.endings == 1)
    }

    @Test func theLastReplyIsNotOvertakenByAReset() throws {
        let server = try EchoServer()
        defer { server.stop() }
        for _ in 0..<20 {
            let client = try TestClient(port: server.port)
            // Much is still unread when the machine closes.
            try client.send("QUIT\r\n" + String(repeating: "ECHO never\r\n", count: 5000))
            client.finishSending()
            #expect(try client.readToEnd() == "hello\r\nbye\r\n")
        }
        #expect(eventually { server.limits.count == 0 })
    }

    @Test("P3 L1 a client that does not read stops itself and costs no memory")
    func slowReader() throws {
        let server = try EchoServer()
        defer { server.stop() }
        let client = try TestClient(port: server.port, receiveBuffer: 4096)
        #expect(try client.readLine() == "hello")
        // 10,000 chunks of 16 KiB are 160 MB.
        try client.sendLine("BIG 10000")
        let backend = try #require(server.service.backends.first)
        var before = -1
        #expect(
            eventually {
                let now = backend.calls.count
                defer {
                    before = now
                    usleep(100_000)
                }
                return now == before
            })
        #expect(backend.calls.count < 1000)
        #expect(try client.read(10_000 * 16384).allSatisfy { $0 == UInt8(ascii: "b") })
        #expect(try client.readLine() == "")
        #expect(backend.calls.count == 10_000)
    }

    @Test("L1 a client that sends on while its command waits is not read without end")
    func fastWriter() throws {
        let server = try EchoServer()
        defer { server.stop() }
        server.service.setManner(.whenTold)
        let client = try TestClient(port: server.port, timeout: 1)
        #expect(try client.readLine() == "hello")
        try client.sendLine("WAIT a")
        var sent = 0
        let chunk = Array(String(repeating: "ECHO x\r\n", count: 8192).utf8)
        while sent < 1000, (try? client.send(chunk)) != nil { sent += 1 }
        // The kernel's buffers took some megabytes, then the sender had to stop.
        #expect(sent < 1000)
        #expect(server.service.backends.first?.endings == 0)
    }

    @Test func eventsFromOutsideReachTheSession() throws {
        let server = try EchoServer()
        defer { server.stop() }
        let client = try TestClient(port: server.port)
        #expect(try client.readLine() == "hello")
        server.service.links.first?("news")
        #expect(try client.readLine() == "* news")
    }

    @Test("R7 a session that ends with a reset leaves the others alone and is counted no more")
    func reset() throws {
        let server = try EchoServer()
        defer { server.stop() }
        let good = try TestClient(port: server.port)
        for _ in 0..<50 {
            let bad = try TestClient(port: server.port)
            try bad.send("WAIT")
            bad.reset()
        }
        #expect(try good.readLine() == "hello")
        try good.sendLine("ECHO still here")
        #expect(try good.readLine() == "still here")
        #expect(eventually { server.limits.count == 1 })
        #expect(eventually { server.service.backends.filter { $0.endings == 1 }.count == 50 })
    }

    // MARK: Limits

    @Test("L1 connections of one address are limited, with a word why")
    func perAddress() throws {
        var bounds = ConnectionLimits.Bounds()
        bounds.perAddress = 3
        bounds.exemptsTrusted = false
        let server = try EchoServer(bounds: bounds, busyLine: "421 4.7.0 too many\r\n")
        defer { server.stop() }
        let clients = try (0..<3).map { _ in try TestClient(port: server.port) }
        for client in clients { #expect(try client.readLine() == "hello") }
        #expect(try TestClient(port: server.port).readToEnd() == "421 4.7.0 too many\r\n")
        #expect(eventually { server.sink.lines.contains { $0.hasPrefix("refused-at-connect") && $0.hasSuffix("cause=limit-address") } })
        try clients[0].sendLine("QUIT")
        _ = try clients[0].readToEnd()
        #expect(eventually { server.limits.count == 2 })
        #expect(try TestClient(port: server.port).readLine() == "hello")
        withExtendedLifetime(clients) {}
    }

    @Test func oneServiceCannotTakeTheRoomOfAnother() throws {
        var bounds = ConnectionLimits.Bounds()
        bounds.services = [.pop3: 1]
        let roles = [ListenerRole(name: "pop3", service: .pop3), ListenerRole(name: "smtp", service: .smtp)]
        let server = try EchoServer(roles, bounds: bounds)
        defer { server.stop() }
        let first = try TestClient(port: server.ports[0])
        #expect(try first.readLine() == "hello")
        #expect(try TestClient(port: server.ports[0]).readToEnd() == "")
        #expect(try TestClient(port: server.ports[1]).readLine() == "hello")
        withExtendedLifetime(first) {}
    }

    @Test("R11 at the cap connections wait in the backlog and are served when there is room")
    func totalCap() throws {
        var bounds = ConnectionLimits.Bounds()
        bounds.total = 2
        let server = try EchoServer(bounds: bounds)
        defer { server.stop() }
        let first = try TestClient(port: server.port)
        let second = try TestClient(port: server.port)
        #expect(try first.readLine() == "hello")
        #expect(try second.readLine() == "hello")
        let third = try TestClient(port: server.port)
        try first.sendLine("QUIT")
        _ = try first.readToEnd()
        #expect(try third.readLine() == "hello")
        #expect(server.limits.count <= 2)
    }

    @Test("R11 out of descriptors: accepting pauses without spinning and goes on afterwards")
    func outOfDescriptors() throws {
        let counter = Counter()
        let server = try EchoServer { world in
            let real = world.accept
            world.accept = { listener, name, length in
                // The kernel's answer while the table is full, for the first three tries.
                if counter.next() <= 3 {
                    errno = EMFILE
                    return -1
                }
                return real(listener, name, length)
            }
        }
        defer { server.stop() }
        let client = try TestClient(port: server.port)
        #expect(try client.readLine() == "hello")
        #expect(server.sink.lines == Array(repeating: "accept-paused cause=Too many open files", count: 3))
        // Three that failed, one that did not, one that found nothing more; the last may come after the greeting.
        #expect(eventually { counter.value == 5 }, "\(counter.value) tries")
    }

    // MARK: Access rules

    @Test("a blocked address is refused at connect, before any module starts")
    func blocked() throws {
        let rules = AccessRules(deny: AccessList.parse(["127.0.0.0/8"]).list)
        let server = try EchoServer(rules: rules, busyLine: "421 no\r\n")
        defer { server.stop() }
        #expect(try TestClient(port: server.port).readToEnd() == "")
        #expect(server.service.facts.isEmpty)
        #expect(eventually { !server.sink.lines.isEmpty })
        #expect(server.sink.lines == ["refused-at-connect peer=127.0.0.1 listener=echo cause=rule"])
        rules.replace(allow: AccessList(), deny: AccessList())
        #expect(try TestClient(port: server.port).readLine() == "hello")
    }

    @Test func aNameInTheRulesIsConfirmedForward() throws {
        let resolver = FakeResolver()
        let rules = AccessRules(allow: AccessList.parse(["*.good.test"]).list)
        let server = try EchoServer(rules: rules, resolver: resolver)
        defer { server.stop() }
        // No reverse name.
        #expect(try TestClient(port: server.port).readToEnd() == "")
        // A reverse name that its owner does not confirm.
        resolver.set("1.0.0.127.in-addr.arpa", .ptr, .success(DNSAnswer(records: .names(["liar.good.test"]))))
        resolver.set("liar.good.test", .a, .success(DNSAnswer(records: .addresses([try #require(IPAddress("192.0.2.1"))]))))
        #expect(try TestClient(port: server.port).readToEnd() == "")
        resolver.addHost("here.good.test", ["127.0.0.1"])
        #expect(try TestClient(port: server.port).readLine() == "hello")
        #expect(server.limits.count <= 1)
    }

    @Test func noDNSBeforeTheGreetingWithoutANameInTheRules() throws {
        let resolver = FakeResolver()
        let server = try EchoServer(rules: AccessRules(allow: AccessList.parse(["127.0.0.1"]).list), resolver: resolver)
        defer { server.stop() }
        #expect(try TestClient(port: server.port).readLine() == "hello")
        #expect(resolver.asked.isEmpty)
    }

    // MARK: Coming down

    @Test func drainingFinishesWhatIsInHandAndCutsOffTheRest() throws {
        let server = try EchoServer()
        server.service.setManner(.whenTold)
        let idle = try TestClient(port: server.port)
        let busy = try TestClient(port: server.port)
        #expect(try idle.readLine() == "hello")
        #expect(try busy.readLine() == "hello")
        try busy.sendLine("WAIT a")
        #expect(eventually { server.service.backends.contains { !$0.calls.isEmpty } })
        server.set.drain(within: .seconds(30)) { _ in }
        #expect(try idle.readToEnd() == "going down\r\n")
        for backend in server.service.backends { backend.tell() }
        #expect(try busy.readToEnd() == "waited a\r\ngoing down\r\n")
        #expect(eventually { server.limits.count == 0 })
        try bounded("the event loops to end") { try server.loops.shutDown() }
    }

    @Test func aDrainIsCutShortByASecondOne() throws {
        let server = try EchoServer()
        server.service.setManner(.whenTold)
        let stuck = try TestClient(port: server.port)
        #expect(try stuck.readLine() == "hello")
        try stuck.sendLine("WAIT for ever")
        #expect(eventually { server.service.backends.first?.calls.isEmpty == false })
        let first = Counter()
        let second = Counter()
        server.set.drain(within: .minutes(10)) { cut in for _ in 0..<cut { _ = first.next() } }
        server.set.drain(within: .zero) { cut in for _ in 0..<cut { _ = second.next() } }
        #expect(try stuck.readToEnd() == "")
        #expect(eventually { first.value == 1 && second.value == 1 })
        #expect(eventually { server.limits.count == 0 })
        #expect(server.service.backends.first?.endings == 1)
        try bounded("the event loops to end") { try server.loops.shutDown() }
    }

    @Test func theListeningSocketOutlivesTheServer() throws {
        let listener = try BoundListener.bind(IPAddress("127.0.0.1"), port: 0)
        let early = try TestClient(port: listener.port)  // waits in the backlog before anyone accepts
        let copy = try BoundListener(descriptor: dup(listener.descriptor))
        #expect(copy.port == listener.port)
        let loops = EventLoops(count: 1)
        let set = ListenerSet(loops: loops, world: ListenerWorld(makeTrace: { TraceID("T") }))
        set.add(copy, role: ListenerRole(name: "echo", service: .pop3), service: ServiceBinding(EchoService(), tls: nil))
        try set.start()
        #expect(try early.readLine() == "hello")
        set.drain(within: .seconds(5)) { _ in }
        #expect(try early.readToEnd() == "going down\r\n")
        _ = try TestClient(port: listener.port)  // still accepted by the kernel
        try bounded("the event loops to end") { try loops.shutDown() }
        close(listener.descriptor)
    }

    @Test func bindingTwiceSaysWhy() throws {
        let listener = try BoundListener.bind(IPAddress("127.0.0.1"), port: 0)
        defer { close(listener.descriptor) }
        #expect(throws: ListenFailure(operation: "bind", errno: EADDRINUSE)) {
            try BoundListener.bind(IPAddress("127.0.0.1"), port: listener.port)
        }
        #expect(throws: ListenFailure.self) { try BoundListener(descriptor: 0) }
    }

    @Test func oneSocketForAllAddresses() throws {
        let listener = try BoundListener.bind(nil, port: 0)
        defer { close(listener.descriptor) }
        _ = try TestClient(port: listener.port)
    }
}
