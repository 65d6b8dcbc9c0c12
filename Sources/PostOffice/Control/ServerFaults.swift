import Directory
import Glibc
import MessageStore
import Queue
import Vocabulary

/// What keeps the running server from its files, for `status`. One line on the control socket, its parts divided by tabs:
/// `unwritable=segments`, `store=create …: Permission denied`, `log=Permission denied`.
package struct ServerFaults: Sendable, Equatable {
    /// Directories that the server must write to.
    package enum Place: String, Sendable, CaseIterable {
        case spool, mailbox, segments, log

        func path(_ start: StartConfiguration) -> String {
            switch self {
            case .spool: start.directories.spool
            case .mailbox: start.directories.mailbox
            case .segments: StoreLocation(spool: start.directories.spool, mailbox: start.directories.mailbox).segments
            case .log: start.logDirectory
            }
        }
    }

    package var unwritable: [Place] = []
    /// Why the newest message could not be stored; nil when it was.
    package var store: String?
    /// Why the newest events could not be written; nil when they were.
    package var log: String?

    /// Why deliveries as users of the operating system do not work, although they are wanted, as `DeliverHandover` writes it.
    package var system: String?

    package init(unwritable: [Place] = [], store: String? = nil, log: String? = nil, system: String? = nil) {
        self.system = system
        self.unwritable = unwritable
        self.store = store
        self.log = log
    }

    /// Asks the system as who we are: to be called in the server.
    static func look(_ start: StartConfiguration, store: String?, log: String?, system: SystemDelivery) -> ServerFaults {
        let absence = start.systemDelivery == nil ? nil : system.absence.map(DeliverHandover.word)
        return ServerFaults(unwritable: Place.allCases.filter { !Self.isWritable($0.path(start)) }, store: store, log: log, system: absence)
    }

    private static func isWritable(_ path: String) -> Bool {
        var facts = stat()
        guard stat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR else { return false }
        return faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) == 0
    }

    package var line: String {
        var parts = self.unwritable.map { "unwritable=\($0.rawValue)" }
        if let store { parts.append("store=\(Self.oneLine(store))") }
        if let log { parts.append("log=\(Self.oneLine(log))") }
        if let system { parts.append("system=\(Self.oneLine(system))") }
        return parts.isEmpty ? "none" : parts.joined(separator: "\t")
    }

    private static func oneLine(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 ? " " : $0 }))
    }

    /// What is not known, as from a server of another version, is left out.
    package init(line: String) {
        for part in line.split(separator: "\t") {
            let words = part.split(separator: "=", maxSplits: 1).map(String.init)
            guard words.count == 2 else { continue }
            switch words[0] {
            case "unwritable": if let place = Place(rawValue: words[1]) { self.unwritable.append(place) }
            case "store": self.store = words[1]
            case "log": self.log = words[1]
            case "system": self.system = words[1]
            default: break
            }
        }
    }
}

extension StatusReport {
    /// Each trouble once: a directory that explains why nothing is stored says all.
    mutating func tell(_ faults: ServerFaults, unwritten: Int) {
        for place in faults.unwritable { self.tell(place) }
        if let reason = faults.store, !faults.unwritable.contains(where: { $0 != .log }) {
            self.trouble(
                Localized(en: "the newest message could not be stored: \(reason)", ja: "最新のメッセージを保存できませんでした: \(reason)"),
                Localized(
                    en: "mend what that names; senders try again, and mail is taken as soon as it can be stored",
                    ja: "原因を取り除いてください。保存できるようになりしだい受け付けます（送信元は再送します）"))
        }
        if let word = faults.system, let reason = SystemDelivery(services: [], absence: DeliverHandover.absence(word)).reason(.maildrops) {
            self.trouble(
                Localized(
                    en: "maildrops, delivery programs and system passwords are \(reason.english)",
                    ja: "/var/mail への配信、配信プログラム、OS のパスワードは\(reason.japanese)"),
                Localized(en: "what is to be delivered that way waits in the queue", ja: "該当するメールはキューで待機しています"))
        }
        if let reason = faults.log, !faults.unwritable.contains(.log) {
            self.trouble(
                Localized(
                    en: "the log cannot be written (\(reason)): \(unwritten) events are lost so far",
                    ja: "ログを書き込めません（\(reason)）。失われたイベント \(unwritten) 件"),
                Localized(en: "look at \(self.start.logDirectory) and its disk", ja: "\(self.start.logDirectory) とそのディスクを確認してください"))
        } else if unwritten > 0 {
            let hasTrouble = faults.unwritable.contains(.log)
            let what = Localized(
                en: "\(unwritten) events of the log could not be written since the server started",
                ja: "サーバの起動後、ログのイベント \(unwritten) 件を書き込めませんでした")
            let cure = Localized(
                en: "the log says where they are missing: `postoffice log | grep events-dropped`",
                ja: "欠けている箇所は postoffice log | grep events-dropped で確認できます")
            if hasTrouble { self.trouble(what, cure) } else { self.notes.append(Trouble(what: what, cure: cure)) }
        }
    }

    private mutating func tell(_ place: ServerFaults.Place) {
        let path = place.path(self.start)
        let what =
            switch place {
            case .log:
                Localized(
                    en: "the server may not write to \(path): what happens is not logged", ja: "サーバは \(path) に書き込めません。ログが記録されていません")
            case .spool, .mailbox, .segments:
                Localized(
                    en: "the server may not write to \(path): new mail is refused, now or soon",
                    ja: "サーバは \(path) に書き込めません。新着メールは拒否されます（直ちに、または近いうちに）")
            }
        self.trouble(
            what,
            Localized(
                en: "as root: `postoffice permissions`; it must be a directory of the service user's with mode 0700",
                ja: "root で postoffice permissions を実行してください（サービスのユーザが所有するモード 0700 のディレクトリであることが必要です）"))
    }
}
