internal import Bytes
internal import Database
internal import MessageStore
internal import NIOCore

/// The body of a message that a program of this host hands over, read by the rules that hold for mail from the network: only CRLF ends a line,
/// no NUL, no line that is too long, no more octets than a message may have.
struct LocalBody {
    /// What stands in memory, or went to disk.
    enum Place {
        case memory(ByteBuffer)
        case large(LargeBody)
    }

    private let announced: Int64
    private let limit: Int64
    private var decoder: DotDecoder
    private var taken: Int64 = 0
    private var head = ByteBuffer()
    private(set) var hasEightBit = false

    /// - Parameters:
    ///   - announced: octets that the program said.
    ///   - limit: octets of a message.
    ///   - line: octets of a line.
    init(announced: Int64, limit: Int64, line: Int) {
        self.announced = announced
        self.limit = limit
        self.decoder = DotDecoder(unstuffs: false, maximumLine: line)
    }

    var size: Int64 { self.decoder.size }
    var isWhole: Bool { self.taken >= self.announced }

    /// The next piece as it may be stored; what ends the message adds the line end that it lacks.
    mutating func take(_ piece: ByteBuffer) throws(LocalSubmission.Failure) -> ByteBuffer {
        self.taken += Int64(piece.readableBytes)
        var (piece, out) = (piece, ByteBuffer())
        guard piece.readableBytes > 0 || self.isWhole, self.taken <= self.announced else {
            throw .refused("it changed while it was read")
        }
        self.decoder.decode(&piece, into: &out)
        if self.isWhole { self.decoder.finishLine(into: &out) }
        if self.decoder.size > self.limit { throw .refused("it is larger than a message may be (\(self.limit) octets)") }
        if let fault = self.decoder.fault { throw .refused(fault.words) }
        self.hasEightBit = self.hasEightBit || out.hasEightBit
        return out
    }

    /// What filters look at: the message as it is stored, or its beginning.
    mutating func keepForFilters(_ piece: ByteBuffer) {
        let count = min(MessageFacts.head - self.head.readableBytes, piece.readableBytes)
        if count > 0, let slice = piece.getSlice(at: piece.readerIndex, length: count) { self.head.writeImmutableBuffer(slice) }
    }

    var filterHead: ByteBuffer { self.head }

    /// Writes what is too long for memory, at the pace of the disk. `head` is what was taken already. Blocks.
    mutating func store(
        _ head: ByteBuffer, in store: MessageStore, next: () throws(LocalSubmission.Failure) -> ByteBuffer
    ) throws(LocalSubmission.Failure) -> Place {
        self.keepForFilters(head)
        if self.isWhole, head.readableBytes <= store.options.inlineLimit { return .memory(head) }
        let large: LargeBody
        do { large = try store.beginLargeBody() } catch { throw .notNow(error.reason) }
        do throws(LocalSubmission.Failure) {
            Self.append(head, to: large)
            while !self.isWhole {
                let piece = try self.take(try next())
                self.keepForFilters(piece)
                Self.append(piece, to: large)
            }
        } catch {
            large.abandon()
            throw error
        }
        return .large(large)
    }

    /// A failure stays with the body and comes out when the message is accepted.
    private static func append(_ piece: ByteBuffer, to large: LargeBody) {
        let isWritten = Monitor(false)
        large.append(piece) { _ in
            isWritten.withLock { $0 = true }
            isWritten.signal()
        }
        isWritten.wait(until: { $0 }, then: { _ in })
    }
}

extension DotDecoder.Fault {
    /// For people.
    package var words: String {
        switch self {
        case .bareCarriageReturn: "it has a CR that is not part of CRLF"
        case .bareLineFeed: "it has an LF that is not part of CRLF"
        case .nul: "it has a NUL octet"
        case .longLine: "it has a line longer than allowed"
        }
    }

    package var japanese: String {
        switch self {
        case .bareCarriageReturn: "CRLF の一部ではない CR があります"
        case .bareLineFeed: "CRLF の一部ではない LF があります"
        case .nul: "NUL 文字があります"
        case .longLine: "長すぎる行があります"
        }
    }
}
