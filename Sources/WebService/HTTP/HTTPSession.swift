internal import Bytes
internal import HTTPTypes
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NetKit
package import Policy
package import Vocabulary

/// One connection of the web: the guard, and behind it Hummingbird, which makes requests of what it lets through and writes replies.
enum HTTPSession {
    typealias Answer = @Sendable (HTTPInput, @escaping @Sendable (WebReply) -> Void) -> Void
    /// Bytes that the body of a request with this method and target may have.
    typealias BodyLimit = @Sendable (String, String) -> Int

    private static let logger = Logger(label: "web") { _ in SwiftLogNoOpLogHandler() }

    /// Called on the channel's loop.
    static func install(
        on channel: any Channel, _ facts: ConnectionFacts, _ observer: SessionObserver, _ limits: HTTPLimits, answer: @escaping Answer,
        bodyLimit: @escaping BodyLimit
    ) throws -> any DrainableSession {
        let pipeline = channel.pipeline.syncOperations
        let meter = HTTPMeter(limit: limits.headerBytes + 128 << 10)
        try pipeline.addHandler(meter)
        let decoding = HTTP1Channel.Configuration.DecoderConfiguration(
            maxHeaderFieldSize: limits.headerBytes, maxHeaderListSize: limits.headerBytes, maxHeaderFieldCount: limits.fields)
        let http = HTTP1Channel(
            responder: { request, writer, _ in
                let isHead = request.method == .head
                let input = try await HTTPInput(request, facts, limit: limits.largest)
                let reply = await withCheckedContinuation { continuation in answer(input) { continuation.resume(returning: $0) } }
                let body = reply.stream.map { Self.body($0, on: channel.eventLoop, sign: limits.sign) } ?? Self.body(reply, isHead: isHead)
                try await writer.write(response: Self.head(reply), body: body)
            }, configuration: .init(httpDecoderConfiguration: decoding))
        let made = http.setup(channel: channel, logger: Self.logger)
        let session = HTTPGuard(meter, observer, limits, isTLS: facts.listener.implicitTLS, bodyLimit)
        let bound = NIOLoopBound(session, eventLoop: channel.eventLoop)
        let executor = LoopExecutor(channel.eventLoop)
        // It has succeeded: `setup` works at once on the channel's loop.
        // SAFETY: the task ends with the channel, and waits for pages without holding the loop.
        made.whenSuccess { value in
            bound.value.work = Task(executorPreference: executor) {
                await http.handle(value: value, logger: Self.logger)
                withExtendedLifetime(executor) {}
            }
        }
        let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
        try pipeline.addHandler(session, position: .after(decoder))
        return session
    }

    private static func head(_ reply: WebReply) -> HTTPResponse {
        var fields = HTTPFields()
        for (name, value) in reply.headers {
            guard let name = HTTPField.Name(name), HTTPField.isValidValue(value) else { continue }
            fields.append(HTTPField(name: name, value: value))
        }
        if reply.status != 204, reply.status != 304 {
            fields[.contentType] = reply.contentType
            if reply.stream == nil { fields[.contentLength] = "\(reply.body.count)" }
        }
        // The end of a stream is the end of the connection for clients that know no pieces. [RFC9112-6.3]
        if reply.closes || reply.stream != nil { fields[.connection] = "close" }
        return HTTPResponse(status: .init(code: reply.status), headerFields: fields)
    }

    /// Piece by piece, each when the one before has left.
    private static func body(_ stream: WebStream, on loop: any EventLoop, sign: TimeAmount) -> ResponseBody {
        ResponseBody { writer in
            let signs = loop.scheduleRepeatedTask(initialDelay: sign, delay: sign) { _ in stream.tick() }
            defer { signs.cancel() }
            do {
                while case let piece = try await stream.next(), !piece.isEmpty { try await writer.write(ByteBuffer(bytes: piece)) }
                try await writer.finish(nil)
            } catch {
                stream.abandon()
                throw error
            }
        }
    }

    private static func body(_ reply: WebReply, isHead: Bool) -> ResponseBody {
        isHead || reply.body.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: reply.body))
    }
}

/// A request as it came off the wire, whole.
package struct HTTPInput: Sendable {
    package var method: String
    /// As the client wrote it.
    package var target: String
    /// The Host field; the authority of the target where that has one. [RFC9112-3.2.2]
    package var authority: String
    /// Names in lower case.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    package var facts: ConnectionFacts
    /// The client's name, where an access list could ask for it.
    package var hostName = HostNameFact.notLooked

    package init(
        method: String, target: String, authority: String, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        facts: ConnectionFacts
    ) {
        self.method = method
        self.target = target
        self.authority = authority
        self.headers = headers
        self.body = body
        self.facts = facts
    }

    init(_ request: Request, _ facts: ConnectionFacts, limit: Int) async throws {
        // The guard has measured it.
        let body = try await request.body.collect(upTo: limit)
        self.init(
            method: request.method.rawValue, target: request.head.path ?? "/", authority: request.head.authority ?? "",
            headers: request.headers.map { ($0.name.canonicalName, $0.value) }, body: Array(body.readableBytesView), facts: facts)
    }
}
