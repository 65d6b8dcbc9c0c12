import Bytes
import FuzzKit
import MIME
import NIOCore
import Search
import Vocabulary

/// A needle and a message, or references of messages. What is found is there; no step of a plan contradicts another; an index never loses a
/// match; threads hold each message once, in balanced parentheses.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSearch(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let choice = input.byte()
    if choice & 1 == 0 {
        let length = Int(input.byte() % 32)
        let rest = input.remaining()
        checkText(String(decoding: rest.prefix(length), as: UTF8.self), ByteBuffer(bytes: rest.dropFirst(length)))
    } else {
        checkThreads(input.remaining())
    }
    return 0
}

private func checkText(_ needle: String, _ blob: ByteBuffer) {
    let summary = MessageSummaryBuilder.summary(of: blob)
    let text = SearchText.make(prefix: ByteBuffer(), parts: summary.parts) { range throws(Never) in
        blob.getSlice(at: blob.readerIndex + Int(range.lowerBound), length: range.count) ?? ByteBuffer()
    }
    expect(SearchText(decoding: text.encoded) == text, "what is kept does not come back")
    let pieces = text.pieces
    expect(zip(pieces, pieces.dropFirst()).allSatisfy(<), "order of pieces")
    let facts = SearchFacts(uid: UID(rawValue: 1), flags: [], size: 1, internalDate: 0)
    let folded = SearchFold.folded(needle)
    expect(String(validating: folded, as: UTF8.self) != nil, "folded to no UTF-8")
    for key in [SearchKey.body(needle), .text(needle), .subject(needle), .header(name: "x", needle), .not(.body(needle))] {
        guard let plan = SearchPlan(SearchProgram(key), SearchContext(now: 0) { _ in nil }) else { fatalError("no plan") }
        let last = plan.decide(facts, summary, text)
        expect(last != .unknown, "undecided")
        for verdict in [plan.decide(facts), plan.decide(facts, summary)] { expect(verdict == .unknown || verdict == last, "contradiction") }
        if last == .yes, let narrowing = plan.narrowing { expect(narrowing.allows { pieces.contains($0) }, "\(key) lost by the index") }
        if case .body = key, !needle.isEmpty {
            expect((last == .yes) == contains(text.body, folded), "not what is there")
        }
    }
}

private func contains(_ hay: [UInt8], _ needle: [UInt8]) -> Bool {
    if needle.isEmpty { return true }
    guard hay.count >= needle.count else { return false }
    return (0...(hay.count - needle.count)).contains { hay[$0..<($0 + needle.count)].elementsEqual(needle) }
}

/// Each byte pair is a message: its identifier and what it answers.
private func checkThreads(_ bytes: [UInt8]) {
    for algorithm in [ThreadAlgorithm.references, .orderedSubject] {
        var builder = ThreadBuilder(algorithm)
        var number: UInt32 = 0
        for index in stride(from: 0, to: bytes.count - 2, by: 3) {
            number += 1
            let (id, first, second) = (bytes[index] % 16, bytes[index + 1], bytes[index + 2])
            let header =
                "Message-ID: <\(id)>\r\nReferences: <\(first % 16)> <\(first / 16)> <\(second % 16)>\r\n"
                + "Subject: \(second & 16 == 0 ? "" : "Re: ")\(second / 64)\r\n\r\n"
            let facts = SearchFacts(uid: UID(rawValue: number), flags: [], size: 0, internalDate: Int64(second / 32))
            builder.add(facts, MessageSummaryBuilder.summary(of: ByteBuffer(string: header)))
        }
        check(builder.threads(), number)
    }
}

private func check(_ threads: MessageThreads, _ count: UInt32) {
    var depth = 0
    var seen: Set<UInt32> = []
    for item in threads.items {
        switch item {
        case .open: depth += 1
        case .close:
            depth -= 1
            expect(depth >= 0, "closed too often")
        case .message(let uid): expect(depth > 0 && seen.insert(uid.rawValue).inserted, "twice, or outside")
        }
    }
    expect(depth == 0 && seen.count == Int(count), "lost")
}
