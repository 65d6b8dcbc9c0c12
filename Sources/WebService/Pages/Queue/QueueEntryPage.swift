internal import Bytes
internal import Database
internal import Forms
internal import MessageStore
internal import NIOCore
internal import Vocabulary
internal import WebPages

/// One entry of the queue: what is known of it, the header of its message, and what can be done with it.
enum QueueEntryPage {
    /// Octets of the message that are looked through for its header.
    private static let longestHeader = 64 << 10

    static func page(
        _ id: Int64, _ request: WebRequest, _ host: WebHost, _ notices: [Notice], isAfterAction: Bool = false, wrongTarget: Localized? = nil
    ) -> WebReply {
        guard let store = host.store else { return ErrorPages.page(QueueWords.unreadable, 503, request, host) }
        let found: StoredQueueEntry?
        do { found = try store.queueEntry(QueueID(rawValue: id)) } catch {
            return ErrorPages.page(QueueWords.unreadable, 503, request, host)
        }
        var page = request.page(Localized(en: "Queue entry \(id)", ja: "キューの番号 \(id)"), host)
        page.path = [(QueueWords.title, "/queue")]
        page.notices = notices
        guard let entry = found else {
            page.notices.append(Notice(.advice, QueueWords.gone, link: ("/queue", QueueWords.title)))
            return .page(page, status: isAfterAction ? 200 : 404)
        }
        page.body = HTML.build { out in
            out.add(.dl, [.class("facts")]) { list in
                for (name, value) in self.facts(entry, request, host) where !value.isEmpty {
                    list.add(.dt, [], name)
                    list.add(.dd) { $0.foreign(value) }
                }
            }
            out.add(.p) {
                $0.link(Link(["trail"], query: [("q", entry.trace.text)]), request.say("What happened to this message", "このメールの経過"))
            }
            self.actions(&out, entry, page.csrfToken, wrongTarget, request)
            out.add(.h2, [], request.say("Header of the message", "メールのヘッダ"))
            if let header = self.header(entry, store) {
                out.add(.pre, [.class("header")]) { $0.foreign(header) }
            } else {
                out.add(.p, [.class("advice")], request.say("The message cannot be read.", "メールを読み込めません。"))
            }
        }
        return .page(page, status: wrongTarget == nil ? 200 : 422)
    }

    private static func facts(_ entry: StoredQueueEntry, _ request: WebRequest, _ host: WebHost) -> [(String, String)] {
        let now = host.now()
        let isUnderWay = host.watch?.underWay().contains(entry.id) ?? false
        return [
            (request.say("Sender", "送信者"), entry.envelope.sender.map { "\($0)" } ?? "<>"),
            (request.say("Recipient", "宛先"), "\(entry.draft.recipient.address)"),
            (request.say("State", "状態"), QueuePages.state(entry, isUnderWay, request, host, now)),
            (request.say("Reason", "理由"), QueuePages.reason(entry, request, host)),
            (request.say("Attempts", "送信回数"), "\(entry.attempts)"),
            (request.say("Next hop", "経路"), entry.draft.destination), (request.say("Channel", "チャネル"), "\(entry.draft.channel)"),
            (request.say("Accepted", "受付日時"), host.time(entry.acceptedAt)), (request.say("Size", "サイズ"), Amounts.bytes(entry.bodySize)),
            (request.say("Id of the message", "メッセージの ID"), entry.trace.text),
            (request.say("Further recipients waiting", "ほかに待っている宛先"), entry.siblings > 1 ? "\(entry.siblings - 1)" : ""),
        ]
    }

    private static func actions(
        _ out: inout HTML, _ entry: StoredQueueEntry, _ token: String, _ wrongTarget: Localized?, _ request: WebRequest
    ) {
        let isHeld = entry.draft.due >= MessageStore.never
        out.add(.h2, [], request.say("What is to be done", "操作"))
        out.add(.form, [.post, .action(Link(["queue", "\(entry.id)"]))]) { form in
            form.hidden(Page.csrfName, token)
            form.add(.p, [.class("buttons")]) { line in
                for action in QueueAction.allCases where action != .redirect && action != (isHeld ? .hold : .release) {
                    line.add(
                        .button,
                        [
                            .type(.submit), .name("action"), .value(action.rawValue), .class("quiet"),
                            .title(action.meaning.text(request.language)),
                        ],
                        action.label.text(request.language))
                }
            }
        }
        out.add(.form, [.post, .action(Link(["queue", "\(entry.id)"])), .novalidate]) { form in
            form.hidden(Page.csrfName, token)
            form.hidden("action", QueueAction.redirect.rawValue)
            let typed = wrongTarget == nil ? "" : request.form.last("to") ?? ""
            Parts.line(
                &form, "to", Localized(en: "Send to this address instead", ja: "代わりに送信する宛先"), typed, problem: wrongTarget, request.language)
            form.add(.p, [.class("buttons")]) {
                $0.add(.button, [.type(.submit)], QueueAction.redirect.label.text(request.language))
            }
        }
    }

    /// As it came, up to the empty line; nil when it cannot be read.
    private static func header(_ entry: StoredQueueEntry, _ store: MessageStore) -> String? {
        guard let reader = try? store.queueReader(entry.id, prefix: ByteBuffer()) else { return nil }
        var bytes: [UInt8] = []
        while bytes.count < self.longestHeader {
            guard let piece = self.next(reader) else { break }
            bytes += piece.readableBytesView
            if self.end(of: bytes) != nil { break }
        }
        let header = bytes.prefix(self.end(of: bytes) ?? self.longestHeader)
        return String(decoding: header, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false).joined(separator: "\n")
    }

    /// Waits for the disk: pages are made on threads that may. nil at the end, and where it cannot be read within a few seconds.
    private static func next(_ reader: MessageReader) -> ByteBuffer? {
        let answer = Monitor<Result<ByteBuffer?, StoreError>?>(nil)
        reader.next { result in
            answer.withLock { $0 = result }
            answer.signal()
        }
        guard case .success(let piece)? = answer.wait(milliseconds: 5000, until: { $0 != nil }, then: { $0 }) else { return nil }
        return piece
    }

    private static func end(of bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for index in 0...(bytes.count - 4) where bytes[index] == 0x0D {
            if bytes[index + 1] == 0x0A, bytes[index + 2] == 0x0D, bytes[index + 3] == 0x0A { return index }
        }
        return nil
    }
}
