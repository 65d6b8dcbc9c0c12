import MailTesting
import Policy
import Testing

@Suite("What an account usually sends")
struct SendingHistoryTests {
    private static let hour: Int64 = 3600
    private static let day: Int64 = 86_400
    private static let start: Int64 = 20_000 * day

    @Test("L5 the peak is that of the fullest hour of thirty days, without the present one")
    func peak() {
        var history = SendingHistory()
        #expect(history.add(40, at: Self.start) == 40 && history.peak(at: Self.start) == 0)
        #expect(history.add(10, at: Self.start + 10 * Self.hour) == 10)
        #expect(history.peak(at: Self.start + 10 * Self.hour) == 40)
        #expect(history.peak(at: Self.start + 29 * Self.day) == 40)
        #expect(history.peak(at: Self.start + 31 * Self.day) == 0)
    }

    @Test("L5 a burst over the turn of an hour is one burst, and does not become its own measure")
    func turn() {
        var history = SendingHistory()
        let end = Self.start + Self.hour - 60
        #expect(history.add(900, at: end) == 900)
        #expect(history.add(900, at: end + 120) > 1700)
        #expect(history.peak(at: end + 120) == 0)
        #expect(history.peak(at: end + 120 + Self.hour) == 900)
    }

    @Test("L5 what the postmaster accepts is a measure from then on")
    func accept() {
        var history = SendingHistory()
        _ = history.add(500, at: Self.start)
        history.accept(at: Self.start)
        #expect(history.peak(at: Self.start) == 500)
    }

    @Test("A clock that jumps, either way, costs nothing but what was counted")
    func jumps() {
        var history = SendingHistory()
        var random = SeededGenerator(seed: 5)
        for _ in 0..<20_000 {
            let now = Int64.random(in: -10...(1 << 40), using: &random)
            let count = history.add(Int.random(in: -5...1_000_000, using: &random), at: now)
            #expect(count >= 0 && history.peak(at: now) >= 0)
        }
        #expect(history.encoded.count <= 17 + 8 * 31)
    }

    @Test("What is written is read again; anything else is none")
    func storing() throws {
        var history = SendingHistory()
        for day in 0..<60 { _ = history.add(day + 1, at: Self.start + Int64(day) * Self.day) }
        #expect(SendingHistory(encoded: history.encoded) == history)
        #expect(SendingHistory(encoded: []) == nil && SendingHistory(encoded: [2] + history.encoded.dropFirst()) == nil)
        #expect(SendingHistory(encoded: history.encoded.dropLast()) == nil)
        var random = SeededGenerator(seed: 6)
        for _ in 0..<5000 {
            let count = 17 + 8 * Int.random(in: 0...31, using: &random)
            var bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            bytes[0] = 1
            guard var read = SendingHistory(encoded: bytes) else { continue }
            #expect(read.count(at: Self.start) >= 0 && read.peak(at: Self.start) >= 0 && read.add(1, at: Self.start) >= 1)
        }
    }
}
