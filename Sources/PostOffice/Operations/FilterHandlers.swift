import Bytes
import Database
import Directory
import Forms
import MIME
import MessageStore
import NIOCore
import Policy
import SMTPService
import Vocabulary

/// `filter test`: what the filters would do with a message, without doing it.
enum FilterHandlers {
    static let all: [AdminHandler] = [AdminHandler("filter test", Self.test)]

    /// A message to try, and what is known of its envelope.
    private struct Sample {
        var bytes: ByteBuffer
        var size: Int64
        var sender: Address?
        var recipients: [Address] = []
    }

    private static func test(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws(AdminFailure) -> AdminStatus {
        let rules = try Self.rules(request, context)
        var sample = try Self.sample(request, context)
        if let from = request.option("from") { sample.sender = from.isEmpty || from == "<>" ? nil : try Self.address(from) }
        let named = request.options["to"] ?? []
        if !named.isEmpty {
            sample.recipients = []
            for text in named { sample.recipients.append(try Self.address(text)) }
        }
        if sample.recipients.isEmpty {
            sample.recipients = [Address(localPart: "postmaster", domain: context.directory.configuration.hostName)]
        }
        guard let client = IPAddress(request.option("client") ?? "192.0.2.1") else {
            throw AdminFailure(Localized(en: "--client takes an IP address", ja: "--client には IP アドレスを指定してください"), .misuse)
        }
        var facts = MessageFacts(
            sender: sample.sender, recipients: sample.recipients, client: client, hasLogin: request.has("login"), size: sample.size,
            message: sample.bytes)
        Self.show(rules.verdict(&facts), sample.recipients, request, output)
        return .done
    }

    // MARK: What is tried

    private static func rules(_ request: AdminRequest, _ context: AdminContext) throws(AdminFailure) -> FilterRules {
        guard let text = request.option("rules") else { return context.directory.configuration.filters }
        do throws(FilterProblem) {
            return try FilterRules.parse(text)
        } catch {
            throw AdminFailure(
                Localized(en: "line \(error.line): \(error.message.english)", ja: "\(error.line) 行目: \(error.message.japanese)"))
        }
    }

    private static func sample(_ request: AdminRequest, _ context: AdminContext) throws(AdminFailure) -> Sample {
        if let input = request.input {
            guard let bytes = Base64.decode(input.utf8) else {
                throw AdminFailure(Localized(en: "the message did not arrive whole", ja: "メッセージを読み取れません"))
            }
            return Self.sample(of: ByteBuffer(bytes: bytes), size: request.option("size").flatMap { Int64($0) } ?? Int64(bytes.count))
        }
        if let text = request.option("entry") {
            guard let number = Int64(text) else {
                throw AdminFailure(
                    Localized(en: "--entry takes a number of `queue list`", ja: "--entry には queue list の番号を指定してください"), .misuse)
            }
            return try Self.queued(QueueID(rawValue: number), context)
        }
        guard let account = request.option("account"),
            let uid = request.option("uid").flatMap({ UInt32($0) }).flatMap({ UID(rawValue: $0) })
        else {
            throw AdminFailure(
                Localized(
                    en: "say which message: a file, --entry NUMBER, or --account ADDRESS --uid NUMBER",
                    ja: "メッセージを指定してください: ファイル、--entry 番号、--account アドレス --uid 番号"), .misuse)
        }
        return try Self.stored(account, uid, context)
    }

    private static func queued(_ id: QueueID, _ context: AdminContext) throws(AdminFailure) -> Sample {
        let store = try context.store()
        do throws(StoreError) {
            guard let entry = try store.queueEntry(id) else { throw StoreError.noSuchMessage }
            let bytes = try Self.read(try store.queueReader(id, prefix: ByteBuffer()))
            var sample = Self.sample(of: bytes, size: entry.bodySize)
            (sample.sender, sample.recipients) = (entry.envelope.sender, [entry.draft.recipient.address])
            return sample
        } catch {
            throw AdminFailure(ErrorWords.text("entry \(id) cannot be read", "キューの \(id) を読めません", error))
        }
    }

    private static func stored(_ account: String, _ uid: UID, _ context: AdminContext) throws(AdminFailure) -> Sample {
        guard let id = context.directory.find(account) else {
            throw AdminFailure(DirectoryError.noAccount(account).message)
        }
        let store = try context.store()
        do throws(StoreError) {
            let listing = try StoreWait.value { store.openInbox(of: id, completion: $0) }
            let reader = try StoreWait.value { store.reader(listing.mailbox, uid, completion: $0) }
            return Self.sample(of: try Self.read(reader), size: reader.size)
        } catch {
            throw AdminFailure(ErrorWords.text("message \(uid) cannot be read", "メッセージ \(uid) を読めません", error))
        }
    }

    /// Envelope as far as trace fields tell it.
    private static func sample(of bytes: ByteBuffer, size: Int64) -> Sample {
        var sample = Sample(bytes: bytes, size: size)
        var reader = HeaderReader(bytes)
        while let field = reader.next() {
            let isSender = bytes.isField(field, named: "Return-Path")
            guard isSender || bytes.isField(field, named: "Delivered-To") else { continue }
            let text = String(decoding: bytes.unfolded(field).filter { $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">") }, as: UTF8.self)
            guard let address = try? Address(parsing: text) else { continue }
            if isSender { sample.sender = address } else { sample.recipients = [address] }
        }
        return sample
    }

    /// The beginning, as far as filters look at it. Blocks.
    private static func read(_ reader: MessageReader) throws(StoreError) -> ByteBuffer {
        var out = ByteBuffer()
        while out.readableBytes < MessageFacts.head, var piece = try StoreWait.value({ reader.next($0) }) { out.writeBuffer(&piece) }
        return out
    }

    private static func address(_ text: String) throws(AdminFailure) -> Address {
        guard let address = try? Address(parsing: text) else {
            throw AdminFailure(
                Localized(
                    en: "\(Shown.text(text)) is no mail address; write name@domain",
                    ja: "\(Shown.text(text)) は E-mail アドレスではありません。name@domain の形で指定してください"), .misuse)
        }
        return address
    }

    // MARK: What comes out

    private static func show(_ verdict: FilterVerdict, _ recipients: [Address], _ request: AdminRequest, _ output: AdminOutput) {
        for (index, recipient) in recipients.enumerated() where verdict.fates.indices.contains(index) {
            let fate = verdict.fates[index]
            let rules = verdict.hits.filter { $0.recipients.contains(index) }.map(\.rule.name)
            let tags = fate.tags.map { "\($0.name): \($0.value)" }
            let action = verdict.refusal.map(\.action) ?? fate.ending?.action
            if request.wantsJSON {
                output.line(
                    JSONValue.object([
                        ("recipient", .text("\(recipient)")), ("action", .text(action?.words.english ?? "deliver")),
                        ("rules", .list(rules.map { .text($0) })), ("tags", .list(tags.map { .text($0) })),
                    ]).description)
            } else {
                let by = rules.isEmpty ? "" : "  (\(rules.joined(separator: ", ")))"
                output.line("\(recipient): \((action?.words ?? Localized(en: "deliver", ja: "配信")).text(request.language))\(by)")
                for tag in tags { output.line("    + \(tag)") }
            }
        }
        if verdict.isIncomplete {
            output.problem(
                Localized(en: "not every rule was asked: the time for one message was used up", ja: "制限時間を超えたため、一部の規則を調べていません"))
        }
    }
}

extension FilterAction {
    fileprivate var words: Localized {
        switch self {
        case .refuse(let text): Localized(en: "refuse: 550 \(text)", ja: "拒否: 550 \(text)")
        case .hold(let reason): Localized(en: "hold \(reason)", ja: "保留 \(reason)")
        case .redirect(let address): Localized(en: "redirect to \(address)", ja: "\(address) に転送")
        case .tag(let name, let value): Localized(en: "tag \(name): \(value)", ja: "付加 \(name): \(value)")
        case .drop: Localized(en: "drop", ja: "破棄")
        case .accept: Localized(en: "deliver", ja: "配信")
        }
    }
}
