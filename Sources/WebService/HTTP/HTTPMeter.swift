internal import NIOCore

/// Counts what comes before a header is whole, below the parser, which keeps a request line of any length.
final class HTTPMeter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    struct TooMuch: Error {}

    /// Octets that the parser gets at once as long as they may be a header.
    private static let piece = 16 << 10

    private let limit: Int
    private var count = 0
    private var isOver = false
    /// Some byte has come.
    private(set) var hasSeen = false
    /// Off while a body is read or a reply is made.
    var isCounting = true { didSet { self.count = 0 } }

    /// Part of a header has come.
    var hasBegun: Bool { self.count > 0 }

    init(limit: Int) { self.limit = limit }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.hasSeen = true
        var rest = self.unwrapInboundIn(data)
        // What TLS gives in one go may be a header and a long body: the parser finds the end of the header, and counting ends with it.
        while !self.isOver, let piece = rest.readSlice(length: min(self.isCounting ? Self.piece : .max, rest.readableBytes)) {
            guard piece.readableBytes > 0 else { return }
            if self.isCounting { self.count += piece.readableBytes }
            if self.count > self.limit {
                self.isOver = true
                return context.fireErrorCaught(TooMuch())
            }
            context.fireChannelRead(self.wrapInboundOut(piece))
        }
    }
}
