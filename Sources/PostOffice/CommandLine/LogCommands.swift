import ArgumentParser
import Glibc
import Queue
import Vocabulary

struct TraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "What happened to a message or session: every event with its id, from accept to mailbox.",
        discussion: """
            Examples:
              postoffice trace taro@example.com
              postoffice trace MI9TLB6W2A --json
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var listing: ListingOptions

    @Argument(help: "An id, as in the Received field, or an address.")
    var term: String

    @Option(name: .long, help: ArgumentHelp("Look at the newest days only.", valueName: "n"))
    var days: Int?

    func validate() throws {
        if let days, days < 1 { throw ValidationError("--days takes 1 or more") }
        if self.term.isEmpty { throw ValidationError("name an id or an address") }
    }

    func run() throws {
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
            let text = Localized(en: "nothing is known of `\(self.term)`", ja: "「\(self.term)」の記録はありません")
            throw self.common.exit(.failed, text)
        }
    }
}

struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Show the log of today or of another day, and follow it.",
        discussion: """
            Examples:
              postoffice log --lines 50
              postoffice log --follow
              postoffice log --day 2026-11-21 | grep ' SMTP-Accept message-refused '
            """)

    @OptionGroup var common: CommonOptions

    @Flag(name: .long, help: "Go on as events come, over midnight too, until Ctrl-C.")
    var follow = false

    @Option(name: .long, help: ArgumentHelp("A day in UTC; default is the newest.", valueName: "yyyy-mm-dd"))
    var day: String?

    @Option(name: [.long, .customShort("n")], help: ArgumentHelp("The newest lines only.", valueName: "n"))
    var lines: Int?

    func validate() throws {
        if let lines, lines < 0 { throw ValidationError("--lines takes 0 or more") }
        if self.follow && self.day != nil { throw ValidationError("--follow shows the newest day; leave --day out") }
    }

    func run() throws {
        let start = try self.common.start()
        try LogAccess.check(start, self.common)
        let files = TrailFiles(directory: start.logDirectory)
        guard let day = self.day ?? files.days().last else {
            if self.follow { return self.followForever(files, from: nil) }
            throw self.common.exit(.failed, Localized(en: "there is no log yet", ja: "ログはまだありません"))
        }
        guard files.days().contains(day) else {
            let list = files.days().suffix(5).joined(separator: ", ")
            throw self.common.exit(
                .failed,
                Localized(
                    en: "there is no log of \(day); there are \(list)",
                    ja: "\(day) のログはありません。\(list) があります"))
        }
        let end = LogAccess.show(files.path(day: day), from: 0, last: self.lines)
        if self.follow { self.followForever(files, from: (day, end)) }
    }

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

/// Reading of log files by commands.
enum LogAccess {
    static func check(_ start: StartConfiguration, _ common: CommonOptions) throws {
        guard access(start.logDirectory, R_OK | X_OK) != 0 else { return }
        let failure = SystemFailure(start.logDirectory)
        throw common.exit(.failed, Localized(en: "\(failure); use root or the service user", ja: "\(failure)。root かサービスのユーザで実行してください"))
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
