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
    /// Messages that are in it.
    var members: UIDSet
}

extension IMAPMachine {
    /// Results that one session may have kept up.
    static let mostContexts = 8

    /// A tag names one result. [RFC5267-4.3]
    func checkContext() throws(GrammarFault) {
        let tag = self.command.tag
        guard !self.contexts.contains(where: { $0.tag == tag }) else { throw GrammarFault() }
    }

    /// The first result is here. Sorted ones are not kept up. [RFC5267-4.3.1]
    mutating func keepContext(_ answer: SearchAnswer, _ plan: SearchPlan, _ out: inout Output) {
        guard let program = plan.kept, case .found(let found) = answer.result, self.contexts.count < Self.mostContexts else {
            return self.refuseUpdates(self.command.tag, &out)
        }
        let members = found.first?.uids ?? UIDSet()
        self.contexts.append(SearchContextState(tag: self.command.tag, isUID: plan.isUID, program: program, members: members))
    }

    private func refuseUpdates(_ tag: String, _ out: inout Output) {
        out.replies.writeString("* NO [NOUPDATE \"\(tag)\"] ")
        out.replies.writeStaticString(IMAPPhrase.limitExceeded.text(self.language))
        out.replies.writeStaticString("\r\n")
    }

    // MARK: Changes

    /// Messages that go are taken from results while their numbers still hold. [RFC5267-4.3.4]
    mutating func leaveContexts(_ news: News, _ out: inout Output) {
        guard !news.expunged.isEmpty else { return }
        for index in self.contexts.indices {
            let left = self.contexts[index].members.intersection(news.expunged)
            guard !left.isEmpty else { continue }
            self.contexts[index].members = self.contexts[index].members.subtracting(left)
            self.writeUpdate(self.contexts[index], "REMOVEFROM", left, news.before, &out)
        }
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
        self.contexts[first].members = context.members.subtracting(removed).union(added)
        self.writeUpdate(context, "REMOVEFROM", removed, view, &out)
        self.writeUpdate(context, "ADDTO", added, view, &out)
        self.updateContexts(Array(contexts.dropFirst()), changed, after, &out)
    }

    /// The search cannot be done any more: the client is told that it must look itself.
    mutating func dropContext(_ contexts: [Int], _ changed: UIDSet, _ after: AfterNews, _ out: inout Output) {
        guard let first = contexts.first, self.contexts.indices.contains(first) else { return self.close(&out) }
        self.refuseUpdates(self.contexts[first].tag, &out)
        self.contexts.remove(at: first)
        self.updateContexts(contexts.dropFirst().map { $0 - 1 }, changed, after, &out)
    }

    /// `* ESEARCH (TAG "B01") UID ADDTO (0 32768:32769)`. [RFC5267-4.3.3]
    private func writeUpdate(_ context: SearchContextState, _ word: String, _ uids: UIDSet, _ view: UIDSet, _ out: inout Output) {
        let numbers = context.isUID ? uids : Self.places(of: uids, in: view)
        guard !numbers.isEmpty else { return }
        out.replies.writeString("* ESEARCH (TAG \"\(context.tag)\") \(context.isUID ? "UID " : "")\(word) (0 ")
        out.replies.writeIMAPSet(numbers)
        out.replies.writeStaticString(")\r\n")
    }
}
