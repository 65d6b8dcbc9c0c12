internal import Bytes
package import NIOCore
package import Vocabulary

// The replies that the session gives by itself.
extension Reply {
    static let unknownCommand = Reply(500, EnhancedStatus(5, 5, 2), "Command not recognised")
    static let lineTooLong = Reply(500, EnhancedStatus(5, 5, 2), "Line too long")  // [RFC5321-4.5.3.1.9]
    static let bareNewline = Reply(500, EnhancedStatus(5, 5, 2), "Lines must end with CRLF; a bare LF was received, closing")
    static let bareReturn = Reply(500, EnhancedStatus(5, 5, 2), "Bare CR or NUL in command")
    static let badSequence = Reply(503, EnhancedStatus(5, 5, 1), "Bad sequence of commands")
    static let sayHello = Reply(503, EnhancedStatus(5, 5, 1), "Send EHLO or HELO first")
    static let sayLocalHello = Reply(503, EnhancedStatus(5, 5, 1), "Send LHLO first")
    static let nestedMail = Reply(503, EnhancedStatus(5, 5, 1), "Transaction already begun, send RSET to start again")
    static let noSender = Reply(503, EnhancedStatus(5, 5, 1), "Send MAIL first")
    static let noRecipients = Reply(554, EnhancedStatus(5, 5, 1), "No valid recipients")  // [RFC5321-3.3]
    static let noLocalRecipients = Reply(503, EnhancedStatus(5, 5, 1), "No valid recipients")  // [RFC2033-4.2]
    static let chunksBegun = Reply(503, EnhancedStatus(5, 5, 1), "BDAT has begun, go on with BDAT or RSET")  // [RFC3030-2]
    static let noArgument = Reply(501, EnhancedStatus(5, 5, 4), "Command takes no argument")
    static let badArgument = Reply(501, EnhancedStatus(5, 5, 4), "Argument missing or malformed")
    static let badHello = Reply(501, EnhancedStatus(5, 5, 4), "Host name or address literal expected")
    static let badMail = Reply(501, EnhancedStatus(5, 5, 4), "Syntax: MAIL FROM:<address>")
    static let badRcpt = Reply(501, EnhancedStatus(5, 5, 4), "Syntax: RCPT TO:<address>")
    static let badBdat = Reply(501, EnhancedStatus(5, 5, 4), "Syntax: BDAT size [LAST]")
    static let badURL = Reply(501, EnhancedStatus(5, 5, 4), "Syntax: BURL url [LAST]")
    static let badAuth = Reply(501, EnhancedStatus(5, 5, 4), "Syntax: AUTH mechanism [initial-response]")
    static let badBase64 = Reply(501, EnhancedStatus(5, 5, 2), "Not base64")
    static let badParameter = Reply(501, EnhancedStatus(5, 5, 4), "Parameter malformed")
    static let unknownParameter = Reply(555, EnhancedStatus(5, 5, 4), "Parameter not recognised")  // [RFC5321-4.1.1.11]
    static let needsUTF8 = Reply(553, EnhancedStatus(5, 6, 7), "Address is not ASCII and SMTPUTF8 was not asked for")  // [RFC6531-3.5]
    static let needsTLS = Reply(530, EnhancedStatus(5, 7, 0), "Send STARTTLS first")
    static let needsAuth = Reply(530, EnhancedStatus(5, 7, 0), "Authentication required")  // [RFC4954-6]
    static let earlyTalker = Reply(554, EnhancedStatus(5, 5, 1), "You talk before the greeting, closing")
    static let talksAfterData = Reply(554, EnhancedStatus(5, 5, 1), "Message sent before the reply to DATA, closing")
    static let notHTTP = Reply(421, EnhancedStatus(4, 7, 0), "This is a mail server, closing")
    static let tooManyRecipients = Reply(452, EnhancedStatus(4, 5, 3), "Too many recipients")  // [RFC5321-4.5.3.1.10]
    static let tooManyErrors = Reply(421, EnhancedStatus(4, 7, 0), "Too many errors, closing")
    static let tooManyRefusals = Reply(421, EnhancedStatus(4, 7, 0), "Too many refused recipients, closing")
    static let tooManyMessages = Reply(421, EnhancedStatus(4, 7, 0), "Too many messages in one session, closing")  // [RFC9422-2]
    static let accountClosed = Reply(421, EnhancedStatus(4, 7, 0), "Your account is not active any more, closing")
    static let internalError = Reply(451, EnhancedStatus(4, 3, 0), "Internal error, try again later")

    static func badSender(_ error: AddressError) -> Reply {
        Reply(501, EnhancedStatus(5, 1, 7), "Bad sender: \(error.rawValue)")
    }
    static func badRecipient(_ error: AddressError) -> Reply {
        Reply(501, EnhancedStatus(5, 1, 3), "Bad recipient: \(error.rawValue)")
    }
    static func fault(_ fault: DotDecoder.Fault) -> Reply {
        switch fault {
        case .bareCarriageReturn: Reply(554, EnhancedStatus(5, 6, 0), "Message refused: it has a CR that is not part of CRLF")
        case .bareLineFeed: Reply(554, EnhancedStatus(5, 6, 0), "Message refused: it has an LF that is not part of CRLF")
        case .nul: Reply(554, EnhancedStatus(5, 6, 0), "Message refused: it has a NUL octet")
        case .longLine: Reply(554, EnhancedStatus(5, 6, 0), "Message refused: it has a line longer than allowed")  // [RFC5321-4.5.3.1.6]
        }
    }
    static func tooBig(_ limit: Int64) -> Reply {
        Reply(552, EnhancedStatus(5, 3, 4), "Message too big, at most \(limit) octets")  // [RFC1870-6.1]
    }
}

extension ByteBuffer {
    /// A reply as it goes on the wire: each line of the text with the code and status. Control characters become `?`, so that no text,
    /// whatever it quotes, can make a line of its own. [RFC5321-4.2] [RFC2034-4]
    package mutating func writeReply(_ reply: Reply) {
        let lines = reply.text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            self.writeDecimal(UInt64(reply.code))
            self.writeInteger(index == lines.count - 1 ? UInt8(ascii: " ") : UInt8(ascii: "-"))
            if let status = reply.status {
                self.writeDecimal(UInt64(status.classDigit))
                self.writeInteger(UInt8(ascii: "."))
                self.writeDecimal(UInt64(status.subject))
                self.writeInteger(UInt8(ascii: "."))
                self.writeDecimal(UInt64(status.detail))
                self.writeInteger(UInt8(ascii: " "))
            }
            if line.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
                self.writeBytes(line.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 })
            } else {
                self.writeSubstring(Substring(line))
            }
            self.writeStaticString("\r\n")
        }
    }

    private mutating func writeDecimal(_ number: UInt64) {
        guard number >= 10 else {
            self.writeInteger(UInt8(truncatingIfNeeded: 0x30 + number))
            return
        }
        self.writeDecimal(number / 10)
        self.writeInteger(UInt8(truncatingIfNeeded: 0x30 + number % 10))
    }
}
