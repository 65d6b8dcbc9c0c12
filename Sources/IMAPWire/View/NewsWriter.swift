internal import Bytes
package import NIOCore
package import Vocabulary

/// Writes untagged EXPUNGE or VANISHED, FLAGS, EXISTS and FETCH, a piece at a time.
struct NewsWriter: Sendable {
    private(set) var news: News
    private let mode: WireMode
    private let rights: MailboxRights
    private let keywords: [String]
    /// Of `news.expunged`: how many are still to be told, from the end; so that each number holds when it is told.
    private var expungesLeft: Int
    private var nextRun = 0
    private var nextFlagged = 0
    private var lines: FlagLines

    init(_ news: News, _ view: SelectedView, mode: WireMode) {
        self.news = news
        self.mode = mode
        self.rights = view.mailbox.usableRights
        self.keywords = view.keywords
        self.expungesLeft = news.expunged.count
        self.lines = FlagLines(mode, keywords: view.keywords, withUID: true)
    }

    private var saysVanished: Bool { self.mode.isQResync || self.mode.isUIDOnly }

    /// True when everything is written.
    mutating func write(to out: inout ByteBuffer, limit: Int) -> Bool {
        guard self.saysVanished ? self.writeVanished(&out, limit) : self.writeExpunges(&out, limit) else { return false }
        if self.news.keywords != nil {
            self.news.keywords = nil
            out.writeFlagsLines(self.keywords, rights: self.rights)
        }
        if let count = self.news.exists {
            self.news.exists = nil
            out.writeStaticString("* ")
            out.writeIMAPNumber(count)
            out.writeStaticString(" EXISTS\r\n")
        }
        while self.nextFlagged < self.news.flagged.count {
            guard out.readableBytes < limit else { return false }
            let change = self.news.flagged[self.nextFlagged]
            self.nextFlagged += 1
            guard let place = self.news.view.index(of: change.uid) else { continue }
            // With the UID always: who has pipelined commands cannot be misled by a number. [RFC9051-7.5.2]
            self.lines.write(change, place: place, to: &out)
        }
        return true
    }

    private mutating func writeExpunges(_ out: inout ByteBuffer, _ limit: Int) -> Bool {
        while self.expungesLeft > 0 {
            guard out.readableBytes < limit else { return false }
            self.expungesLeft -= 1
            guard let uid = self.news.expunged.uid(at: self.expungesLeft), let place = self.news.before.index(of: uid) else { continue }
            out.writeStaticString("* ")
            out.writeIMAPNumber(place + 1)
            out.writeStaticString(" EXPUNGE\r\n")
        }
        return true
    }

    /// Many runs go on lines of their own, so that no line is too long for a client. [RFC7162-3.2.10]
    private mutating func writeVanished(_ out: inout ByteBuffer, _ limit: Int) -> Bool {
        let runs = self.news.expunged.runs
        while self.nextRun < runs.count {
            guard out.readableBytes < limit else { return false }
            let end = min(runs.count, self.nextRun + 300)
            out.writeVanished(UIDSet(ranges: runs[self.nextRun..<end].map { $0.first...$0.last }), isEarlier: false)
            self.nextRun = end
        }
        return true
    }
}

extension ByteBuffer {
    /// `* VANISHED 1:3` or `* VANISHED (EARLIER) 1:3`. [RFC7162-3.2.10]
    package mutating func writeVanished(_ uids: UIDSet, isEarlier: Bool) {
        guard !uids.isEmpty else { return }
        self.writeStaticString(isEarlier ? "* VANISHED (EARLIER) " : "* VANISHED ")
        self.writeIMAPSet(uids)
        self.writeStaticString("\r\n")
    }

    /// FLAGS and PERMANENTFLAGS. [RFC9051-7.3.5] [RFC9051-7.1]
    ///
    /// - Parameter rights: what this session may do here; none where it only reads.
    mutating func writeFlagsLines(_ keywords: [String], rights: MailboxRights) {
        let names = keywords.filter { !$0.isEmpty }
        self.writeString("* FLAGS (\((Self.flagNames.map(\.name) + names).joined(separator: " ")))\r\n")
        // Those that rights let it change. [RFC4314-5.1.1]
        var lasting = Self.flagNames.filter { rights.contains($0.right) }.map(\.name)
        if rights.contains(.write) {
            lasting += names
            if keywords.count < 58 || keywords.contains("") { lasting.append("\\*") }
        }
        self.writeString("* OK [PERMANENTFLAGS (\(lasting.joined(separator: " ")))] flags that can be kept\r\n")
    }

    private static let flagNames: [(name: String, right: MailboxRights)] = [
        ("\\Answered", .write), ("\\Flagged", .write), ("\\Deleted", .deleteMessages), ("\\Seen", .seen), ("\\Draft", .write),
    ]
}
