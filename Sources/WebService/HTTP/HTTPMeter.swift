internal import NIOCore

/// Counts what comes before a header is whole, below the parser, which keeps a request line of any length.
final class HTTPMeter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    struct TooMuch: Error {}

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
        if self.isOver { return }
        self.hasSeen = true
        if self.isCounting {
            self.count += self.unwrapInboundIn(data).readableBytes
            if self.count > self.limit {
                self.isOver = true
                return context.fireErrorCaught(TooMuch())
            }
        }
        context.fireChannelRead(data)
    }
}
