internal import Bytes
internal import NIOCore

/// A keyword of POP3. The wire spelling is the raw value.
enum POP3Verb: String, CaseIterable, Sendable {
    case capa = "CAPA"
    case user = "USER"
    case pass = "PASS"
    case auth = "AUTH"
    case stls = "STLS"
    case utf8 = "UTF8"
    case lang = "LANG"
    case stat = "STAT"
    case list = "LIST"
    case uidl = "UIDL"
    case retr = "RETR"
    case top = "TOP"
    case dele = "DELE"
    case noop = "NOOP"
    case rset = "RSET"
    case quit = "QUIT"
}

/// States in which a command may be given. [RFC1939-3]
struct POP3Phases: OptionSet, Sendable {
    let rawValue: UInt8
    static let authorization = POP3Phases(rawValue: 1)
    static let transaction = POP3Phases(rawValue: 2)
    static let any: POP3Phases = [.authorization, .transaction]
}

/// The row of a command in the table from which dispatch, usage texts and CAPA come.
struct POP3Rule: Sendable {
    enum Arguments: Sendable {
        case none
        /// The rest of the line is one argument; blanks belong to it.
        case text
        case words(ClosedRange<Int>)
    }

    var verb: POP3Verb
    var phases: POP3Phases
    var arguments: Arguments
    /// Behind the verb in the usage text.
    var usage: StaticString = ""
    /// The line of CAPA that the command brings; arguments are added where there are some.
    var capability: StaticString?

    static func of(_ verb: POP3Verb) -> POP3Rule {
        switch verb {
        case .capa: POP3Rule(verb: .capa, phases: .any, arguments: .none)
        case .user: POP3Rule(verb: .user, phases: .authorization, arguments: .text, usage: " name", capability: "USER")
        case .pass: POP3Rule(verb: .pass, phases: .authorization, arguments: .text, usage: " password")
        case .auth: POP3Rule(verb: .auth, phases: .authorization, arguments: .words(0...2), usage: " mechanism", capability: "SASL")
        case .stls: POP3Rule(verb: .stls, phases: .authorization, arguments: .none, capability: "STLS")
        case .utf8: POP3Rule(verb: .utf8, phases: .authorization, arguments: .none, capability: "UTF8 USER")
        case .lang: POP3Rule(verb: .lang, phases: .any, arguments: .words(0...1), usage: " [language]", capability: "LANG")
        case .stat: POP3Rule(verb: .stat, phases: .transaction, arguments: .none)
        case .list: POP3Rule(verb: .list, phases: .transaction, arguments: .words(0...1), usage: " [number]")
        case .uidl: POP3Rule(verb: .uidl, phases: .transaction, arguments: .words(0...1), usage: " [number]", capability: "UIDL")
        case .retr: POP3Rule(verb: .retr, phases: .transaction, arguments: .words(1...1), usage: " number")
        case .top: POP3Rule(verb: .top, phases: .transaction, arguments: .words(2...2), usage: " number lines", capability: "TOP")
        case .dele: POP3Rule(verb: .dele, phases: .transaction, arguments: .words(1...1), usage: " number")
        case .noop: POP3Rule(verb: .noop, phases: .transaction, arguments: .none)
        case .rset: POP3Rule(verb: .rset, phases: .transaction, arguments: .none)
        case .quit: POP3Rule(verb: .quit, phases: .any, arguments: .none)
        }
    }
}

/// A command line taken apart. Arguments stay bytes; for `.text` there is exactly one.
struct POP3Command {
    var rule: POP3Rule
    var arguments: [ByteBufferView]

    enum Fault {
        case unknown
        case arguments(POP3Rule)
        /// A control character or, outside names and passwords, an octet beyond ASCII.
        case characters
    }

    private static let rules = Dictionary(uniqueKeysWithValues: POP3Verb.allCases.map { (Self.word($0.rawValue.utf8), POP3Rule.of($0)) })

    // RFC 2449 3:  command = keyword *(SP param) CRLF ; keyword = 3*4VCHAR
    static func parse(_ line: ByteBufferView) -> Result<POP3Command, ParseError> {
        let verbEnd = line.firstIndex(of: .space) ?? line.endIndex
        guard let rule = self.rules[self.word(line[..<verbEnd])] else { return .failure(ParseError(.unknown)) }
        guard !line.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return .failure(ParseError(.characters)) }
        let rest = verbEnd == line.endIndex ? line[line.endIndex...] : line[(verbEnd + 1)...]
        let hasText = rest.contains { $0 != .space }
        switch rule.arguments {
        case .text:
            return hasText ? .success(POP3Command(rule: rule, arguments: [rest])) : .failure(ParseError(.arguments(rule)))
        case .none:
            return hasText ? .failure(ParseError(.arguments(rule))) : .success(POP3Command(rule: rule, arguments: []))
        case .words(let count):
            let words = rest.split(separator: .space, omittingEmptySubsequences: true)
            guard count.contains(words.count) else { return .failure(ParseError(.arguments(rule))) }
            return .success(POP3Command(rule: rule, arguments: words))
        }
    }

    struct ParseError: Error {
        var fault: Fault
        init(_ fault: Fault) { self.fault = fault }
    }

    /// Three or four octets of a verb in one integer, letters folded; 0 for anything longer or shorter.
    private static func word(_ bytes: some Collection<UInt8>) -> UInt32 {
        guard bytes.count == 3 || bytes.count == 4 else { return 0 }
        return bytes.reduce(0) { $0 << 8 | UInt32($1.asciiUppercased) }
    }
}

extension ByteBufferView {
    /// A decimal number of at most ten digits; nil for anything else.
    var decimal: Int? {
        guard !self.isEmpty, self.count <= 10, self.allSatisfy(\.isASCIIDigit) else { return nil }
        return self.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}
