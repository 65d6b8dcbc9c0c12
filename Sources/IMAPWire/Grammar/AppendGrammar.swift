internal import Bytes
internal import Vocabulary

/// Reads an APPEND or REPLACE line by line: between two lines stands the text of a message, which never comes here.
struct AppendGrammar: Sendable {
    /// What must be known of the session.
    struct Context {
        var selected: SelectedView?
        var saved: UIDSet
        var features: IMAPFeatures
        /// UTF8=ACCEPT or IMAP4rev2 is on.
        var isUTF8: Bool
    }

    enum Reading {
        /// The literal at the end is an argument: it must be gathered, and the line read again with it.
        case needsArgument
        case steps([AppendStep])
    }

    private enum State: Sendable, Hashable {
        case start
        /// Behind a message: the end, or another.
        case afterMessage
        /// Behind the text of UTF8 (…: its parenthesis.
        case inUTF8
        /// Behind a part of CATENATE (…: another, or its parenthesis.
        case inCatenate
        case finished
    }

    private var state: State = .start
    var isFirst: Bool { self.state == .start }
    var isFinished: Bool { self.state == .finished }

    /// - Parameter scanner: behind the command's name at first; later at the beginning of a line.
    mutating func read(
        _ scanner: inout Scanner, _ command: String, _ context: Context, endsWithLiteral: Bool
    ) throws(GrammarFault) -> Reading {
        var steps: [AppendStep] = []
        let before = self
        do {
            try self.read(&scanner, command, context, &steps)
            return .steps(steps)
        } catch {
            // An argument whose literal has not come yet: the line ends where it should begin.
            guard endsWithLiteral, error.needsLiteral else { throw error }
            self = before
            return .needsArgument
        }
    }

    private mutating func read(
        _ scanner: inout Scanner, _ command: String, _ context: Context, _ steps: inout [AppendStep]
    ) throws(GrammarFault) {
        switch self.state {
        case .start:
            steps.append(.begin(try Self.request(&scanner, command, context)))
            try self.message(&scanner, command, context, &steps)
        case .inUTF8:
            try scanner.expect(")")
            try self.afterMessage(&scanner, command, context, &steps)
        case .inCatenate:
            if scanner.take(")") { return try self.afterMessage(&scanner, command, context, &steps) }
            try scanner.expectSpace()
            try self.parts(&scanner, command, context, &steps)
        case .afterMessage: try self.afterMessage(&scanner, command, context, &steps)
        case .finished: throw GrammarFault()
        }
    }

    // RFC 8508 5:  replace = "REPLACE" SP seq-number SP mailbox append-message
    private static func request(_ scanner: inout Scanner, _ command: String, _ context: Context) throws(GrammarFault) -> AppendRequest {
        try scanner.expectSpace()
        guard command != "APPEND" else { return AppendRequest(mailbox: try scanner.mailbox()) }
        guard let selected = context.selected else { throw GrammarFault(.selectFirst) }
        let set = try scanner.sequenceSet(mayBeSaved: false)
        guard set.ranges.count == 1, set.ranges[0].first == set.ranges[0].last else { throw GrammarFault() }
        try scanner.expectSpace()
        let mailbox = try scanner.mailbox()
        let uids =
            command.hasPrefix("UID")
            ? set.uids(in: selected.known, uidNext: selected.uidNext, saved: context.saved)
            : try set.messages(in: selected.known, saved: context.saved)
        guard let uid = uids.first else { throw GrammarFault(.noSuchMessage, code: "NONEXISTENT", isNO: true) }
        guard !selected.mailbox.isReadOnly else { throw GrammarFault(.readOnly, code: "READ-ONLY", isNO: true) }
        return AppendRequest(mailbox: mailbox, replacing: uid)
    }

    // RFC 4466 6:  append-message = append-opts SP append-data ; append-opts = [SP flag-list] [SP date-time]
    private mutating func message(
        _ scanner: inout Scanner, _ command: String, _ context: Context, _ steps: inout [AppendStep]
    ) throws(GrammarFault) {
        try scanner.expectSpace()
        var message = AppendMessage()
        if scanner.peek("(") {
            (message.flags, message.keywords) = try scanner.flagList()
            try scanner.expectSpace()
        }
        if scanner.peek("\"") {
            message.date = try scanner.dateTime()
            try scanner.expectSpace()
        }
        if scanner.peek("{") || scanner.peek("~") {
            let mark = try scanner.literalMark()
            guard !mark.isBinary || context.features.contains(.binary) else { throw GrammarFault() }
            guard mark.size > 0 else { throw GrammarFault(.emptyMessage, isNO: true) }  // an empty message is none [RFC3502-6.3.11]
            message.size = mark.size
            message.isBinary = mark.isBinary
            steps += [.message(message), .literal(mark)]
            self.state = .afterMessage
            return
        }
        switch scanner.keyword() {
        case "UTF8" where context.features.contains(.utf8Accept):
            // Who has not enabled it cannot know what he would get back. [RFC6855-4]
            guard context.isUTF8 else { throw GrammarFault(.enableFirst, code: "CANNOT", isNO: true) }
            try scanner.expectSpace()
            try scanner.expect("(")
            let mark = try scanner.literalMark()
            guard mark.isBinary, mark.size > 0 else { throw GrammarFault() }  // [RFC6855-4]
            message.size = mark.size
            message.isBinary = true
            message.isUTF8 = true
            steps += [.message(message), .literal(mark)]
            self.state = .inUTF8
        case "CATENATE" where context.features.contains(.catenate):
            try scanner.expectSpace()
            try scanner.expect("(")
            steps.append(.message(message))
            try self.parts(&scanner, command, context, &steps)
        default: throw GrammarFault()
        }
    }

    // RFC 4469 5:  cat-part = "TEXT" SP literal / "URL" SP astring
    private mutating func parts(
        _ scanner: inout Scanner, _ command: String, _ context: Context, _ steps: inout [AppendStep]
    ) throws(GrammarFault) {
        repeat {
            guard steps.count < 1000 else { throw GrammarFault(.limitExceeded, code: "LIMIT", isNO: true) }
            switch scanner.keyword() {
            case "TEXT":
                try scanner.expectSpace()
                let mark = try scanner.literalMark()
                steps.append(.literal(mark))
                self.state = .inCatenate
                return
            case "URL":
                try scanner.expectSpace()
                let text = try scanner.text()
                guard let url = IMAPURL(parsing: text) else { throw GrammarFault(.badURL, code: IMAPURL.badCode(text), isNO: true) }
                steps.append(.url(url))
            default: throw GrammarFault()
            }
        } while scanner.take(" ")
        try scanner.expect(")")
        try self.afterMessage(&scanner, command, context, &steps)
    }

    private mutating func afterMessage(
        _ scanner: inout Scanner, _ command: String, _ context: Context, _ steps: inout [AppendStep]
    ) throws(GrammarFault) {
        if scanner.isAtEnd {
            self.state = .finished
            steps.append(.finish)
            return
        }
        // REPLACE takes one message. [RFC8508-3.1]
        guard context.features.contains(.multiAppend), !command.hasSuffix("REPLACE") else { throw GrammarFault() }
        self.state = .afterMessage
        try self.message(&scanner, command, context, &steps)
    }
}
