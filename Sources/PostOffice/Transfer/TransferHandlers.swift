import Bytes
import Directory
import Forms
import IMAPWire
import MailFiles
import MessageStore
import NIOCore
import Vocabulary

/// Verbs of `postoffice import` and `postoffice export`: messages go into mailboxes, and out of them. The command has the files; the server never
/// opens one for it.
enum TransferHandlers {
    static let all: [AdminHandler] = [
        Administration.handler("mail add", Self.add), Administration.handler("mail mailboxes", Self.mailboxes),
        Administration.handler("mail read", Self.read),
    ]

    /// Octets that are added together at most.
    private static let groupBytes = 4 << 20

    // MARK: In

    private static func add(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let (account, name) = try Self.target(request, context)
        guard account != context.directory.find("postmaster") else {
            throw AdminFailure(
                Localized(
                    en: "the Postmaster account is no mailbox; name the account of a postmaster",
                    ja: "Postmaster アカウントにメールボックスはありません。ポストマスタの利用者アカウントを指定してください"))
        }
        guard let messages = TransferRecord.decoded(request.input ?? "") else {
            throw AdminFailure(Localized(en: "this command and the server do not fit together", ja: "コマンドとサーバのバージョンが一致しません"))
        }
        let store = try context.store()
        let isTrial = request.has("dry-run")
        let mailbox = try Self.mailbox(name, of: account, store, makes: !isTrial)
        var known = try KnownMessages(store, mailbox)
        let wanted = try messages.filter { try request.has("duplicates") || known.take($0) }
        if !isTrial, let mailbox {
            let quota = context.directory.snapshot.recipient(account)?.quota
            var rest = wanted[...]
            while !rest.isEmpty {
                let group = Self.group(rest)
                try Self.append(Array(group), to: mailbox, quota, store, output)
                rest = rest[group.endIndex...]
            }
        }
        output.line("\(wanted.count) \(messages.count - wanted.count)")
        return .done
    }

    private static func group(_ messages: ArraySlice<FiledMessage>) -> ArraySlice<FiledMessage> {
        var bytes = 0
        var end = messages.startIndex
        while end < messages.endIndex, end - messages.startIndex < MessageStore.mostAppended {
            bytes += messages[end].content.count
            if bytes > Self.groupBytes, end > messages.startIndex { break }
            end += 1
        }
        return messages[..<end]
    }

    private static func append(
        _ messages: [FiledMessage], to mailbox: MailboxID, _ quota: Int64?, _ store: MessageStore, _ output: AdminOutput,
        withKeywords: Bool = true
    ) throws {
        let items = try messages.map { message in
            AppendItem(
                body: try Self.body(message.content, store), flags: message.flags,
                keywords: withKeywords ? message.keywords.filter(Self.isKeyword) : [], date: message.date)
        }
        do throws(StoreError) {
            let _: AppendResult = try StoreWait.value { store.append(items, to: mailbox, quota: quota, completion: $0) }
        } catch {
            for item in items { if case .large(let large) = item.body { large.abandon() } }
            guard case .tooManyKeywords = error, withKeywords else { throw error }
            output.problem(
                Localized(
                    en: "the mailbox has as many keywords as it can have; some messages come without theirs",
                    ja: "メールボックスのキーワードが上限に達したため、一部のメッセージはキーワードなしで追加されます"))
            try Self.append(messages, to: mailbox, quota, store, output, withKeywords: false)
        }
    }

    private static func body(_ content: [UInt8], _ store: MessageStore) throws -> AcceptItem.Body {
        guard content.count > store.options.inlineLimit else { return .memory(ByteBuffer(bytes: content)) }
        let large = try store.beginLargeBody()
        large.append(ByteBuffer(bytes: content)) { _ in }
        return .large(large)
    }

    /// What IMAP can say. [RFC9051-9]
    private static func isKeyword(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 100
            && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"(){%*\"\\]".utf8.contains($0) }
    }

    // MARK: Out

    private static func mailboxes(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let account = try AccountHandlers.find(
            try request.only("name one account", "アカウントを 1 つ指定してください"), context)
        let store = try context.store()
        let found: [MailboxFacts] = try StoreWait.value { store.mailboxes(of: account, completion: $0) }
        for facts in found { output.line("\(facts.uidValidity.rawValue) \(facts.messages) \(facts.name)") }
        return .done
    }

    /// Each message as `UID FACTS`, then pieces of base64, each on a line of its own, and an empty line.
    private static func read(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let (account, name) = try Self.target(request, context)
        let store = try context.store()
        let found: MailboxFacts? = try StoreWait.value { store.findMailbox(name, of: account, completion: $0) }
        guard let facts = found else {
            throw AdminFailure(
                Localized(en: "there is no mailbox \(Shown.text(name)) in this account", ja: "このアカウントにメールボックス \(Shown.text(name)) はありません"))
        }
        let keywords = try store.keywords(of: facts.id)
        var next: UInt32? = request.option("after").flatMap { UInt32($0) }.map { $0 < .max ? $0 + 1 : $0 } ?? 1
        while let first = next {
            let rows = try store.rows(of: facts.id, uids: UIDSet(first...UInt32.max), from: UID(rawValue: first), limit: 100)
            for (row, content) in zip(rows, try store.contents(of: facts.id, rows.map(\.uid))) {
                guard case .success(let content) = content else {
                    if case .failure(.noSuchMessage) = content { continue }
                    output.problem(
                        Localized(
                            en: "message \(row.uid) of \(name) cannot be read; see `postoffice check`",
                            ja: "\(name) のメッセージ \(row.uid) を読めません。postoffice check で調べてください"))
                    continue
                }
                let names = Flags.keywordBits.filter { row.flags.contains(.keyword($0)) }.compactMap { keywords[$0] }
                let said = FiledMessage(content: [], flags: row.flags, keywords: names, date: row.date)
                output.line("\(row.uid.rawValue) \(TransferRecord.facts(said))")
                try Self.tell(content, output)
            }
            next = rows.last.flatMap { $0.uid.rawValue < .max ? $0.uid.rawValue + 1 : nil }
        }
        return .done
    }

    private static func tell(_ content: MessageContent, _ output: AdminOutput) throws {
        if content.prefix.readableBytes > 0 { output.line(Base64.encode(content.prefix.readableBytesView)) }
        var at: Int64 = 0
        while at < content.bodySize {
            let piece = try content.read(at..<min(at + (1 << 20), content.bodySize))
            guard piece.readableBytes > 0 else { break }
            at += Int64(piece.readableBytes)
            output.line(Base64.encode(piece.readableBytesView))
        }
        output.line("")
    }

    // MARK: Common

    private static func target(_ request: AdminRequest, _ context: AdminContext) throws -> (AccountID, String) {
        guard request.operands.count == 2 else {
            throw AdminFailure(Localized(en: "name one account and one mailbox", ja: "アカウントとメールボックスを 1 つずつ指定してください"), .misuse)
        }
        let name = request.operands[1]
        guard let known = MailboxName.decoded(name.utf8, isUTF8: true), !known.isEmpty, known.utf8.count <= 1000, !known.hasPrefix("/"),
            !known.hasSuffix("/"), !known.contains("//")
        else {
            throw AdminFailure(
                Localized(
                    en: "\(Shown.text(name)) is no name of a mailbox; levels are separated by single slashes",
                    ja: "\(Shown.text(name)) はメールボックス名として使えません。階層は / で区切ってください"), .misuse)
        }
        return (try AccountHandlers.find(request.operands[0], context), known)
    }

    /// Made where it is missing, and subscribed, so that mail programs show it.
    private static func mailbox(_ name: String, of account: AccountID, _ store: MessageStore, makes: Bool) throws -> MailboxID? {
        let found: MailboxFacts? = try StoreWait.value { store.findMailbox(name, of: account, completion: $0) }
        if let found { return found.id }
        guard makes else { return nil }
        let made: MailboxFacts = try StoreWait.value { store.createMailbox(name, of: account, completion: $0) }
        let _: Void = try StoreWait.value { store.setSubscribed(name, true, of: account, completion: $0) }
        return made.id
    }
}
