import Bytes
import Forms
import Glibc
import MailFiles
import Synchronization
import Vocabulary

/// One message after the other of the server's answer to `mail read`.
final class ExportedMessages: Sendable {
    private struct State {
        var head: (uid: UInt32, message: FiledMessage)?
        var failure: (any Error)?
    }

    private let state = Mutex(State())
    private let take: @Sendable (UInt32, FiledMessage) throws -> Void

    /// - Parameter take: called for each, in the order of their UIDs.
    init(_ take: @escaping @Sendable (UInt32, FiledMessage) throws -> Void) { self.take = take }

    func add(_ line: String) {
        self.state.withLock { state in
            guard state.failure == nil else { return }
            if line.isEmpty {
                guard let (uid, message) = state.head else { return }
                state.head = nil
                do { try self.take(uid, message) } catch { state.failure = error }
            } else if state.head == nil {
                let parts = line.split(separator: " ", maxSplits: 1)
                guard parts.count == 2, let uid = UInt32(parts[0]), let message = TransferRecord.message(facts: parts[1]) else { return }
                state.head = (uid, message)
            } else if let bytes = Base64.decode(line.utf8) {
                state.head?.message.content += bytes
            }
        }
    }

    func check() throws { if let failure = self.state.withLock({ $0.failure }) { throw failure } }
}

/// `postoffice export`: messages of an account into files that other programs read. What an earlier run has written stays and is gone on from.
struct MailExport {
    let conversation: MailboxConversation
    let account: String

    struct Folder {
        var validity: UInt32
        var messages: Int
        var name: String
    }

    func folders() throws -> [Folder] {
        let lines = AnswerLines()
        try self.conversation.perform("mail mailboxes", [self.account]) { lines.add($0) }
        return lines.all.compactMap { line in
            let parts = line.split(separator: " ", maxSplits: 2)
            guard parts.count == 3, let validity = UInt32(parts[0]), let messages = Int(parts[1]) else { return nil }
            return Folder(validity: validity, messages: messages, name: String(parts[2]))
        }
    }

    func read(_ mailbox: String, after uid: UInt32?, _ take: @escaping @Sendable (UInt32, FiledMessage) throws -> Void) throws {
        let messages = ExportedMessages(take)
        let options = uid.map { ["after": ["\($0)"]] } ?? [:]
        try self.conversation.perform("mail read", [self.account, mailbox], options: options) { messages.add($0) }
        try messages.check()
    }

    func done(_ count: Int, _ skipped: Int) {
        let text = Localized(
            en: "\(count) messages written, \(skipped) were there already", ja: "\(count) 通を書き出しました。既にあったもの \(skipped) 通")
        AdminPrinter().show(.progress(""))
        AdminPrinter().show(.output(text.text(self.conversation.language) + "\n"))
    }

    static func showProgress(_ count: Int, _ total: Int, _ name: String) {
        guard count % 100 == 0 else { return }
        AdminPrinter().show(.progress("\(Shown.visible(name)): \(count)/\(total)"))
    }
}

/// One mailbox as an mbox file, written beside it as FILE.part until it is whole. A .part of an earlier run is cut behind its last whole
/// message and gone on with.
struct MboxExport {
    let export: MailExport
    let mailbox: String
    let path: String

    func run() throws -> AdminStatus {
        guard access(self.path, F_OK) != 0 else {
            throw AdminFailure(
                Localized(
                    en: "\(Shown.text(self.path)) is there already; name another file, or remove it",
                    ja: "\(Shown.text(self.path)) は既に存在します。別のファイル名を指定するか、削除してください"), .misuse)
        }
        guard let folder = try self.export.folders().first(where: { $0.name == self.mailbox }) else {
            throw AdminFailure(
                Localized(
                    en: "there is no mailbox \(Shown.text(self.mailbox)) in this account",
                    ja: "このアカウントにメールボックス \(Shown.text(self.mailbox)) はありません"))
        }
        let part = self.path + ".part"
        let descriptor = open(part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SystemFailure("open \(part)") }
        defer { close(descriptor) }
        let (last, before) = try self.goOn(descriptor)
        let count = Atomic<Int>(0)
        try self.export.read(self.mailbox, after: last) { uid, message in
            try FileAccess.write(MboxWriter.encoded(message, sender: Self.sender(of: message), uid: uid), to: descriptor)
            MailExport.showProgress(before + count.add(1, ordering: .relaxed).newValue, folder.messages, folder.name)
        }
        guard fsync(descriptor) == 0, rename(part, self.path) == 0 else { throw SystemFailure("write \(self.path)") }
        self.export.done(count.load(ordering: .relaxed), before)
        return .done
    }

    /// The UID of the last message but one that is there, behind which the file is cut: the last may be half a message.
    private func goOn(_ descriptor: Int32) throws -> (UInt32?, Int) {
        var reader = MboxReader(limit: TransferRecord.longest)
        var kept: [(uid: UInt32?, offset: Int64)] = []
        func note(_ events: [MboxReader.Event]) {
            for case .message(_, let uid, let offset) in events { kept.append((uid, offset)) }
        }
        var block = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = Glibc.read(descriptor, &block, block.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw SystemFailure("read \(self.path).part")
            }
            if count == 0 { break }
            note(block.withUnsafeBytes { reader.read(UnsafeRawBufferPointer(rebasing: $0[..<count])) })
        }
        note(reader.finish())
        let end = kept.popLast()?.offset ?? 0
        guard kept.allSatisfy({ $0.uid != nil }) else {
            throw AdminFailure(
                Localized(
                    en: "\(Shown.text(self.path)).part is no file of this command; remove it first",
                    ja: "\(Shown.text(self.path)).part はこのコマンドが作ったファイルではありません。先に削除してください"))
        }
        guard ftruncate(descriptor, Int(end)) == 0, lseek(descriptor, Int(end), SEEK_SET) >= 0 else {
            throw SystemFailure("truncate \(self.path).part")
        }
        return (kept.last?.uid, kept.count)
    }

    /// Of the first field, which we wrote; empty for none.
    private static func sender(of message: FiledMessage) -> String {
        guard message.content.starts(with: "Return-Path: <".utf8) else { return "" }
        return String(decoding: message.content.dropFirst(14).prefix(1000).prefix { $0 != UInt8(ascii: ">") && $0 != 13 }, as: UTF8.self)
    }
}

/// Mailboxes as a Maildir and folders in it. Messages that are there are left alone, so that it may be run every night.
struct MaildirExport {
    let export: MailExport
    /// nil is all mailboxes.
    let mailboxes: [String]?
    let path: String

    func run() throws -> AdminStatus {
        let all = try self.export.folders()
        for name in self.mailboxes ?? [] where !all.contains(where: { $0.name == name }) {
            throw AdminFailure(
                Localized(en: "there is no mailbox \(Shown.text(name)) in this account", ja: "このアカウントにメールボックス \(Shown.text(name)) はありません"))
        }
        var (written, skipped) = (0, 0)
        for folder in all where self.mailboxes?.contains(folder.name) != false {
            let (new, old) = try self.write(folder)
            written += new
            skipped += old
        }
        self.export.done(written, skipped)
        return .done
    }

    private func write(_ folder: MailExport.Folder) throws -> (Int, Int) {
        let directory = folder.name == "INBOX" ? self.path : "\(self.path)/\(MaildirFolder.directory(of: folder.name))"
        for name in [self.path, directory, directory + "/cur", directory + "/new", directory + "/tmp"] {
            guard mkdir(name, 0o700) == 0 || errno == EEXIST else { throw SystemFailure("mkdir \(name)") }
        }
        let (last, there) = Self.last(in: directory, folder.validity)
        let state = Mutex((count: 0, keywords: KeywordLetters(directory)))
        try self.export.read(folder.name, after: last) { uid, message in
            try state.withLock { state in
                try Self.write(uid, message, folder.validity, directory, state.keywords.letters(message.keywords))
                state.count += 1
                MailExport.showProgress(there + state.count, folder.messages, folder.name)
            }
        }
        return try state.withLock { state in
            try state.keywords.save()
            return (state.count, there)
        }
    }

    private static func write(_ uid: UInt32, _ message: FiledMessage, _ validity: UInt32, _ directory: String, _ letters: [UInt8]) throws {
        let date = message.date ?? 0
        let unique = "\(date).V\(validity)U\(uid).post-office,S=\(message.content.count)"
        let draft = "\(directory)/tmp/\(unique)"
        unlink(draft)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemFailure("create \(draft)") }
        do {
            defer { close(descriptor) }
            try FileAccess.write(message.content, to: descriptor)
            // Maildirs keep the date of a message there.
            var times = [timespec(tv_sec: Int(date), tv_nsec: 0), timespec(tv_sec: Int(date), tv_nsec: 0)]
            futimens(descriptor, &times)
        }
        let name = MaildirName(unique: unique, flags: message.flags, keywordLetters: letters).name
        guard rename(draft, "\(directory)/cur/\(name)") == 0 else { throw SystemFailure("rename \(draft)") }
    }

    /// The highest UID that is there, and how many there are: messages are written in their order.
    private static func last(in directory: String, _ validity: UInt32) -> (UInt32?, Int) {
        var last: UInt32?
        var count = 0
        for part in ["cur", "new"] {
            guard let entries = opendir("\(directory)/\(part)") else { continue }
            defer { closedir(entries) }
            while let entry = readdir(entries) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                let parts = name.split(separator: ".")
                guard parts.count >= 3, parts[2].hasPrefix("post-office"), parts[1].hasPrefix("V\(validity)U"),
                    let uid = UInt32(parts[1].dropFirst("V\(validity)U".count))
                else { continue }
                last = max(last ?? 0, uid)
                count += 1
            }
        }
        return (last, count)
    }
}

/// Names of keywords by letter, as a file beside the folder tells them.
private struct KeywordLetters {
    private let path: String
    private var names: [String]
    private let before: [String]

    init(_ directory: String) {
        self.path = directory + "/dovecot-keywords"
        let known =
            (try? FileAccess.contents(of: self.path, limit: 1 << 16)).map { MaildirName.keywords(of: String(decoding: $0, as: UTF8.self)) }
            ?? [:]
        let count = known.keys.max().map { Int($0 - UInt8(ascii: "a")) + 1 } ?? 0
        self.names = (0..<count).map { known[UInt8(ascii: "a") + UInt8($0)] ?? "" }
        self.before = self.names
    }

    /// Letters for these; names beyond the 26th have none.
    mutating func letters(_ keywords: [String]) -> [UInt8] {
        keywords.compactMap { keyword in
            if let at = self.names.firstIndex(of: keyword) { return UInt8(ascii: "a") + UInt8(at) }
            guard self.names.count < 26 else { return nil }
            self.names.append(keyword)
            return UInt8(ascii: "a") + UInt8(self.names.count - 1)
        }
    }

    func save() throws {
        guard self.names != self.before else { return }
        let text = self.names.enumerated().filter { !$0.element.isEmpty }.map { "\($0.offset) \($0.element)\n" }.joined()
        try FileAccess.replace(self.path, with: text.utf8, mode: 0o600)
    }
}
