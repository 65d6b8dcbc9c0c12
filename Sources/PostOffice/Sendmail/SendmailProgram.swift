import Forms
import Glibc
import MessageStore
import SMTPService
import Vocabulary

/// `sendmail`, `mailq` and `newaliases`: what programs of UNIX hand mail to. Works whether the server runs or not; what it has said yes to
/// is on stable storage, and the server takes it from there.
package struct SendmailProgram {
    package static let names: Set<String> = ["sendmail", "mailq", "newaliases"]
    /// Where the drop directory is, for users who may not read the start file.
    static let dropVariable = "POSTOFFICE_DROP"
    static let defaultDrop = "/var/spool/post.office/drop"

    private let arguments: SendmailArguments
    private let language: Language

    /// Runs the command and ends the process with a status of sysexits.
    package static func main(_ name: String, _ words: [String]) -> Never {
        do {
            let program = SendmailProgram(try SendmailArguments(name: name, words))
            exit(program.run().rawValue)
        } catch {
            AdminPrinter().show(.problem("\(name): \(error.text.text(Spoken.language))\n"))
            exit(SysExit.usage.rawValue)
        }
    }

    init(_ arguments: SendmailArguments) {
        self.arguments = arguments
        self.language = Spoken.language
    }

    private func run() -> SysExit {
        switch self.arguments.mode {
        case .deliver: return self.deliver()
        case .smtp: return SendmailSession(self.drop, user: Self.user).run()
        case .queue: return self.ask(AdminRequest("queue list", options: ["limit": ["10000"]], language: self.language))
        case .run: return self.ask(AdminRequest("queue retry", options: ["all": []], language: self.language))
        case .verify: return self.verify()
        case .daemon: return self.startServer()
        case .help:
            AdminPrinter().show(.output(SendmailHelp.text.text(self.language)))
            return .ok
        case .aliases: return self.ask(AdminRequest("aliases", input: Self.aliases(), language: self.language))
        }
    }

    // MARK: A message

    private func deliver() -> SysExit {
        let (user, name) = Self.user
        guard let input = try? FileAccess.contents(of: 0, limit: SendmailMessage.longest) else {
            return self.fail(.dataError, "the message cannot be read, or is larger than anybody takes", "メッセージを読めないか、大きすぎます")
        }
        var message = SendmailMessage(input, endsAtDot: !self.arguments.ignoresDots)
        let named = self.arguments.recipients.flatMap { $0.split(separator: ",").map(String.init) }
        let recipients = (self.arguments.readsRecipients ? message.headerRecipients : []) + named
        guard !recipients.isEmpty else {
            return self.fail(
                .usage, "no recipient; write an address behind the options, or -t to take those of the header",
                "宛先がありません。オプションの後にアドレスを書くか、-t でヘッダの宛先を使ってください")
        }
        let sender = self.arguments.sender ?? user
        // Refused here, where somebody hears of it: the server could only return or drop the message as a whole.
        if let bad = recipients.first(where: { !Self.isMailbox($0) }) ?? [sender].first(where: { !$0.isEmpty && !Self.isMailbox($0) }) {
            return self.fail(
                .dataError, "\(Shown.text(bad)) is no address; write name@domain", "\(Shown.text(bad)) はアドレスではありません。name@domain の形で指定してください"
            )
        }
        if !message.hasFrom { message.addFrom(sender.isEmpty ? user : sender, name: self.arguments.fullName ?? name) }
        message.encodeLongLines()
        if let (status, why) = Self.refusal(message, self.drop) { return self.fail(status, why.english, why.japanese) }
        var file = DropFile(sender: sender.isEmpty ? nil : sender, recipients: recipients, size: Int64(message.bytes.count))
        file.notify = self.arguments.notify
        file.returnsWhole = self.arguments.returnsWhole
        file.envelopeID = self.arguments.envelopeID.flatMap { Self.isAddress($0) ? $0 : nil }
        return Self.put(file, message.bytes, self.drop)
    }

    /// What the server would refuse is refused here, where somebody hears of it.
    static func refusal(_ message: SendmailMessage, _ drop: DropBox) -> (SysExit, Localized)? {
        if let limit = drop.sizeLimit, Int64(message.bytes.count) > limit {
            return (
                .unavailable,
                Localized(
                    en: "the message is too large: \(message.bytes.count) octets, \(limit) are allowed",
                    ja: "メッセージが大きすぎます: \(message.bytes.count) オクテット（上限 \(limit)）")
            )
        }
        return message.fault.map {
            (.dataError, Localized(en: "the message is refused: \($0.words)", ja: "メッセージを受け付けられません: \($0.japanese)"))
        }
    }

    static func put(_ file: DropFile, _ bytes: [UInt8], _ drop: DropBox) -> SysExit {
        guard file.recipients.count <= DropFile.mostRecipients, file.head.count <= DropFile.longestHead else { return .dataError }
        if let obstacle = drop.obstacle() {
            AdminPrinter().show(.problem("sendmail: \(obstacle.text(Spoken.language))\n"))
            return .temporary
        }
        do throws(SystemFailure) {
            try drop.put(file, bytes, random: SystemSources.random(16))
            return .ok
        } catch {
            AdminPrinter().show(.problem("sendmail: \(error.text.text(Spoken.language))\n"))
            // The program may try again; nothing was kept.
            return error.code == EACCES || error.code == EPERM ? .noPermission : .temporary
        }
    }

    /// Nothing that could be a line or a field of its own.
    static func isAddress(_ text: String) -> Bool {
        text.utf8.count <= 1000 && !text.isEmpty && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
    }

    /// What the server will take: a mailbox, or a name that it puts a domain behind.
    static func isMailbox(_ text: String) -> Bool {
        let isWhole = text.contains("@") || text.contains("!")
        return self.isAddress(text)
            && (try? Address(parsing: isWhole ? text : "\(text)@domain.test", AddressSyntax(allowsStrayDots: true))) != nil
    }

    // MARK: The server

    private func ask(_ request: AdminRequest) -> SysExit {
        guard let start = try? StartConfiguration.read(file: Self.startFile) else {
            return self.fail(
                .noPermission, "\(Self.startFile) cannot be read: this is for root and the service user; use sudo",
                "\(Self.startFile) を読めません。root かサービスのユーザだけが実行できます。sudo を使ってください")
        }
        let status = Administration.perform(request, start)
        return status == .done ? .ok : status == .misuse ? .usage : .temporary
    }

    private func verify() -> SysExit {
        var result = SysExit.ok
        for address in self.arguments.recipients {
            let answer = self.ask(AdminRequest("route", operands: [address], language: self.language))
            if answer != .ok { result = answer == .temporary ? .noUser : answer }
        }
        return self.arguments.recipients.isEmpty
            ? self.fail(.usage, "no address; write one behind -bv", "アドレスがありません。-bv の後に指定してください") : result
    }

    /// `-bd`, `-bd -q30m`: boot scripts of old. The queue has times of its own.
    private func startServer() -> SysExit {
        guard let start = try? StartConfiguration.read(file: Self.startFile) else {
            return self.fail(
                .configuration, "\(Self.startFile) cannot be read; run `postoffice setup`",
                "\(Self.startFile) を読めません。postoffice setup を実行してください")
        }
        if PIDFile.holder(start.dispatcherPIDFile) != nil { return .ok }
        let program = Self.ownProgram
        let pid = DetachedProcess.start(program, ["run", "--config", Self.startFile])
        guard let pid else { return self.fail(.osError, "\(program) cannot be started", "\(program) を起動できません") }
        // Until it serves, or has given up.
        for _ in 0..<600 {
            if PIDFile.holder(start.mtaPIDFile) != nil { return .ok }
            var status: Int32 = 0
            if waitpid(pid, &status, WNOHANG) == pid {
                return self.fail(.temporary, "the server did not start; see `postoffice log`", "サーバが起動しませんでした。postoffice log で確かめてください")
            }
            usleep(100_000)
        }
        return .ok
    }

    // MARK: Surroundings

    private static var startFile: String {
        Environment[StartConfiguration.fileVariable] ?? InstanceNotice.read()?.configuration ?? StartConfiguration.defaultFile
    }

    private var drop: DropBox {
        if let path = Environment[Self.dropVariable] { return DropBox(path) }
        // The start file need not be readable for everybody: then setup's notice counts, else the usual place.
        guard let start = try? StartConfiguration.read(file: Self.startFile) else {
            return DropBox(InstanceNotice.read()?.drop ?? Self.defaultDrop)
        }
        return DropBox(start.dropDirectory)
    }

    /// Login name and the name that people use.
    static var user: (login: String, name: String) {
        guard let entry = getpwuid(getuid()) else { return ("uid\(getuid())", "") }
        let login = String(cString: entry.pointee.pw_name)
        let full = entry.pointee.pw_gecos.map { String(cString: $0) } ?? ""
        return (login, String(full.prefix { $0 != "," }))
    }

    static var ownProgram: String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : "postoffice"
    }

    private static func aliases() -> String {
        let file = Environment["POSTOFFICE_ALIASES"] ?? "/etc/aliases"
        return (try? FileAccess.contents(of: file, limit: 16 << 20)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    private func fail(_ status: SysExit, _ english: String, _ japanese: String) -> SysExit {
        AdminPrinter().show(.problem("sendmail: \(Localized(en: english, ja: japanese).text(self.language))\n"))
        return status
    }
}
