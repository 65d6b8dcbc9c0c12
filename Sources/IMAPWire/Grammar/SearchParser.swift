internal import Bytes
internal import Search
internal import Text
internal import Vocabulary

/// Reads the keys of a search. Numbers of messages and `$` become UIDs at once; texts become Unicode. [RFC9051-6.4.4]
struct SearchParser {
    private let view: UIDSet?
    private let uidNext: UID
    private let saved: UIDSet
    private let features: IMAPFeatures
    private let isUIDOnly: Bool
    private var keysLeft: Int
    private var charset = Charset.utf8

    init(_ machine: IMAPMachine, _ selected: SelectedView?) {
        self.view = selected?.known
        self.uidNext = selected?.uidNext ?? UID(rawValue: 1)
        self.saved = machine.saved
        self.features = machine.settings.features
        self.isUIDOnly = machine.mode.isUIDOnly
        self.keysLeft = machine.settings.limits.searchKeys
    }

    // RFC 9051 9:  search-program = ["CHARSET" SP charset SP] search-key *(SP search-key)
    // RFC 5256 5:  search-criteria = charset 1*(SP search-key)
    mutating func program(_ scanner: inout Scanner, charsetIsNeeded: Bool) throws(GrammarFault) -> SearchProgram {
        if charsetIsNeeded || scanner.takeKeyword("CHARSET") {
            if !charsetIsNeeded { try scanner.expectSpace() }
            let name = try scanner.text()
            guard let charset = Charset(named: name) else {
                throw GrammarFault(.badCharset, code: "BADCHARSET (UTF-8 US-ASCII ISO-2022-JP Shift_JIS EUC-JP)", isNO: true)
            }
            self.charset = charset == .ascii ? .utf8 : charset
            try scanner.expectSpace()
        }
        return SearchProgram(try self.keys(&scanner, scanner.nesting))
    }

    /// Keys with blanks between: all must hold.
    private mutating func keys(_ scanner: inout Scanner, _ depth: Int) throws(GrammarFault) -> SearchKey {
        var keys: [SearchKey] = []
        repeat { keys.append(try self.key(&scanner, depth)) } while scanner.take(" ")
        return keys.count == 1 ? keys[0] : .and(keys)
    }

    // RFC 9051 9:  search-key
    private mutating func key(_ scanner: inout Scanner, _ depth: Int) throws(GrammarFault) -> SearchKey {
        guard depth > 0 else { throw GrammarFault(.tooDeep) }
        self.keysLeft -= 1
        guard self.keysLeft >= 0 else { throw GrammarFault(.tooManyKeys, code: "LIMIT", isNO: true) }
        if scanner.take("(") {
            let inner = try self.keys(&scanner, depth - 1)
            try scanner.expect(")")
            return inner
        }
        if let next = scanner.peek(), next.isASCIIDigit || next == UInt8(ascii: "*") || next == UInt8(ascii: "$") {
            return .uids(try self.messages(&scanner))
        }
        switch scanner.keyword() {
        case "NOT":
            try scanner.expectSpace()
            return .not(try self.key(&scanner, depth - 1))
        case "OR":
            try scanner.expectSpace()
            let first = try self.key(&scanner, depth - 1)
            try scanner.expectSpace()
            return .or(first, try self.key(&scanner, depth - 1))
        case "FUZZY" where self.features.contains(.fuzzy):
            try scanner.expectSpace()
            return .fuzzy(try self.key(&scanner, depth - 1))  // [RFC6203-3]
        case let word:
            if let key = Self.plain[word] { return key }
            if let key = try self.textKey(word, &scanner) { return key }
            if let key = try self.numberKey(word, &scanner) { return key }
            throw GrammarFault()
        }
    }

    /// Keys without argument.
    private static let plain: [String: SearchKey] = [
        "ALL": .all, "ANSWERED": .flags(.answered), "DELETED": .flags(.deleted), "DRAFT": .flags(.draft), "FLAGGED": .flags(.flagged),
        "SEEN": .flags(.seen), "UNANSWERED": .not(.flags(.answered)), "UNDELETED": .not(.flags(.deleted)),
        "UNDRAFT": .not(.flags(.draft)), "UNFLAGGED": .not(.flags(.flagged)), "UNSEEN": .not(.flags(.seen)),
        // \Recent is on no message. [RFC3501-6.4.4] [RFC9051-2.3.2]
        "NEW": .and([.recent, .not(.flags(.seen))]), "OLD": .not(.recent), "RECENT": .recent,
        "SAVEDATESUPPORTED": .savedDateSupported,  // [RFC8514-4.3]
    ]

    private func messages(_ scanner: inout Scanner) throws(GrammarFault) -> UIDSet {
        let set = try scanner.sequenceSet()
        // What SAVE has kept are UIDs. [RFC9586-3]
        guard !self.isUIDOnly || set.isSaved else { throw GrammarFault(.uidRequired, code: "UIDREQUIRED") }
        guard let view = self.view else { throw GrammarFault() }  // [RFC7377-2.1]
        return set.messagesIfThere(in: view, saved: self.saved)
    }

    // MARK: Keys with text

    private func textKey(_ word: String, _ scanner: inout Scanner) throws(GrammarFault) -> SearchKey? {
        switch word {
        case "FROM": return .from(try self.argument(&scanner))
        case "TO": return .to(try self.argument(&scanner))
        case "CC": return .cc(try self.argument(&scanner))
        case "BCC": return .bcc(try self.argument(&scanner))
        case "SUBJECT": return .subject(try self.argument(&scanner))
        case "BODY": return .body(try self.argument(&scanner))
        case "TEXT": return .text(try self.argument(&scanner))
        case "HEADER":
            let name = try self.argument(&scanner)
            return .header(name: name, try self.argument(&scanner))
        case "KEYWORD", "UNKEYWORD":
            try scanner.expectSpace()
            let name = try scanner.atom()
            return word == "KEYWORD" ? .keyword(name) : .not(.keyword(name))
        case "EMAILID" where self.features.contains(.objectID):
            return .emailID(try self.argument(&scanner))  // [RFC8474-6]
        case "THREADID" where self.features.contains(.objectID): return .threadID(try self.argument(&scanner))
        default: return nil
        }
    }

    private func argument(_ scanner: inout Scanner) throws(GrammarFault) -> String {
        try scanner.expectSpace()
        let bytes = try scanner.astring()
        guard let text = self.charset.decodeStrictly(bytes) else { throw GrammarFault(.badCharacters) }
        return text
    }

    // MARK: Keys with numbers and dates

    private func numberKey(_ word: String, _ scanner: inout Scanner) throws(GrammarFault) -> SearchKey? {
        switch word {
        case "LARGER": return .larger(try self.number(&scanner))
        case "SMALLER": return .smaller(try self.number(&scanner))
        case "UID": return .uids(try self.uids(&scanner))
        case "UIDAFTER" where self.features.contains(.messageLimit):  // [RFC9738-3]
            try scanner.expectSpace()
            let uid = try scanner.nzNumber()
            return .uids(uid == .max ? UIDSet() : UIDSet(uid + 1...UInt32.max))
        case "UIDBEFORE" where self.features.contains(.messageLimit):
            try scanner.expectSpace()
            let uid = try scanner.nzNumber()
            return .uids(uid == 1 ? UIDSet() : UIDSet(1...uid - 1))
        case "BEFORE": return .internalDate(try self.date(.before, &scanner))
        case "ON": return .internalDate(try self.date(.on, &scanner))
        case "SINCE": return .internalDate(try self.date(.since, &scanner))
        case "SENTBEFORE": return .sentDate(try self.date(.before, &scanner))
        case "SENTON": return .sentDate(try self.date(.on, &scanner))
        case "SENTSINCE": return .sentDate(try self.date(.since, &scanner))
        case "SAVEDBEFORE" where self.features.contains(.saveDate): return .savedDate(try self.date(.before, &scanner))  // [RFC8514-4.3]
        case "SAVEDON" where self.features.contains(.saveDate): return .savedDate(try self.date(.on, &scanner))
        case "SAVEDSINCE" where self.features.contains(.saveDate): return .savedDate(try self.date(.since, &scanner))
        case "OLDER" where self.features.contains(.within): return .older(seconds: try self.interval(&scanner))  // [RFC5032-3]
        case "YOUNGER" where self.features.contains(.within): return .younger(seconds: try self.interval(&scanner))
        case "MODSEQ" where self.features.contains(.condStore): return .modSeq(try self.modSeq(&scanner))
        default: return nil
        }
    }

    private func number(_ scanner: inout Scanner) throws(GrammarFault) -> Int64 {
        try scanner.expectSpace()
        return try scanner.number64()
    }

    private func interval(_ scanner: inout Scanner) throws(GrammarFault) -> Int64 {
        try scanner.expectSpace()
        return Int64(try scanner.nzNumber())
    }

    private func date(_ order: DateTest.Order, _ scanner: inout Scanner) throws(GrammarFault) -> DateTest {
        try scanner.expectSpace()
        return DateTest(order, try scanner.date())
    }

    private func uids(_ scanner: inout Scanner) throws(GrammarFault) -> UIDSet {
        try scanner.expectSpace()
        let set = try scanner.sequenceSet()
        guard let view = self.view else {
            guard !set.isSaved, !set.hasStar else { throw GrammarFault() }
            return set.numbers(star: 1)
        }
        return set.uids(in: view, uidNext: self.uidNext, saved: self.saved)
    }

    // RFC 7162 7:  search-modsequence = "MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer
    private func modSeq(_ scanner: inout Scanner) throws(GrammarFault) -> ModSeq {
        try scanner.expectSpace()
        if scanner.peek("\"") {
            // A message has one modseq for all its flags.
            _ = try scanner.string()
            try scanner.expectSpace()
            guard ["PRIV", "SHARED", "ALL"].contains(scanner.keyword()) else { throw GrammarFault() }
            try scanner.expectSpace()
        }
        return try scanner.modSeq(lowest: 0)
    }
}
