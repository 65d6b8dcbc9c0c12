import FuzzKit
import Policy
import Text
import Vocabulary

/// Rules as somebody may type them, asked about a message of fixed words. Nothing traps; what can be read is within its bounds.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzFilter(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let text = String(decoding: input.remaining(), as: UTF8.self)
    do throws(FilterProblem) {
        let rules = try FilterRules.parse(text)
        expect(rules.rules.count <= FilterRules.maximumRules, "too many rules")
        guard var facts = Words() else { return 0 }
        let verdict = rules.verdict(&facts)
        expect(verdict.fates.count == facts.recipients.count, "a fate for each")
        for hit in verdict.hits { expect(hit.recipients.allSatisfy { facts.recipients.indices.contains($0) }, "recipients") }
    } catch {
        expect(error.line >= 1 && error.line <= text.utf8.count + 1, "line")
    }
    return 0
}

private struct Words: FilterFacts {
    let sender = try? Address(parsing: "a@remote.test")
    let recipients: [Address]
    let client: IPAddress
    let hasLogin = false
    let size: Int64 = 2048

    init?() {
        guard let client = IPAddress("192.0.2.7"), let first = try? Address(parsing: "x@y.test"),
            let second = try? Address(parsing: "z@y.test")
        else { return nil }
        (self.client, self.recipients) = (client, [first, second])
    }

    mutating func header(_ name: String) -> [String] { ["one two", "三"] }
    mutating func allHeaders() -> [String] { ["subject: one two"] }
    mutating func bodies() -> [String] { ["some text\r\nof a body 本文"] }
    mutating func attachments() -> [String] { ["a.exe"] }
    mutating func types() -> [String] { ["image/png"] }
    mutating func mayGoOn() -> Bool { true }
}
