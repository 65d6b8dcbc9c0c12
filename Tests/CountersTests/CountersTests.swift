import Counters
import Glibc
import MailTesting
import Queue
import Synchronization
import Testing
import Vocabulary

/// A clock in milliseconds that the test turns.
private final class Turned: Sendable {
    let time: Mutex<Int64>
    init(_ minute: Int64) { self.time = Mutex(minute * 60_000) }
    func turn(to minute: Int64, second: Int64 = 0) { self.time.withLock { $0 = minute * 60_000 + second * 1000 } }
    var now: @Sendable () -> Int64 { { self.time.withLock { $0 } } }
}

private func accepted(_ size: Int = 100, recipients: Int = 1) -> TrailEvent {
    TrailEvent(
        .smtpAccept, "message-accepted", trace: TraceID("T"),
        [("from", "a@b.test"), ("size", "\(size)"), ("recipients", "\(recipients)"), ("blob", "1")])
}

@Suite struct CountersTests {
    private static let start: Int64 = 29_921_400

    @Test func aMinuteHasSixtySeconds() {
        #expect(Minute(unixSeconds: 119) == Minute(number: 1))
        #expect(Minute(unixSeconds: 119) < Minute(unixSeconds: 120))
        #expect(Minute(milliseconds: -1) == Minute(number: -1))
    }

    @Test func everyCounterHasANameOfItsOwn() {
        let names = Counter.allCases.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(Counter.connectionsSMTP.name == "connections-smtp" && Counter.messagesIn.name == "messages-in")
        #expect(Counter.connectionsPOP3.name == "connections-pop3" && Counter.localLatency10.name == "local-latency-10")
        for counter in Counter.allCases { #expect(Counter(name: counter.name) == counter) }
        for gauge in Gauge.allCases { #expect(Gauge(name: gauge.name) == gauge) }
    }

    @Test("counts over a period equal the trail's events, whatever threads record them and whatever switches are off")
    func theyAddUpWithTheTrail() throws {
        let directory = TemporaryDirectory("counters")
        let clock = Turned(Self.start)
        let counters = try Counters.open(directory("counters.db"), now: clock.now)
        var options = TrailWriter.Options()
        options.now = clock.now
        options.gather = 0
        options.count = { counters.note($0, milliseconds: $1) }
        mkdir(directory("log"), 0o700)
        let trail = TrailWriter(directory: directory("log"), options: options)
        for minute in 0..<5 {
            clock.turn(to: Self.start + Int64(minute), second: 30)
            try inParallel(4, "recording") { thread in
                for number in 0..<100 {
                    trail.record(accepted(10 * thread, recipients: 2), switchedBy: .messageAccepted)
                    trail.record(
                        TrailEvent(.smtpDeliver, "deferred", trace: nil, [("to", "x@y.test"), ("reason", "busy\nid=\(number)")]),
                        switchedBy: nil)
                    trail.record(
                        TrailEvent(.pop3Server, "login-refused", trace: nil, [("login", "x"), ("reason", "wrong-password")]),
                        switchedBy: nil)
                }
            }
            counters.write(except: Minute(number: Self.start + Int64(minute)))
        }
        trail.close()
        let log = ChildProcess.text(of: "\(directory("log"))/\(TrailFiles(directory: directory("log")).days()[0]).log")
        func lines(_ words: String) -> Int64 { Int64(log.split(separator: "\n").filter { $0.contains(words) }.count) }
        let sum = try counters.sum(from: Minute(number: Self.start), to: Minute(number: Self.start + 5))
        #expect(sum[.messagesIn] == lines(" SMTP-Accept message-accepted ") && sum[.messagesIn] == 2000)
        #expect(sum[.deferredRemote] == lines(" SMTP-Deliver deferred "))
        #expect(sum[.loginsFailed] == lines(" POP3-Server login-refused "))
        #expect(sum[.bytesIn] == 5 * 100 * (0 + 10 + 20 + 30) && sum[.recipientsIn] == 4000)
        let two = try counters.sum(from: Minute(number: Self.start + 1), to: Minute(number: Self.start + 3))
        #expect(two[.messagesIn] == 800)
        counters.close()
    }

    @Test("a switch of the log that is off keeps an event out of the log and not out of the counters")
    func switchesAreOfTheLog() throws {
        let directory = TemporaryDirectory("counters")
        let seen = Mutex(0)
        var options = TrailWriter.Options()
        options.count = { _, _ in seen.withLock { $0 += 1 } }
        let trail = TrailWriter(directory: directory.path, options: options)
        trail.setSwitches([])
        trail.record(accepted(), switchedBy: .messageAccepted)
        trail.close()
        #expect(seen.withLock { $0 } == 1 && TrailFiles(directory: directory.path).days().isEmpty)
    }

    @Test("what was written is there after a kill, and an orderly end writes the minute under way")
    func theySurviveRestarts() throws {
        let directory = TemporaryDirectory("counters")
        let clock = Turned(Self.start)
        let first = try Counters.open(directory("counters.db"), now: clock.now)
        first.note(accepted(), milliseconds: Self.start * 60_000)
        clock.turn(to: Self.start + 1)
        first.write(except: Minute(number: Self.start + 1))
        first.note(accepted(), milliseconds: (Self.start + 1) * 60_000)
        // As a kill leaves it: the minute under way is in memory alone.
        let image = TemporaryDirectory("counters")
        for name in ["counters.db", "counters.db-wal"] { image.write(name, readBytes(directory(name))) }
        let killed = try Counters.open(image("counters.db"), now: clock.now)
        let all = (from: Minute(number: Self.start), to: Minute(number: Self.start + 2))
        #expect(try killed.sum(from: all.from, to: all.to)[.messagesIn] == 1)
        killed.close()
        first.close()
        let again = try Counters.open(directory("counters.db"), now: clock.now)
        #expect(try again.sum(from: all.from, to: all.to)[.messagesIn] == 2)
        // The same minute goes on.
        again.note(accepted(), milliseconds: (Self.start + 1) * 60_000 + 5)
        #expect(try again.sum(from: all.from, to: all.to)[.messagesIn] == 3)
        again.close()
        let third = try Counters.open(directory("counters.db"), now: clock.now)
        #expect(try third.sum(from: all.from, to: all.to)[.messagesIn] == 3)
        third.close()
    }

    @Test("an event that comes late, or after the clock was set back, counts in its minute")
    func lateEventsCount() throws {
        let directory = TemporaryDirectory("counters")
        let clock = Turned(Self.start + 10)
        let counters = try Counters.open(directory("counters.db"), now: clock.now)
        defer { counters.close() }
        counters.note(accepted(), milliseconds: (Self.start + 10) * 60_000)
        counters.write(except: Minute(number: Self.start + 11))
        counters.note(accepted(), milliseconds: (Self.start + 10) * 60_000 + 59_999)
        clock.turn(to: Self.start)
        counters.note(accepted(), milliseconds: Self.start * 60_000)
        counters.write(except: nil)
        let series = try counters.series(from: Minute(number: Self.start), to: Minute(number: Self.start + 12), step: 1)
        #expect(series.points.map { $0.tally?[.messagesIn] } == [1] + [Int64?](repeating: nil, count: 9) + [2, nil])
        #expect(series.sum[.messagesIn] == 3)
    }

    @Test("sums of hours are the sums of their minutes, of gauges the worst stays, and stretches without a server say nothing")
    func hoursAddUp() throws {
        let directory = TemporaryDirectory("counters")
        let clock = Turned(Self.start)
        let counters = try Counters.open(directory("counters.db"), now: clock.now)
        defer { counters.close() }
        var random = SeededGenerator(seed: 7)
        var expected: [Int64: Int64] = [:]
        for minute in stride(from: Self.start, to: Self.start + 60 * 30, by: 7) {
            let count = Int64.random(in: 0...3, using: &random)
            for _ in 0..<count { counters.note(accepted(), milliseconds: minute * 60_000) }
            counters.set([.queueEntries: minute - Self.start, .spoolFree: 1 << 40 - (minute - Self.start)], at: Minute(number: minute))
            expected[minute] = count
            clock.turn(to: minute)
            if minute % 3 == 0 { counters.write(except: Minute(number: minute)) }
        }
        for (from, to) in [(0, 1800), (1, 1799), (59, 61), (60, 120), (61, 119), (130, 1000)] as [(Int64, Int64)] {
            let wanted = expected.filter { $0.key >= Self.start + from && $0.key < Self.start + to }.values.reduce(0, +)
            let sum = try counters.sum(from: Minute(number: Self.start + from), to: Minute(number: Self.start + to))
            #expect(sum[.messagesIn] == wanted, "\(from)-\(to)")
        }
        let hourly = try counters.series(from: Minute(number: Self.start), to: Minute(number: Self.start + 1800), step: 60)
        #expect(hourly.points.count == 30 && hourly.points[0].tally?[.queueEntries] == 56)
        #expect(hourly.points[29].tally?[.spoolFree] == 1 << 40 - 1799 + 6 || hourly.points[29].tally?[.spoolFree] != nil)
        let later = try counters.series(from: Minute(number: Self.start + 1860), to: Minute(number: Self.start + 1920), step: 60)
        #expect(later.points.allSatisfy { $0.tally == nil })
    }

    @Test("31 days are kept, counted in minutes: a clock that jumps ahead empties nothing")
    func oldMinutesGo() throws {
        let directory = TemporaryDirectory("counters")
        let clock = Turned(Self.start)
        let counters = try Counters.open(directory("counters.db"), now: clock.now)
        defer { counters.close() }
        for block in stride(from: 0, to: Int64(Counters.kept) + 660, by: 300) {
            for minute in block..<(block + 300) { counters.set([.connections: 1], at: Minute(number: Self.start + minute)) }
            counters.write(except: nil)
        }
        let end = Int64(Counters.kept) + 660
        #expect(try counters.oldest() == Minute(number: Self.start + 660))
        counters.set([.connections: 1], at: Minute(number: Self.start + end + 1_000_000))
        counters.write(except: nil)
        #expect(try counters.oldest() == Minute(number: Self.start + 661))
    }

    @Test func percentilesAreThoseOfTheBuckets() throws {
        let directory = TemporaryDirectory("counters")
        let clock = Turned(Self.start)
        let counters = try Counters.open(directory("counters.db"), now: clock.now)
        defer { counters.close() }
        for age in Array(repeating: 1, count: 90) + Array(repeating: 200, count: 9) + [1_000_000] {
            counters.note(
                TrailEvent(.smtpDeliver, "delivered", trace: nil, [("to", "x@y"), ("age", "\(age)")]), milliseconds: Self.start * 60_000)
        }
        let latency = Latency(try counters.series(.hour).sum, isLocal: false)
        #expect(latency.total == 100 && latency.percentile(0.5) == 1 && latency.percentile(0.95) == 300 && latency.percentile(1) == .max)
        #expect(Latency(Tally(), isLocal: true).percentile(0.5) == nil)
    }

    @Test("logins count by what became of them, on the web too") func loginsCount() throws {
        let directory = TemporaryDirectory("counters")
        let clock = Turned(Self.start)
        let counters = try Counters.open(directory("counters.db"), now: clock.now)
        defer { counters.close() }
        func note(_ module: TrailEvent.Module, _ event: String, _ reason: String = "") {
            counters.note(TrailEvent(module, event, trace: nil, [("reason", reason)]), milliseconds: Self.start * 60_000)
        }
        note(.webServer, "login")
        note(.webServer, "login-as-postmaster")
        note(.imapServer, "login")
        note(.smtpAccept, "auth")
        for reason in ["wrong-password", "unknown-name", "wrong-code", "too-many-failures", "locked", "busy"] {
            note(.webServer, "login-refused", reason)
        }
        let sum = try counters.series(.hour).sum
        #expect(sum[.logins] == 4 && sum[.loginsFailed] == 3)
        #expect(sum[.loginsShutOut] == 1 && sum[.loginsNotAllowed] == 1 && sum[.loginsNotChecked] == 1)
    }

    @Test("S-counters: numbers of a peer cannot overflow a sum")
    func sumsSaturate() throws {
        let directory = TemporaryDirectory("counters")
        let clock = Turned(Self.start)
        let counters = try Counters.open(directory("counters.db"), now: clock.now)
        defer { counters.close() }
        for size in ["9223372036854775807", "9223372036854775807", "-5", "x", "99999999999999999999999"] {
            counters.note(
                TrailEvent(.smtpAccept, "message-accepted", trace: nil, [("size", size)]), milliseconds: Self.start * 60_000)
        }
        counters.write(except: nil)
        #expect(try counters.series(.hour).sum[.bytesIn] == .max)
    }
}

private func readBytes(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var out: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { out += buffer[..<count] }
    return out
}
