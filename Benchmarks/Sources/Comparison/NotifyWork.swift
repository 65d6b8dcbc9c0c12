import Glibc
import LoadKit

/// How soon a client in IDLE hears of a message after its sender was answered, while others deliver, too.
struct NotifyWork {
    var probes: Int
    /// Messages a second to other accounts meanwhile.
    var others: Int

    func run(_ server: any Server, _ measurement: inout Measurement) throws {
        guard let imap = server.imap else { throw BenchError("\(server.name) has no IMAP") }
        let reader = try IMAPClient(imap)
        try reader.login(Accounts.address(0), Accounts.password)
        try reader.run("SELECT INBOX")
        try reader.idle()
        let probe = try SMTPProbe(server.smtp)
        var heard = [Int64](repeating: 0, count: self.probes)
        var answered = heard
        var isOver = false
        let before = Resources.of(server.processes)
        // One thread listens, one sends the probes, one makes the noise.
        try inThreads(3) { role in
            switch role {
            case 0: for index in 0..<self.probes { heard[index] = try Self.nextExists(reader) }
            case 1:
                defer { isOver = true }
                for index in 0..<self.probes {
                    answered[index] = try probe.deliver(to: Accounts.address(0), "Subject: probe \(index)\r\n\r\nprobe")
                    let patience = monotonicNow() + 5_000_000_000
                    while heard[index] == 0, monotonicNow() < patience { usleep(500) }
                    guard heard[index] != 0 else {
                        reader.shut()
                        throw BenchError("probe \(index) was not heard of")
                    }
                    usleep(2000)
                }
            default: while !isOver { try self.noise(server) }
            }
        }
        measurement.add(before, Resources.of(server.processes))
        for (said, told) in zip(answered, heard) { measurement.afterData.record(nanoseconds: told - said) }
        measurement.answered.append(1)
        measurement.visible.append(1)
    }

    private static func nextExists(_ reader: IMAPClient) throws -> Int64 {
        while true { if try reader.next().hasSuffix("EXISTS") { return monotonicNow() } }
    }

    /// A tenth of a second's worth, and the rest of that time.
    private func noise(_ server: any Server) throws {
        let started = monotonicNow()
        let load = SMTPLoad(
            server: server.smtp, sessions: 10, messagesPerSession: max(1, self.others / 100), size: 1 << 10,
            recipients: (1..<11).map(Accounts.address))
        let result = try load.run()
        guard result.failed == 0 else { throw BenchError(result.firstFailure ?? "delivery failed") }
        let left = 100_000 - (monotonicNow() - started) / 1000
        if left > 0 { usleep(UInt32(left)) }
    }
}
