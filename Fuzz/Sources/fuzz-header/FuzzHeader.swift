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
    return 0
}
