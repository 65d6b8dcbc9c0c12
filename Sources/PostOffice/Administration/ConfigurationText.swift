import Forms
import Vocabulary
import Yams

/// The configuration as YAML: written with labels for people, read back with the line of each mistake.
enum ConfigurationText {
    /// Fields that say something; with `all` the others too, as comments with their defaults.
    static func write(_ values: [FieldKey: FieldValue], all: Bool, _ language: Language) -> String {
        var out = ""
        var form: Form?
        for field in FieldTable.configuration {
            let value = values[field.key] ?? .none
            guard all || !value.isNone else { continue }
            if form != field.form { out += out.isEmpty ? "" : "\n" }
            form = field.form
            out += "# \(field.label.text(language))\n"
            let prefix = value.isNone ? "# " : ""
            out += self.entry(field, value.isNone ? field.defaultValue : value).split(separator: "\n").map { "\(prefix)\($0)\n" }.joined()
        }
        return out
    }

    private static func entry(_ field: Field, _ value: FieldValue) -> String {
        let texts = field.written(value)
        switch value {
        case .none: return "\(field.key):\n"
        case .list, .rows: return "\(field.key):\n" + texts.map { "  - \(self.scalar($0))\n" }.joined()
        case .text, .integer, .flag: return "\(field.key): \(self.scalar(texts.first ?? ""))\n"
        }
    }

    /// Plain where YAML cannot take it for anything else, else in double quotes.
    static func scalar(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: " "): true
                default: false
                }
            } && !text.hasPrefix(" ") && !text.hasSuffix(" ") && !text.hasPrefix("-") && !["null", "Null", "NULL"].contains(text)
        return isPlain ? text : JSONValue.text(text).description
    }

    /// Values of the fields a file names. All mistakes at once, each with its line.
    static func read(_ text: String) throws(AdminFailure) -> [FieldKey: FieldValue] {
        guard !text.allSatisfy(\.isWhitespace) else { return [:] }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw AdminFailure(YAMLProblem(error, text).text)
        }
        guard let root else { return [:] }
        guard let mapping = root.mapping else {
            throw AdminFailure(Localized(en: "the file must be lines of `field: value`", ja: "「フィールド: 値」の形で記述してください"))
        }
        var values: [FieldKey: FieldValue] = [:]
        var problems: [Localized] = []
        for (key, node) in mapping {
            let line = key.mark?.line ?? 0
            let name = key.scalar?.string ?? ""
            do throws(FieldProblem) {
                guard let field = FieldTable.configuration(named: name) else {
                    throw FieldProblem.unknown(name, in: FieldTable.configuration)
                }
                guard let texts = self.texts(node) else {
                    throw field.problem(Localized(en: "write a value or a list of values", ja: "値または値のリストを指定してください"))
                }
                values[field.key] = try field.parse(texts)
            } catch {
                problems.append(Localized(en: "line \(line): \(error.message.english)", ja: "\(line) 行目: \(error.message.japanese)"))
            }
        }
        guard problems.isEmpty else {
            throw AdminFailure(
                Localized(en: problems.map(\.english).joined(separator: "\n"), ja: problems.map(\.japanese).joined(separator: "\n")))
        }
        return values
    }

    private static func texts(_ node: Node) -> [String]? {
        if let scalar = node.scalar { return scalar.string == "null" || scalar.string == "~" ? [] : [scalar.string] }
        guard let sequence = node.sequence else { return nil }
        let texts = sequence.compactMap { $0.scalar?.string }
        return texts.count == sequence.count ? texts : nil
    }
}
