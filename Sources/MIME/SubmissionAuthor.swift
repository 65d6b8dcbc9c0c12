internal import Bytes
internal import NIOCore
internal import Text
package import Vocabulary

/// What From may say in mail of an account: either it is made to say the account's primary address, or what it says is checked.
///
/// A message that is sent on unchanged (Resent-From) keeps its author, since signatures and replies hang on him; then its Resent-From is what
/// this is about. So that nobody gives himself out for somebody of this site in this way, such an author must be the account's own or of
/// another site.
///
/// Nothing of what stood in From is kept in another field: hiding names of hosts is what the rewriting is for.
package struct SubmissionAuthor: Sendable {
    /// nil checks only.
    package var style: FromField.Style?
    package var address: Address
    /// The account's real name. Where it has none, the name that the message gives stays.
    package var name: String
    /// The address is the account's, or was granted to it.
    package var mayUse: @Sendable (Address) -> Bool
    /// The address is in a domain of this site.
    package var isOfThisSite: @Sendable (Address) -> Bool

    package init(
        style: FromField.Style?, address: Address, name: String, mayUse: @escaping @Sendable (Address) -> Bool,
        isOfThisSite: @escaping @Sendable (Address) -> Bool
    ) {
        self.style = style
        self.address = address
        self.name = name
        self.mayUse = mayUse
        self.isOfThisSite = isOfThisSite
    }

    /// Fields of a header that say who sends.
    struct Fields {
        var from: [HeaderField] = []
        var sender: [HeaderField] = []
        var resentFrom: [HeaderField] = []
        var resentSender: [HeaderField] = []

        mutating func note(_ field: HeaderField, _ message: ByteBuffer) {
            if message.isField(field, named: "From") { self.from.append(field) }
            if message.isField(field, named: "Sender") { self.sender.append(field) }
            if message.isField(field, named: "Resent-From") { self.resentFrom.append(field) }
            if message.isField(field, named: "Resent-Sender") { self.resentSender.append(field) }
        }
    }

    /// The From field of a message without one.
    func missingField(or sender: Address) -> String {
        guard let style else { return FromField.written("From", sender, name: self.name) }
        return FromField.written("From", self.address, name: self.name, style)
    }

    func edits(
        _ fields: Fields, _ message: ByteBuffer, completing domain: String?
    ) throws(SubmissionFixer.Failure) -> [SubmissionFixer.Edit] {
        // The newest block of Resent- fields stands first. [RFC5322-3.6.6]
        if let resent = fields.resentFrom.first {
            guard fields.from.count <= 1 else { throw .severalAuthors }
            for field in fields.from + fields.sender {
                try self.check(field, message, domain) { self.mayUse($0) || !self.isOfThisSite($0) }
            }
            return try self.edits("Resent-From", [resent], fields.resentSender.first.map { [$0] } ?? [], message, domain)
        }
        return try self.edits("From", fields.from, fields.sender, message, domain)
    }

    /// - Parameters:
    ///   - fields: that say the author.
    ///   - senders: those that say who sends for the author.
    private func edits(
        _ name: String, _ fields: [HeaderField], _ senders: [HeaderField], _ message: ByteBuffer, _ domain: String?
    ) throws(SubmissionFixer.Failure) -> [SubmissionFixer.Edit] {
        guard let style else {
            guard fields.count <= 1 else { throw .severalAuthors }
            for field in fields + senders { try self.check(field, message, domain, self.mayUse) }
            return []
        }
        guard let first = fields.first else { return self.removed(senders) }
        let body = message.unfolded(first)
        let known = FromField.mailboxes(in: body, completing: domain) ?? []
        var edits = self.removed(Array(fields.dropFirst()) + senders)
        let own = self.name.isEmpty && known.count == 1 ? known[0].name : self.name
        if !self.says(body, known, own, style) {
            let field = FromField.written(name, self.address, name: own, style)
            edits.append(SubmissionFixer.Edit(range: first.start..<first.end, text: field))
        }
        return edits
    }

    private func removed(_ fields: [HeaderField]) -> [SubmissionFixer.Edit] {
        fields.map { SubmissionFixer.Edit(range: $0.start..<$0.end, text: "") }
    }

    /// The field says it already: then it stays byte for byte, and signatures that cover it hold.
    private func says(_ body: [UInt8], _ known: [FromField.Mailbox], _ name: String, _ style: FromField.Style) -> Bool {
        guard known.count == 1, known[0].name == name, let key = AddressKey(self.address), AddressKey(known[0].address) == key,
            FromField.everyAddress(in: body)?.allSatisfy({ AddressKey($0) == key }) == true
        else { return false }
        // A bare local part is completed, which is a change.
        guard body.contains(UInt8(ascii: "@")) else { return false }
        let hasAngle = body.contains(UInt8(ascii: "<"))
        return name.isEmpty || hasAngle == (style == .quoted)
    }

    /// Whatever any reader could take for the author must be somebody that may stand there.
    private func check(
        _ field: HeaderField, _ message: ByteBuffer, _ domain: String?, _ isFine: (Address) -> Bool
    ) throws(SubmissionFixer.Failure) {
        // As it will be read: completion, too, makes an address of what was none.
        let body = Self.completed(message.unfolded(field), domain)
        guard let mailboxes = FromField.mailboxes(in: body, completing: domain), !mailboxes.isEmpty,
            let others = FromField.everyAddress(in: body)
        else { throw .unreadableAuthor }
        guard mailboxes.allSatisfy({ isFine($0.address) }), others.allSatisfy(isFine) else { throw .foreignAuthor }
    }

    private static func completed(_ body: [UInt8], _ domain: String?) -> [UInt8] {
        guard let domain, let places = body.withUnsafeBytes({ AddressFieldCompleter.places(in: $0) }) else { return body }
        var out: [UInt8] = []
        var done = 0
        for place in places where place >= done && place <= body.count {
            out += body[done..<place] + Array("@\(domain)".utf8)
            done = place
        }
        return out + body[done...]
    }
}
