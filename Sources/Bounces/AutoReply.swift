internal import Bytes
internal import MIME
package import NIOCore
internal import Text
package import Vocabulary

/// Whether a message gets an automatic reply. Everything that could go round in a circle, reach many, or reach somebody who did not write,
/// gets none. [RFC3834-2]
package enum AutoReply {
    package enum Mode: String, Sendable, Hashable {
        /// Each sender once in a while, where the mail is addressed to the account.
        case vacation
        /// Always.
        case reply
        /// Always, with the message.
        case echo
    }

    /// Why there is none: a word for the log.
    package enum Refusal: String, Sendable, Hashable, Error {
        case noSender = "null-sender"
        /// By its address: a list's owner, a program.
        case automaticSender = "automatic-sender"
        case ownAddress = "own-address"
        /// Auto-Submitted, or what programs before it wrote.
        case automatic = "auto-submitted"
        case bulk = "precedence"
        case list = "list"
        case notAddressed = "not-addressed"
        /// To a reply of ours.
        case answersOurs = "answers-automatic-reply"
        case report = "report"
    }

    /// Message-IDs of our replies begin so, that an answer to one is known whatever else it says.
    static let identifierMark = "autoreply."

    /// - Parameters:
    ///   - header: the beginning of the message with its header.
    ///   - sender: of the envelope.
    ///   - isOwn: the address is one of the account's.
    ///   - hostName: of this server.
    package static func refusal(
        _ header: ByteBuffer, sender: Address?, mode: Mode, hostName: String, isOwn: (Address) -> Bool
    ) -> Refusal? {
        guard let sender else { return .noSender }  // [RFC3834-2]
        guard !isOwn(sender) else { return .ownAddress }
        guard !self.isAutomatic(sender.localPart) else { return .automaticSender }
        var reader = HeaderReader(header)
        var isAddressed = false
        while let field = reader.next() {
            let name = header.getString(at: header.readerIndex + field.start, length: field.nameEnd - field.start) ?? ""
            let body = header.unfolded(field)
            if let refusal = self.refusal(name.asciiLowercased, body, mode, hostName) { return refusal }
            if !isAddressed, self.recipientFields.contains(name.asciiLowercased) { isAddressed = self.names(body, isOwn) }
        }
        // What has no end of its header, or a thousand fields, was written by no person.
        if reader.end == .tooManyFields { return .automatic }
        return mode == .vacation && !isAddressed ? .notAddressed : nil
    }

    private static let recipientFields: Set<String> = ["to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc"]

    private static func names(_ body: [UInt8], _ isOwn: (Address) -> Bool) -> Bool {
        AddressListReader.addresses(in: body).contains { text in (try? Address(parsing: text)).map(isOwn) ?? false }
    }

    // MARK: Fields

    private static func refusal(_ name: String, _ body: [UInt8], _ mode: Mode, _ hostName: String) -> Refusal? {
        switch name {
        case "auto-submitted": return self.word(body) == "no" ? nil : .automatic  // [RFC3834-5]
        case "precedence": return ["bulk", "junk", "list", "auto_reply"].contains(self.word(body)) ? .bulk : nil
        case "x-auto-response-suppress": return self.suppresses(body, mode) ? .automatic : nil
        case "x-autoreply", "x-autorespond", "x-autoresponder", "x-mail-autoreply", "x-loop": return .automatic
        case "x-failed-recipients": return .report
        case "content-type": return self.word(body) == "multipart/report" ? .report : nil
        case "in-reply-to", "references":
            let isOurs = MessageIdentifiers.all(in: body).contains { $0.hasPrefix(self.identifierMark) && $0.hasSuffix("@\(hostName)") }
            return isOurs ? .answersOurs : nil
        case _ where name.hasPrefix("list-"): return .list  // [RFC3834-2]
        default: return nil
        }
    }

    /// The first word of a field, comments before it left out, in lower case.
    private static func word(_ body: [UInt8]) -> String {
        var depth = 0
        var word: [UInt8] = []
        for byte in body {
            switch byte {
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")") where depth > 0: depth -= 1
            case _ where depth > 0: break
            case .space, .tab, UInt8(ascii: ";"): if !word.isEmpty { return self.text(word) }
            default: if word.count < 100 { word.append(byte) }
            }
        }
        return self.text(word)
    }

    private static func text(_ word: [UInt8]) -> String { String(decoding: word, as: UTF8.self).asciiLowercased }

    /// What Exchange says of replies that its users do not want.
    private static func suppresses(_ body: [UInt8], _ mode: Mode) -> Bool {
        let words = self.text(body).split { $0 == "," || $0 == " " }
        return words.contains("all") || words.contains(mode == .vacation ? "oof" : "autoreply")
    }

    // MARK: Senders

    private static let automaticNames: Set<String> = [
        "mailer-daemon", "listserv", "majordomo", "mailman", "noreply", "no-reply", "no_reply", "donotreply", "do-not-reply",
        "do_not_reply",
        "bounce", "bounces", "postmaster", "autoreply", "auto-reply", "nobody",
    ]

    /// Names under which programs and lists write. [RFC3834-2]
    private static func isAutomatic(_ localPart: String) -> Bool {
        let name = UnicodeText.folded(localPart)
        // Behind + or = stands what the sender needs for himself: `bounces+jane=example.test`.
        let plain = String(name.prefix { $0 != "+" && $0 != "=" })
        if self.automaticNames.contains(plain) || self.automaticNames.contains(name) { return true }
        return plain.hasPrefix("owner-") || plain.hasSuffix("-owner") || plain.hasSuffix("-request") || plain.hasSuffix("-relay")
            || plain.hasSuffix("-bounces") || plain.hasSuffix("-bounce") || plain.hasSuffix("-noreply")
    }
}
