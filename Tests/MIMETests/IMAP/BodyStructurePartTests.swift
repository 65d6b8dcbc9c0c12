import MIME
import NIOCore
import Testing

@Suite struct BodyStructurePartTests {
    private static let text = "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 5 1)"
    private static let odd = "(\"a)(\\\"b\" {3}\r\n)\"( NIL NIL NIL \"8bit\" 1)"
    private static let message =
        "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 9 (NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL) (\(text)\(odd) \"mixed\") 3)"

    private func find(_ part: [UInt32], _ structure: String) -> String? {
        BodyStructurePart.find(part, in: ByteBuffer(string: structure)).map { String(buffer: $0) }
    }

    @Test("A part is found in what is written, whatever its strings hold; a message within is numbered as if it stood alone")
    func parts() {
        let whole = "(\(Self.text)\(Self.odd)\(Self.message) \"mixed\" (\"boundary\" \"(\"))"
        #expect(self.find([], whole) == whole)
        #expect(self.find([1], whole) == Self.text && self.find([2], whole) == Self.odd && self.find([3], whole) == Self.message)
        #expect(self.find([3, 1], whole) == Self.text && self.find([3, 2], whole) == Self.odd)
        for wrong: [UInt32] in [[0], [4], [1, 1], [3, 3], [3, 1, 1], [.max]] { #expect(self.find(wrong, whole) == nil, "\(wrong)") }
        // A message without parts is its own part 1.
        #expect(self.find([1], Self.text) == Self.text && self.find([2], Self.text) == nil && self.find([1, 1], Self.text) == nil)
    }

    @Test("What is cut short anywhere has no parts, and nothing worse comes of it")
    func broken() {
        let whole = "(\(Self.text)\(Self.odd)\(Self.message) \"mixed\")"
        for count in 0..<whole.utf8.count {
            #expect(BodyStructurePart.find([3, 2], in: ByteBuffer(bytes: whole.utf8.prefix(count))) == nil)
        }
        for text in [")", "((", "{99999999999999999999}", "({5}\r\na)", "\"", "(\"\\", "()", "NIL"] {
            #expect(self.find([1, 1], text) == nil)
        }
    }
}
