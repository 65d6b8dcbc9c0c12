import Glibc
import LoadKit

/// The tables for people: on the terminal, and as Markdown for docs/performance.md.
struct Report {
    private(set) var markdown = ""

    init(_ heading: String) { self.markdown = heading + "\n" }

    /// Adds a workload's table and returns it.
    mutating func add(_ workload: Workload, _ measurements: [Measurement]) -> String {
        let (header, rows): ([String], [[String]]) =
            switch workload.kind {
            case .smtp, .prefilled, .relay: Self.messages(measurements)
            case .fanOut: Self.fanOut(measurements)
            case .retrieve, .list: Self.sessions(measurements)
            case .idle, .imapIdle: Self.idle(measurements)
            case .imapNotify: Self.notified(measurements)
            case .imap: ([], [])
            }
        var lines = ["", "### \(workload.title)", "", Self.line(header), Self.line(header.map { _ in "---" })]
        lines += rows.map(Self.line)
        for measurement in measurements {
            if let failure = measurement.failure { lines += ["", "\(measurement.server) failed: \(failure)"] }
        }
        let text = lines.joined(separator: "\n") + "\n"
        self.markdown += text
        return text
    }

    /// Adds the table of the operations over IMAP and returns it.
    mutating func add(_ workload: Workload, _ servers: [any Server], _ rows: [IMAPWork.Row]) -> String {
        let header = ["operation"] + servers.map(\.name) + ["ours is so many times as fast"]
        var lines = ["", "### \(workload.title)", "", Self.line(header), Self.line(header.map { _ in "---" })]
        for row in rows {
            func rate(_ seconds: Double, _ octets: Int) -> String {
                switch row.operation.unit {
                case .milliseconds: "\(fixed(seconds * 1000, 2)) ms"
                case .megabytes: "\(number(Double(octets) / 1e6 / max(seconds, 1e-9))) MB/s"
                case .perSecond(let count): "\(number(Double(count) / max(seconds, 1e-9)))/s"
                }
            }
            func cells(_ name: String, _ seconds: [Double]) -> String {
                let ours = zip(servers, seconds).first { $0.0 is PostOffice }?.1
                let theirs = zip(servers, seconds).filter { !($0.0 is PostOffice) }.map(\.1).min()
                let ratio = ours.flatMap { ours in theirs.map { fixed($0 / max(ours, 1e-9), 1) } } ?? ""
                return Self.line([name] + zip(seconds, row.results).map { rate($0, $1.octets) } + [ratio])
            }
            if row.operation.hasFirst { lines.append(cells("\(row.operation.name), first time", row.results.map(\.first))) }
            lines.append(cells(row.operation.name, row.results.map { median($0.seconds) }))
        }
        let text = lines.joined(separator: "\n") + "\n"
        self.markdown += text
        return text
    }

    private static func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }

    private static func messages(_ measurements: [Measurement]) -> ([String], [[String]]) {
        let header = [
            "server", "answered/s", "visible/s", "ours / this", "250 after data p50/p99 ms", "transaction p50/p90/p99/max ms",
            "CPU s per 1,000",
            "switches/message", "written KiB/message", "PSS MiB", "client cores",
        ]
        let ours = measurements.first { $0.server == "Post.Office" }.map { $0.rate($0.visible) }
        let rows = measurements.filter { $0.rounds > 0 }.map { m in
            let after = m.afterData.summary()
            let whole = m.transaction.summary()
            return [
                m.server, number(m.rate(m.answered)), number(m.rate(m.visible)), ratio(ours, m.rate(m.visible)),
                "\(fixed(after.p50)) / \(fixed(after.p99))",
                "\(fixed(whole.p50)) / \(fixed(whole.p90)) / \(fixed(whole.p99)) / \(fixed(whole.maximum))", fixed(m.cpuPerThousand, 3),
                fixed(m.switchesPerItem), fixed(m.writtenPerItem / 1024), fixed(Double(m.pss) / 1_048_576), fixed(median(m.clientShare), 2),
            ]
        }
        return (header, rows)
    }

    private static func fanOut(_ measurements: [Measurement]) -> ([String], [[String]]) {
        let header = ["server", "250 after s", "all see it after s", "disk MB, median (first)", "CPU s", "written MB"]
        let rows = measurements.filter { $0.rounds > 0 }.map { m in
            [
                m.server, fixed(median(m.answered), 3), fixed(median(m.visible), 3),
                "\(fixed(median(m.disk) / 1e6, 3)) (\(fixed((m.disk.first ?? 0) / 1e6, 3)))", fixed(m.cpu / Double(m.rounds), 3),
                fixed(m.writtenPerItem / 1e6, 2),
            ]
        }
        return (header, rows)
    }

    private static func sessions(_ measurements: [Measurement]) -> ([String], [[String]]) {
        let header = [
            "server", "sessions/s", "ours / this", "after login p50/p99 ms", "session p50/p99 ms", "CPU s per 1,000", "PSS MiB",
            "client cores",
        ]
        let ours = measurements.first { $0.server == "Post.Office" }.map { $0.rate($0.answered) }
        let rows = measurements.filter { $0.rounds > 0 }.map { m in
            let work = m.afterData.summary()
            let whole = m.transaction.summary()
            return [
                m.server, number(m.rate(m.answered)), ratio(ours, m.rate(m.answered)), "\(fixed(work.p50)) / \(fixed(work.p99))",
                "\(fixed(whole.p50)) / \(fixed(whole.p99))", fixed(m.cpuPerThousand, 2), fixed(Double(m.pss) / 1_048_576),
                fixed(median(m.clientShare), 2),
            ]
        }
        return (header, rows)
    }

    private static func notified(_ measurements: [Measurement]) -> ([String], [[String]]) {
        let rows = measurements.filter { $0.rounds > 0 }.map { m in
            let told = m.afterData.summary()
            return [
                m.server, "\(m.perRound * m.rounds)", fixed(told.p50, 2), fixed(told.p90, 2), fixed(told.p99, 2), fixed(told.maximum, 2),
            ]
        }
        return (["server", "probes", "p50 ms", "p90 ms", "p99 ms", "max ms"], rows)
    }

    private static func idle(_ measurements: [Measurement]) -> ([String], [[String]]) {
        let header = ["server", "connections", "bytes/connection (PSS)", "opened/s", "CPU s per 1,000"]
        let rows = measurements.filter { $0.rounds > 0 }.map { m in
            [
                m.server, "\(m.perRound)", number(Double(m.pss) / Double(m.perRound)), number(m.rate(m.answered)),
                fixed(m.cpuPerThousand, 2),
            ]
        }
        return (header, rows)
    }
}

private func ratio(_ ours: Double?, _ theirs: Double) -> String {
    guard let ours, theirs > 0 else { return "" }
    return fixed(ours / theirs, 1)
}

/// A whole number with commas.
private func number(_ value: Double) -> String {
    var digits = Array(String(Int(value.rounded())))
    var position = digits.count - 3
    while position > 0 && digits[position - 1] != "-" {
        digits.insert(",", at: position)
        position -= 3
    }
    return String(digits)
}

func fixed(_ value: Double, _ places: Int = 1) -> String {
    let scale = (0..<places).reduce(1.0) { product, _ in product * 10 }
    let scaled = Int((value.magnitude * scale).rounded())
    let fraction = String(scaled % Int(scale))
    let padded = String(repeating: "0", count: max(0, places - fraction.count)) + fraction
    return (value < 0 && scaled != 0 ? "-" : "") + "\(scaled / Int(scale))" + (places > 0 ? ".\(padded)" : "")
}
