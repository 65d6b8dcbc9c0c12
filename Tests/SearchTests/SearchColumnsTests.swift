import Bytes
import MIME
import NIOCore
import Search
import Testing
import Vocabulary

/// What is remembered of summaries decides and orders as the summaries do.
@Suite struct SearchColumnsTests {
    private static let words = ["Invoice", "会議", "Grüße", "re: Plan", "[list] plan", "ＡＢＣ", ""]

    private func summary(_ random: inout some RandomNumberGenerator) -> MessageSummary {
        func word() -> String { Self.words.randomElement(using: &random) ?? "" }
        var text = ""
        if Int.random(in: 0...4, using: &random) > 0 { text += "Subject: \(word()) \(word())\r\n" }
        if Int.random(in: 0...4, using: &random) > 0 { text += "From: \(word()) <u\(Int.random(in: 0...5, using: &random))@a.test>\r\n" }
        if Int.random(in: 0...2, using: &random) > 0 { text += "To: <v\(Int.random(in: 0...5, using: &random))@a.test>\r\n" }
        if Int.random(in: 0...4, using: &random) > 0 {
            text += "Date: \(Int.random(in: 1...28, using: &random)) Jan 2026 0\(Int.random(in: 0...9, using: &random)):00:00 +0900\r\n"
        }
        return MessageSummaryBuilder.summary(of: ByteBuffer(string: text + "\r\nx\r\n"))
    }

    private func facts(_ uid: UInt32) -> SearchFacts {
        SearchFacts(uid: UID(rawValue: uid), flags: [], size: 1, internalDate: Int64(uid % 7) * 86_400)
    }

    /// Texts that are taken out of summaries where these lie.
    private func compareFolded(_ plan: SearchPlan, _ messages: [(uid: UInt32, summary: MessageSummary)]) throws {
        var columns = SearchColumns(plan.columns)
        guard columns.isOfFoldedTexts else { return }
        for message in messages {
            try message.summary.encoded.withUnsafeReadableBytes { bytes in
                columns.append(UID(rawValue: message.uid), try #require(SummaryBytes(bytes)))
            }
        }
        var reader = try #require(columns.reader())
        for message in messages {
            let isThere = reader.seek(UID(rawValue: message.uid))
            #expect(isThere)
            let facts = self.facts(message.uid)
            #expect(plan.decide(facts, header: .columns(reader)) == plan.decide(facts, message.summary))
        }
    }

    @Test("keys and orders find the same in columns as in summaries, whatever the order in which these came")
    func same() throws {
        var random = SystemRandomNumberGenerator()
        let context = SearchContext(now: 0) { _ in nil }
        let keys: [SearchKey] = [
            .subject("plan"), .subject("会議"), .subject(""), .from("u1"), .not(.to("v2")), .or(.subject("invoice"), .from("abc")),
            .sentDate(DateTest(.on, CalendarDay(CivilTime(unixSeconds: 1_768_000_000)))), .cc("x"),
        ]
        for _ in 0..<40 {
            let messages = (1...60).map { (uid: UInt32($0), summary: self.summary(&random)) }
            for key in keys {
                let plan = try #require(SearchPlan(SearchProgram(key), context))
                let sorter = SearchSorter([
                    SortCriterion(.subject), SortCriterion(.displayFrom, isReverse: true), SortCriterion(.date), SortCriterion(.to),
                ])
                let wanted = plan.columns.union(sorter.columnKeys)
                // In three lots of any messages.
                var columns = SearchColumns()
                for lot in 0..<3 {
                    var fresh = SearchColumns(wanted)
                    for message in messages where lot == 2 || Bool.random(using: &random) {
                        fresh.append(UID(rawValue: message.uid), message.summary)
                    }
                    columns = columns.merged(fresh, alive: UIDSet(1...60))
                }
                try self.compareFolded(plan, messages)
                var reader = try #require(columns.reader(wanted))
                var (fromColumns, fromSummaries) = (sorter, sorter)
                for message in messages {
                    let isThere = reader.seek(UID(rawValue: message.uid))
                    #expect(isThere)
                    let verdict = plan.decide(self.facts(message.uid), message.summary)
                    #expect(plan.decide(self.facts(message.uid), header: .columns(reader)) == verdict, "\(key)")
                    fromColumns.add(self.facts(message.uid), header: .columns(reader))
                    fromSummaries.add(self.facts(message.uid), message.summary)
                }
                #expect(fromColumns.sorted() == fromSummaries.sorted())
            }
        }
    }

    @Test("messages that are gone leave, those that are missing are not there")
    func goneAndMissing() throws {
        var random = SystemRandomNumberGenerator()
        var columns = SearchColumns([.folded(.subject)])
        for uid in stride(from: UInt32(2), through: 200, by: 2) { columns.append(UID(rawValue: uid), self.summary(&random)) }
        var reader = try #require(columns.reader([.folded(.subject)]))
        let found = (1...200).filter { reader.seek(UID(rawValue: $0)) }
        #expect(found == (1...200).filter { $0 % 2 == 0 })
        #expect(columns.reader([.folded(.from)]) == nil)
        var fresh = SearchColumns([.folded(.subject)])
        fresh.append(UID(rawValue: 7), self.summary(&random))
        let before = columns.octets
        columns = columns.merged(fresh, alive: UIDSet(1...10))
        #expect(columns.octets < before)
        var rest = try #require(columns.reader([.folded(.subject)]))
        #expect((1...200).filter { rest.seek(UID(rawValue: $0)) } == [2, 4, 6, 7, 8, 10])
    }
}
