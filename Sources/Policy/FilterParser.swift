internal import Bytes
internal import Text
package import Vocabulary

/// What is wrong with the filters: the line, and one sentence with the cure.
package struct FilterProblem: Error, Sendable, Hashable {
    /// From 1.
    package let line: Int
    package let message: Localized
}

extension FilterRules {
    /// Reads the text of the form. One rule a line, `#` begins a comment, empty lines are passed over.
    ///
    ///     NAME: if CONDITION and CONDITION then ACTION
    ///     NAME: ACTION                             (about every message)
    ///
    /// Conditions, each with an optional `not` in front: `from /re/`, `to /re/`, `subject /re/`, `header NAME /re/`, `headers /re/`,
    /// `body /re/`, `attachment /re/`, `type /re/`, `size > 10M`, `size < 1k`, `login`, `client NETWORK`, `all`. A pattern with an `i` behind it
    /// takes letters of either case. Actions: `refuse "text"`, `hold "reason"`, `redirect ADDRESS`, `tag "Name: value"`, `drop`, `accept`.
    package static func parse(_ text: String) throws(FilterProblem) -> FilterRules {
        var rules: [FilterRule] = []
        // By bytes: CR and LF together are one character of Swift's.
        for (index, line) in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            var reader = FilterLineReader(String(Substring(line)), number: index + 1)
            guard let rule = try reader.rule() else { continue }
            if rules.contains(where: { $0.name == rule.name }) {
                throw FilterProblem(
                    line: index + 1,
                    message: Localized(en: "the name \(rule.name) is there twice", ja: "名前 \(rule.name) が重複しています"))
            }
            rules.append(rule)
            guard rules.count <= Self.maximumRules else {
                throw FilterProblem(
                    line: index + 1,
                    message: Localized(en: "more than \(Self.maximumRules) rules", ja: "規則は \(Self.maximumRules) 個までです"))
            }
        }
        return FilterRules(rules)
    }
}

/// Reads one line. Works on Unicode scalars; everything in it was typed by the postmaster.
private struct FilterLineReader {
    private let scalars: [Unicode.Scalar]
    private let number: Int
    private var position = 0

    init(_ line: String, number: Int) {
        self.scalars = Array(line.unicodeScalars)
        self.number = number
    }

    /// nil for an empty line or a comment.
    mutating func rule() throws(FilterProblem) -> FilterRule? {
        self.skipBlanks()
        guard let first = self.peek, first != "#" else { return nil }
        let name = self.word()
        guard !name.isEmpty, name.utf8.count <= 64, self.take(":") else {
            throw self.problem("a rule begins with its name and a colon", "規則は名前とコロンで始めてください")
        }
        var conditions: [FilterCondition] = []
        self.skipBlanks()
        if self.takeWord("if") {
            repeat {
                conditions.append(try self.condition())
                guard conditions.count <= FilterRules.maximumConditions else { throw self.problem("too many conditions", "条件が多すぎます") }
            } while self.takeWord("and")
            guard self.takeWord("then") else {
                throw self.problem("behind the conditions comes `and` or `then`", "条件の後には and か then を書いてください")
            }
        } else {
            conditions = [FilterCondition(.all)]
        }
        let action = try self.action()
        self.skipBlanks()
        guard self.peek == nil || self.peek == "#" else {
            throw self.problem("`\(self.rest)` is too much behind the action", "動作の後の「\(self.rest)」は余分です")
        }
        return FilterRule(name, conditions, action)
    }

    // MARK: Conditions

    private mutating func condition() throws(FilterProblem) -> FilterCondition {
        let isNegated = self.takeWord("not")
        let word = self.word().asciiLowercased
        let test: FilterCondition.Test =
            switch word {
            case "all": .all
            case "login": .login
            case "from": .sender(try self.pattern())
            case "to": .recipient(try self.pattern())
            case "subject": .header("subject", try self.pattern())
            case "headers": .anyHeader(try self.pattern())
            case "header": .header(try self.fieldName(), try self.pattern())
            case "body": .body(try self.pattern())
            case "attachment": .attachment(try self.pattern())
            case "type": .type(try self.pattern())
            case "size": try self.sizeTest()
            case "client": .client(try self.network())
            default:
                throw self.problem(
                    "`\(word)` is no condition; there are from, to, subject, header, headers, body, attachment, type, size, login, client, all",
                    "「\(word)」は条件ではありません。from、to、subject、header、headers、body、attachment、type、size、login、client、all が使えます")
            }
        return FilterCondition(test, isNegated: isNegated)
    }

    private mutating func fieldName() throws(FilterProblem) -> String {
        self.skipBlanks()
        let name = self.word()
        guard Self.isFieldName(name) else { throw self.problem("`\(name)` is no name of a field", "「\(name)」はフィールド名ではありません") }
        return name.asciiLowercased
    }

    private mutating func pattern() throws(FilterProblem) -> Pattern {
        self.skipBlanks()
        guard self.take("/") else { throw self.problem("a pattern stands between slashes: /text/", "パターンは /text/ のように / で囲んでください") }
        var text = String.UnicodeScalarView()
        while let scalar = self.next() {
            if scalar == "/" {
                let ignoresCase = self.take("i")
                do {
                    return try Pattern(String(text), ignoresCase: ignoresCase)
                } catch {
                    throw self.problem("/\(String(text))/: \(error.text)", "/\(String(text))/: \(error.text)")
                }
            }
            // `\/` is a slash; every other escape is the pattern's own.
            if scalar != "\\" || self.peek != "/" { text.append(scalar) }
            if scalar == "\\", let escaped = self.next() { text.append(escaped) }
        }
        throw self.problem("the pattern has no slash at its end", "パターンの終わりの / がありません")
    }

    private mutating func sizeTest() throws(FilterProblem) -> FilterCondition.Test {
        self.skipBlanks()
        let isLarger = self.take(">")
        guard isLarger || self.take("<") else { throw self.problem("write size > 10M or size < 1k", "size > 10M や size < 1k のように書いてください") }
        self.skipBlanks()
        let text = self.word()
        guard let octets = Self.octets(text) else { throw self.problem("`\(text)` is no size", "「\(text)」はサイズではありません") }
        return isLarger ? .larger(octets) : .smaller(octets)
    }

    private mutating func network() throws(FilterProblem) -> IPNetwork {
        self.skipBlanks()
        let text = self.textToBlank()
        switch AccessList.parse(text) {
        case .success(.network(let network)): return network
        case .success(.address(let address)): return IPNetwork(around: address, prefixLength: 128)
        case .success(.name), .success(.subdomains), .failure:
            throw self.problem("`\(text)` is no address or network", "「\(text)」はアドレスやネットワークではありません")
        }
    }

    // MARK: Actions

    private mutating func action() throws(FilterProblem) -> FilterAction {
        self.skipBlanks()
        let word = self.word().asciiLowercased
        switch word {
        case "refuse": return .refuse(try self.replyText(default: "Message refused by a rule of this site"))
        case "hold": return .hold(try self.quoted() ?? "")
        case "redirect":
            self.skipBlanks()
            let text = self.textToBlank()
            guard let address = try? Address(parsing: text), DomainName.normalized(address.domain) != nil else {
                throw self.problem("`\(text)` is no address", "「\(text)」はアドレスではありません")
            }
            return .redirect(address)
        case "tag": return try self.tag()
        case "drop": return .drop
        case "accept": return .accept
        default:
            throw self.problem(
                "`\(word)` is no action; there are refuse, hold, redirect, tag, drop, accept",
                "「\(word)」は動作ではありません。refuse、hold、redirect、tag、drop、accept が使えます")
        }
    }

    /// One line of an SMTP reply: printable ASCII.
    private mutating func replyText(default standard: String) throws(FilterProblem) -> String {
        guard let text = try self.quoted() else { return standard }
        guard (1...200).contains(text.utf8.count), text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw self.problem("the text of a refusal is 1 to 200 letters of ASCII", "拒否の文は ASCII 200 文字以内で指定してください")
        }
        return text
    }

    private mutating func tag() throws(FilterProblem) -> FilterAction {
        let text = try self.quoted() ?? ""
        guard let colon = text.firstIndex(of: ":") else {
            throw self.problem("write tag \"Name: value\"", "tag \"名前: 値\" のように書いてください")
        }
        let name = String(text[..<colon])
        let value = String(text[text.index(after: colon)...].drop { $0 == " " })
        // Trace fields and what others rely on are not the filters' to write.
        guard Self.isFieldName(name), name.asciiLowercased.hasPrefix("x-"), !value.isEmpty, value.utf8.count <= 500,
            value.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else {
            throw self.problem(
                "a tag is a field whose name begins with X-, with a value in ASCII", "タグは X- で始まる名前と ASCII の値で指定してください")
        }
        return .tag(name: name, value: value)
    }

    /// `"text"`, with `\"` and `\\`; nil where none stands.
    private mutating func quoted() throws(FilterProblem) -> String? {
        self.skipBlanks()
        guard self.take("\"") else { return nil }
        var text = String.UnicodeScalarView()
        while let scalar = self.next() {
            if scalar == "\"" { return String(text) }
            if scalar == "\\", let escaped = self.next() { text.append(escaped) } else { text.append(scalar) }
        }
        throw self.problem("the text has no quote at its end", "文字列の終わりの \" がありません")
    }

    // MARK: Scanning

    private var peek: Unicode.Scalar? { self.position < self.scalars.count ? self.scalars[self.position] : nil }
    private var rest: String { String(String.UnicodeScalarView(self.scalars[self.position...].prefix(40))) }

    private mutating func next() -> Unicode.Scalar? {
        guard let scalar = self.peek else { return nil }
        self.position += 1
        return scalar
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard self.peek == scalar else { return false }
        self.position += 1
        return true
    }

    private mutating func skipBlanks() { while self.peek == " " || self.peek == "\t" || self.peek == "\r" { self.position += 1 } }

    /// Letters, digits and `-_.`.
    private mutating func word() -> String {
        self.skipBlanks()
        var text = String.UnicodeScalarView()
        while let scalar = self.peek,
            scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "-_.".unicodeScalars.contains(scalar)
        {
            text.append(scalar)
            self.position += 1
        }
        return String(text)
    }

    private mutating func textToBlank() -> String {
        var text = String.UnicodeScalarView()
        while let scalar = self.peek, scalar != " ", scalar != "\t", scalar != "\r" {
            text.append(scalar)
            self.position += 1
        }
        return String(text)
    }

    private mutating func takeWord(_ wanted: String) -> Bool {
        let start = self.position
        if self.word().asciiLowercased == wanted { return true }
        self.position = start
        return false
    }

    private func problem(_ english: String, _ japanese: String) -> FilterProblem {
        FilterProblem(line: self.number, message: Localized(en: english, ja: japanese))
    }

    /// ftext of RFC 5322 3.6.8.
    private static func isFieldName(_ name: String) -> Bool {
        (1...76).contains(name.utf8.count) && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }
    }

    /// `100`, `10k`, `5M`, `1G`.
    private static func octets(_ text: String) -> Int64? {
        let digits = text.prefix { ("0"..."9").contains($0) }
        guard !digits.isEmpty, digits.utf8.count <= 9, let number = Int64(digits) else { return nil }
        switch text.dropFirst(digits.count).lowercased() {
        case "": return number
        case "k", "kb", "kib": return number << 10
        case "m", "mb", "mib": return number << 20
        case "g", "gb", "gib": return number << 30
        default: return nil
        }
    }
}
