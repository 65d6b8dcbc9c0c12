internal import Bytes
internal import NIOCore
internal import Search
internal import Vocabulary

// RETURN (UPDATE) and CANCELUPDATE: results that are kept up while the mailbox is selected. [RFC5267-4.3]
extension IMAPRule {
    static let contexts: [IMAPRule] = [
        IMAPRule(name: "CANCELUPDATE", states: .selected, feature: .context) { machine, arguments, out throws(GrammarFault) in
            // RFC 5267 5:  "CANCELUPDATE" 1*(SP quoted)
            var tags: [String] = []
            while arguments.take(" ") { tags.append(try arguments.text()) }
            try arguments.expectEnd()
            guard !tags.isEmpty, tags.allSatisfy({ tag in machine.contexts.contains { $0.tag == tag } }) else { throw GrammarFault() }
            machine.contexts.removeAll { tags.contains($0.tag) }
            machine.finish(.ok(), &out)
        }
    ]
}

/// A result that the client has asked to be kept up.
struct SearchContextState: Sendable {
    let tag: String
    let isUID: Bool
    let program: SearchProgram
    /// Octets of the command that asked for it: as much of it is kept as program.
    let octets: Int
    /// Messages that are in it.
    var members: UIDSet
    /// Of SORT.
    var sorted: SortedResult?

    /// What a session holds by it, about.
    var held: Int { 256 + self.octets * 2 + self.members.held + (self.sorted?.uids.count ?? 0) * 4 }
}

extension UIDSet {
    /// Octets, about.
    var held: Int { self.runs.count * 16 }
}

extension IMAPMachine {
    /// Results that one session may have kept up.
    static let mostContexts = 8
    /// Messages in a sorted one: a new message's place among them is found by sorting them anew. [RFC5267-4.3.1]
    static let mostSorted = 10_000
    /// Changes of a sorted one that are told at once; with more the client does better to ask again.
    static let mostPlaces = 2000

    /// What the session keeps from command to command.
    var held: Int { self.saved.held + self.contexts.reduce(0) { $0 + $1.held } }

    /// A tag names one result. [RFC5267-4.3]
    func checkContext() throws(GrammarFault) {
        let tag = self.command.tag
        guard !self.contexts.contains(where: { $0.tag == tag }) else { throw GrammarFault() }
    }

    /// The first result is here.
    mutating func keepContext(_ answer: SearchAnswer, _ plan: SearchPlan, _ out: inout Output) {
        guard let kept = plan.kept, let context = self.context(answer, kept, plan), self.contexts.count < Self.mostContexts else {
            return self.refuseUpdates(self.command.tag, .limitExceeded, &out)
        }
        guard self.held + context.held <= self.settings.limits.sessionMemory else {
            return self.refuseUpdates(self.command.tag, .tooMuchHeld, &out)
        }
        self.contexts.append(context)
    }

    private func context(_ answer: SearchAnswer, _ kept: SearchPlan.Kept, _ plan: SearchPlan) -> SearchContextState? {
        var context = SearchContextState(
            tag: self.command.tag, isUID: plan.isUID, program: kept.program, octets: kept.octets, members: UIDSet())
        switch answer.result {
        case .found(let found) where kept.criteria == nil: context.members = found.first?.uids ?? UIDSet()
        case .sorted(let uids):
            guard let criteria = kept.criteria, uids.count <= Self.mostSorted else { return nil }
            context.sorted = SortedResult(criteria: criteria, uids: uids)
            context.members = UIDSet(ranges: uids.map { $0.rawValue...$0.rawValue })
        case .found, .threads: return nil
        }
        return context
    }

    private func refuseUpdates(_ tag: String, _ phrase: IMAPPhrase, _ out: inout Output) {
        out.replies.writeString("* NO [NOUPDATE \"\(tag)\"] ")
        out.replies.writeStaticString(phrase.text(self.language))
        out.replies.writeStaticString("\r\n")
    }

    // MARK: Changes

    /// Messages that go are taken from results while their numbers still hold. [RFC5267-4.3.4]
    mutating func leaveContexts(_ news: News, _ out: inout Output) {
        guard !news.expunged.isEmpty else { return }
        var given: [Int] = []
        for index in self.contexts.indices {
            let left = self.contexts[index].members.intersection(news.expunged)
            guard !left.isEmpty else { continue }
            if !self.take(left, from: index, news.before, &out) { given.append(index) }
        }
        for index in given.reversed() { self.contexts.remove(at: index) }
    }

    /// False where it is too much to tell: the client was told that nothing more comes.
    private mutating func take(_ uids: UIDSet, from index: Int, _ view: UIDSet, _ out: inout Output) -> Bool {
        self.contexts[index].members = self.contexts[index].members.subtracting(uids)
        guard self.contexts[index].sorted != nil else {
            self.writeUpdate(self.contexts[index], "REMOVEFROM", uids, view, &out)
            return true
        }
        guard uids.count <= Self.mostPlaces else {
            self.refuseUpdates(self.contexts[index].tag, .limitExceeded, &out)
            return false
        }
        let places = self.contexts[index].sorted?.remove(uids) ?? []
        self.writePlaces(self.contexts[index], "REMOVEFROM", places, view, &out)
        return true
    }

    /// Asks for the first of these contexts which of the changed messages it holds now.
    mutating func updateContexts(_ contexts: [Int], _ changed: UIDSet, _ after: AfterNews, _ out: inout Output) {
        guard let first = contexts.first, !changed.isEmpty, self.contexts.indices.contains(first) else {
            return self.announced(after, &out)
        }
        let request = SearchRequest(program: self.contexts[first].program, view: changed, mode: self.mode)
        self.ask(.search(request), .updating(contexts, changed, after), &out)
    }

    mutating func contextSearched(_ answer: SearchAnswer, _ contexts: [Int], _ changed: UIDSet, _ after: AfterNews, _ out: inout Output) {
        guard let first = contexts.first, self.contexts.indices.contains(first), let view = self.selected?.known,
            case .found(let found) = answer.result
        else { return self.close(&out) }
        let now = (found.first?.uids ?? UIDSet()).intersection(changed)
        let context = self.contexts[first]
        let removed = context.members.intersection(changed).subtracting(now)
        let added = now.subtracting(context.members)
        if !removed.isEmpty, !self.take(removed, from: first, view, &out) {
            self.contexts.remove(at: first)
            return self.updateContexts(contexts.dropFirst().map { $0 - 1 }, changed, after, &out)
        }
        if let sorted = context.sorted, !added.isEmpty {
            let members = self.contexts[first].members.union(added)
            guard members.count <= Self.mostSorted, added.count <= Self.mostPlaces else {
                return self.dropContext(contexts, changed, after, &out)
            }
            let request = SearchRequest(kind: .sort(sorted.criteria), program: SearchProgram(.all), view: members, mode: self.mode)
            return self.ask(.search(request), .placing(contexts, changed, added, after), &out)
        }
        self.contexts[first].members = self.contexts[first].members.union(added)
        self.writeUpdate(context, "ADDTO", added, view, &out)
        self.updateContexts(Array(contexts.dropFirst()), changed, after, &out)
    }

    /// A sorted result with its new messages, in order.
    mutating func contextSorted(
        _ answer: SearchAnswer, _ contexts: [Int], _ changed: UIDSet, _ added: UIDSet, _ after: AfterNews, _ out: inout Output
    ) {
        guard let first = contexts.first, self.contexts.indices.contains(first), let view = self.selected?.known,
            case .sorted(let order) = answer.result
        else { return self.close(&out) }
        guard let places = self.contexts[first].sorted?.insert(added, from: order) else {
            return self.dropContext(contexts, changed, after, &out)
        }
        self.contexts[first].members = self.contexts[first].members.union(
            UIDSet(ranges: places.map { $0.uid.rawValue...$0.uid.rawValue }))
        self.writePlaces(self.contexts[first], "ADDTO", places, view, &out)
        self.updateContexts(Array(contexts.dropFirst()), changed, after, &out)
    }

    /// The search cannot be done any more: the client is told that it must look itself.
    mutating func dropContext(_ contexts: [Int], _ changed: UIDSet, _ after: AfterNews, _ out: inout Output) {
        guard let first = contexts.first, self.contexts.indices.contains(first) else { return self.close(&out) }
        self.refuseUpdates(self.contexts[first].tag, .limitExceeded, &out)
        self.contexts.remove(at: first)
        self.updateContexts(contexts.dropFirst().map { $0 - 1 }, changed, after, &out)
    }

    // MARK: Writing

    /// `* ESEARCH (TAG "B01") UID ADDTO (0 32768:32769)`. [RFC5267-4.3.3]
    private func writeUpdate(_ context: SearchContextState, _ word: String, _ uids: UIDSet, _ view: UIDSet, _ out: inout Output) {
        let numbers = context.isUID ? uids : Self.places(of: uids, in: view)
        guard !numbers.isEmpty else { return }
        self.beginUpdate(context, word, &out)
        out.replies.writeStaticString("0 ")
        out.replies.writeIMAPSet(numbers)
        out.replies.writeStaticString(")\r\n")
    }

    /// `* ESEARCH (TAG "B01") UID ADDTO (1 2733 1 2732)`: each pair is carried out on what those before it have left. [RFC5267-4.3.3]
    private func writePlaces(
        _ context: SearchContextState, _ word: String, _ places: [SortedResult.Place], _ view: UIDSet, _ out: inout Output
    ) {
        guard !places.isEmpty else { return }
        self.beginUpdate(context, word, &out)
        for (index, place) in places.enumerated() {
            // A message without a number is in no result: those are of messages that the client knows.
            let number = context.isUID ? place.uid.rawValue : UInt32((view.index(of: place.uid) ?? 0) + 1)
            out.replies.writeString("\(index == 0 ? "" : " ")\(place.position) \(number)")
        }
        out.replies.writeStaticString(")\r\n")
    }

    private func beginUpdate(_ context: SearchContextState, _ word: String, _ out: inout Output) {
        out.replies.writeString("* ESEARCH (TAG \"\(context.tag)\") \(context.isUID ? "UID " : "")\(word) (")
    }
}
