import Bytes
import FuzzKit
import MIME
import NIOCore
import Vocabulary

/// A message. Fields follow each other without gaps; what was repaired needs no repair; the body is never touched.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHeader(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let message = ByteBuffer(bytes: input.remaining())
    var reader = HeaderReader(message)
    var position = 0
    while let field = reader.next() {
        expect(
            field.start == position && field.start < field.nameEnd && field.nameEnd < field.bodyStart && field.bodyStart <= field.end,
            "order")
        expect(field.end <= message.readableBytes, "beyond the end")
        position = field.end
        expect(!message.unfolded(field).contains(10), "not unfolded")
    }
    let fixer = SubmissionFixer(
        completionDomain: "example.test", date: CivilTime(unixSeconds: 0), messageID: "<x@y>",
        from: Address(localPart: "a", domain: "x.test"))
    guard let fixed = try? fixer.fixed(message, isWhole: true) else { return 0 }
    expect((try? fixer.fixed(fixed, isWhole: true)) == fixed, "repaired twice")
    switch reader.end {
    case .blankLine(let start), .noField(let start):
        let body = message.getSlice(at: start, length: message.readableBytes - start) ?? ByteBuffer()
        expect(fixed.readableBytesView.suffix(body.readableBytes).elementsEqual(body.readableBytesView), "the body changed")
    case .incomplete, .tooManyFields, .none: break
    }
    behindTrace(message)
    return 0
}

/// Behind a trace field of ours a message has the fields that it had, and no line goes on ours.
private func behindTrace(_ original: ByteBuffer) {
    let message = original.withMailboxLineAsField()
    let (count, end) = message.countFields(named: "Received")
    guard end != .tooManyFields else { return }
    let trace = "Received: x\r\n"
    let ended = message.withHeaderEnded(end, isWhole: true)
    var whole = ByteBuffer(string: trace)
    whole.writeImmutableBuffer(ended)
    var reader = HeaderReader(whole)
    expect(reader.next()?.end == trace.utf8.count || ended.readableBytes == 0, "goes on the trace field")
    let (after, newEnd) = whole.countFields(named: "Received")
    if case .noField = newEnd { expect(false, "a line that is no field within the header") }
    if case .blankLine = end { expect(ended == message, "changed") }
    if case .blankLine = newEnd { expect(after == count + 1, "a field came or went") }
}
