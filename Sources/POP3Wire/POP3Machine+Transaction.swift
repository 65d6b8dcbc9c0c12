internal import Bytes
internal import NIOCore
internal import Vocabulary

/// A list that is written in parts: LIST or UIDL from this place on.
struct Listing: Sendable {
    var isUIDL: Bool
    var next: Int
}

extension POP3Machine {
    mutating func transaction(_ command: POP3Command, _ out: inout Output) {
        switch command.rule.verb {
        case .stat: self.stat(&out)
        case .list, .uidl:
            let isUIDL = command.rule.verb == .uidl
            guard let number = command.arguments.first else {
                out.replies.writeOK(.listFollows, self.language)
                return self.continueListing(Listing(isUIDL: isUIDL, next: 0), &out)
            }
            guard let index = self.message(number, &out), let maildrop = self.maildrop?.maildrop else { return }
            out.replies.writeStaticString("+OK ")
            Self.writeListing(index, maildrop, isUIDL: isUIDL, &out.replies)
        case .retr:
            if let number = command.arguments.first, let index = self.message(number, &out) { self.send(index, lines: nil, &out) }
        case .top:
            guard let number = command.arguments.first, let index = self.message(number, &out) else { return }
            guard let lines = command.arguments.last?.decimal else { return self.refuse(.notANumber, &out) }
            self.send(index, lines: lines, &out)
        case .dele:
            guard let number = command.arguments.first, let index = self.message(number, &out) else { return }
            self.maildrop?.mark(index)
            out.replies.writeOK(.messageDeleted, self.language)
        case .rset:
            self.maildrop?.unmarkAll()
            self.stat(&out)
        case .capa, .user, .pass, .auth, .stls, .utf8, .lang, .noop, .quit: break
        }
    }

    private mutating func stat(_ out: inout Output) {
        guard let maildrop = self.maildrop else { return }
        out.replies.writeStaticString("+OK ")
        out.replies.writeDecimal(Int64(maildrop.count))
        out.replies.writeInteger(UInt8.space)
        out.replies.writeDecimal(maildrop.octets)
        out.replies.writeStaticString("\r\n")
    }

    /// `2 messages (320 octets)`, as the answers to PASS and AUTH have it.
    func writeCounts(_ maildrop: MaildropSession, _ out: inout Output) {
        out.replies.writeDecimal(Int64(maildrop.count))
        out.replies.writeStaticString(self.language == .japanese ? " 通 (" : " messages (")
        out.replies.writeDecimal(maildrop.octets)
        out.replies.writeStaticString(self.language == .japanese ? " オクテット)\r\n" : " octets)\r\n")
    }

    /// Place of the message that a command names; nil after an answer was given.
    private mutating func message(_ argument: ByteBufferView, _ out: inout Output) -> Int? {
        guard let maildrop = self.maildrop else { return nil }
        guard let number = argument.decimal else {
            self.refuse(.notANumber, &out)
            return nil
        }
        switch maildrop.find(number) {
        case .found(let index): return index
        case .missing: out.replies.writeError(.noSuchMessage, self.language)
        case .marked: out.replies.writeError(.alreadyDeleted, self.language)
        }
        return nil
    }

    // MARK: Lists

    mutating func continueListing(_ listing: Listing, _ out: inout Output) {
        guard let session = self.maildrop else { return self.close(&out) }
        let maildrop = session.maildrop
        var next = listing.next
        while next < maildrop.messages.count {
            guard out.replies.readableBytes < Self.pieceSize else {
                self.phase = .listing(Listing(isUIDL: listing.isUIDL, next: next))
                return out.perform(.pause)
            }
            if !session.isMarked(next) { Self.writeListing(next, maildrop, isUIDL: listing.isUIDL, &out.replies) }
            next += 1
        }
        out.replies.writeStaticString(".\r\n")
        self.phase = .transaction
    }

    /// A scan listing or a unique-id listing. The unique id is UIDVALIDITY and UID, which never come twice together. [RFC1939-5] [RFC1939-7]
    private static func writeListing(_ index: Int, _ maildrop: Maildrop, isUIDL: Bool, _ out: inout ByteBuffer) {
        let entry = maildrop.messages[index]
        out.writeDecimal(Int64(index) + 1)
        out.writeInteger(UInt8.space)
        if isUIDL {
            out.writeDecimal(Int64(maildrop.validity.rawValue))
            out.writeInteger(UInt8(ascii: "."))
            out.writeDecimal(Int64(entry.uid.rawValue))
        } else {
            out.writeDecimal(Int64(entry.size))
        }
        out.writeStaticString("\r\n")
    }
}
