import ArgumentParser
import Forms
import Glibc
import Queue
import Synchronization
import Vocabulary

struct TraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: .said(
            "What happened to a message or session: every event with its id, from accept to mailbox.", "メッセージやセッションの経過を、受信からメールボックスまで表示します。"
        ),
        discussion: """
            Examples:
              postoffice trace taro@example.com
              postoffice trace MI9TLB6W2A --json
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var listing: ListingOptions

    @Argument(help: .said("An id, as in the Received field, or an address.", "ID（Received フィールドにあるもの）またはアドレス。"))
    var term: String

    @Option(
        name: .long, parsing: .unconditional, help: .said("Look at the newest days only.", "最近の日数だけを調べます。", valueName: "n"),
        transform: WholeNumber.within(1...100_000))
    var days: Int?

    func validate() throws {
        if self.term.isEmpty { throw ValidationError(en: "name an id or an address", ja: "ID かアドレスを指定してください") }
    }

    func run() throws {
        if self.common.server != nil {
            var options: [String: [String]] = [:]
            options["days"] = self.days.map { ["\($0)"] }
            throw ExitCode(try self.common.perform("trace", operands: [self.term], options: options, json: self.listing.json).rawValue)
        }
        let start = try self.common.start()
        try LogAccess.check(start, self.common)
        let found = TrailReader(directory: start.logDirectory).find(self.term, days: self.days)
        if self.listing.json {
            let traces = found.map { JSONValue.object([("id", .text($0.id)), ("lines", .list($0.lines.map { .text($0) }))]) }
            AdminPrinter().show(.output(JSONValue.list(traces).description + "\n"))
        } else {
            AdminPrinter().show(.output(found.map { $0.lines.joined(separator: "\n") + "\n" }.joined(separator: "\n")))
        }
        if found.isEmpty {
            let term = Shown.text(self.term)
            let text = Localized(en: "nothing is known of \(term)", ja: "\(term) の記録はありません")
            throw self.common.exit(.failed, text)
        }
    }
}

struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: .said("Show the log of today or of another day, and follow it.", "今日または指定日のログを表示し、追跡します。"),
        discussion: """
            Examples:
              postoffice log --lines 50
              postoffice log --follow
              postoffice log --day 2026-11-21 | grep ' SMTP-Accept message-refused '
            """)

    @OptionGroup var common: CommonOptions

    @Flag(name: .long, help: .said("Go on as events come, over midnight too, until Ctrl-C.", "Ctrl-C まで新しい記録を表示し続けます（日をまたいでも可）。"))
    var follow = false

    @Option(name: .long, help: .said("A day in UTC; default is the newest.", "日付（UTC）。省略時は最新の日。", valueName: "yyyy-mm-dd"))
    var day: String?

    @Option(
        name: [.long, .customShort("n")], parsing: .unconditional, help: .said("The newest lines only.", "最新の行数だけを表示します。", valueName: "n"),
        transform: WholeNumber.within(0...1_000_000_000))
    var lines: Int?

    func validate() throws {
        if self.follow && self.day != nil {
            throw ValidationError(en: "--follow shows the newest day; leave --day out", ja: "--follow は最新の日を表示します。--day は指定しないでください")
        }
    }

    func run() throws {
        if let remote = try self.common.remote() { return try self.show(remote) }
        let start = try self.common.start()
        try LogAccess.check(start, self.common)
        let files = TrailFiles(directory: start.logDirectory)
        guard let day = self.day ?? files.days().last else {
            if self.follow { return self.followForever(files, from: nil) }
            throw self.common.exit(.failed, Self.noLog)
        }
        guard files.days().contains(day) else {
            let list = files.days().suffix(5).joined(separator: ", ")
            if list.isEmpty { throw self.common.exit(.failed, Self.noLog) }
            throw self.common.exit(
                .failed,
                Localized(
                    en: "there is no log of \(Shown.text(day)); there are \(list)",
                    ja: "\(Shown.text(day)) のログはありません。\(list) があります"))
        }
        let end = LogAccess.show(files.path(day: day), from: 0, last: self.lines)
        if self.follow { self.followForever(files, from: (day, end)) }
    }

    /// The log of another host: its newest lines, and with `--follow` what comes, asked for every two seconds.
    private func show(_ remote: RemoteServer) throws {
        var options = ["lines": ["\(min(self.lines ?? 1000, 5000))"], "by": [CommonOptions.userName]]
        options["day"] = self.day.map { [$0] }
        while true {
            let request = AdminRequest("log", options: options, language: self.common.language, wantsJSON: true)
            let said = AnswerText()
            let status = remote.perform(request, AdminPrinter { said.add($0) })
            guard status == .done else { throw ExitCode(status.rawValue) }
            let page = try? JSONValue(reading: Array(said.text.utf8))
            for line in page?["lines"]?.items ?? [] { AdminPrinter().show(.output("\(line.text ?? "")\n")) }
            guard self.follow else { return }
            if let after = page?["after"]?.text { options = ["after": [after], "by": [CommonOptions.userName]] }
            usleep(2_000_000)
        }
    }

    private static let noLog = Localized(
        en: "there is no log yet; it begins when the server runs", ja: "ログはまだありません。サーバを起動すると記録が始まります")

    private func followForever(_ files: TrailFiles, from start: (day: String, offset: off_t)?) {
        var place = start
        while true {
            usleep(200_000)
            if let (day, offset) = place { place = (day, LogAccess.show(files.path(day: day), from: offset, last: nil)) }
            // The next day begins in a file of its own; the old one was read to its end just now.
            if let newest = files.days().last, newest > (place?.day ?? "") { place = (newest, 0) }
        }
    }
}

/// What an answer printed.
final class AnswerText: Sendable {
    private let said = Mutex("")
    func add(_ text: String) { self.said.withLock { $0 += text } }
    var text: String { self.said.withLock { $0 } }
}

/// Reading of log files by commands.
enum LogAccess {
    static func check(_ start: StartConfiguration, _ common: CommonOptions) throws {
        guard access(start.logDirectory, R_OK | X_OK) != 0 else { return }
        let failure = SystemFailure(start.logDirectory)
        throw common.exit(
            .failed,
            Localized(en: "\(failure.text.english); use root or the service user", ja: "\(failure.text.japanese)。root かサービスのユーザで実行してください"))
    }

    /// Prints from an offset, or the last `last` lines; returns where it ended.
    static func show(_ path: String, from offset: off_t, last: Int?) -> off_t {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { return offset }
        defer { close(fd) }
        var place = last.map { Self.start(ofLast: $0, fd) } ?? offset
        guard lseek(fd, place, SEEK_SET) >= 0 else { return offset }
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = read(fd, &block, block.count), count > 0 {
            guard (try? FileAccess.write(Array(block[..<count]), to: 1)) != nil else { exit(0) }  // the reader of our pipe has gone
            place += off_t(count)
        }
        return place
    }

    /// Offset at which the last `count` lines begin, searched from the end.
    private static func start(ofLast count: Int, _ fd: Int32) -> off_t {
        var place = lseek(fd, 0, SEEK_END)
        var missing = count + 1
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while place > 0 {
            let size = min(place, off_t(block.count))
            place -= size
            let got = pread(fd, &block, Int(size), place)
            guard got > 0 else { return 0 }
            for index in stride(from: got - 1, through: 0, by: -1) where block[index] == 0x0A {
                missing -= 1
                if missing == 0 { return place + off_t(index) + 1 }
            }
        }
        return 0
    }
}
