internal import NIOCore
internal import Vocabulary

/// STOREs that a client sent without waiting: they are submitted together, so that they share a sync, and answered in order. No sequence number
/// changes among them, since nothing is told as gone before the last one ends. [RFC9051-5.5]
struct StoreRun: Sendable {
    /// One of them.
    struct Member: Sendable {
        var command: Command
        var plan: StorePlan
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
    /// A STORE is about to be asked for: those that follow it and are here whole go with it.
    mutating func gatherStores(_ input: inout ByteBuffer, _ out: inout Output) {
        guard case .working(.storing(let plan)) = self.phase, case .store(let first)? = out.call else { return }
        var members = [StoreRun.Member(command: self.command, plan: plan)]
        var requests = [first]
        var messages = 0
        while members.count < StoreRun.most, messages < StoreRun.mostMessages, let (member, request) = self.nextStore(&input) {
            members.append(member)
            requests.append(request)
            messages += request.uids.count
        }
        if members.count > 1 { self.ask(.stores(requests), .storingRun(members), &out) }
    }

    /// Takes the next command if it is a plain STORE; else it is left where it is, and has its turn.
    private mutating func nextStore(_ input: inout ByteBuffer) -> (StoreRun.Member, StoreRequest)? {
        var (rest, reader) = (input, self.reader)
        let limits = self.settings.limits
        guard case .command(let bytes)? = reader.next(&rest, line: limits.line, command: limits.command) else { return nil }
        var scanner = Scanner(bytes, isUTF8: self.mode.isUTF8, nesting: limits.nesting)
        do {
            let tag = try scanner.tag()
            let rule = try self.rule(&scanner)
            guard rule.name == "STORE" || rule.name == "UID STORE" else { return nil }
            try self.check(rule)
            let (request, plan, limitCode) = try self.parsedStore(&scanner, isUID: rule.name == "UID STORE")
            guard !request.uids.isEmpty, request.unchangedSince == nil else { return nil }
            (input, self.reader) = (rest, reader)
            var command = Command(tag: tag, rule: rule, arguments: .empty)
            command.limitCode = limitCode
            return (StoreRun.Member(command: command, plan: plan), request)
        } catch { return nil }
    }

    mutating func storedRun(_ members: [StoreRun.Member], _ outcomes: [IMAPOutcome], _ out: inout Output) {
        guard members.count == outcomes.count else { return self.close(&out) }
        // Before any of them is told: what is read at the end must not be taken for somebody else's.
        for case .stored(let stored) in outcomes { for change in stored.own { self.selected?.recordOwn(change) } }
        self.storeRun = StoreRun(members, outcomes)
        self.tellNextStore(&out)
    }

    mutating func tellNextStore(_ out: inout Output) {
        guard let (member, outcome) = self.storeRun.next() else { return }
        self.command = member.command
        self.answered(outcome, .storing(member.plan), &out)
    }
}
