internal import Bytes
internal import NIOCore
internal import Vocabulary

/// STOREs, COPYs or APPENDs that a client sent without waiting: they are submitted together, so that they share a sync, and answered in order. No
/// sequence number changes among them, since nothing is told as gone or new before the last one ends. [RFC9051-5.5]
struct CommandRun: Sendable {
    /// One of them.
    struct Member: Sendable {
        var command: Command
        /// What its outcome is taken for.
        var work: Work
    }

    /// Most that are submitted together, and most messages of all but the first.
    static let most = 64
    static let mostMessages = 10_000

    /// Made, and still to be told, the next one last.
    private var waiting: [(Member, IMAPOutcome)] = []

    init() {}
    init(_ members: [Member], _ outcomes: [IMAPOutcome]) { self.waiting = Array(zip(members, outcomes)).reversed() }

    var isEmpty: Bool { self.waiting.isEmpty }
    mutating func next() -> (Member, IMAPOutcome)? { self.waiting.popLast() }
}

extension IMAPMachine {
    /// A command is about to be asked for: those of its kind that follow it and are here whole go with it.
    mutating func gatherRun(_ input: inout ByteBuffer, _ out: inout Output) {
        guard case .working(let work) = self.phase, let call = out.call else { return }
        switch (work, call) {
        case (.storing, .store(let first)): self.gatherStores(first, work, &input, &out)
        case (.copying(isMove: false), .copy(let first)): self.gatherCopies(first, work, &input, &out)
        case (.appending, .finishAppend) where self.command.rule.name == "APPEND": self.gatherAppends(&input, &out)
        default: return
        }
    }

    private mutating func gatherStores(_ first: StoreRequest, _ work: Work, _ input: inout ByteBuffer, _ out: inout Output) {
        var (members, requests) = ([CommandRun.Member(command: self.command, work: work)], [first])
        var messages = 0
        while members.count < CommandRun.most, messages < CommandRun.mostMessages, let (member, request) = self.nextStore(&input) {
            members.append(member)
            requests.append(request)
            messages += request.uids.count
        }
        if members.count > 1 { self.ask(.stores(requests), .running(members), &out) }
    }

    private mutating func gatherCopies(_ first: CopyRequest, _ work: Work, _ input: inout ByteBuffer, _ out: inout Output) {
        var (members, requests) = ([CommandRun.Member(command: self.command, work: work)], [first])
        var messages = 0
        while members.count < CommandRun.most, messages < CommandRun.mostMessages, let (member, request) = self.nextCopy(&input) {
            members.append(member)
            requests.append(request)
            messages += request.uids.count
        }
        if members.count > 1 { self.ask(.copies(requests), .running(members), &out) }
    }

    private mutating func gatherAppends(_ input: inout ByteBuffer, _ out: inout Output) {
        var members = [CommandRun.Member(command: self.command, work: .adding)]
        var added: [AddedMessage] = []
        while members.count < CommandRun.most, let (command, message) = self.nextAppend(&input) {
            members.append(CommandRun.Member(command: command, work: .adding))
            added.append(message)
        }
        guard !added.isEmpty else { return }
        self.appending = nil
        self.ask(.finishAppends(added), .running(members), &out)
    }

    // MARK: The next one

    /// Takes the next command if it is a plain STORE; else it is left where it is, and has its turn.
    private mutating func nextStore(_ input: inout ByteBuffer) -> (CommandRun.Member, StoreRequest)? {
        var (rest, reader) = (input, self.reader)
        do {
            guard var (command, scanner) = try self.nextCommand(&rest, &reader, ["STORE", "UID STORE"]) else { return nil }
            let (request, plan, limitCode) = try self.parsedStore(&scanner, isUID: command.rule.name == "UID STORE")
            guard !request.uids.isEmpty, request.unchangedSince == nil else { return nil }
            (input, self.reader) = (rest, reader)
            command.limitCode = limitCode
            return (CommandRun.Member(command: command, work: .storing(plan)), request)
        } catch { return nil }
    }

    /// The same for a COPY.
    private mutating func nextCopy(_ input: inout ByteBuffer) -> (CommandRun.Member, CopyRequest)? {
        var (rest, reader) = (input, self.reader)
        do {
            guard var (command, scanner) = try self.nextCommand(&rest, &reader, ["COPY", "UID COPY"]) else { return nil }
            let (request, limitCode) = try self.parsedCopy(&scanner, isMove: false, isUID: command.rule.name == "UID COPY")
            guard !request.uids.isEmpty else { return nil }
            (input, self.reader) = (rest, reader)
            command.limitCode = limitCode
            return (CommandRun.Member(command: command, work: .copying(isMove: false)), request)
        } catch { return nil }
    }

    /// The next command without literals, if it has one of these names.
    private func nextCommand(
        _ rest: inout ByteBuffer, _ reader: inout CommandReader, _ names: [String]
    ) throws(GrammarFault) -> (Command, Scanner)? {
        let limits = self.settings.limits
        guard case .command(let bytes)? = reader.next(&rest, line: limits.line, command: limits.command) else { return nil }
        var scanner = Scanner(bytes, isUTF8: self.mode.isUTF8, nesting: limits.nesting)
        let tag = try scanner.tag()
        let rule = try self.rule(&scanner)
        guard names.contains(rule.name) else { return nil }
        try self.check(rule)
        return (Command(tag: tag, rule: rule, arguments: .empty), scanner)
    }

    /// Takes the next command if it is an APPEND of one message that does not wait for us and is here to its end.
    private mutating func nextAppend(_ input: inout ByteBuffer) -> (Command, AddedMessage)? {
        var (rest, reader) = (input, self.reader)
        let limits = self.settings.limits
        guard case .literal(let mark, let line)? = reader.next(&rest, line: limits.line, command: limits.command), !mark.isSynchronizing,
            mark.size <= min(limits.messageSize, Int64(rest.readableBytes)), let text = rest.readSlice(length: Int(mark.size)),
            rest.readBytes(length: 2) == [.cr, .lf],
            mark.isBinary || text.withUnsafeReadableBytes({ $0.firstOffset(of: 0) }) == nil
        else { return nil }
        do {
            var scanner = Scanner(line, isUTF8: self.mode.isUTF8, nesting: limits.nesting)
            let tag = try scanner.tag()
            guard scanner.keyword() == "APPEND", let rule = IMAPRule.named("APPEND") else { return nil }
            let context = AppendGrammar.Context(
                selected: nil, saved: UIDSet(), features: self.settings.features, isUTF8: self.mode.isUTF8)
            var grammar = AppendGrammar()
            guard case .steps(let steps) = try grammar.read(&scanner, rule.name, context, endsWithLiteral: true), steps.count == 3,
                case .begin(let request) = steps[0], case .message(let message) = steps[1], case .literal = steps[2], !message.isUTF8
            else { return nil }
            input = rest
            let command = Command(tag: tag, rule: rule, arguments: .empty)
            return (command, AddedMessage(mailbox: request.mailbox, message: message, text: text))
        } catch { return nil }
    }

    // MARK: Answers

    mutating func ran(_ members: [CommandRun.Member], _ outcomes: [IMAPOutcome], _ out: inout Output) {
        guard members.count == outcomes.count else { return self.close(&out) }
        // Before any of them is told: what is read at the end must not be taken for somebody else's.
        for case .stored(let stored) in outcomes { for change in stored.own { self.selected?.recordOwn(change) } }
        self.commandRun = CommandRun(members, outcomes)
        self.tellNextOfRun(&out)
    }

    mutating func tellNextOfRun(_ out: inout Output) {
        guard let (member, outcome) = self.commandRun.next() else { return }
        self.command = member.command
        self.answered(outcome, member.work, &out)
    }
}
