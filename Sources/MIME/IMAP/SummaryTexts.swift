internal import Bytes
internal import NIOCore

/// The texts of a summary, out of the fields of a header.
enum SummaryTexts {
    /// Octets of one text that are kept.
    private static let longest = 64 << 10

    /// One buffer a `MessageSummary.Text`, then facts and references.
    static func sections(_ fields: MessageFields, size: Int64) -> [ByteBuffer] {
        var texts = [String](repeating: "", count: MessageSummary.Text.allCases.count)
        func set(_ text: MessageSummary.Text, _ value: String) { texts[text.rawValue] = value }
        var facts = MessageSummary.Facts(size: size)
        let named: [(MessageSummary.Text, MessageFields.Name)] = [
            (.subject, .subject), (.from, .from), (.to, .to), (.cc, .cc), (.bcc, .bcc), (.messageIDField, .messageID),
            (.inReplyToField, .inReplyTo),
            (.referencesField, .references),
        ]
        for (text, name) in named where !fields[name].isEmpty {
            facts.present |= 1 << UInt16(text.rawValue)
            set(text, self.decoded(fields[name]))
        }
        let isAlone = fields[.subject].count < 2
        let base = BaseSubject(
            isAlone ? texts[MessageSummary.Text.subject.rawValue] : fields.first(.subject).map { HeaderText.decode($0) } ?? "")
        set(.baseSubject, base.text)
        if base.isReplyOrForward { facts.flags |= 1 }
        if let date = fields.first(.date).flatMap({ SentDate($0) }) {
            facts.flags |= 2
            facts.sentDate = date.unixSeconds
            facts.sentDay = Int32(clamping: date.day.number)
        }
        let (from, to, cc) = (fields.addresses(.from).first, fields.addresses(.to).first, fields.addresses(.cc).first)
        set(.fromMailbox, from?.mailboxText ?? "")
        set(.toMailbox, to?.mailboxText ?? "")
        set(.ccMailbox, cc?.mailboxText ?? "")
        set(.displayFrom, from?.displayText ?? "")
        set(.displayTo, to?.displayText ?? "")
        let references = fields.first(.references).map { MessageIdentifiers.all(in: $0) } ?? []
        let answered =
            references.isEmpty ? (fields.first(.inReplyTo).map { MessageIdentifiers.all(in: $0) } ?? []).prefix(1) : references[...]
        set(.messageID, fields.first(.messageID).flatMap { MessageIdentifiers.all(in: $0).first } ?? "")
        var factBytes = ByteBuffer()
        facts.write(to: &factBytes)
        return texts.map { ByteBuffer(bytes: $0.utf8.prefix(self.longest)) } + [
            factBytes, ByteBuffer(string: answered.joined(separator: "\0")),
        ]
    }

    private static func decoded(_ bodies: [[UInt8]]) -> String { bodies.map { HeaderText.decode($0) }.joined(separator: "\n") }
}

extension EnvelopeAddress {
    fileprivate var mailboxText: String { HeaderText.decode(self.mailbox ?? []) }

    /// RFC 5957 3: the decoded name, else mailbox@host, else the mailbox.
    fileprivate var displayText: String {
        let name = HeaderText.decode(self.name ?? [])
        if !name.isEmpty { return name }
        guard let host = self.host else { return self.mailboxText }
        return "\(self.mailboxText)@\(HeaderText.unlabelled(host))"
    }
}
