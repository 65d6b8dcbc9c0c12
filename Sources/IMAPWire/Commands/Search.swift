internal import Bytes
internal import NIOCore
internal import Search
internal import Vocabulary

// SEARCH, SORT, THREAD and ESEARCH. [RFC9051-6.4.4] [RFC5256-3] [RFC7377-2]
extension IMAPRule {
    static let searching: [IMAPRule] = [
        IMAPRule(name: "SEARCH", states: .selected, feature: .search, needsView: true, usesNumbers: true, tellsExpunges: false) {
            machine, arguments, out throws(GrammarFault) in try machine.search(&arguments, isUID: false, &out)
        },
        IMAPRule(name: "UID SEARCH", states: .selected, feature: .search, needsView: true) { machine, arguments, out throws(GrammarFault) in
            try machine.search(&arguments, isUID: true, &out)
        },
        IMAPRule(name: "SORT", states: .selected, feature: .sort, needsView: true, usesNumbers: true, tellsExpunges: false) {
            machine, arguments, out throws(GrammarFault) in try machine.sort(&arguments, isUID: false, &out)
        },
        IMAPRule(name: "UID SORT", states: .selected, feature: .sort, needsView: true) { machine, arguments, out throws(GrammarFault) in
            try machine.sort(&arguments, isUID: true, &out)
        },
        IMAPRule(name: "THREAD", states: .selected, feature: .thread, needsView: true, usesNumbers: true, tellsExpunges: false) {
            machine, arguments, out throws(GrammarFault) in try machine.thread(&arguments, isUID: false, &out)
        },
        IMAPRule(name: "UID THREAD", states: .selected, feature: .thread, needsView: true) { machine, arguments, out throws(GrammarFault) in
            try machine.thread(&arguments, isUID: true, &out)
        },
        IMAPRule(name: "ESEARCH", states: .loggedIn, feature: .multiSearch, needsView: true) {
            machine, arguments, out throws(GrammarFault) in
            try machine.multiSearch(&arguments, &out)
        },
    ]
}

/// How the answer to a search is written.
struct SearchPlan: Sendable {
    enum Form: Sendable, Hashable {
        /// SEARCH, SORT or THREAD with numbers behind it.
        case old(StaticWord)
        case extended
    }

    enum StaticWord: String, Sendable, Hashable { case search = "SEARCH", sort = "SORT", thread = "THREAD" }

    var form: Form
    var returns: SearchReturns
    var isUID: Bool
    /// Of a result that is to be kept up: what is searched, and what it is sorted by.
    var kept: Kept?

    struct Kept: Sendable {
        var program: SearchProgram
        var criteria: [SortCriterion]?
        /// Octets of the command.
        var octets: Int
    }

    var saves: Bool { self.returns.items.contains(.save) }
}

extension IMAPMachine {
    // RFC 9051 9:  search = "SEARCH" [search-return-opts] SP search-program
    fileprivate mutating func search(_ arguments: inout Scanner, isUID: Bool, _ out: inout Output) throws(GrammarFault) {
        guard let selected = self.selected else { throw GrammarFault(.selectFirst) }
        try arguments.expectSpace()
        let returns = try self.returnOptions(&arguments)
        let program = try self.program(&arguments, selected)
        let form: SearchPlan.Form = returns == nil && !self.mode.isRev2 ? .old(.search) : .extended  // [RFC9051-7.3.4]
        let plan = SearchPlan(form: form, returns: returns ?? SearchReturns(.all), isUID: isUID)
        try self.ask(.search, program, plan, selected, &out)
    }

    // RFC 5256 5:  sort = ["UID" SP] "SORT" SP sort-criteria SP search-criteria
    fileprivate mutating func sort(_ arguments: inout Scanner, isUID: Bool, _ out: inout Output) throws(GrammarFault) {
        guard let selected = self.selected else { throw GrammarFault(.selectFirst) }
        try arguments.expectSpace()
        let returns = try self.returnOptions(&arguments)
        let features = self.settings.features
        let criteria = try arguments.list { (scanner: inout Scanner) throws(GrammarFault) in try scanner.sortCriterion(features) }
        try arguments.expectSpace()
        let program = try self.program(&arguments, selected, charsetIsNeeded: true)
        let form: SearchPlan.Form = returns == nil ? .old(.sort) : .extended  // [RFC5267-3]
        try self.ask(
            .sort(criteria), program, SearchPlan(form: form, returns: returns ?? SearchReturns(.all), isUID: isUID), selected, &out)
    }

    // RFC 5256 5:  thread = ["UID" SP] "THREAD" SP thread-alg SP search-criteria
    fileprivate mutating func thread(_ arguments: inout Scanner, isUID: Bool, _ out: inout Output) throws(GrammarFault) {
        guard let selected = self.selected else { throw GrammarFault(.selectFirst) }
        try arguments.expectSpace()
        let algorithm: ThreadAlgorithm
        switch arguments.keyword() {
        case "ORDEREDSUBJECT": algorithm = .orderedSubject
        case "REFERENCES": algorithm = .references
        default: throw GrammarFault()
        }
        try arguments.expectSpace()
        let program = try self.program(&arguments, selected, charsetIsNeeded: true)
        let plan = SearchPlan(form: .old(.thread), returns: SearchReturns(.all), isUID: isUID)
        try self.ask(.thread(algorithm), program, plan, selected, &out)
    }

    // RFC 7377 3:  esearch = "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program
    fileprivate mutating func multiSearch(_ arguments: inout Scanner, _ out: inout Output) throws(GrammarFault) {
        try arguments.expectSpace()
        var mailboxes: [MailboxFilter] = [.selected]
        if arguments.takeKeyword("IN") {
            try arguments.expectSpace()
            mailboxes = try arguments.sourceMailboxes()
            try arguments.expectSpace()
        }
        let returns = try self.returnOptions(&arguments) ?? SearchReturns(.all)
        // Numbers mean nothing over several mailboxes, nor does a saved result. [RFC7377-2.1]
        guard !returns.items.contains(.save) || mailboxes == [.selected] else { throw GrammarFault() }
        guard returns.items.isDisjoint(with: [.context, .update]) else { throw GrammarFault() }  // [RFC7377-2.1]
        guard self.selected != nil || mailboxes != [.selected] else { throw GrammarFault(.selectFirst) }
        let view = mailboxes == [.selected] ? self.selected : nil
        let program = try self.program(&arguments, view)
        let plan = SearchPlan(form: .extended, returns: returns, isUID: true)
        var request = SearchRequest(program: program, view: view?.known ?? UIDSet(), returns: returns, mode: self.mode)
        request.mailboxes = mailboxes
        self.ask(.search(request), .searching(plan), &out)
    }

    private mutating func ask(
        _ kind: SearchRequest.Kind, _ program: SearchProgram, _ plan: SearchPlan, _ selected: SelectedView, _ out: inout Output
    ) throws(GrammarFault) {
        if program.asksModSeq { try self.turnOnCondStore(&out) }
        if plan.returns.items.contains(.relevancy) {
            // [RFC6203-4]
            guard program.isFuzzy else { throw GrammarFault() }
        }
        if case .sort(let criteria) = kind, criteria.contains(where: { $0.key == .relevancy }) {
            guard program.isFuzzy else { throw GrammarFault() }  // [RFC6203-5]
        }
        var plan = plan
        if plan.returns.items.contains(.update) {
            try self.checkContext()
            let octets = self.command.arguments.count
            switch kind {
            case .search: plan.kept = SearchPlan.Kept(program: program, octets: octets)
            case .sort(let criteria): plan.kept = SearchPlan.Kept(program: program, criteria: criteria, octets: octets)
            case .thread: break
            }
        }
        var view = selected.known
        if case .search = kind {
            // Those that are named count, so that what was left can be asked for. [RFC9738-3]
            if view.count > self.settings.messageLimit { view = program.named(among: view) }
            (view, self.command.limitCode) = self.withinLimit(view)
        } else {
            try self.checkLimit(view.count)
        }
        let request = SearchRequest(kind: kind, program: program, view: view, returns: plan.returns, mode: self.mode)
        self.ask(.search(request), .searching(plan), &out)
    }

    /// CHARSET and the keys, to the end of the command.
    private func program(
        _ arguments: inout Scanner, _ selected: SelectedView?, charsetIsNeeded: Bool = false
    ) throws(GrammarFault) -> SearchProgram {
        var parser = SearchParser(self, selected)
        let program = try parser.program(&arguments, charsetIsNeeded: charsetIsNeeded)
        try arguments.expectEnd()
        return program
    }

    // RFC 9051 9:  search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"
    /// With the blank behind; nil where there are none.
    private mutating func returnOptions(_ arguments: inout Scanner) throws(GrammarFault) -> SearchReturns? {
        guard self.settings.features.contains(.eSearch), arguments.takeKeyword("RETURN") else { return nil }
        try arguments.expectSpace()
        var returns = SearchReturns([])
        let features = self.settings.features
        _ = try arguments.list(mayBeEmpty: true) { (scanner: inout Scanner) throws(GrammarFault) in
            switch scanner.keyword() {
            case "MIN": returns.items.insert(.min)
            case "MAX": returns.items.insert(.max)
            case "ALL": returns.items.insert(.all)
            case "COUNT": returns.items.insert(.count)
            case "SAVE": returns.items.insert(.save)
            case "RELEVANCY" where features.contains(.fuzzy): returns.items.insert(.relevancy)
            case "PARTIAL" where features.contains(.partial) || features.contains(.context):
                // The answer has room for one window. [RFC9394-3.1]
                guard returns.partial == nil else { throw GrammarFault() }
                try scanner.expectSpace()
                returns.partial = try scanner.resultWindow()
            case "CONTEXT" where features.contains(.context): returns.items.insert(.context)
            case "UPDATE" where features.contains(.context):
                returns.items.insert(.update)
                // Items that NOTIFY would have told of what is added: what MessageNew says is told already. [RFC5465-6.2]
                if scanner.peek(" "), scanner.peek(after: 1) == UInt8(ascii: "(") {
                    try scanner.expectSpace()
                    _ = try scanner.fetchItems()
                }
            default: throw GrammarFault()
            }
        }
        try arguments.expectSpace()
        // PARTIAL and ALL would say the same twice. [RFC9394-3.1]
        guard returns.partial == nil || !returns.items.contains(.all) else { throw GrammarFault() }
        // Nothing that is a result was asked for. [RFC4731-3.1]
        if returns.items.isEmpty, returns.partial == nil { returns.items = .all }
        self.command.saves = returns.items.contains(.save)
        return returns
    }

    // MARK: The answer

    mutating func found(_ answer: SearchAnswer, _ plan: SearchPlan, _ out: inout Output) {
        let view = self.selected?.known ?? UIDSet()
        if let warning = answer.warning {
            // A warning: what was found is told nevertheless. [RFC9051-7.1.2]
            out.replies.writeString("* NO [\(warning.code ?? "ALERT")] ")
            out.replies.writeStaticString(warning.phrase.text(self.language))
            out.replies.writeStaticString("\r\n")
        }
        if plan.saves {
            self.saved = UIDSet()
            let saved = Self.saved(answer, plan)
            guard self.held + saved.held <= self.settings.limits.sessionMemory else {
                return self.finish(.no(.tooMuchHeld, code: "NOTSAVED"), &out)  // [RFC5182-2.1]
            }
            self.saved = saved
        }
        if plan.returns.items.contains(.update) { self.keepContext(answer, plan, &out) }
        let writer = ResultWriter(answer, plan, view: view, tag: self.command.tag, mode: self.mode)
        self.write(.results(writer, .ok()), &out)
    }

    /// What `$` holds afterwards. [RFC9051-6.4.4.1]
    private static func saved(_ answer: SearchAnswer, _ plan: SearchPlan) -> UIDSet {
        let items = plan.returns.items
        let isWhole = items.contains(.all) || items.contains(.count)
        switch answer.result {
        case .found(let found):
            let result = SearchResult(found.first?.uids ?? UIDSet())
            if let window = plan.returns.partial, !isWhole { return result.partial(window) }  // [RFC9394-3.3]
            return result.saved(min: items.contains(.min), max: items.contains(.max), allOrCount: isWhole)
        case .sorted(let uids):
            let all = UIDSet(ranges: uids.map { $0.rawValue...$0.rawValue })
            guard !isWhole, items.contains(.min) || items.contains(.max) else { return all }
            let ends = (items.contains(.min) ? [uids.first] : []) + (items.contains(.max) ? [uids.last] : [])
            return UIDSet(ranges: ends.compactMap { $0 }.map { $0.rawValue...$0.rawValue })
        case .threads: return UIDSet()
        }
    }

    mutating func searchRefused(_ refusal: IMAPRefusal, _ plan: SearchPlan, _ out: inout Output) {
        if plan.saves, !refusal.isBad { self.saved = UIDSet() }  // [RFC9051-6.4.4.1]
        self.finish(.refused(refusal), &out)
    }

    /// A long search: a word to the client, which may stop waiting otherwise. [RFC9585-4]
    mutating func searchGoesOn(_ done: Int, _ of: Int, _ plan: SearchPlan, _ out: inout Output) {
        if self.settings.features.contains(.inProgress), done >= 0, of >= done {
            self.writeUntaggedOK("INPROGRESS (\"\(self.command.tag)\" \(done) \(of))", .searchGoesOn, &out)
        }
        self.ask(.searchOn, .searching(plan), &out)
    }
}

extension Scanner {
    // RFC 5256 5:  sort-criterion = ["REVERSE" SP] sort-key
    fileprivate mutating func sortCriterion(_ features: IMAPFeatures) throws(GrammarFault) -> SortCriterion {
        let isReverse = self.takeKeyword("REVERSE")
        if isReverse { try self.expectSpace() }
        let key: SortCriterion.Key
        switch self.keyword() {
        case "ARRIVAL": key = .arrival
        case "CC": key = .cc
        case "DATE": key = .date
        case "FROM": key = .from
        case "SIZE": key = .size
        case "SUBJECT": key = .subject
        case "TO": key = .to
        case "DISPLAYFROM" where features.contains(.sortDisplay): key = .displayFrom  // [RFC5957-3]
        case "DISPLAYTO" where features.contains(.sortDisplay): key = .displayTo
        case "RELEVANCY" where features.contains(.fuzzy): key = .relevancy  // [RFC6203-5]
        default: throw GrammarFault()
        }
        return SortCriterion(key, isReverse: isReverse)
    }

    // RFC 7377 3:  esearch-source-opts = "IN" SP "(" source-mbox [SP "(" scope-options ")"] ")"
    fileprivate mutating func sourceMailboxes() throws(GrammarFault) -> [MailboxFilter] {
        try self.expect("(")
        var filters: [MailboxFilter] = []
        repeat {
            if !filters.isEmpty, self.peek("(") {
                try self.skipValue(self.nesting)
                break
            }
            filters.append(try self.mailboxFilter())
            guard filters.count <= 100 else { throw GrammarFault(.limitExceeded) }
        } while self.take(" ")
        try self.expect(")")
        return filters
    }
}

extension SearchProgram {
    /// Messages that are not ruled out by their UIDs alone.
    fileprivate func named(among view: UIDSet) -> UIDSet {
        let keys = if case .and(let keys) = self.key { keys } else { [self.key] }
        return keys.reduce(view) { view, key in if case .uids(let uids) = key { view.intersection(uids) } else { view } }
    }
}
