import Bytes
import FuzzKit
import MIME
import NIOCore

/// A message. The cut does not show; parts lie within their parents and behind each other; limits hold; what is decoded is no longer than
/// what was there.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzMIME(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    var limits = MIMELimits()
    limits.depth = Int(input.byte() % 8)
    limits.parts = Int(input.byte() % 32) + 1
    let cut = Int(input.byte())
    let bytes = input.remaining()
    let message = ByteBuffer(bytes: bytes)
    var whole = MIMEParser(limits)
    whole.read(message)
    let structure = whole.finish()

    var parser = MIMEParser(limits)
    var position = 0
    while position < bytes.count {
        let end = min(bytes.count, position + cut % 7 + 1)
        parser.read(ByteBuffer(bytes: bytes[position..<end]))
        position = end
    }
    expect(parser.finish() == structure, "the cut shows")

    expect(structure.size == Int64(bytes.count), "size")
    expect(structure.entities.count <= limits.parts + limits.depth + 1, "parts")
    for (index, entity) in structure.entities.enumerated() {
        expect(entity.depth <= limits.depth, "depth")
        expect(entity.header.lowerBound <= entity.header.upperBound && entity.header.upperBound <= entity.body.lowerBound, "header")
        expect(entity.body.upperBound <= structure.size && entity.lines >= 0, "body")
        if let parent = entity.parent {
            expect(parent < index && structure.entities[parent].depth == entity.depth - 1, "parent")
            let outer = structure.entities[parent].body
            expect(entity.header.lowerBound >= outer.lowerBound && entity.body.upperBound <= outer.upperBound, "outside of its parent")
        }
        switch entity.content {
        case .leaf: break
        case .parts(let parts):
            expect(parts.allSatisfy { $0 < structure.entities.count && structure.entities[$0].parent == index }, "children")
        case .message(let inner): expect(structure.entities[inner].parent == index, "child")
        }
        let content = PartText.content(of: entity, in: message, limit: 4096)
        expect(content.count <= 4096, "longer than it was")
        _ = PartText.text(of: entity, in: message, limit: 4096)
        _ = entity.fileName
    }
    _ = HeaderText.decode(Array(bytes.prefix(4096)))
    return 0
}
