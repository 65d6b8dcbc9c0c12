import Bytes
import FuzzKit
import MIME
import NIOCore

/// A message. The cut does not show; values are as the grammar wants them; what is kept comes back; sections lie within the message; a header
/// is what two opposite subsets of it have together.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSummary(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let cut = Int(input.byte())
    let numbers = (0..<3).map { _ in UInt32(input.byte() % 5) }
    let bytes = input.remaining()
    let blob = ByteBuffer(bytes: bytes)
    let summary = MessageSummaryBuilder.summary(of: blob)

    var builder = MessageSummaryBuilder()
    var position = 0
    while position < bytes.count {
        let end = min(bytes.count, position + cut % 7 + 1)
        builder.read(ByteBuffer(bytes: bytes[position..<end]))
        position = end
    }
    expect(builder.finish() == summary, "the cut shows")
    expect(MessageSummary(decoding: summary.encoded)?.parts == summary.parts, "what is kept does not come back")

    summary.encoded.withUnsafeReadableBytes { kept in
        let there = SummaryBytes(kept)
        for text in MessageSummary.Text.allCases {
            let value = there?.text(text).map { Array($0) }
            expect(value == (summary.has(text) ? Array(summary.bytes(text).readableBytesView) : nil), "read where it lies")
        }
    }
    bytes.withUnsafeBytes { bytes in
        for text in MessageSummary.Text.allCases { _ = SummaryBytes(bytes)?.text(text)?.count }
    }
    for form in [MessageSummary.Form.ascii, .utf8] {
        for value in [summary.envelope(form), summary.body(form), summary.bodyStructure(form)] {
            expect(ValueChecker.isList(Array(value.readableBytesView), form), String(buffer: value))
        }
    }
    let preview = String(validating: summary.preview.readableBytesView, as: UTF8.self)
    expect(preview.map { $0.unicodeScalars.count <= 200 } ?? false, "preview")
    expect(summary.size == Int64(bytes.count), "size")
    // The same out of what is kept, and nothing but what clients may be told.
    let thread = summary.thread
    expect(thread == MessageSummary(decoding: summary.encoded)?.thread, "thread")
    let isAllowed: (UInt8) -> Bool = { ($0 > 0x60 && $0 < 0x67) || ($0 > 0x2F && $0 < 0x3A) || $0 == UInt8(ascii: "T") }
    expect(thread.map { $0.utf8.count == 33 && $0.utf8.allSatisfy(isAllowed) } ?? true, "thread")
    checkSections(summary.parts, blob, numbers)
    return 0
}

private func checkSections(_ parts: MessageParts, _ blob: ByteBuffer, _ numbers: [UInt32]) {
    for length in 0...numbers.count {
        let path = Array(numbers.prefix(length))
        for content in [SectionPath.Content.whole, .header, .text, .mime] {
            if case .bytes(let range, _)? = parts.place(of: SectionPath(path, content)) {
                expect(range.lowerBound >= 0 && range.upperBound <= parts.size, "outside")
            }
        }
        if let place = parts.binary(path), var decoder = BinaryDecoder(place),
            let slice = blob.getSlice(at: Int(place.range.lowerBound), length: place.range.count)
        {
            let decoded = decoder.decode(slice).readableBytes + decoder.finish().readableBytes
            expect(decoded <= slice.readableBytes, "longer than it was")
        }
        guard case .bytes(let range, _)? = parts.place(of: SectionPath(path, .header)),
            let header = blob.getSlice(at: Int(range.lowerBound), length: range.count)
        else { continue }
        let some = HeaderFieldFilter(["subject", "content-type"], isExcluding: false).subset(of: header).readableBytes
        let others = HeaderFieldFilter(["subject", "content-type"], isExcluding: true).subset(of: header).readableBytes
        // The empty line stands in both.
        expect(some + others <= header.readableBytes + 2, "subsets")
    }
}
