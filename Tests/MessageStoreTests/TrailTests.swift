import Database
import Glibc
import MailTesting
import Queue
import Synchronization
import Testing
import Vocabulary

@Suite struct TrailTests {
    private static func line(_ value: String) -> String {
        var out: [UInt8] = []
        TrailLine.append(TrailEvent(.smtpAccept, "helo", trace: TraceID("K3F9"), [("name", value)]), to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    @Test func aPlainValueStandsBare() { #expect(Self.line("mx.example.test") == "SMTP-Accept helo id=K3F9 name=mx.example.test\n") }

    @Test("W1 no value forges a line, a field or a terminal command")
    func valuesCannotForge() {
        let hostile = [
            "a\nSMTP-Accept message-accepted id=X", "a\r\nb", "x id=FORGED", "\"", "\\\" id=F", "\u{1B}[2J", "\u{9B}2J", "\u{202E}txt.exe",
            "\u{2028}", "\u{0}", "", "=", "\u{7F}", "\u{FEFF}", "\u{E000}", "a b",
        ]
        for value in hostile {
            let line = Self.line(value)
            #expect(line.filter { $0 == "\n" }.count == 1 && line.hasSuffix("\"\n"), "\(line)")
            #expect(line.hasPrefix("SMTP-Accept helo id=K3F9 name=\""))
            let inside = line.dropFirst("SMTP-Accept helo id=K3F9 name=\"".count).dropLast(2)
            #expect(!inside.replacing("\\\\", with: "").replacing("\\\"", with: "").contains("\""))
            #expect(line.unicodeScalars.dropLast().allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
        }
        #expect(Self.line("名前 です").contains("\"名前 です\""))
    }

    @Test func aLongValueIsCut() {
        let line = Self.line(String(repeating: "x", count: 100_000))
        #expect(line.utf8.count < TrailLine.maximumValue + 100)
        #expect(line.contains("…"))
    }

    /// A writer on a fresh directory with a clock that the test turns.
    private final class Desk {
        let directory: TemporaryDirectory
        let clock = Mutex<Int64>(1_795_286_299_123)  // 2026-11-21T18:38:19.123Z
        let writer: TrailWriter

        init(memory: Int = 4 << 20, days: Int = 30, inside: String = "") {
            let directory = TemporaryDirectory("trail")
            self.directory = directory
            var options = TrailWriter.Options()
            options.memory = memory
            options.days = days
            options.gather = 0
            options.pause = 1
            let box = ClockBox()
            options.now = { box.time.withLock { $0 } }
            self.box = box
            self.writer = TrailWriter(directory: directory.path + inside, options: options)
        }

        final class ClockBox: Sendable { let time = Mutex<Int64>(1_795_286_299_123) }
        let box: ClockBox

        func record(_ id: String, _ event: String = "opened", _ facts: [(key: String, value: String)] = [], gate: LogSwitch? = nil) {
            self.writer.record(TrailEvent(.smtpAccept, event, trace: TraceID(id), facts), switchedBy: gate)
        }

        func text(_ day: String) -> String { (try? String(decoding: readFile("\(self.directory.path)/\(day).log"), as: UTF8.self)) ?? "" }
    }

    @Test func anEventIsOneLineWithTimeModuleAndFacts() {
        let desk = Desk()
        desk.record("K3F9", "opened", [("peer", "192.0.2.1")])
        desk.writer.close()
        #expect(desk.text("2026-11-21") == "2026-11-21T18:38:19.123Z SMTP-Accept opened id=K3F9 peer=192.0.2.1\n")
    }

    @Test func eachDayHasItsFileAndOldOnesGo() {
        let desk = Desk(days: 2)
        for day in 0..<4 {
            desk.box.time.withLock { $0 = 1_795_286_299_123 + Int64(day) * 86_400_000 }
            desk.record("D\(day)")
            desk.writer.flush()
        }
        desk.writer.close()
        #expect(TrailFiles(directory: desk.directory.path).days() == ["2026-11-23", "2026-11-24"])
        #expect(desk.text("2026-11-24").contains("id=D3"))
    }

    @Test func linesOfOneBatchGoToTheirOwnDays() {
        let desk = Desk()
        desk.record("A")
        desk.box.time.withLock { $0 += 86_400_000 }
        desk.record("B")
        desk.writer.close()
        #expect(desk.text("2026-11-21").contains("id=A") && !desk.text("2026-11-21").contains("id=B"))
        #expect(desk.text("2026-11-22").contains("id=B"))
    }

    @Test("R11 a clock that jumps ahead drops at most one day") func clockJumpKeepsTheLog() {
        let desk = Desk(days: 3)
        for day in 0..<3 {
            desk.box.time.withLock { $0 = 1_795_286_299_123 + Int64(day) * 86_400_000 }
            desk.record("D\(day)")
            desk.writer.flush()
        }
        desk.box.time.withLock { $0 += 40 * 365 * 86_400_000 }
        desk.record("LATE")
        desk.writer.close()
        #expect(TrailFiles(directory: desk.directory.path).days().count == 3)
        #expect(desk.text("2026-11-23").contains("id=D2"))
    }

    @Test func aSwitchedOffEventIsNotWritten() {
        let desk = Desk()
        desk.writer.setSwitches([.closed])
        for gate in LogSwitch.allCases { desk.record("S", gate.rawValue, gate: gate) }
        desk.record("ALWAYS", "sync-failed")
        desk.writer.close()
        let lines = desk.text("2026-11-21").split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines[0].contains(" closed ") && lines[1].contains("ALWAYS"))
    }

    @Test("L3 what does not fit in memory is dropped and counted") func dropsAreCounted() {
        let desk = Desk(memory: 300)
        // The directory is missing, so that nothing can be written yet.
        let away = desk.directory.path + ".away"
        #expect(rename(desk.directory.path, away) == 0)
        for index in 0..<20 { desk.record("LOST\(index)") }
        desk.writer.flush()
        #expect(rename(away, desk.directory.path) == 0)
        // The writer's pause is a millisecond; each event after it is tried again.
        for index in 0..<50 where !desk.text("2026-11-21").contains("events-dropped") {
            desk.record("NEXT\(index)")
            desk.writer.flush()
        }
        desk.writer.close()
        let text = desk.text("2026-11-21")
        #expect(text.contains("MTA events-dropped count="))
        #expect(text.hasSuffix("\n"))
    }

    @Test("What cannot be written is counted, and told once with the reason until it can be again")
    func unwritable() {
        let directory = TemporaryDirectory("trail")
        let told = Mutex<[String?]>([])
        var options = TrailWriter.Options()
        options.gather = 0
        options.pause = 1
        options.whenFailing = { reason in told.withLock { $0.append(reason) } }
        let writer = TrailWriter(directory: directory("log"), options: options)
        for _ in 0..<3 {
            writer.record(TrailEvent(.mta, "lost", trace: nil, []), switchedBy: nil)
            writer.flush()
        }
        #expect(told.withLock { $0 } == ["No such file or directory"])
        #expect(writer.failure == "No such file or directory" && writer.unwritten == 3)
        #expect(mkdir(directory("log"), 0o700) == 0)
        writer.record(TrailEvent(.mta, "kept", trace: nil, []), switchedBy: nil)
        writer.close()
        #expect(told.withLock { $0 } == ["No such file or directory", nil])
        #expect(writer.failure == nil && writer.unwritten == 3)
        let text = directoryEntries(directory("log")).map { ChildProcess.text(of: "\(directory("log"))/\($0)") }.joined()
        #expect(text.contains("MTA events-dropped count=3\n") && text.contains("MTA kept"))
    }

    @Test func aRemovedFileIsMadeAnew() {
        let desk = Desk()
        desk.record("ONE")
        desk.writer.flush()
        #expect(unlink("\(desk.directory.path)/2026-11-21.log") == 0)
        desk.record("TWO")
        desk.writer.close()
        #expect(desk.text("2026-11-21").contains("id=TWO"))
    }

    @Test func aTraceIsFoundByIdAndByAddressOverDays() {
        let desk = Desk()
        desk.record("A1", "mail", [("from", "bo@x.test")])
        desk.record("A2", "mail", [("from", "bobo@x.test")])
        desk.record("A1", "recipient-accepted", [("to", "Taro@Example.test")])
        desk.record("A3", "mail", [("from", "\"odd name\"@x.test")])
        desk.box.time.withLock { $0 += 86_400_000 }
        desk.record("A1", "filed")
        desk.writer.close()
        let reader = TrailReader(directory: desk.directory.path)
        #expect(reader.find("A1", days: nil).map(\.lines.count) == [3])
        #expect(reader.find("A1", days: 1).map(\.lines.count) == [1])
        #expect(reader.find("bo@x.test", days: nil).map(\.id) == ["A1"])
        #expect(reader.find("taro@example.test", days: nil).map(\.id) == ["A1"])
        #expect(reader.find("\"odd name\"@x.test", days: nil).map(\.id) == ["A3"])
        #expect(reader.find("nobody@x.test", days: nil).isEmpty)
        #expect(reader.find("", days: nil).isEmpty)
    }

    @Test func manyThreadsLoseNothing() {
        let desk = Desk(memory: 64 << 20)
        let done = Atomic<Int>(0)
        for thread in 0..<4 {
            let writer = desk.writer
            startThread {
                for index in 0..<2000 {
                    writer.record(TrailEvent(.smtpAccept, "opened", trace: TraceID("T\(thread)N\(index)")), switchedBy: .opened)
                }
                done.add(1, ordering: .sequentiallyConsistent)
            }
        }
        while done.load(ordering: .sequentiallyConsistent) < 4 { sched_yield() }
        desk.writer.close()
        let lines = desk.text("2026-11-21").split(separator: "\n")
        #expect(lines.count == 8000)
        #expect(Set(lines).count == 8000)
    }
}

private func readFile(_ path: String) throws -> [UInt8] {
    let fd = open(path, O_RDONLY)
    guard fd >= 0 else { return [] }
    defer { close(fd) }
    var out: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while case let count = read(fd, &block, block.count), count > 0 { out.append(contentsOf: block[..<count]) }
    return out
}

private func startThread(_ body: @escaping @Sendable () -> Void) { _ = Thread("test", body) }
