import Forms
import Vocabulary
import Yams

/// Accounts as a YAML list of mappings: the same names as the columns of a CSV file; a field with several entries is a list.
struct AccountYAML {
    struct Entry {
        let line: Int
        let fields: [(name: String, texts: [String])]
    }

    /// Throws where the text is no such list; entries that are wrong are found later, each by its line.
    static func entries(_ text: String) throws(AdminFailure) -> [Entry] {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw AdminFailure(ErrorWords.text("the file is no YAML", "YAML として読み取れません", error))
        }
        guard let root else { return [] }
        guard case .sequence(let list) = root else { throw Self.noList(root.mark?.line ?? 1) }
        var out: [Entry] = []
        for node in list {
            guard case .mapping(let mapping) = node else { throw Self.noList(node.mark?.line ?? 1) }
            var fields: [(name: String, texts: [String])] = []
            for (key, value) in mapping { fields.append((key.scalar?.string ?? "", Self.texts(value))) }
            out.append(Entry(line: node.mark?.line ?? 1, fields: fields))
        }
        return out
    }

    private static func noList(_ line: Int) -> AdminFailure {
        AdminFailure(
            Localized(
                en: "line \(line): a list of accounts is expected: `- address: jane@example.com`, then `  name: Jane`",
                ja: "\(line) 行目: アカウントの並びが必要です。「- address: jane@example.com」の次の行に「  name: Jane」のように書いてください"))
    }

    private static func texts(_ node: Node) -> [String] {
        switch node {
        case .scalar(let scalar): [scalar.style == .plain && (scalar.string == "~" || scalar.string == "null") ? "" : scalar.string]
        case .sequence(let list): list.flatMap(Self.texts)
        case .mapping, .alias: [""]
        }
    }

    /// One account, for `account export`.
    static func text(_ fields: [(name: String, texts: [String])]) -> String {
        var out = ""
        for (number, field) in fields.enumerated() {
            let start = number == 0 ? "- " : "  "
            let values = field.texts.map(SetupPlan.quoted)
            out += "\(start)\(field.name): \(values.count == 1 ? values[0] : "[\(values.joined(separator: ", "))]")\n"
        }
        return out
    }
}
