internal import Bytes
internal import NIOCore
internal import Vocabulary

// APPEND and REPLACE; the text of messages streams through. [RFC9051-6.3.12] [RFC3502-6.3.11] [RFC4469-3] [RFC8508-3] [RFC6855-4]
extension IMAPRule {
    static let adding: [IMAPRule] = [
        // They are read line by line (`continueAppend`), not by handlers.
        IMAPRule(name: "APPEND", states: .loggedIn, readsChanges: true) { _, _, _ throws(GrammarFault) in throw GrammarFault() },
        IMAPRule(name: "REPLACE", states: .selected, feature: .replace, needsView: true, usesNumbers: true, readsChanges: true) {
            _, _, _ throws(GrammarFault) in throw GrammarFault()
        },
        IMAPRule(name: "UID REPLACE", states: .selected, feature: .replace, needsView: true, readsChanges: true) {
            _, _, _ throws(GrammarFault) in throw GrammarFault()
        },
    ]
}

/// An APPEND in hand.
struct Appending: Sendable {
    /// What is still to be done before more is read.
    var steps: [AppendStep] = []
    var grammar = AppendGrammar()
    /// The backend has begun, so that it must be told of an end before the end.
    var hasBegun = false
    /// Why nothing will come of it: the rest is passed over.
    var refusal: IMAPRefusal?
    /// Octets of the literal that are still to come.
    var left: Int64 = 0
    /// The literal may hold NUL. [RFC3516-4.4]
    var isBinary = false
    var messages = 0
    /// A line that is read again when the view is known.
    var waiting: Line?

    struct Line: Sendable {
        var bytes: ByteBuffer
        var mark: LiteralMark?
    }
}

/// What a part of an APPEND asks for.
enum AppendStep: Sendable {
    case begin(AppendRequest)
    case message(AppendMessage)
    case url(IMAPURL)
    case literal(LiteralMark)
    case finish
}

extension IMAPMachine {
    /// Messages of one MULTIAPPEND.
    static let mostMessages = 1000

    /// The command takes messages.
    func beginsAppend(_ bytes: ByteBuffer) -> Bool {
        var scanner = Scanner(bytes.readableBytesView.prefix(300), isUTF8: false, nesting: 0)
        guard (try? scanner.tag()) != nil else { return false }
        let word = scanner.keyword()
        if word == "UID" { return scanner.take(" ") && scanner.keyword() == "REPLACE" && scanner.peek(" ") }
        return (word == "APPEND" || word == "REPLACE") && scanner.peek(" ")
    }

    /// A line of an APPEND is here: with `mark` it ends by announcing a literal, a message's or an argument's.
    mutating func continueAppend(_ bytes: ByteBuffer, _ mark: LiteralMark?, _ out: inout Output) {
        if self.leavesClosedAccount(&out) { return }
        do {
            if self.appending == nil { try self.beginAppend(bytes) }
            if self.appending != nil, self.command.rule.needsView, let selected = self.selected, selected.uids == nil {
                // REPLACE names a message by its number. The line is read again when the numbers are known.
                self.appending?.waiting = Appending.Line(bytes: bytes, mark: mark)
                return self.ask(.readView, .view(.append), &out)
            }
            try self.readAppend(bytes, mark, &out)
        } catch {
            self.appendFault(error, mark, &out)
        }
    }

    private mutating func beginAppend(_ bytes: ByteBuffer) throws(GrammarFault) {
        var scanner = Scanner(bytes, isUTF8: self.mode.isUTF8, nesting: self.settings.limits.nesting)
        self.command = .none
        self.command.tag = try scanner.tag()
        var name = scanner.keyword()
        if name == "UID", scanner.take(" ") { name = "UID " + scanner.keyword() }
        guard let rule = IMAPRule.named(name), self.settings.features.isSuperset(of: rule.feature) else {
            throw GrammarFault(.unknownCommand)
        }
        self.command = Command(tag: self.command.tag, rule: rule, arguments: scanner)
        guard rule.states.contains(self.state) else { throw GrammarFault(self.identity == nil ? .loginFirst : .selectFirst) }
        if self.mode.isUIDOnly, rule.usesNumbers { throw GrammarFault(.uidRequired, code: "UIDREQUIRED") }
        self.appending = Appending()
    }

    /// The line that waited for the view.
    mutating func resumeAppend(_ out: inout Output) {
        guard let pending = self.appending?.waiting else { return self.close(&out) }
        self.appending?.waiting = nil
        do { try self.readAppend(pending.bytes, pending.mark, &out) } catch { self.appendFault(error, pending.mark, &out) }
    }

    private mutating func readAppend(_ bytes: ByteBuffer, _ mark: LiteralMark?, _ out: inout Output) throws(GrammarFault) {
        guard var appending = self.appending else { throw GrammarFault() }
        var scanner = Scanner(bytes, isUTF8: self.mode.isUTF8, nesting: self.settings.limits.nesting)
        if appending.grammar.isFirst {
            _ = try scanner.tag()
            if scanner.keyword() == "UID", scanner.take(" ") { _ = scanner.keyword() }
        }
        let context = AppendGrammar.Context(
            selected: self.selected, saved: self.saved, features: self.settings.features, isUTF8: self.mode.isUTF8)
        var grammar = appending.grammar
        switch try grammar.read(&scanner, self.command.rule.name, context, endsWithLiteral: mark != nil) {
        case .needsArgument:
            guard let mark else { throw GrammarFault() }
            self.gather(mark, bytes, &out)
        case .steps(let steps):
            self.reader.abandon()
            appending.grammar = grammar
            appending.steps += steps
            self.appending = appending
            self.stepAppend(&out)
        }
    }

    // MARK: Step by step

    mutating func stepAppend(_ out: inout Output) {
        guard var appending = self.appending else { return self.close(&out) }
        if appending.left > 0 {
            self.phase = .message
            return
        }
        guard !appending.steps.isEmpty else {
            self.phase = .command  // the rest of the command is read
            return
        }
        let step = appending.steps.removeFirst()
        switch step {
        case .begin(let request):
            appending.hasBegun = true
            self.appending = appending
            self.ask(.beginAppend(request), .appending, &out)
        case .message(let message):
            appending.messages += 1
            self.appending = appending
            guard appending.messages <= Self.mostMessages else {
                return self.appendRefused(IMAPRefusal(.limitExceeded, code: "LIMIT"), &out)  // [RFC5530-3]
            }
            self.ask(.beginMessage(message), .appending, &out)
        case .url(let url):
            self.appending = appending
            self.ask(.messageURL(url), .appending, &out)
        case .literal(let mark): self.takeLiteral(mark, appending, &out)
        case .finish:
            self.appending = appending
            self.ask(.finishAppend, .appending, &out)
        }
    }

    private mutating func takeLiteral(_ mark: LiteralMark, _ appending: Appending, _ out: inout Output) {
        var appending = appending
        appending.left = mark.size
        appending.isBinary = mark.isBinary
        self.appending = appending
        guard mark.size <= self.settings.limits.messageSize else {
            self.appending?.left = 0
            return self.refuseAppend(IMAPRefusal(.appendTooLarge, code: "TOOBIG"), mark, &out)  // [RFC7889-3.1] [RFC4469-4.2]
        }
        if mark.isSynchronizing { self.writeContinue(&out) }
        self.stepAppend(&out)
    }

    /// Octets of a message: as they come, to the backend.
    mutating func takeMessage(_ input: inout ByteBuffer, _ out: inout Output) -> Bool {
        guard let appending = self.appending, appending.left > 0 else { return false }
        let left = appending.left
        let count = Int(min(Int64(min(input.readableBytes, 64 << 10)), left))
        guard count > 0, let slice = input.readSlice(length: count) else { return false }
        self.appending?.left = left - Int64(count)
        guard appending.isBinary || slice.withUnsafeReadableBytes({ $0.firstOffset(of: 0) }) == nil else {
            self.appendRefused(IMAPRefusal(.badCharacters, isBad: true), &out)  // [RFC9051-4.3]
            return true
        }
        self.ask(.messageBytes(slice), .appending, &out)
        return true
    }

    // MARK: Endings

    mutating func appended(_ validity: UIDValidity, _ uids: UIDSet, _ replaced: OwnChange?, _ out: inout Output) {
        self.appending = nil
        let code = uids.isEmpty ? nil : "APPENDUID \(validity) \(uids)"
        guard let replaced else { return self.finish(.ok(code: code), &out) }
        // [RFC8508-3.4]
        if let code { self.writeUntaggedOK(code, .completed, &out) }
        self.selected?.expungeOwn(replaced.uids)
        self.finish(.ok(), &out)
    }

    /// The backend has refused a step. What is still to come of the command is passed over.
    mutating func appendRefused(_ refusal: IMAPRefusal, _ out: inout Output) {
        guard let appending = self.appending else { return self.close(&out) }
        if appending.left > 0 {
            // In the middle of a literal that was let in.
            return self.passOver(appending.left, refusal)
        }
        switch appending.steps.first(where: { if case .literal = $0 { true } else { false } }) {
        case .literal(let mark): self.refuseAppend(refusal, mark, &out)
        default:
            // The whole command was read, or its rest is text that must still be read.
            if case .finish? = appending.steps.last { return self.endAppend(refusal, &out) }
            if appending.grammar.isFinished { return self.endAppend(refusal, &out) }
            self.passOver(0, refusal)
        }
    }

    /// Before the octets of a literal: one that waits for us does not come.
    private mutating func refuseAppend(_ refusal: IMAPRefusal, _ mark: LiteralMark, _ out: inout Output) {
        if mark.isSynchronizing { return self.endAppend(refusal, &out) }
        guard mark.size <= CommandReader.longestSkip else { return self.sayBye(.appendTooLarge, code: "TOOBIG", &out) }
        self.passOver(mark.size, refusal)
    }

    private mutating func passOver(_ octets: Int64, _ refusal: IMAPRefusal) {
        self.appending?.refusal = refusal
        self.appending?.steps = []
        self.appending?.left = 0
        self.reader.skipLiteral(LiteralMark(size: octets, isSynchronizing: false, isBinary: true), refusal.phrase)
        self.phase = .command
    }

    /// Answers NO; the backend forgets what it has.
    mutating func endAppend(_ refusal: IMAPRefusal, _ out: inout Output) {
        let hadBegun = self.appending?.hasBegun ?? false
        self.appending = nil
        let ending = Ending.refused(refusal)
        guard hadBegun else { return self.finish(ending, &out) }
        self.ask(.dropAppend, .dropping(ending), &out)
    }

    /// A line of the command is not as it should be.
    private mutating func appendFault(_ fault: GrammarFault, _ mark: LiteralMark?, _ out: inout Output) {
        let refusal = IMAPRefusal(fault.phrase, code: fault.code, isBad: !fault.isNO)
        self.reader.abandon()
        if self.appending == nil { self.appending = Appending() }
        if !fault.isNO { self.errors += 1 }
        if self.errors >= self.settings.limits.errors {
            self.endAppend(refusal, &out)
            return self.sayBye(.tooManyErrors, &out)
        }
        guard let mark else { return self.endAppend(refusal, &out) }
        // Before login nothing is passed over for long. [RFC7888-4]
        if !mark.isSynchronizing, self.identity == nil, mark.size > Int64(self.settings.limits.literalBeforeLogin) {
            return self.sayBye(.literalTooLarge, code: "TOOBIG", &out)
        }
        self.refuseAppend(refusal, mark, &out)
    }
}
