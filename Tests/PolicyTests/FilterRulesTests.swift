import MailTesting
import Policy
import Testing
import Text
import Vocabulary

@Suite("Filters")
struct FilterRulesTests {
    /// A message made of words.
    struct Facts: FilterFacts {
        var sender: Address? = try? Address(parsing: "a@remote.test")
        var recipients: [Address] = [Address(localPart: "taro", domain: "example.test")]
        var client: IPAddress
        var hasLogin = false
        var size: Int64 = 1000
        var headers: [(String, String)] = []
        var texts: [String] = []
        var names: [String] = []
        var kinds: [String] = []
        /// Questions that look through text.
        var asked = 0
        var budget = Int.max

        init() throws { self.client = try #require(IPAddress("192.0.2.7")) }

        mutating func header(_ name: String) -> [String] {
            self.asked += 1
            return self.headers.filter { $0.0 == name }.map(\.1)
        }
        mutating func allHeaders() -> [String] { self.headers.map { "\($0.0): \($0.1)" } }
        mutating func bodies() -> [String] {
            self.asked += 1
            return self.texts
        }
        mutating func attachments() -> [String] { self.names }
        mutating func types() -> [String] { self.kinds }
        mutating func mayGoOn() -> Bool {
            self.budget -= 1
            return self.budget >= 0
        }
    }

    static func ending(_ text: String, _ change: (inout Facts) -> Void = { _ in }) throws -> FilterAction? {
        var facts = try Facts()
        change(&facts)
        return try FilterRules.parse(text).verdict(&facts).fates.first?.ending?.action
    }

    @Test("Each condition, and its contrary")
    func conditions() throws {
        let table: [(String, (inout Facts) -> Void, Bool)] = [
            ("all", { _ in }, true), ("from /@remote/", { _ in }, true), ("from /^$/", { $0.sender = nil }, true),
            ("from /^$/", { _ in }, false),
            ("to /taro@/i", { _ in }, true), ("to /jiro@/", { _ in }, false),
            ("subject /won/i", { $0.headers = [("subject", "You WON")] }, true), ("subject /won/", { $0.headers = [("to", "won")] }, false),
            ("header X-Mailer /bulk/", { $0.headers = [("x-mailer", "bulk 1")] }, true),
            ("headers /^x-mailer: bulk/", { $0.headers = [("x-mailer", "bulk 1")] }, true),
            ("body /当選/", { $0.texts = ["", "ご当選"] }, true), ("body /x/", { _ in }, false),
            ("attachment /\\.exe$/i", { $0.names = ["a.EXE"] }, true), ("type /^image\\//", { $0.kinds = ["image/png"] }, true),
            ("size > 1k", { $0.size = 1025 }, true), ("size > 1k", { $0.size = 1024 }, false), ("size < 1M", { _ in }, true),
            ("login", { $0.hasLogin = true }, true), ("login", { _ in }, false), ("client 192.0.2.0/24", { _ in }, true),
            ("client 192.0.2.8", { _ in }, false), ("client 192.0.2.7", { _ in }, true),
        ]
        for (condition, change, holds) in table {
            #expect(try (Self.ending("r: if \(condition) then drop", change) == .drop) == holds, "\(condition)")
            #expect(try (Self.ending("r: if not \(condition) then drop", change) == .drop) == !holds, "not \(condition)")
        }
    }

    @Test("The first rule that fits decides; a tag does not; all conditions must hold; what costs little is asked first")
    func order() throws {
        let rules = try FilterRules.parse(
            """
            # a comment
            big: if size > 10M then refuse "Too big"
            note: tag "X-Seen: yes"

            friend: if from /@friend\\.test$/ and size < 1M then accept
            spam: if body /spam/ and size > 500 and not login then hold "spam"
            rest: redirect box@example.test   # to the end
            """)
        #expect(rules.rules.map(\.name) == ["big", "note", "friend", "spam", "rest"])
        var facts = try Facts()
        facts.texts = ["some spam"]
        #expect(rules.verdict(&facts).fates.first?.ending?.action == .hold("spam"))
        facts.size = 100
        facts.asked = 0
        let verdict = rules.verdict(&facts)
        #expect(verdict.fates.first?.ending?.name == "rest" && facts.asked == 0)
        #expect(verdict.fates.first?.tags == [FilterFate.Tag(name: "X-Seen", value: "yes")])
        #expect(verdict.hits.map(\.rule.name) == ["note", "rest"])
        facts.sender = Address(localPart: "x", domain: "friend.test")
        #expect(rules.verdict(&facts).fates.first?.ending?.action == .accept)
    }

    @Test("Recipients are decided one by one; a refusal of some is a wait for the postmaster, a refusal of all an answer")
    func recipients() throws {
        let rules = try FilterRules.parse(
            "a: if to /^ann@/ and body /x/ then refuse \"no\"\nb: if to /^bob@/ then drop\nc: if to /^cy@/ then refuse")
        var facts = try Facts()
        facts.texts = ["x"]
        facts.recipients = ["ann", "bob", "dan"].map { Address(localPart: $0, domain: "example.test") }
        let verdict = rules.verdict(&facts)
        #expect(verdict.refusal == nil)
        #expect(verdict.fates.map { $0.ending?.action } == [.hold("refused by filter a for this recipient only"), .drop, nil])
        facts.recipients = ["ann", "cy"].map { Address(localPart: $0, domain: "example.test") }
        #expect(rules.verdict(&facts).refusal?.name == "a")
    }

    @Test("P3 when the time for a message is used up, no more rules are asked, and that is told")
    func time() throws {
        var facts = try Facts()
        facts.budget = 1
        let verdict = try FilterRules.parse("a: if size > 1G then drop\nb: drop").verdict(&facts)
        #expect(verdict.isIncomplete && verdict.fates.first?.ending == nil)
    }

    @Test(
        "What is wrong is told with its line",
        arguments: [
            "x", "x:", ": drop", "x: explode", "x: if then drop", "x: if size then drop", "x: if size > then drop",
            "x: if size > 1x then drop",
            "x: if from x then drop", "x: if from /x then drop", "x: if from /(/ then drop", "x: if header /x/ then drop", "x: if all drop",
            "x: if all and then drop", "x: redirect", "x: redirect nobody", "x: tag \"X\"", "x: tag \"Subject: y\"", "x: tag \"X-A: 漢\"",
            "x: tag \"X-A:\"", "x: refuse \"漢\"", "x: refuse \"a", "x: drop drop", "x: if client example.test then drop",
            "x: drop\nx: drop",
            "x: if from /\(String(repeating: "a", count: 600))/ then drop", "x: tag \"X-A: a\\nb",
        ])
    func problems(_ text: String) {
        do {
            _ = try FilterRules.parse("# first\n" + text)
            Issue.record("\(text) was taken")
        } catch {
            #expect(error.line >= 2 && !error.message.english.isEmpty && !error.message.japanese.isEmpty)
        }
    }

    @Test("Rules and conditions are bounded; slashes and quotes can be written")
    func bounds() throws {
        #expect(throws: FilterProblem.self) { try FilterRules.parse((0...200).map { "r\($0): drop" }.joined(separator: "\n")) }
        let many = "r: if " + Array(repeating: "all", count: 21).joined(separator: " and ") + " then drop"
        #expect(throws: FilterProblem.self) { try FilterRules.parse(many) }
        #expect(
            try Self.ending(#"r: if type /text\/(plain|html)/ then hold "a \"b\" \\""#) { $0.kinds = ["text/html"] } == .hold(#"a "b" \"#))
        #expect(try FilterRules.parse("").isEmpty && FilterRules.parse("\n # x\n\r\n").isEmpty)
    }
}
