internal import Bytes
internal import NIOCore
internal import Vocabulary

// CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, LIST, LSUB, NAMESPACE, STATUS. [RFC9051-6.3] [RFC5258-3] [RFC6154-3]
extension IMAPRule {
    static let mailboxes: [IMAPRule] = [
        IMAPRule(name: "CREATE", states: .loggedIn) { machine, arguments, out throws(GrammarFault) in try machine.create(&arguments, &out)
        },
        IMAPRule(name: "DELETE", states: .loggedIn) { machine, arguments, out throws(GrammarFault) in
            let name = try arguments.onlyMailbox()
            machine.askAccount(.delete(name), telling: machine.renamed(name, arguments.writtenName, .nonExistent), &out)
        },
        IMAPRule(name: "RENAME", states: .loggedIn) { machine, arguments, out throws(GrammarFault) in
            try arguments.expectSpace()
            let old = try arguments.mailbox()
            let oldSpelling = arguments.writtenName
            try arguments.expectSpace()
            let new = try arguments.mailbox()
            let wasWritten = oldSpelling ?? arguments.writtenName.map { _ in old }
            if arguments.take(" ") { try arguments.skipValue(arguments.nesting) }  // rename-params [RFC4466-2.3]
            try arguments.expectEnd()
            machine.askAccount(.rename(from: old, to: new), telling: machine.renamed(new, wasWritten), &out)
        },
        IMAPRule(name: "SUBSCRIBE", states: .loggedIn) { machine, arguments, out throws(GrammarFault) in
            machine.askAccount(.subscribe(try arguments.onlyMailbox(), true), &out)
        },
        IMAPRule(name: "UNSUBSCRIBE", states: .loggedIn) { machine, arguments, out throws(GrammarFault) in
            machine.askAccount(.subscribe(try arguments.onlyMailbox(), false), &out)
        },
        IMAPRule(name: "LIST", states: .loggedIn) { machine, arguments, out throws(GrammarFault) in try machine.list(&arguments, &out) },
        IMAPRule(name: "LSUB", states: .loggedIn) { machine, arguments, out throws(GrammarFault) in try machine.lsub(&arguments, &out) },
        IMAPRule(name: "NAMESPACE", states: .loggedIn, feature: .namespace) { machine, arguments, out throws(GrammarFault) in
            try arguments.expectEnd()
            machine.askAccount(.namespace, &out)
        },
        IMAPRule(name: "STATUS", states: .loggedIn) { machine, arguments, out throws(GrammarFault) in
            try arguments.expectSpace()
            let mailbox = try arguments.mailbox()
            try arguments.expectSpace()
            let items = try arguments.statusItems(machine.settings.features)
            try arguments.expectEnd()
            if items.contains(.highestModSeq) { try machine.turnOnCondStore(&out) }
            machine.askAccount(.status(mailbox, items), &out)
        },
    ]
}

extension IMAPMachine {
    mutating func askAccount(_ request: AccountRequest, telling line: ListLine? = nil, _ out: inout Output) {
        self.ask(.account(request, self.mode), .account(line), &out)
    }

    /// Tells how a mailbox is called that the client has spelled otherwise; nil where it has not. [RFC9051-6.3.9.7]
    fileprivate func renamed(_ name: String, _ oldName: String?, _ attributes: ListLine.Attributes = []) -> ListLine? {
        guard self.mode.isRev2, let oldName else { return nil }
        var line = ListLine(name: name, attributes: attributes)
        line.oldName = oldName
        return line
    }

    // RFC 4466 6:  create = "CREATE" SP mailbox [create-params]
    fileprivate mutating func create(_ arguments: inout Scanner, _ out: inout Output) throws(GrammarFault) {
        try arguments.expectSpace()
        var mailbox = try arguments.mailbox()
        let writtenName = arguments.writtenName
        var uses: [SpecialUse] = []
        if arguments.take(" ") {
            _ = try arguments.list { (scanner: inout Scanner) throws(GrammarFault) in
                // [RFC6154-3]
                guard self.settings.features.contains(.createSpecialUse), scanner.takeKeyword("USE") else { throw GrammarFault() }
                try scanner.expectSpace()
                uses = try scanner.list(mayBeEmpty: true) { (scanner: inout Scanner) throws(GrammarFault) in try scanner.specialUse() }
            }
        }
        try arguments.expectEnd()
        if mailbox.hasSuffix("/") { mailbox.removeLast() }  // a name that is to have others below it [RFC9051-6.3.4]
        guard !mailbox.isEmpty else { throw GrammarFault(.badName, code: "CANNOT", isNO: true) }
        self.askAccount(.create(mailbox, specialUse: uses), telling: self.renamed(mailbox, writtenName), &out)
    }

    // RFC 5258 6:  list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]
    fileprivate mutating func list(_ arguments: inout Scanner, _ out: inout Output) throws(GrammarFault) {
        let features = self.settings.features
        try arguments.expectSpace()
        var request = ListRequest(patterns: [])
        var recursive = false
        if arguments.peek("("), features.contains(.listExtended) {
            request.isExtended = true
            request.selection = try arguments.listSelection(features)
            recursive = request.selection.contains(.recursiveMatch)
            // [RFC5258-3.1]
            guard !recursive || !request.selection.isDisjoint(with: [.subscribed, .specialUse]) else { throw GrammarFault() }
            try arguments.expectSpace()
        }
        let reference = try arguments.mailbox(mayBeEmpty: true)
        try arguments.expectSpace()
        var patterns: [String]
        if arguments.peek("("), features.contains(.listExtended) {
            request.isExtended = true
            patterns = try arguments.list { (scanner: inout Scanner) throws(GrammarFault) in try scanner.listMailbox() }
        } else {
            patterns = [try arguments.listMailbox()]
        }
        if features.contains(.listExtended), arguments.take(" ") {
            guard arguments.takeKeyword("RETURN") else { throw GrammarFault() }
            request.isExtended = true
            try arguments.expectSpace()
            try arguments.listReturns(&request, features)
        }
        try arguments.expectEnd()
        // Each is held against every mailbox.
        guard patterns.reduce(0, { $0 + $1.utf8.count + reference.utf8.count }) <= 4000 else {
            throw GrammarFault(.limitExceeded, code: "LIMIT", isNO: true)
        }
        if request.status.contains(.highestModSeq) { try self.turnOnCondStore(&out) }
        // An empty pattern asks for the separator. [RFC9051-6.3.9]
        request.asksForSeparator = !request.isExtended && patterns == [""]
        if request.isExtended { patterns.removeAll { $0.isEmpty } }
        request.patterns = patterns.map { ListPattern(Self.joined(reference, $0)) }
        self.askAccount(.list(request), &out)
    }

    // RFC 3501 9:  lsub = "LSUB" SP mailbox SP list-mailbox
    fileprivate mutating func lsub(_ arguments: inout Scanner, _ out: inout Output) throws(GrammarFault) {
        try arguments.expectSpace()
        let reference = try arguments.mailbox(mayBeEmpty: true)
        try arguments.expectSpace()
        let pattern = try arguments.listMailbox()
        try arguments.expectEnd()
        guard pattern.utf8.count + reference.utf8.count <= 4000 else { throw GrammarFault(.limitExceeded, code: "LIMIT", isNO: true) }
        var request = ListRequest(patterns: [ListPattern(Self.joined(reference, pattern))])
        request.selection = .subscribed
        request.isLSUB = true
        request.asksForSeparator = pattern.isEmpty
        self.askAccount(.list(request), &out)
    }

    /// The reference is the beginning of the name. [RFC9051-6.3.9]
    private static func joined(_ reference: String, _ pattern: String) -> String { reference + pattern }
}

extension Scanner {
    /// One mailbox and the end.
    fileprivate mutating func onlyMailbox() throws(GrammarFault) -> String {
        try self.expectSpace()
        let mailbox = try self.mailbox()
        try self.expectEnd()
        return mailbox
    }

    fileprivate mutating func specialUse() throws(GrammarFault) -> SpecialUse {
        try self.expect("\\")
        let name = "\\" + (try self.atom())
        guard let use = SpecialUse.allCases.first(where: { $0.rawValue.asciiLowercased == name.asciiLowercased }) else {
            throw GrammarFault(.useIsTaken, code: "USEATTR", isNO: true)  // [RFC6154-3]
        }
        return use
    }

    // RFC 9051 9:  "(" status-att *(SP status-att) ")"
    mutating func statusItems(_ features: IMAPFeatures) throws(GrammarFault) -> StatusItems {
        var items: StatusItems = []
        _ = try self.list { (scanner: inout Scanner) throws(GrammarFault) in
            switch scanner.keyword() {
            case "MESSAGES": items.insert(.messages)
            case "UIDNEXT": items.insert(.uidNext)
            case "UIDVALIDITY": items.insert(.uidValidity)
            case "UNSEEN": items.insert(.unseen)
            case "DELETED": items.insert(.deleted)
            case "SIZE" where features.contains(.statusSize): items.insert(.size)
            case "RECENT": items.insert(.recent)
            case "HIGHESTMODSEQ" where features.contains(.condStore): items.insert(.highestModSeq)
            case "MAILBOXID" where features.contains(.objectID): items.insert(.mailboxID)
            case "APPENDLIMIT" where features.contains(.appendLimit): items.insert(.appendLimit)
            case "DELETED-STORAGE" where features.contains(.quota): items.insert(.deletedStorage)
            default: throw GrammarFault()
            }
        }
        return items
    }

    // RFC 5258 6:  list-select-opts
    fileprivate mutating func listSelection(_ features: IMAPFeatures) throws(GrammarFault) -> ListRequest.Selection {
        var selection: ListRequest.Selection = []
        _ = try self.list(mayBeEmpty: true) { (scanner: inout Scanner) throws(GrammarFault) in
            switch scanner.keyword() {
            case "SUBSCRIBED": selection.insert(.subscribed)
            case "REMOTE": selection.insert(.remote)
            case "RECURSIVEMATCH": selection.insert(.recursiveMatch)
            case "SPECIAL-USE" where features.contains(.specialUse): selection.insert(.specialUse)  // [RFC6154-2]
            default: throw GrammarFault()
            }
        }
        return selection
    }

    // RFC 5258 6:  list-return-opts
    fileprivate mutating func listReturns(_ request: inout ListRequest, _ features: IMAPFeatures) throws(GrammarFault) {
        var found = request
        _ = try self.list(mayBeEmpty: true) { (scanner: inout Scanner) throws(GrammarFault) in
            switch scanner.keyword() {
            case "SUBSCRIBED": found.returns.insert(.subscribed)
            case "CHILDREN": found.returns.insert(.children)
            case "SPECIAL-USE" where features.contains(.specialUse): found.returns.insert(.specialUse)
            case "MYRIGHTS" where features.contains(.listMyRights): found.returns.insert(.myRights)  // [RFC8440-4]
            case "STATUS" where features.contains(.listStatus):
                try scanner.expectSpace()
                found.status = try scanner.statusItems(features)  // [RFC5819-2]
            case "METADATA" where features.contains(.listMetadata):
                try scanner.expectSpace()
                found.metadata = try scanner.list { (scanner: inout Scanner) throws(GrammarFault) in try scanner.entryName() }
            default: throw GrammarFault()
            }
        }
        request = found
    }
}
