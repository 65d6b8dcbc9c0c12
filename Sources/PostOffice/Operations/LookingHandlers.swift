import Bytes
import CPlatform
import Counters
import Directory
import Forms
import Glibc
import Queue
import Vocabulary

/// Verbs that look at the server from afar: what a command reads by itself where it stands on the same host.
enum LookingHandlers {
    static let all: [AdminHandler] = [
        AdminHandler("status", Self.status), AdminHandler("trace", Self.trace), AdminHandler("log", Self.log),
        AdminHandler("counters", Self.counters),
    ]

    private static func status(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        let report = StatusReport.gather(context.start, listening: context.listening?())
        output.line(
            request.wantsJSON ? report.json(request.language).description : report.lines(request.language).joined(separator: "\n"))
        return !report.isRunning || !report.troubles.isEmpty ? .failed : .done
    }

    /// Days that are looked through where nothing is said, and the time for it in nanoseconds.
    private static let days = 3650
    private static let patience: Int64 = 60_000_000_000

    private static func trace(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        let term = try request.only("name an id or an address", "ID かアドレスを指定してください")
        let days = request.option("days").flatMap { Int($0) } ?? Self.days
        let (found, isComplete) = TrailReader(directory: context.start.logDirectory).search(
            term, days: days, limit: 1000, until: po_monotonic() + Self.patience)
        if request.wantsJSON {
            let traces = found.map { JSONValue.object([("id", .text($0.id)), ("lines", .list($0.lines.map { .text($0) }))]) }
            output.line(JSONValue.list(traces).description)
        } else {
            for (index, trace) in found.reversed().enumerated() {
                if index > 0 { output.line("") }
                for line in trace.lines { output.line(line) }
            }
        }
        if !isComplete {
            output.problem(
                Localized(en: "there is more than was looked through; say --days", ja: "すべては調べられませんでした。--days で範囲を指定してください"))
        }
        return found.isEmpty ? .failed : .done
    }

    /// The newest lines; with `after` those that came since then, with the place to go on from in a last line `@PLACE`.
    private static func log(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        let reader = LogReader(directory: context.start.logDirectory)
        let query = LogQuery(module: request.option("module"), text: request.option("text"))
        let limit = min(request.option("lines").flatMap { Int($0) } ?? 1000, 5000)
        let page: LogPage
        if let text = request.option("after") {
            guard let place = LogPlace(text: text) else {
                throw AdminFailure(Localized(en: "this is no place in the log", ja: "ログの位置が正しくありません"), .misuse)
            }
            page = reader.following(query, after: place, limit: limit)
        } else {
            let day = request.option("day").flatMap { LogPlace(text: "\($0).9223372036854775807") }
            page = reader.newest(query, before: day, limit: limit)
        }
        if request.wantsJSON {
            output.line(
                JSONValue.object([
                    ("lines", .list(page.lines.map { .text($0) })), ("before", .optional(page.before?.text)),
                    ("after", .optional(page.after?.text)),
                ]).description)
            return .done
        }
        for line in page.lines { output.line(line) }
        return .done
    }

    private static func counters(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        guard let counters = context.counters else {
            throw AdminFailure(Localized(en: "the server is not running, or counts nothing", ja: "サーバが動いていないか、統計を記録していません"))
        }
        let span = request.option("span").flatMap(Span.init(rawValue:)) ?? .hour
        let series: Series
        do { series = try counters.series(span) } catch {
            throw AdminFailure(Localized(en: "the counters cannot be read: \(error)", ja: "統計を読めません: \(error)"))
        }
        if request.wantsJSON {
            output.line(CounterWords.json(series).description)
            return .done
        }
        let sum = series.sum
        for counter in Counter.allCases where sum[counter] != 0 && !counter.name.contains("latency") {
            output.line("\(counter.name)  \(sum[counter])")
        }
        let now = series.points.last { $0.tally != nil }?.tally ?? Tally()
        for gauge in Gauge.allCases { if let value = now[gauge] { output.line("\(gauge.name)  \(value)") } }
        for (name, isLocal) in [("delivery-here", true), ("delivery-elsewhere", false)] {
            let latency = Latency(sum, isLocal: isLocal)
            guard let half = latency.percentile(0.5), let most = latency.percentile(0.95) else { continue }
            output.line("\(name)  50 %: \(CounterWords.bound(half))  95 %: \(CounterWords.bound(most))")
        }
        return .done
    }
}

/// Counters for programs.
enum CounterWords {
    static func json(_ series: Series) -> JSONValue {
        .object([
            ("step", .number(series.step * 60)),
            (
                "points",
                .list(
                    series.points.map { point in
                        .object(
                            [("time", .text(CivilTime(unixSeconds: point.start.unixSeconds).rfc3339))]
                                + (point.tally.map(self.fields) ?? [("known", .bool(false))]))
                    })
            ), ("sum", .object(self.fields(series.sum))),
        ])
    }

    private static func fields(_ tally: Tally) -> [(key: String, value: JSONValue)] {
        Counter.allCases.filter { tally[$0] != 0 }.map { ($0.name, .int(tally[$0])) }
            + Gauge.allCases.compactMap { gauge in tally[gauge].map { (gauge.name, .int($0)) } }
    }

    /// `≤ 5 s`.
    static func bound(_ seconds: Int64) -> String { seconds == .max ? "> 86400 s" : "<= \(seconds) s" }
}
