package import Directory
import Synchronization
package import Vocabulary

/// What a command asks of the server. The command has read files and standard input already: a server never opens a path for a client.
package struct AdminRequest: Codable, Sendable, Equatable {
    /// Words of the command: `account add`.
    package var verb: String
    /// Arguments without option name, in order.
    package var operands: [String]
    /// Options by name without dashes; a flag has an empty list.
    package var options: [String: [String]]
    /// Content of the file or of standard input that the command names, where it does.
    package var input: String?
    package var language: Language
    /// JSON instead of text for people.
    package var wantsJSON: Bool
    /// Who asks, where that was proved: set on this side, never read from a request.
    package var origin: Actor?

    private enum CodingKeys: String, CodingKey { case verb, operands, options, input, language, wantsJSON }

    package init(
        _ verb: String, operands: [String] = [], options: [String: [String]] = [:], input: String? = nil,
        language: Language = .english, wantsJSON: Bool = false
    ) {
        self.verb = verb
        self.operands = operands
        self.options = options
        self.input = input
        self.language = language
        self.wantsJSON = wantsJSON
    }

    package func option(_ name: String) -> String? { self.options[name]?.last }
    package func has(_ flag: String) -> Bool { self.options[flag] != nil }
}

/// One part of an answer; `done` is the last.
package enum AdminFrame: Codable, Sendable, Equatable {
    /// The first: the server has the request and begins. Without it nothing was done.
    case begun
    /// For standard output, line end included.
    case output(String)
    /// For standard error.
    case problem(String)
    /// Replaces the progress line on a terminal; not shown elsewhere.
    case progress(String)
    case done(AdminStatus)
}

/// Exit status of every command.
package enum AdminStatus: Int32, Codable, Sendable {
    case done = 0
    case failed = 1
    /// Wrong use: arguments or configuration file.
    case misuse = 2
}

/// Where a handler writes. Usable from any thread; frames leave in the order of the calls.
package final class AdminOutput: Sendable {
    /// A value that an action changed, for the audit log.
    package struct Fact: Sendable {
        package var field: String
        package var old: String?
        package var new: String?
    }

    private let emit: @Sendable (AdminFrame) -> Void
    package let language: Language
    private let noted = Mutex<[Fact]>([])
    /// Facts of one action; more are left out.
    private static let mostFacts = 50

    package init(language: Language, emit: @escaping @Sendable (AdminFrame) -> Void) {
        self.language = language
        self.emit = emit
    }

    package func line(_ text: String) { self.emit(.output(text + "\n")) }
    /// Text without a line end of its own.
    package func part(_ text: String) { self.emit(.output(text)) }
    package func line(_ text: Localized) { self.line(text.text(self.language)) }
    package func problem(_ text: String) { self.emit(.problem(text + "\n")) }
    package func problem(_ text: Localized) { self.problem(text.text(self.language)) }
    /// For the audit log: what was so before and is so since. Never a secret.
    package func note(_ field: String, old: String?, new: String?) {
        self.noted.withLock { if $0.count < Self.mostFacts { $0.append(Fact(field: field, old: old, new: new)) } }
    }
    package var facts: [Fact] { self.noted.withLock { $0 } }
    package func progress(_ text: String) { self.emit(.progress(text)) }
}
