import MIME
import NIOCore
import Search
import Testing
import Vocabulary

@Suite("Order")
struct SortTests {
    static func message(_ uid: UInt32, _ header: String..., date: Int64 = 0, size: Int64 = 0) -> (SearchFacts, MessageSummary) {
        let summary = MessageSummaryBuilder.summary(of: ByteBuffer(string: header.joined(separator: "\r\n") + "\r\n\r\n"))
        return (SearchFacts(uid: UID(rawValue: uid), flags: [], size: size, internalDate: date), summary)
    }

    static func order(_ criteria: [SortCriterion], _ messages: [(SearchFacts, MessageSummary)]) -> [UInt32] {
        var sorter = SearchSorter(criteria)
        for (facts, summary) in messages { sorter.add(facts, sorter.needsSummary ? summary : nil) }
        return sorter.sorted().map(\.rawValue)
    }

    static let mails = [
        message(1, "Subject: Re: beta", "From: Zoe <adam@x.test>", "To: b@x.test", "Date: 2 Jan 2026 00:00 +0000", date: 30, size: 5),
        message(2, "Subject: Alpha", "From: bert@x.test", "Date: 1 Jan 2026 00:00 +0000", date: 20, size: 9),
        message(3, "Subject: [x] ALPHA (fwd)", "From: =?utf-8?q?=C3=84nne?= <carl@x.test>", "Cc: z@x.test", date: 10, size: 5),
        message(4, "From: Group: dora@x.test;", "Cc: a@x.test", "To: B@x.test", "Date: 1 Jan 2026 09:00 +0900", date: 40, size: 1),
    ]

    @Test(
        "every criterion, and mailbox order between equals",
        arguments: [
            ([SortCriterion(.subject)], [4, 2, 3, 1] as [UInt32]), ([SortCriterion(.subject, isReverse: true)], [1, 2, 3, 4]),
            ([SortCriterion(.arrival)], [3, 2, 1, 4]), ([SortCriterion(.size)], [4, 1, 3, 2]),
            ([SortCriterion(.size, isReverse: true)], [2, 1, 3, 4]),
            ([SortCriterion(.date)], [3, 2, 4, 1]), ([SortCriterion(.from)], [1, 2, 3, 4]), ([SortCriterion(.to)], [2, 3, 1, 4]),
            ([SortCriterion(.cc)], [1, 2, 4, 3]), ([SortCriterion(.displayFrom)], [3, 2, 4, 1]),
            ([SortCriterion(.displayTo)], [2, 3, 1, 4]),
            ([SortCriterion(.subject), SortCriterion(.date, isReverse: true)], [4, 2, 3, 1]),
            ([SortCriterion(.size), SortCriterion(.arrival)], [4, 3, 1, 2]),
            ([], [1, 2, 3, 4]),
        ])
    func criteria(_ criteria: [SortCriterion], _ expected: [UInt32]) { #expect(Self.order(criteria, Self.mails) == expected) }

    @Test("rows alone are enough for arrival and size")
    func needs() {
        #expect(!SearchSorter([SortCriterion(.arrival), SortCriterion(.size)]).needsSummary)
        #expect(SearchSorter([SortCriterion(.arrival), SortCriterion(.date)]).needsSummary)
    }
}

@Suite("Threads")
struct ThreadTests {
    struct Mail {
        var id: String?
        var references: [String] = []
        var subject = ""
        var date: Int64
    }

    static func threads(_ algorithm: ThreadAlgorithm, _ mails: [Mail]) -> String {
        var builder = ThreadBuilder(algorithm)
        for (index, mail) in mails.enumerated() {
            var header = "Subject: \(mail.subject)\r\n"
            if let id = mail.id { header += "Message-ID: <\(id)>\r\n" }
            if !mail.references.isEmpty { header += "References: " + mail.references.map { "<\($0)>" }.joined(separator: "\r\n ") + "\r\n" }
            let summary = MessageSummaryBuilder.summary(of: ByteBuffer(string: header + "\r\n"))
            builder.add(SearchFacts(uid: UID(rawValue: UInt32(index + 1)), flags: [], size: 0, internalDate: mail.date), summary)
        }
        return self.written(builder.threads())
    }

    /// As the encoder of the protocol writes it.
    static func written(_ threads: MessageThreads) -> String {
        var out = ""
        for item in threads.items {
            switch item {
            case .open: out += out.hasSuffix("(") || out.hasSuffix(")") || out.isEmpty ? "(" : " ("
            case .close: out += ")"
            case .message(let uid): out += out.hasSuffix("(") ? "\(uid)" : " \(uid)"
            }
        }
        return out
    }

    @Test("ORDEREDSUBJECT: subjects together, children of the first, threads by their first date")
    func orderedSubject() {
        #expect(
            Self.threads(
                .orderedSubject,
                [
                    Mail(subject: "b", date: 5), Mail(subject: "Re: a", date: 4), Mail(subject: "A", date: 1), Mail(subject: "c", date: 0),
                    Mail(subject: "re: [x] a (fwd)", date: 3), Mail(subject: "Re: b", date: 2),
                ]) == "(4)(3 (5)(2))(6 1)")
        #expect(Self.threads(.orderedSubject, []) == "")
    }

    @Test("REFERENCES: parents and children by identifiers, siblings by date")
    func references() {
        #expect(
            Self.threads(
                .references,
                [
                    Mail(id: "a", subject: "x", date: 1), Mail(id: "b", references: ["a"], subject: "y", date: 5),
                    Mail(id: "c", references: ["a"], subject: "z", date: 3),
                    Mail(id: "d", references: ["a", "c"], subject: "w", date: 4), Mail(id: "e", subject: "other", date: 0),
                ]) == "(5)(1 (3 4)(2))")
    }

    @Test("children may come before their parents")
    func backwards() {
        #expect(
            Self.threads(
                .references,
                [
                    Mail(id: "c", references: ["a", "b"], subject: "1", date: 3), Mail(id: "b", references: ["a"], subject: "2", date: 2),
                    Mail(id: "a", subject: "3", date: 1),
                ]) == "(3 2 1)")
    }

    @Test("a message that is not there: one child takes its place, several stay together")
    func dummies() {
        #expect(Self.threads(.references, [Mail(id: "b", references: ["gone"], subject: "s", date: 1)]) == "(1)")
        #expect(
            Self.threads(
                .references,
                [Mail(id: "b", references: ["gone"], subject: "s", date: 2), Mail(id: "c", references: ["gone"], subject: "t", date: 1)])
                == "((2)(1))")
        // Below the root its children go up, however many.
        #expect(
            Self.threads(
                .references,
                [
                    Mail(id: "a", subject: "1", date: 0), Mail(id: "c", references: ["a", "gone"], subject: "2", date: 2),
                    Mail(id: "d", references: ["a", "gone"], subject: "3", date: 1),
                ]) == "(1 (3)(2))")
        // A chain of nothing.
        #expect(Self.threads(.references, [Mail(id: "z", references: ["p", "q", "r", "s"], subject: "t", date: 0)]) == "(1)")
    }

    @Test("references that go round make no loop")
    func loops() {
        #expect(
            Self.threads(
                .references,
                [Mail(id: "a", references: ["b"], subject: "1", date: 1), Mail(id: "b", references: ["a"], subject: "2", date: 2)])
                == "(2 1)")
        #expect(Self.threads(.references, [Mail(id: "a", references: ["a"], subject: "1", date: 1)]) == "(1)")
        #expect(
            Self.threads(
                .references,
                [
                    Mail(id: "a", references: ["c", "b", "a"], subject: "1", date: 1),
                    Mail(id: "b", references: ["a", "c", "b"], subject: "2", date: 2),
                    Mail(id: "c", references: ["b", "a", "c"], subject: "3", date: 3),
                ]
            ).filter { $0 != "(" && $0 != ")" && $0 != " " }.sorted() == ["1", "2", "3"])
    }

    @Test("the last reference wins over what was thought before; without references there is no parent")
    func relinking() {
        // The first message says that b is a child of a; b says that it is a child of x.
        #expect(
            Self.threads(
                .references,
                [
                    Mail(id: "c", references: ["a", "b"], subject: "1", date: 1), Mail(id: "a", subject: "2", date: 0),
                    Mail(id: "x", subject: "3", date: 5),
                    Mail(id: "b", references: ["x"], subject: "4", date: 6),
                ]) == "(2)(3 4 1)")
        #expect(
            Self.threads(
                .references,
                [
                    Mail(id: "c", references: ["a", "b"], subject: "1", date: 1), Mail(id: "a", subject: "2", date: 0),
                    Mail(id: "b", subject: "3", date: 3),
                ])
                == "(2)(3 1)")
    }

    @Test("of two messages with one identifier the second stands alone; so does one without")
    func duplicates() {
        #expect(
            Self.threads(
                .references,
                [
                    Mail(id: "a", subject: "1", date: 0), Mail(id: "a", subject: "2", date: 1), Mail(id: nil, subject: "3", date: 2),
                    Mail(id: "b", references: ["a"], subject: "4", date: 3),
                ]) == "(1 4)(2)(3)")
    }

    @Test("subjects: a reply without references goes below what it answers")
    func subjects() {
        #expect(
            Self.threads(.references, [Mail(id: "a", subject: "Hello", date: 1), Mail(id: "b", subject: "Re: hello", date: 2)]) == "(1 2)")
        // The reply came first.
        #expect(
            Self.threads(.references, [Mail(id: "b", subject: "Re: Hello", date: 1), Mail(id: "a", subject: "Hello", date: 2)]) == "(2 1)")
        // Two that are no replies, and two that are, become siblings.
        #expect(
            Self.threads(.references, [Mail(id: "a", subject: "Hello", date: 1), Mail(id: "b", subject: "Hello", date: 2)]) == "((1)(2))")
        #expect(
            Self.threads(.references, [Mail(id: "a", subject: "Re: Hello", date: 1), Mail(id: "b", subject: "Fwd: Hello", date: 2)])
                == "((1)(2))")
        // A third joins them.
        #expect(
            Self.threads(
                .references,
                [
                    Mail(id: "a", subject: "Hello", date: 1), Mail(id: "b", subject: "Hello", date: 2),
                    Mail(id: "c", subject: "Re: Hello", date: 0),
                ])
                == "((1 3)(2))")
        // Nothing is joined by an empty subject.
        #expect(Self.threads(.references, [Mail(id: "a", subject: "", date: 1), Mail(id: "b", subject: "Re:", date: 2)]) == "(1)(2)")
        // A dummy takes in whoever has its subject, and two dummies become one.
        #expect(
            Self.threads(
                .references,
                [
                    Mail(id: "a", references: ["g"], subject: "Re: s", date: 1),
                    Mail(id: "b", references: ["g"], subject: "Re: s", date: 2),
                    Mail(id: "c", references: ["h"], subject: "Re: s", date: 3),
                    Mail(id: "d", references: ["h"], subject: "Re: s", date: 4),
                    Mail(id: "e", subject: "s", date: 5),
                ]) == "((1)(2)(3)(4)(5))")
    }

    @Test("equal dates: mailbox order")
    func ties() {
        #expect(
            Self.threads(
                .references,
                [
                    Mail(id: "a", subject: "1", date: 1), Mail(id: "b", references: ["a"], subject: "2", date: 1),
                    Mail(id: "c", references: ["a"], subject: "3", date: 1), Mail(id: "d", subject: "4", date: 1),
                ])
                == "(1 (2)(3))(4)")
    }

    @Test("hostile references: long chains, in any order, lose no message and end soon")
    func hostile() {
        let count = 20_000
        func check(_ mails: [Mail]) {
            let text = Self.threads(.references, mails)
            #expect(text.filter { $0 == "(" }.count == text.filter { $0 == ")" }.count)
            #expect(text.split { "() ".contains($0) }.count == mails.count)
        }
        check((0..<count).map { Mail(id: "\($0)", references: $0 > 0 ? ["\($0 - 1)"] : [], subject: "\($0)", date: 0) })
        check((0..<count).reversed().map { Mail(id: "\($0)", references: $0 > 0 ? ["\($0 - 1)"] : [], subject: "\($0)", date: 0) })
        // Each hangs what it has below it on the deep end of a chain.
        let deep = (0..<count / 2).map { Mail(id: "\($0)", references: $0 > 0 ? ["\($0 - 1)"] : [], subject: "\($0)", date: 0) }
        let hung = (0..<count / 4).flatMap { number in
            [
                Mail(id: "c\(number)", references: ["p\(number)"], subject: "c\(number)", date: 0),
                Mail(id: "p\(number)", references: ["\(count / 2 - 1)"], subject: "p\(number)", date: 0),
            ]
        }
        check(deep + hung)
        // Chains of messages that are not there.
        check((0..<200).map { mail in Mail(id: "m\(mail)", references: (0..<200).map { "d\(mail)-\($0)" }, subject: "s", date: 0) })
        check((0..<count).map { Mail(id: "x\($0)", references: ["gone\($0)", "gone\($0 + 1)"], subject: "\($0)", date: 0) })
    }
}

@Suite("Results")
struct SearchResultTests {
    static let result = SearchResult(UIDSet(ascending: [2, 3, 5, 8, 13]))

    @Test("least, greatest, number, and what is saved for $ [RFC9051-6.4.4.1]")
    func saved() {
        #expect(Self.result.min == UID(rawValue: 2))
        #expect(Self.result.max == UID(rawValue: 13))
        #expect(Self.result.count == 5)
        #expect(Self.result.saved(min: true, max: false, allOrCount: false) == UIDSet(2...2))
        #expect(Self.result.saved(min: true, max: true, allOrCount: false) == UIDSet(ascending: [2, 13]))
        #expect(Self.result.saved(min: true, max: true, allOrCount: true) == Self.result.uids)
        #expect(Self.result.saved(min: false, max: false, allOrCount: false) == Self.result.uids)
        #expect(SearchResult().saved(min: true, max: true, allOrCount: false).isEmpty)
    }

    @Test(
        "parts of a result, from either end [RFC9394-3.1]",
        arguments: [
            (ResultWindow(1, 2), [2, 3] as [UInt32]), (ResultWindow(2, 1), [2, 3]), (ResultWindow(4, 100), [8, 13]),
            (ResultWindow(6, 9), []),
            (ResultWindow(1, 2, isFromEnd: true), [8, 13]), (ResultWindow(5, 9, isFromEnd: true), [2]), (ResultWindow(.max, .max), []),
            (ResultWindow(1, .max), [2, 3, 5, 8, 13]),
        ])
    func partial(_ window: ResultWindow, _ expected: [UInt32]) { #expect(Self.result.partial(window).map(\.rawValue) == expected) }
}
