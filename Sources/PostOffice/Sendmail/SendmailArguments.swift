package import Vocabulary

/// The command line of `sendmail`, `mailq` and `newaliases`, as programs have written it for forty years.
package struct SendmailArguments: Sendable, Equatable {
    package enum Mode: Sendable, Equatable {
        /// Takes a message from standard input: `-bm`, the default.
        case deliver
        /// Speaks SMTP on standard input and output: `-bs`.
        case smtp
        /// Lists the queue: `-bp`, `mailq`.
        case queue
        /// Starts the server unless it runs: `-bd`, `-bD`.
        case daemon
        /// Says where addresses lead: `-bv`.
        case verify
        /// Tries what waits: `-q` alone.
        case run
        /// Takes over /etc/aliases: `-bi`, `newaliases`.
        case aliases
        /// Explains itself: `--help`.
        case help
    }

    package struct Failure: Error, Equatable {
        package let text: Localized

        init(en english: String, ja japanese: String) { self.text = Localized(en: english, ja: japanese) }
    }

    package var mode = Mode.deliver
    /// `-t`: recipients are in the header.
    package var readsRecipients = false
    /// `-i`, `-oi`: a line with a dot alone does not end the message.
    package var ignoresDots = false
    /// `-f`, `-r`: nil is the user, empty is `<>`.
    package var sender: String?
    /// `-F`
    package var fullName: String?
    /// `-N`; nil leaves it to the usual.
    package var notify: Set<String>?
    /// `-R`: true for `full`.
    package var returnsWhole: Bool?
    /// `-V`
    package var envelopeID: String?
    /// `-v`
    package var isVerbose = false
    package var recipients: [String] = []

    package init() {}

    /// - Parameter name: under which the program was called, without directories.
    package init(name: String, _ arguments: [String]) throws(Failure) {
        if name == "mailq" { self.mode = .queue }
        if name == "newaliases" { self.mode = .aliases }
        var rest = arguments[...]
        while let word = rest.popFirst() {
            if word == "--" {
                self.recipients += rest
                break
            }
            if word == "--help" {
                self.mode = .help
                return
            }
            guard word.hasPrefix("-"), word.count > 1 else {
                self.recipients.append(word)
                continue
            }
            try self.option(word.dropFirst(), &rest)
        }
    }

    /// Letters that stand alone; several may share a dash.
    private static let flags: Set<Character> = ["t", "i", "v", "n", "m", "U", "G", "x", "E"]

    private mutating func option(_ word: Substring, _ rest: inout ArraySlice<String>) throws(Failure) {
        guard let letter = word.first else { return }
        let attached = word.dropFirst()
        if Self.flags.contains(letter) {
            if letter == "t" { self.readsRecipients = true }
            if letter == "i" { self.ignoresDots = true }
            if letter == "v" { self.isVerbose = true }
            if !attached.isEmpty { try self.option(attached, &rest) }
            return
        }
        func value() throws(Failure) -> String {
            if !attached.isEmpty { return String(attached) }
            guard let next = rest.popFirst() else { throw Failure(en: "option -\(letter) needs a value", ja: "オプション -\(letter) には値が必要です") }
            return next
        }
        switch letter {
        case "b": try self.setMode(attached)
        case "q": if self.mode == .deliver, attached.isEmpty { self.mode = .run }  // with a time it goes with -bd; we have times of our own
        case "f", "r": self.sender = Self.bare(try value())
        case "F": self.fullName = try value()
        case "N": self.notify = try Self.notify(try value())
        case "R": self.returnsWhole = try Self.whole(try value())
        case "V": self.envelopeID = try value()
        case "o": self.classic(attached, &rest)
        // Of no meaning here: body type, configuration, debugging, hop count, tag, protocol, log, macro, queue identifier.
        case "B", "C", "d", "h", "L", "p", "X", "O", "D", "A", "M": if attached.isEmpty, letter != "d" { _ = rest.popFirst() }
        default:
            throw Failure(
                en: "option -\(letter) is not known; see sendmail --help", ja: "-\(letter) というオプションはありません。sendmail --help で確かめてください")
        }
    }

    private mutating func setMode(_ letter: Substring) throws(Failure) {
        switch letter {
        case "m", "a": self.mode = .deliver
        case "s": self.mode = .smtp
        case "p": self.mode = .queue
        case "d", "D": self.mode = .daemon
        case "v": self.mode = .verify
        case "i": self.mode = .aliases
        default:
            throw Failure(
                en: "mode -b\(letter) is not offered; see sendmail --help", ja: "-b\(letter) という動作はありません。sendmail --help で確かめてください")
        }
    }

    /// `-oi`, `-oem`, `-o i`: of the old one-letter options one is of interest.
    private mutating func classic(_ attached: Substring, _ rest: inout ArraySlice<String>) {
        let option = attached.isEmpty ? (rest.popFirst() ?? "")[...] : attached
        if option.first == "i" { self.ignoresDots = true }
    }

    private static func bare(_ text: String) -> String {
        text.hasPrefix("<") && text.hasSuffix(">") && text.count >= 2 ? String(text.dropFirst().dropLast()) : text
    }

    // RFC 3461 4.1:  never, or a list of success, failure, delay
    private static func notify(_ text: String) throws(Failure) -> Set<String> {
        let words = text.lowercased().split(separator: ",").map(String.init)
        let known: Set<String> = ["success", "failure", "delay"]
        guard words == ["never"] || (!words.isEmpty && words.allSatisfy(known.contains)) else {
            throw Failure(
                en: "-N takes never, or success, failure and delay with commas between",
                ja: "-N には never、または success、failure、delay をコンマで区切って指定してください")
        }
        return Set(words)
    }

    private static func whole(_ text: String) throws(Failure) -> Bool {
        switch text.lowercased() {
        case "full": return true
        case "hdrs": return false
        default: throw Failure(en: "-R takes full or hdrs", ja: "-R には full か hdrs を指定してください")
        }
    }
}

/// Exit statuses that mail programs expect. sysexits(3)
package enum SysExit: Int32, Sendable {
    case ok = 0
    case usage = 64
    case dataError = 65
    case noUser = 67
    case unavailable = 69
    case osError = 71
    case cannotCreate = 73
    case ioError = 74
    case temporary = 75
    case noPermission = 77
    case configuration = 78
}
