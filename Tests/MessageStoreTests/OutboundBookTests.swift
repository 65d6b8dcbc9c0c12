import Queue
import Testing

@Suite("Which next hop gets a connection when")
struct OutboundBookTests {
    private func book(_ change: (inout OutboundLimits) -> Void = { _ in }) -> OutboundBook {
        var limits = OutboundLimits()
        change(&limits)
        return OutboundBook(limits)
    }

    @Test("A next hop with much to send gets no more turns than one with a single message")
    func turns() {
        var book = self.book()
        for name in ["bulk", "a", "b"] { book.noteWork(name, now: 0) }
        let turns = (0..<6).compactMap { _ in book.nextStart(now: 0) }
        #expect(turns == ["bulk", "a", "b", "bulk", "a", "b"])
    }

    @Test("The window of a next hop grows while messages go out, up to its limit, and halves when a connection breaks")
    func window() {
        var book = self.book { $0.perDestination = 8 }
        book.noteWork("a", now: 0)
        var open = 0
        while book.nextStart(now: 0) != nil { open += 1 }
        #expect(open == 5)
        for _ in 0..<100 { book.succeeded("a") }
        #expect(book["a"]?.window == 8)
        book.ended("a", .broken, now: 0)
        #expect(book["a"]?.window == 4)
        #expect(book["a"]?.restUntil == 0)
    }

    @Test("A next hop that takes nothing rests, others do not, and it is tried again afterwards with one connection")
    func rest() {
        var started: String?
        var book = self.book()
        book.noteWork("dead", now: 0)
        started = book.nextStart(now: 0)
        #expect(started == "dead")
        book.ended("dead", .dead, now: 0)
        book.noteWork("dead", now: 10)
        book.noteWork("a", now: 10)
        started = book.nextStart(now: 10)
        #expect(started == "a")
        while book.nextStart(now: 10) != nil {}
        let wake = book.refresh(now: 10)
        #expect(wake == 60)
        #expect(book["dead"]?.connections == 0)
        _ = book.refresh(now: 61)
        started = book.nextStart(now: 61)
        #expect(started == "dead")
        while let name = book.nextStart(now: 61) { #expect(name != "dead") }
    }

    @Test("There are never more connections than allowed, and who has many makes room for those who wait")
    func limits() {
        var started: String?
        var book = self.book { $0.connections = 4 }
        book.noteWork("bulk", now: 0)
        while book.nextStart(now: 0) != nil {}
        #expect(book.connections == 4)
        book.noteWork("a", now: 0)
        started = book.nextStart(now: 0)
        #expect(started == nil)
        #expect(book.shouldYield("bulk") && !book.shouldYield("a"))
        book.ended("bulk", .done, now: 0)
        let next = (book.nextStart(now: 0), book.connections)
        #expect(next.1 == 4 && next.0 != nil)
    }

    @Test("What has nothing left is forgotten; what there is no room for is found again later")
    func memory() {
        var started: String?
        var book = self.book { $0.destinations = 2 }
        let taken = ["a", "b", "c"].map { book.noteWork($0, now: 0) }
        #expect(taken == [true, true, false])
        started = book.nextStart(now: 0)
        #expect(started == "a")
        book.drained("a")
        book.ended("a", .done, now: 0)
        while book.nextStart(now: 0) != nil {}
        _ = book.refresh(now: 0)
        #expect(book["a"] == nil && book.hasRoom)
    }

    @Test("Random events never lose count")
    func counts() {
        var state: UInt64 = 7
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1
            return Int(state >> 33) % bound
        }
        var book = self.book { $0.connections = 10 }
        var open: [String] = []
        for now in Int64(0)..<20_000 {
            let name = "d\(random(6))"
            switch random(6) {
            case 0: book.noteWork(name, now: now)
            case 1, 2: if let started = book.nextStart(now: now) { open.append(started) }
            case 3:
                if !open.isEmpty {
                    let ended = open.remove(at: random(open.count))
                    book.ended(ended, [.done, .broken, .dead][random(3)], now: now)
                }
            case 4: book.drained(name)
            default: _ = book.refresh(now: now)
            }
            #expect(book.connections == open.count && book.connections <= 10)
            #expect((0..<6).allSatisfy { number in (book["d\(number)"]?.connections ?? 0) == open.count { $0 == "d\(number)" } })
        }
    }
}
