import MIME
import NIOCore
import Testing

@Suite("How long a decoded part is, and where its decoding can begin")
struct BinaryExtentTests {
    private static let content: [UInt8] = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }

    private static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count / 3 * 4 + bytes.count / 28)
        var column = 0
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = UInt32(bytes[start]) << 16 | UInt32(bytes[start + 1]) << 8 | UInt32(bytes[start + 2])
            for shift in [18, 12, 6, 0] as [UInt32] { out.append(alphabet[Int(group >> shift) & 0x3F]) }
            column += 4
            if column == 76 {
                out += [13, 10]
                column = 0
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static func message(_ encoding: String, _ body: String) -> ByteBuffer {
        ByteBuffer(string: "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: \(encoding)\r\n\r\n\(body)")
    }

    /// As it is read from the store: in pieces.
    private static func measured(_ blob: ByteBuffer) -> (extent: BinaryExtent, place: BinaryPlace)? {
        guard let place = MessageSummaryBuilder.summary(of: blob).parts.binary([1]), var extent = BinaryExtent(place) else { return nil }
        var at = Int(place.range.lowerBound)
        while at < Int(place.range.upperBound) {
            let count = min(65_536, Int(place.range.upperBound) - at)
            extent.read(blob.getSlice(at: at, length: count) ?? ByteBuffer())
            at += count
        }
        extent.finish()
        return (extent, place)
    }

    @Test("from every mark the same octets come as from the beginning, and no mark is far before what is wanted")
    func marks() throws {
        let blob = Self.message("base64", Self.base64(Self.content))
        let (extent, place) = try #require(Self.measured(blob))
        #expect(extent.size == Int64(Self.content.count))
        #expect(extent.isBinary)
        for octet in [0, 1, 262_143, 262_144, 1_000_000, 2_000_001, 2_999_999] as [Int64] {
            let mark = extent.mark(before: octet)
            #expect(mark.decoded <= octet)
            #expect(octet - mark.decoded < BinaryExtent.spacing + 65_536, "\(octet) from \(mark.decoded)")
            var decoder = mark.decoder
            let from = Int(place.range.lowerBound + mark.stored)
            let piece = blob.getSlice(at: from, length: min(400_000, Int(place.range.upperBound) - from)) ?? ByteBuffer()
            let decoded = Array(decoder.decode(piece).readableBytesView)
            let start = Int(octet - mark.decoded)
            #expect(decoded.dropFirst(start).prefix(100).elementsEqual(Self.content[Int(octet)...].prefix(100)), "\(octet)")
        }
    }

    @Test("a part without NUL is none for literal8, and one in an encoding that nobody knows has no extent")
    func kinds() throws {
        let text = try #require(Self.measured(Self.message("quoted-printable", "a=3Db=\r\nc\r\n")))
        #expect(text.extent.size == 6 && !text.extent.isBinary)
        #expect(Self.measured(Self.message("x-uuencode", "abc")) == nil)
    }
}
