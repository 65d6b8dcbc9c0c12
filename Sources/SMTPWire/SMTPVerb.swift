import NIOCore

/// The commands we know. One row of `SMTPRule.table` each.
package enum SMTPVerb: UInt8, Hashable, Sendable, CaseIterable {
    case helo, ehlo, mail, rcpt, data, bdat, rset, noop, quit, vrfy, expn, help, startTLS, auth, etrn, qsnd, lhlo, burl
    /// A web browser, or somebody who makes one talk to us: the connection is closed at once.
    case http
    case unknown

    /// From the first four bytes of a line, whatever their case; what follows them is checked by the caller.
    static func of(_ word: UInt32) -> SMTPVerb {
        switch word & 0xDFDF_DFDF {  // clears the bit of lower case in four letters at once
        case 0x4845_4C4F: .helo
        case 0x4548_4C4F: .ehlo
        case 0x4D41_494C: .mail
        case 0x5243_5054: .rcpt
        case 0x4441_5441: .data
        case 0x4244_4154: .bdat
        case 0x5253_4554: .rset
        case 0x4E4F_4F50: .noop
        case 0x5155_4954: .quit
        case 0x5652_4659: .vrfy
        case 0x4558_504E: .expn
        case 0x4845_4C50: .help
        case 0x5354_4152: .startTLS  // STAR
        case 0x4155_5448: .auth
        case 0x4554_524E: .etrn
        case 0x5153_4E44: .qsnd
        case 0x4C48_4C4F: .lhlo
        case 0x4255_524C: .burl
        default: .unknown
        }
    }

    /// First words of HTTP requests.
    static func isHTTP(_ word: UInt32) -> Bool {
        switch word {
        case 0x4745_5420, 0x504F_5354, 0x5055_5420, 0x4845_4144, 0x4F50_5449, 0x434F_4E4E, 0x5052_4920, 0x4445_4C45, 0x5452_4143,
            0x5041_5443:
            true  // "GET ", POST, "PUT ", HEAD, OPTI, CONN, "PRI ", DELE, TRAC, PATC
        default: false
        }
    }
}

/// Where a session is, as far as the order of commands goes. [RFC5321-4.1.4]
struct SMTPPhases: OptionSet, Sendable {
    let rawValue: UInt8
    /// Before HELO or EHLO.
    static let unnamed = SMTPPhases(rawValue: 1)
    /// Named, no transaction.
    static let ready = SMTPPhases(rawValue: 2)
    /// MAIL was accepted.
    static let sender = SMTPPhases(rawValue: 4)
    /// And at least one RCPT.
    static let recipients = SMTPPhases(rawValue: 8)
    /// BDAT has begun and LAST not come.
    static let chunks = SMTPPhases(rawValue: 16)

    static let any: SMTPPhases = [.unnamed, .ready, .sender, .recipients, .chunks]
    static let transaction: SMTPPhases = [.sender, .recipients]
}

/// What a command may follow and what may follow it. HELP and the EHLO reply come from here.
struct SMTPRule: Sendable {
    enum Argument: Sendable { case none, optional, required }

    var verb: SMTPVerb
    var name: StaticString
    var phases: SMTPPhases
    var argument: Argument
    /// False where the client must wait for the reply before it sends more. [RFC2920-3.1]
    var isPipelinable: Bool

    /// In the order of `SMTPVerb`, so that a rule is found by its raw value.
    static let table: [SMTPRule] = [
        SMTPRule(verb: .helo, name: "HELO", phases: .any, argument: .required, isPipelinable: false),
        SMTPRule(verb: .ehlo, name: "EHLO", phases: .any, argument: .required, isPipelinable: false),
        SMTPRule(verb: .mail, name: "MAIL", phases: .ready, argument: .required, isPipelinable: true),
        SMTPRule(verb: .rcpt, name: "RCPT", phases: .transaction, argument: .required, isPipelinable: true),
        SMTPRule(verb: .data, name: "DATA", phases: .transaction, argument: .none, isPipelinable: false),
        SMTPRule(verb: .bdat, name: "BDAT", phases: [.sender, .recipients, .chunks], argument: .required, isPipelinable: true),
        SMTPRule(verb: .rset, name: "RSET", phases: .any, argument: .none, isPipelinable: true),
        SMTPRule(verb: .noop, name: "NOOP", phases: .any, argument: .optional, isPipelinable: false),
        SMTPRule(verb: .quit, name: "QUIT", phases: .any, argument: .none, isPipelinable: false),
        SMTPRule(verb: .vrfy, name: "VRFY", phases: .any, argument: .required, isPipelinable: false),
        SMTPRule(verb: .expn, name: "EXPN", phases: .any, argument: .required, isPipelinable: false),
        SMTPRule(verb: .help, name: "HELP", phases: .any, argument: .optional, isPipelinable: false),
        SMTPRule(verb: .startTLS, name: "STARTTLS", phases: [.ready, .sender, .recipients], argument: .none, isPipelinable: false),
        SMTPRule(verb: .auth, name: "AUTH", phases: .ready, argument: .required, isPipelinable: false),
        SMTPRule(verb: .etrn, name: "ETRN", phases: .ready, argument: .required, isPipelinable: false),
        SMTPRule(verb: .qsnd, name: "QSND", phases: [.unnamed, .ready], argument: .optional, isPipelinable: false),
        SMTPRule(verb: .lhlo, name: "LHLO", phases: .any, argument: .required, isPipelinable: false),
        SMTPRule(verb: .burl, name: "BURL", phases: [.sender, .recipients, .chunks], argument: .required, isPipelinable: true),
    ]

    /// LMTP has no HELO, EHLO or logins, and SMTP no LHLO: who speaks the other protocol finds out at once. [RFC2033-4.1]
    /// BURL is there for submission alone. [RFC4468-3.1]
    func isSpoken(lmtp: Bool, urls: Bool = false) -> Bool {
        switch self.verb {
        case .burl: urls
        case .helo, .ehlo, .auth, .etrn, .qsnd: !lmtp
        case .lhlo: lmtp
        default: true
        }
    }

    static func of(_ verb: SMTPVerb) -> SMTPRule? {
        let index = Int(verb.rawValue)
        return index < self.table.count ? self.table[index] : nil
    }
}
