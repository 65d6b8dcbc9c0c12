import Glibc
import Vocabulary

/// `sendmail -bs`: SMTP over standard input and output, for mail programs that rather speak than call. Each message goes into the drop
/// directory like any other; 250 is said when it is there for good.
struct SendmailSession {
    private let drop: DropBox
    private let user: (login: String, name: String)
    private var buffer: [UInt8] = []
    private var sender: String?
    private var hasSender = false
    private var recipients: [String] = []

    private static let longestLine = 1 << 20
    private static let mostErrors = 50

    init(_ drop: DropBox, user: (login: String, name: String)) {
        self.drop = drop
        self.user = user
    }

    func run() -> SysExit {
        var session = self
        return session.converse()
    }

    private mutating func converse() -> SysExit {
        var errors = 0
        Self.say("220 localhost ESMTP Post.Office sendmail ready")
        while let line = self.line(), errors < Self.mostErrors {
            let text = String(decoding: line, as: UTF8.self)
            switch text.prefix(4).uppercased() {
            case "EHLO": Self.say("250-localhost\r\n250-8BITMIME\r\n250 PIPELINING")
            case "HELO": Self.say("250 localhost")
            case "MAIL": self.mail(text)
            case "RCPT": self.recipient(text)
            case "DATA": if !self.data() { return .ioError }
            case "RSET":
                self.forget()
                Self.say("250 2.0.0 Ok")
            case "NOOP", "VRFY": Self.say("252 2.0.0 Ok")
            case "QUIT":
                Self.say("221 2.0.0 Bye")
                return .ok
            default:
                errors += 1
                Self.say("502 5.5.2 Command not recognized")
            }
        }
        return .ok
    }

    private mutating func forget() { (self.sender, self.hasSender, self.recipients) = (nil, false, []) }

    // RFC 5321 4.1.2:  the path between angle brackets; parameters behind it are passed over
    private static func path(_ text: String) -> String? {
        guard let begin = text.firstIndex(of: "<"), let end = text[begin...].lastIndex(of: ">") else { return nil }
        let path = String(text[text.index(after: begin)..<end])
        return path.isEmpty || SendmailProgram.isAddress(path) ? path : nil
    }

    private mutating func mail(_ text: String) {
        guard let path = Self.path(text) else { return Self.say("501 5.1.7 Syntax error in the sender's address") }
        self.forget()
        (self.sender, self.hasSender) = (path.isEmpty ? nil : path, true)
        Self.say("250 2.1.0 Ok")
    }

    private mutating func recipient(_ text: String) {
        guard self.hasSender else { return Self.say("503 5.5.1 Send MAIL first") }
        guard let path = Self.path(text), SendmailProgram.isMailbox(path) else {
            return Self.say("501 5.1.3 Syntax error in the recipient's address")
        }
        guard self.recipients.count < DropFile.mostRecipients else { return Self.say("452 4.5.3 Too many recipients") }
        self.recipients.append(path)
        Self.say("250 2.1.5 Ok")
    }

    /// False when the input ended in the middle.
    private mutating func data() -> Bool {
        guard !self.recipients.isEmpty else {
            Self.say("503 5.5.1 Send RCPT first")
            return true
        }
        Self.say("354 End with a line that has a dot alone")
        var input: [UInt8] = []
        while true {
            guard let line = self.line() else { return false }
            if line == [UInt8(ascii: ".")] { break }
            if input.count < SendmailMessage.longest { input += line.first == UInt8(ascii: ".") ? line.dropFirst() : line[...] }
            input.append(0x0A)
        }
        guard input.count < SendmailMessage.longest else {
            Self.say("552 5.3.4 Message too big")
            return true
        }
        var message = SendmailMessage(input, endsAtDot: false)
        if !message.hasFrom { message.addFrom(self.sender ?? self.user.login, name: self.user.name) }
        message.encodeLongLines()
        if let (status, why) = SendmailProgram.refusal(message, self.drop) {
            Self.say(status == .unavailable ? "552 5.3.4 \(why.english)" : "554 5.6.0 \(why.english)")
            self.forget()
            return true
        }
        let file = DropFile(sender: self.sender, recipients: self.recipients, size: Int64(message.bytes.count))
        let result = SendmailProgram.put(file, message.bytes, self.drop)
        Self.say(result == .ok ? "250 2.0.0 Message accepted" : "451 4.3.0 The message cannot be kept now")
        self.forget()
        return true
    }

    /// Without its line end; nil at the end of the input.
    private mutating func line() -> [UInt8]? {
        while true {
            if let end = self.buffer.firstIndex(of: 0x0A) {
                var line = Array(self.buffer[..<end])
                self.buffer.removeFirst(end + 1)
                if line.last == 0x0D { line.removeLast() }
                return line
            }
            guard self.buffer.count < Self.longestLine else { return nil }
            var block = [UInt8](repeating: 0, count: 64 << 10)
            let count = read(0, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            self.buffer += block.prefix(count)
        }
    }

    private static func say(_ text: String) { AdminPrinter().show(.output(text + "\r\n")) }
}
