internal import Bytes
internal import NIOCore
internal import Search
internal import Vocabulary

// FETCH and UID FETCH. [RFC9051-6.4.5]
extension IMAPRule {
    static let fetching: [IMAPRule] = [
        IMAPRule(name: "FETCH", states: .selected, needsView: true, usesNumbers: true, tellsExpunges: false) {
            machine, arguments, out throws(GrammarFault) in try machine.fetch(&arguments, isUID: false, &out)
        },
        IMAPRule(name: "UID FETCH", states: .selected, needsView: true) { machine, arguments, out throws(GrammarFault) in
            try machine.fetch(&arguments, isUID: true, &out)
        },
    ]
}

extension IMAPMachine {
    /// Items of one FETCH: each may be a pass over the message.
    static let mostFetchItems = 100

    // RFC 4466 2.4:  fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" … ")") [fetch-modifiers]
    fileprivate mutating func fetch(_ arguments: inout Scanner, isUID: Bool, _ out: inout Output) throws(GrammarFault) {
        guard let selected = self.selected else { throw GrammarFault(.selectFirst) }
        try arguments.expectSpace()
        let set = try arguments.sequenceSet()
        try arguments.expectSpace()
        var items = try arguments.fetchItems()
        var modifiers = FetchModifiers()
        if arguments.take(" ") { modifiers = try arguments.fetchModifiers() }
        try arguments.expectEnd()
        try self.check(items, modifiers, isUID: isUID)
        if items.contains(.modSeq) || modifiers.changedSince != nil { try self.turnOnCondStore(&out) }
        if modifiers.changedSince != nil, !items.contains(.modSeq) { items.append(.modSeq) }  // [RFC7162-3.1.4.1]
        if isUID, !items.contains(.uid), !self.mode.isUIDOnly { items.insert(.uid, at: 0) }  // [RFC9051-6.4.9]
        let uids =
            isUID
            ? set.uids(in: selected.known, uidNext: selected.uidNext, saved: self.saved)
            : try set.messages(in: selected.known, saved: self.saved)
        var request = FetchRequest(items: items, uids: UIDSet(), view: self.mode.isUIDOnly ? UIDSet() : selected.known, mode: self.mode)
        request.changedSince = modifiers.changedSince
        if modifiers.hasVanished {
            request.vanishedAmong = set.isSaved ? self.saved : set.numbers(star: max(selected.uidNext.rawValue, 2) - 1)
        }
        var wanted = uids
        if let window = modifiers.window {
            if modifiers.changedSince == nil { wanted = uids.slice(window.places(of: uids.count)) } else { request.partial = window }
        }
        (request.uids, self.command.limitCode) = self.withinLimit(wanted)
        guard !request.uids.isEmpty || request.vanishedAmong != nil else { return self.finish(.ok(), &out) }
        self.ask(.fetch(request), .fetching, &out)
    }

    private func check(_ items: [FetchItem], _ modifiers: FetchModifiers, isUID: Bool) throws(GrammarFault) {
        if modifiers.hasVanished {
            // [RFC7162-3.2.6]
            guard isUID, self.mode.isQResync, modifiers.changedSince != nil else { throw GrammarFault() }
        }
        if modifiers.window != nil {
            guard isUID, self.settings.features.contains(.partial) else { throw GrammarFault() }  // [RFC9394-3.4]
        }
        for item in items {
            guard self.settings.features.isSuperset(of: item.feature) else { throw GrammarFault() }
        }
    }

    mutating func fetched(_ bytes: ByteBuffer, isLast: Bool, _ failure: IMAPRefusal?, _ own: [OwnChange], _ out: inout Output) {
        self.pass(bytes, &out)
        for change in own { self.selected?.recordOwn(change) }
        guard isLast else { return self.ask(.readOn, .fetching, &out) }
        self.finish(failure.map(Ending.refused) ?? .ok(), &out)
    }
}

/// Behind the items, in parentheses.
struct FetchModifiers {
    var changedSince: ModSeq?
    var hasVanished = false
    var window: ResultWindow?
}

extension FetchItem {
    /// Without which the item does not exist.
    var feature: IMAPFeatures {
        switch self {
        case .uid, .flags, .internalDate, .size, .envelope, .body, .bodyStructure, .section: []
        case .modSeq: .condStore
        case .emailID, .threadID: .objectID
        case .saveDate: .saveDate
        case .preview: .preview
        case .binary, .binarySize: .binary
        }
    }
}

extension Scanner {
    /// Each once, however often it is written.
    mutating func fetchItems() throws(GrammarFault) -> [FetchItem] {
        if self.peek("(") {
            var items: [FetchItem] = []
            _ = try self.list { (scanner: inout Scanner) throws(GrammarFault) in
                let item = try scanner.fetchItem()
                if !items.contains(item) { items.append(item) }
                guard items.count <= IMAPMachine.mostFetchItems else { throw GrammarFault(.limitExceeded, code: "LIMIT", isNO: true) }
            }
            return items
        }
        switch self.peekKeyword() {
        case "ALL": return self.macro([.flags, .internalDate, .size, .envelope])
        case "FAST": return self.macro([.flags, .internalDate, .size])
        case "FULL": return self.macro([.flags, .internalDate, .size, .envelope, .body])
        default: return [try self.fetchItem()]
        }
    }

    private mutating func macro(_ items: [FetchItem]) -> [FetchItem] {
        _ = self.keyword()
        return items
    }

    // RFC 9051 9:  fetch-att
    private mutating func fetchItem() throws(GrammarFault) -> FetchItem {
        switch self.keyword() {
        case "UID": return .uid
        case "FLAGS": return .flags
        case "INTERNALDATE": return .internalDate
        case "RFC822.SIZE": return .size
        case "ENVELOPE": return .envelope
        case "BODYSTRUCTURE": return .bodyStructure
        case "MODSEQ": return .modSeq  // [RFC7162-3.1.4.2]
        case "EMAILID": return .emailID  // [RFC8474-5.1]
        case "THREADID": return .threadID  // [RFC8474-5.2]
        case "SAVEDATE": return .saveDate  // [RFC8514-4.2]
        case "PREVIEW": return .preview(isLazy: try self.isLazy())
        case "BODY": return self.peek("[") ? .section(try self.section(isPeek: false)) : .body
        case "BODY.PEEK": return .section(try self.section(isPeek: true))
        case "RFC822": return .section(BodySection(part: [], text: .all, isPeek: false, oldName: "RFC822"))  // [RFC3501-6.4.5]
        case "RFC822.HEADER": return .section(BodySection(part: [], text: .header, isPeek: true, oldName: "RFC822.HEADER"))
        case "RFC822.TEXT": return .section(BodySection(part: [], text: .text, isPeek: false, oldName: "RFC822.TEXT"))
        case "BINARY": return try self.binary(isPeek: false)
        case "BINARY.PEEK": return try self.binary(isPeek: true)
        case "BINARY.SIZE":
            let part = try self.binaryPart()
            return .binarySize(part: part)
        default: throw GrammarFault()
        }
    }

    // RFC 8970 6:  preview = "PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"] ; preview-mod = "LAZY"
    private mutating func isLazy() throws(GrammarFault) -> Bool {
        guard self.peek(" "), self.peek(after: 1) == UInt8(ascii: "(") else { return false }
        try self.expectSpace()
        _ = try self.list { (scanner: inout Scanner) throws(GrammarFault) in
            guard scanner.takeKeyword("LAZY") else { throw GrammarFault() }
        }
        return true
    }

    // RFC 9051 9:  section = "[" [section-spec] "]"
    mutating func section(isPeek: Bool) throws(GrammarFault) -> BodySection {
        try self.expect("[")
        var section = try self.sectionSpec(isPeek: isPeek)
        try self.expect("]")
        section.partial = try self.octetRange()
        return section
    }

    // RFC 9051 9:  section-spec = section-msgtext / (section-part ["." section-text])
    mutating func sectionSpec(isPeek: Bool) throws(GrammarFault) -> BodySection {
        let part = try self.part()
        if !part.isEmpty, !self.take(".") { return BodySection(part: part, text: .all, isPeek: isPeek) }
        if part.isEmpty, self.peek("]") || self.isAtEnd { return BodySection(part: [], text: .all, isPeek: isPeek) }
        switch self.keyword() {
        case "HEADER": return BodySection(part: part, text: .header, isPeek: isPeek)
        case "TEXT": return BodySection(part: part, text: .text, isPeek: isPeek)
        case "MIME" where !part.isEmpty: return BodySection(part: part, text: .mime, isPeek: isPeek)
        case "HEADER.FIELDS": return BodySection(part: part, text: .fields(try self.fieldNames()), isPeek: isPeek)
        case "HEADER.FIELDS.NOT": return BodySection(part: part, text: .fieldsNot(try self.fieldNames()), isPeek: isPeek)
        default: throw GrammarFault()
        }
    }

    // RFC 9051 9:  header-list = "(" header-fld-name *(SP header-fld-name) ")"
    private mutating func fieldNames() throws(GrammarFault) -> [String] {
        try self.expectSpace()
        return try self.list { (scanner: inout Scanner) throws(GrammarFault) in try scanner.text() }
    }

    /// `1.2.3`; the dot before what follows is left. At most as deep as messages are taken apart.
    private mutating func part() throws(GrammarFault) -> [UInt32] {
        var part: [UInt32] = []
        guard let first = self.peek(), first.isASCIIDigit else { return part }
        part.append(try self.nzNumber())
        while self.peek("."), let next = self.peek(after: 1), next.isASCIIDigit {
            _ = self.take(".")
            part.append(try self.nzNumber())
            guard part.count <= 100 else { throw GrammarFault(.tooDeep) }
        }
        return part
    }

    // RFC 9051 9:  section-binary = "[" [section-part] "]"
    private mutating func binaryPart() throws(GrammarFault) -> [UInt32] {
        try self.expect("[")
        let part = try self.part()
        try self.expect("]")
        return part
    }

    private mutating func binary(isPeek: Bool) throws(GrammarFault) -> FetchItem {
        let part = try self.binaryPart()
        return .binary(part: part, partial: try self.octetRange(), isPeek: isPeek)
    }

    // RFC 9051 9:  partial = "<" number64 "." nz-number64 ">"
    private mutating func octetRange() throws(GrammarFault) -> OctetRange? {
        guard self.take("<") else { return nil }
        let first = try self.number64()
        try self.expect(".")
        let count = try self.number64()
        try self.expect(">")
        guard count > 0 else { throw GrammarFault() }
        // No message is as long as 32 bits can say: what lies beyond is empty in any case.
        return OctetRange(first: UInt32(clamping: first), count: UInt32(clamping: count))
    }

    // RFC 4466 6:  fetch-modifiers = SP "(" fetch-modifier *(SP fetch-modifier) ")"
    mutating func fetchModifiers() throws(GrammarFault) -> FetchModifiers {
        var modifiers = FetchModifiers()
        _ = try self.list { (scanner: inout Scanner) throws(GrammarFault) in
            switch scanner.keyword() {
            case "CHANGEDSINCE":
                try scanner.expectSpace()
                modifiers.changedSince = try scanner.modSeq()  // [RFC7162-3.1.4.1]
            case "VANISHED": modifiers.hasVanished = true  // [RFC7162-3.2.6]
            case "PARTIAL":
                try scanner.expectSpace()
                modifiers.window = try scanner.resultWindow()  // [RFC9394-3.4]
            default: throw GrammarFault()
            }
        }
        return modifiers
    }
}
