internal import Bytes
internal import Text
internal import Vocabulary

extension Field {
    /// The value of what a person typed: words of a command, lines of a web field, brackets of an e-mail form, a cell of a table.
    /// Several texts make several entries where the type has entries; nothing at all (or blanks) is `.none`.
    package func parse(_ typed: [String]) throws(FieldProblem) -> FieldValue {
        if self.isSecret { return try self.parseSecret(typed) }
        let given = typed.filter { !$0.allSatisfy(\.isWhitespace) }
        guard !given.isEmpty else {
            if self.checks.contains(.required) { throw self.problem(.missing) }
            return .none
        }
        switch self.type {
        case .addresses(let most): return try self.parseList(given, most, separators: ",", self.parseAddress)
        case .domains(let most): return try self.parseList(given, most, separators: ", ", self.parseDomain)
        case .accessList(let most): return try self.parseList(given, most, separators: ", ", self.parseAccessEntry)
        case .networks(let most): return try self.parseList(given, most, separators: ", ", self.parseNetwork)
        case .domainPatterns(let most): return try self.parseList(given, most, separators: ", ", self.parseDomainPattern)
        case .mailPatterns(let most): return try self.parseList(given, most, separators: ", ", self.parseMailPattern)
        case .servers(let most): return try self.parseList(given, most, separators: ", ", self.parseServer)
        case .words(let choices):
            return try self.parseList(given, choices.count, separators: ", ") { name throws(FieldProblem) in
                try self.parseChoice(name, choices)
            }
        case .table(let table): return try self.parseTable(given, table)
        case .paragraph(let most): return try self.parseParagraph(given.joined(separator: "\n"), most)
        default:
            guard given.count == 1, let only = given.first else { throw self.problem(.oneValue) }
            return try self.parseScalar(only)
        }
    }

    package func parse(_ typed: String) throws(FieldProblem) -> FieldValue { try self.parse([typed]) }

    private func parseScalar(_ typed: String) throws(FieldProblem) -> FieldValue {
        let trimmed = Self.trimmed(typed)
        // Digits and letters of full width are what a Japanese keyboard gives; they mean the same.
        let plain = UnicodeText.nfkc(trimmed)
        switch self.type {
        case .text(let most): return .text(try self.parseLine(typed, most))
        case .integer(let range):
            guard plain.utf8.count <= 20, let number = Int64(plain), range.contains(number) else {
                throw self.problem(.number(trimmed, range))
            }
            return .integer(number)
        case .bytes(let range):
            guard let number = Notation.parseBytes(plain) else { throw self.problem(.bytes(trimmed)) }
            guard range.contains(number) else { throw self.problem(.bytesRange(range)) }
            return .integer(number)
        case .duration(let range):
            guard let number = Notation.parseDuration(plain) else { throw self.problem(.duration(trimmed)) }
            guard range.contains(number) else { throw self.problem(.durationRange(range)) }
            return .integer(number)
        case .flag: return .flag(try self.parseFlag(plain))
        case .choice(let choices): return .text(try self.parseChoice(trimmed, choices))
        case .date:
            guard Notation.isDate(plain) else { throw self.problem(.date(trimmed)) }
            return .text(plain)
        case .address: return .text(try self.parseAddress(trimmed))
        case .loginName: return .text(try self.parseLoginName(trimmed))
        case .domain: return .text(try self.parseDomain(trimmed))
        case .url: return .text(try self.parseURL(trimmed))
        case .telephone: return .text(try self.parseTelephone(plain))
        case .picture(let most): return .text(try self.parsePicture(typed, most))
        default: throw self.problem(.oneValue)
        }
    }

    /// Only the form of it: the text itself becomes a verifier elsewhere. Blanks are part of a password, but not at its ends.
    private func parseSecret(_ typed: [String]) throws(FieldProblem) -> FieldValue {
        guard typed.count <= 1 else { throw self.problem(.oneValue) }
        guard let text = typed.first, !text.isEmpty else {
            if self.checks.contains(.required) { throw self.problem(.missing) }
            return .none
        }
        if text.first?.isWhitespace == true || text.last?.isWhitespace == true { throw self.problem(.blankAtEnds) }
        guard !text.unicodeScalars.contains(where: UnicodeText.isControl) else { throw self.problem(.controlCharacter) }
        return .text(text)
    }

    private func parseLine(_ typed: String, _ most: Int) throws(FieldProblem) -> String {
        let text = UnicodeText.nfc(Self.trimmed(typed))
        guard !text.unicodeScalars.contains(where: UnicodeText.isControl) else { throw self.problem(.controlCharacter) }
        guard text.unicodeScalars.count <= most else { throw self.problem(.tooLong(most)) }
        return text
    }

    private func parseParagraph(_ typed: String, _ most: Int) throws(FieldProblem) -> FieldValue {
        let lines = typed.unicodeScalars.split(omittingEmptySubsequences: false) { $0 == "\n" }
            .map { String(String.UnicodeScalarView($0.last == "\r" ? $0.dropLast() : $0)) }
        let text = UnicodeText.nfc(lines.joined(separator: "\n"))
        guard !text.unicodeScalars.contains(where: { UnicodeText.isControl($0) && $0 != "\n" && $0 != "\t" }) else {
            throw self.problem(Localized("control characters are not allowed; remove them", "制御文字は使用できません。取り除いてください"))
        }
        guard text.unicodeScalars.count <= most else { throw self.problem(.tooLong(most)) }
        for case .placeholders(let known) in self.checks { try self.check(placeholdersOf: text, known) }
        return .text(text)
    }

    /// A word in braces that stands for nothing would be read by everybody who gets the message.
    private func check(placeholdersOf text: String, _ known: [String]) throws(FieldProblem) {
        for word in SiteText.placeholders(in: text) where !known.contains(word) {
            let all = known.joined(separator: ", ")
            throw self.problem(
                Localized("\(word) stands for nothing here; these can be used: \(all)", "\(word) は使用できません。使用できるのは \(all) です"))
        }
    }

    private func parseFlag(_ plain: String) throws(FieldProblem) -> Bool {
        switch plain.asciiLowercased {
        case "yes", "y", "true", "on", "1", "はい": return true
        case "no", "n", "false", "off", "0", "いいえ": return false
        default: throw self.problem(.flag(plain))
        }
    }

    private func parseChoice(_ typed: String, _ choices: [Choice]) throws(FieldProblem) -> String {
        let wanted = typed.asciiLowercased
        guard
            let found = choices.first(where: {
                $0.name == wanted || $0.label.english.asciiLowercased == wanted || $0.label.japanese == typed
            })
        else { throw self.problem(.choice(typed, choices)) }
        return found.name
    }

    /// Entries, each once, in the order given. `same` of two entries is their canonical text without case.
    private func parseList(
        _ given: [String], _ most: Int, separators: String, _ parse: (String) throws(FieldProblem) -> String
    ) throws(FieldProblem) -> FieldValue {
        var entries: [String] = []
        var seen: Set<String> = []
        for text in given {
            for part in Self.entries(text, separators) {
                let entry = try parse(part)
                guard seen.insert(UnicodeText.folded(entry)).inserted else { throw self.problem(.twice(part)) }
                entries.append(entry)
                guard entries.count <= most else { throw self.problem(.tooMany(most)) }
            }
        }
        if entries.isEmpty, self.checks.contains(.required) { throw self.problem(.missing) }
        return entries.isEmpty ? .none : .list(entries)
    }

    /// Cuts at line ends and separators, not within quotes. Pieces are trimmed, empty ones dropped.
    package static func entries(_ text: String, _ separators: String) -> [String] {
        var out: [String] = []
        var piece = ""
        var isQuoted = false
        var isEscaped = false
        for scalar in text.unicodeScalars {
            let isEnd = scalar == "\n" || scalar == "\r" || separators.unicodeScalars.contains(scalar) || scalar == "、"
            if isEnd && !isQuoted {
                out.append(piece)
                piece = ""
                continue
            }
            piece.unicodeScalars.append(scalar)
            if scalar == "\"" && !isEscaped { isQuoted.toggle() }
            isEscaped = isQuoted && scalar == "\\" && !isEscaped
        }
        out.append(piece)
        return out.map(self.trimmed).filter { !$0.isEmpty }
    }

    static func trimmed(_ text: String) -> String {
        let scalars = text.unicodeScalars.drop { $0.properties.isWhitespace }
        let end = scalars.lastIndex { !$0.properties.isWhitespace }
        return end.map { String(scalars[...$0]) } ?? ""
    }
}
