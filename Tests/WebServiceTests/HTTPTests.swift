import Directory
import Dispatch
import Glibc
import MailTesting
import NIOCore
import NetKit
import Synchronization
import Testing
import Vocabulary
import WebService

/// HTTP on real sockets, as a peer writes it that is no browser.
@Suite(.serialized) struct HTTPTests {
    @Test("the cut into packets does not matter: a request and a form, byte by byte")
    func drip() throws {
        let server = try WebServer()
        defer { server.stop() }
        let peer = try LineConnection(port: server.port)
        let wire = "GET /echo?a=b%20c HTTP/1.1\r\nHost: localhost\r\n\r\n" + Self.form("x=%E5%B1%B1&y=1+2")
        for byte in wire.utf8 { try peer.send([byte]) }
        #expect(try Self.answer(peer).body == "GET /echo a=b c |  from 0")
        #expect(try Self.answer(peer).body == "POST /echo  | x=山 y=1 2 from 17")
    }

    @Test("[RFC9112-9.3.2] pipelined requests are answered in their order, one at a time, and the connection lives on")
    func pipelining() throws {
        let server = try WebServer()
        defer { server.stop() }
        let peer = try LineConnection(port: server.port)
        let requests = (0..<50).map { "GET /echo?n=\($0) HTTP/1.1\r\nHost: localhost\r\n\r\n" }.joined()
        try peer.send(Array(requests.utf8))
        for number in 0..<50 { #expect(try Self.answer(peer).body == "GET /echo n=\(number) |  from 0") }
        #expect(server.mostAtOnce == 1)
        try peer.send(line: "GET /echo HTTP/1.1\r\nHost: localhost\r\n")
        #expect(try Self.answer(peer).status == 200)
    }

    @Test("a body that is made while it is read comes whole, and no faster than it is taken")
    func streams() throws {
        let server = try WebServer()
        defer { server.stop() }
        let peer = try LineConnection(port: server.port)
        try peer.send(line: "GET /stream HTTP/1.1\r\nHost: localhost\r\n")
        var head: [String] = []
        while case let line = try peer.line(), !line.isEmpty { head.append(line.lowercased()) }
        #expect(head.first?.contains("200") == true && head.contains("transfer-encoding: chunked") && head.contains("connection: close"))
        var taken = 0
        while let size = Int(try peer.line(), radix: 16), size > 0 {
            let bytes = try peer.bytes(size + 2).dropLast(2)
            let number = taken / WebServerState.piece
            #expect(bytes.first == UInt8(truncatingIfNeeded: number))
            taken += size
            // What may wait on its way: ours, and what the kernel takes.
            #expect(server.handedOut - taken < 32 << 20)
        }
        #expect(taken == WebServerState.pieces * WebServerState.piece && server.hasEnded)
    }

    @Test("who leaves in the middle of a body that is made while it is read stops nobody's work")
    func leftStream() throws {
        let server = try WebServer()
        defer { server.stop() }
        do {
            let peer = try LineConnection(port: server.port)
            try peer.send(line: "GET /stream HTTP/1.1\r\nHost: localhost\r\n")
            #expect(try peer.line().contains("200"))
        }
        #expect(MailTesting.eventually { server.hasEnded })
    }

    @Test("HEAD has the length and no body; HTTP/1.0 ends the connection unless both want it; Connection: close is obeyed")
    func versions() throws {
        let server = try WebServer()
        defer { server.stop() }
        let peer = try LineConnection(port: server.port)
        try peer.send(line: "HEAD /echo HTTP/1.1\r\nHost: localhost\r\n")
        let head = try Self.answer(peer, hasBody: false)
        #expect(head.status == 200 && (head.fields["content-length"].flatMap { Int($0) } ?? 0) > 0)
        try peer.send(line: "GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n")
        let last = try Self.answer(peer)
        #expect(last.status == 200 && last.fields["connection"] == "close" && Self.isClosed(peer))
        let old = try LineConnection(port: server.port)
        try old.send(line: "GET /echo HTTP/1.0\r\n")
        #expect(try Self.answer(old).status == 200 && Self.isClosed(old))
        let kept = try LineConnection(port: server.port)
        for _ in 0..<2 {
            try kept.send(line: "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n")
            #expect(try Self.answer(kept).fields["connection"] == "keep-alive")
        }
    }

    @Test("what cannot be told apart is refused and ends the connection: two lengths, length and chunks, no host, two hosts, no HTTP")
    func smuggling() throws {
        let server = try WebServer()
        defer { server.stop() }
        for (request, status) in [
            ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
            (
                "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
                400
            ),
            ("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", 400),
            ("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: -4\r\n\r\nabcd", 400),
            ("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\nabcd", 400),
            ("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\nabcd", 501),
            ("POST /echo HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ("rubbish\r\n\r\n", 400), ("EHLO localhost\r\n", 400),
            ("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
            ("GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 400), ("GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
            ("GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: localhost\r\n" + (0..<200).map { "X-\($0): 1\r\n" }.joined() + "\r\n", 431),
            ("GET / HTTP/1.1\r\nHost: localhost\r\nX: \(String(repeating: "a", count: 70_000))\r\n\r\n", 431),
        ] {
            let peer = try LineConnection(port: server.port)
            try peer.send(Array(request.utf8))
            let answer = try Self.answer(peer)
            #expect(answer.status == status || (status == 400 && answer.status == 501), "\(request.prefix(60)): \(answer.status)")
            #expect(answer.fields["x-content-type-options"] == "nosniff", "\(request.prefix(60))")
        }
    }

    @Test("a body over the route's limit is refused at its announcement, or when chunks have passed it; 100-continue is said only before")
    func sizes() throws {
        let server = try WebServer()
        defer { server.stop() }
        let peer = try LineConnection(port: server.port)
        try peer.send(Array("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\nExpect: 100-continue\r\n\r\n".utf8))
        #expect(try Self.answer(peer).status == 413)
        let good = try LineConnection(port: server.port)
        try good.send(Array("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n".utf8))
        #expect(try good.line() == "HTTP/1.1 100 Continue")
        #expect(try good.line() == "")
        try good.send(Array("abc".utf8))
        #expect(try Self.answer(good).body == "POST /echo  |  from 3")
        let chunks = try LineConnection(port: server.port)
        try chunks.send(Array("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".utf8))
        for _ in 0..<20 { try? chunks.send(Array("64\r\n\(String(repeating: "a", count: 100))\r\n".utf8)) }
        #expect(try Self.answer(chunks).status == 413)
        // A request line without end, which the parser itself would gather for ever.
        let endless = try LineConnection(port: server.port)
        for _ in 0..<40 { try? endless.send([UInt8](repeating: UInt8(ascii: "a"), count: 16_384)) }
        #expect(Self.ends(endless))
    }

    @Test("slow peers: a header, a body or nothing at all in time ends the connection, and a slow reader holds nobody up")
    func slow() throws {
        var limits = HTTPLimits()
        (limits.header, limits.body, limits.linger, limits.reply) = (
            .milliseconds(400), .milliseconds(400), .milliseconds(200), .milliseconds(400)
        )
        limits.slowest = 64 << 20
        let server = try WebServer(limits)
        defer { server.stop() }
        let silent = try LineConnection(port: server.port)
        let half = try LineConnection(port: server.port)
        try half.send(Array("GET / HTTP/1.1\r\nHost: loc".utf8))
        let body = try LineConnection(port: server.port)
        try body.send(Array("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc".utf8))
        let reader = try LineConnection(port: server.port, receiveBuffer: 4096)
        try reader.send(line: "GET /large HTTP/1.1\r\nHost: localhost\r\n")
        #expect(try Self.answer(half).status == 408)
        #expect(try Self.answer(body).status == 408)
        #expect(Self.ends(silent))
        #expect(eventually { server.limits.count == 0 }, "\(server.limits.count)")
        let after = try LineConnection(port: server.port)
        try after.send(line: "GET /echo HTTP/1.1\r\nHost: localhost\r\n")
        #expect(try Self.answer(after).status == 200)
    }

    @Test("a drain lets a reply finish, says that it is the last, and closes idle connections at once")
    func draining() throws {
        let server = try WebServer()
        let idle = try LineConnection(port: server.port)
        let busy = try LineConnection(port: server.port)
        try busy.send(line: "GET /wait HTTP/1.1\r\nHost: localhost\r\n")
        #expect(eventually { server.isWaiting })
        let done = Atomic<Bool>(false)
        server.set.drain(within: .seconds(30)) { _ in done.store(true, ordering: .releasing) }
        #expect(Self.ends(idle))
        let isEarly = done.load(ordering: .acquiring)
        #expect(!isEarly)
        server.letGo()
        let answer = try Self.answer(busy)
        #expect(answer.status == 200 && answer.fields["connection"] == "close")
        // The peer closes too, as browsers do.
        #expect(Self.isClosed(busy))
        busy.cut()
        #expect(eventually { done.load(ordering: .acquiring) })
        server.stop()
    }

    @Test("a peer that goes in the middle costs nothing that stays")
    func leaving() throws {
        let server = try WebServer()
        defer { server.stop() }
        for request in [
            "", "GET", "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc",
            "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ] {
            for _ in 0..<10 {
                let peer = try LineConnection(port: server.port)
                try peer.send(Array(request.utf8))
                peer.cut()
            }
        }
        #expect(eventually { server.limits.count == 0 })
    }

    // MARK: Parts

    private struct Answer {
        var status = 0
        var fields: [String: String] = [:]
        var body = ""
    }

    private static func form(_ body: String) -> String {
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static func answer(_ peer: LineConnection, hasBody: Bool = true) throws -> Answer {
        var answer = Answer()
        answer.status = Int(try peer.line().dropFirst(9).prefix(3)) ?? 0
        while true {
            let line = try peer.line()
            if line.isEmpty { break }
            let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
            answer.fields[parts[0].lowercased()] = String((parts.count > 1 ? parts[1] : "").drop { $0 == " " })
        }
        let length = answer.fields["content-length"].flatMap { Int($0) } ?? 0
        if hasBody, length > 0 { answer.body = String(decoding: try peer.bytes(length), as: UTF8.self) }
        return answer
    }

    /// The server has said its last word.
    private static func isClosed(_ peer: LineConnection) -> Bool { (try? peer.bytes(1)) == nil }

    /// Whatever still comes, the end follows.
    private static func ends(_ peer: LineConnection) -> Bool {
        for _ in 0..<10_000 { if (try? peer.bytes(1)) == nil { return true } }
        return false
    }
}

/// A web with pages that tell what they got, on a port of loopback.
final class WebServer: Sendable {
    let office: WebOfficeInTest
    let loops = EventLoops(count: 2)
    let limits = ConnectionLimits()
    let set: ListenerSet
    let port: Int
    private let queue = FairQueue("web-socket-test", threads: 2, perPeer: 1000, total: 1000)
    private let state: WebServerState

    init(_ httpLimits: HTTPLimits = HTTPLimits()) throws {
        let office = try WebOfficeInTest(certificate: nil, ports: [])
        self.office = office
        let state = WebServerState()
        self.state = state
        let echo: @Sendable (WebRequest, WebHost) -> WebReply = { request, _ in
            state.enter()
            defer { state.leave() }
            let query = request.query.pairs.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
            let form = request.form.pairs.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
            return .text("\(request.method.rawValue) \(request.path) \(query) | \(form) from \(request.body.count)")
        }
        let routes = [
            WebRoute(.get, "/echo", .anyone, echo), WebRoute(.post, "/echo", .anyone, bodyLimit: 1000, isAPI: true, echo),
            WebRoute(.get, "/large", .anyone) { _, _ in .text(String(repeating: "a", count: 16 << 20)) },
            WebRoute(.get, "/stream", .anyone) { _, _ in
                var reply = WebReply()
                reply.stream = WebStream { write in
                    for number in 0..<WebServerState.pieces {
                        write([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: WebServerState.piece))
                        state.handOut()
                    }
                    state.end()
                }
                return reply
            },
            WebRoute(.get, "/quiet", .anyone) { _, _ in
                var reply = WebReply()
                reply.stream = WebStream { write in
                    write(Array("a".utf8))
                    let goesOn = DispatchSemaphore(value: 0)
                    state.wait { goesOn.signal() }
                    _ = goesOn.wait(timeout: .now() + 30)
                    write(Array("b".utf8))
                }
                return reply
            },
            WebRoute(.get, "/wait", .anyone, later: { _, _, completion in state.wait { completion(.text("done")) } }),
        ]
        let clock = office.clock
        var host = WebHost(
            directory: office.directory, version: "5.0.0", now: { clock.now }, random: { [UInt8](repeating: 1, count: $0) })
        host.sessions = nil
        let service = WebService(host, routes: routes, queue: self.queue, limits: httpLimits)
        self.set = ListenerSet(loops: self.loops, world: ListenerWorld(limits: self.limits, makeTrace: { TraceID("T1") }))
        let listener = try BoundListener.bind(IPAddress("127.0.0.1"), port: 0)
        self.port = listener.port
        self.set.add(listener, role: ListenerRole(name: "http", service: .http), service: service.binding(tls: nil))
        try self.set.start()
    }

    var mostAtOnce: Int { self.state.most }
    var isWaiting: Bool { self.state.isWaiting }
    func letGo() { self.state.letGo() }
    var handedOut: Int { self.state.handedOut }
    var hasEnded: Bool { self.state.hasEnded }

    /// Ends everything; blocks.
    func stop() {
        let isDone = Atomic<Bool>(false)
        self.set.drain(within: .seconds(1)) { _ in isDone.store(true, ordering: .releasing) }
        _ = eventually { isDone.load(ordering: .acquiring) }
        _ = eventually { self.limits.count == 0 }
        self.queue.stop()
        boundedEnd("the event loops to end") { [loops] in try loops.shutDown() }
    }
}

final class WebServerState: Sendable {
    private struct Counts {
        var now = 0
        var most = 0
        var waiting: [@Sendable () -> Void] = []
        var handedOut = 0
        var hasEnded = false
    }

    /// Of a stream: its pieces, and their bytes.
    static let (pieces, piece) = (1000, 64 << 10)
    func handOut() { self.counts.withLock { $0.handedOut += Self.piece } }
    func end() { self.counts.withLock { $0.hasEnded = true } }
    var handedOut: Int { self.counts.withLock { $0.handedOut } }
    var hasEnded: Bool { self.counts.withLock { $0.hasEnded } }

    private let counts = Mutex(Counts())

    func enter() {
        self.counts.withLock { counts in
            counts.now += 1
            counts.most = max(counts.most, counts.now)
        }
    }

    func leave() { self.counts.withLock { $0.now -= 1 } }
    func wait(_ body: @escaping @Sendable () -> Void) { self.counts.withLock { $0.waiting.append(body) } }
    var isWaiting: Bool { self.counts.withLock { !$0.waiting.isEmpty } }
    var most: Int { self.counts.withLock { $0.most } }

    func letGo() {
        let waiting = self.counts.withLock { counts in
            defer { counts.waiting = [] }
            return counts.waiting
        }
        for body in waiting { body() }
    }
}
