import Vocabulary
import Yams

/// A mapping of the start file with the path that leads to it, so that every complaint names line and field.
struct StartFields {
    let file: String
    let path: String
    private let node: Node
    private let mapping: Node.Mapping

    /// Refuses what is no mapping and every key that is not among `known`: a misspelt field must not be silently without effect.
    init(_ node: Node, file: String, path: String, known: [String]) throws(StartProblem) {
        self.file = file
        self.path = path
        self.node = node
        guard case .mapping(let mapping) = node else {
            throw StartProblem(
                file: file, line: node.mark?.line, field: path,
                what: Localized(en: "fields are expected here", ja: "ここには項目の並びが必要です"),
                cure: Localized(en: "write `name: value` lines", ja: "「名前: 値」の行を書いてください"))
        }
        self.mapping = mapping
        for (key, _) in mapping where !known.contains(key.scalar?.string ?? "") {
            let list = known.joined(separator: ", ")
            throw StartProblem(
                file: file, line: key.mark?.line, field: Self.join(path, key.scalar?.string ?? "?"),
                what: Localized(en: "there is no such field", ja: "そのような項目はありません"),
                cure: Localized(en: "use one of \(list), or remove it", ja: "\(list) のいずれかにするか、削除してください"))
        }
    }

    func has(_ key: String) -> Bool { self.value(key) != nil }

    func node(_ key: String) -> Node? { self.value(key) }

    func required(_ key: String) throws(StartProblem) -> Node {
        if let node = self.value(key) { return node }
        throw StartProblem(
            file: self.file, line: self.node.mark?.line, field: Self.join(self.path, key),
            what: Localized(en: "this field is missing", ja: "この項目がありません"),
            cure: Localized(en: "add `\(key): …`", ja: "「\(key): …」を加えてください"))
    }

    /// Text of a scalar; nil when the field is absent or empty.
    func text(_ key: String) throws(StartProblem) -> String? {
        guard let node = self.value(key) else { return nil }
        guard case .scalar(let scalar) = node else {
            throw self.problem(
                key, Localized(en: "one value is expected", ja: "値は一つだけにしてください"),
                Localized(en: "write `\(key): value`", ja: "「\(key): 値」と書いてください"))
        }
        let isNull = scalar.style == .plain && (scalar.string == "~" || scalar.string == "null")
        return scalar.string.isEmpty || isNull ? nil : scalar.string
    }

    func number(_ key: String, in range: ClosedRange<Int>, default fallback: Int?) throws(StartProblem) -> Int {
        guard let text = try self.text(key) else {
            if let fallback { return fallback }
            _ = try self.required(key)
            throw self.notANumber(key, "", range)
        }
        guard let value = Int(text), range.contains(value) else { throw self.notANumber(key, text, range) }
        return value
    }

    func truth(_ key: String, default fallback: Bool) throws(StartProblem) -> Bool {
        switch try self.text(key) {
        case nil: return fallback
        case "true", "yes", "on": return true
        case "false", "no", "off": return false
        case let other?:
            throw self.problem(
                key, Localized(en: "`\(other)` is neither true nor false", ja: "「\(other)」は true でも false でもありません"),
                Localized(en: "write true or false", ja: "true か false を書いてください"))
        }
    }

    /// A list of texts; one bare value counts as a list of one.
    func texts(_ key: String) throws(StartProblem) -> [String] {
        guard let node = self.value(key) else { return [] }
        guard case .sequence(let sequence) = node else { return try self.text(key).map { [$0] } ?? [] }
        var out: [String] = []
        for element in sequence {
            guard let text = element.scalar?.string, !text.isEmpty else {
                throw StartProblem(
                    file: self.file, line: element.mark?.line, field: Self.join(self.path, key),
                    what: Localized(en: "the list holds something that is no text", ja: "文字列でない要素があります"),
                    cure: Localized(en: "write one value a line, each after `- `", ja: "「- 」に続けて一行に一つずつ書いてください"))
            }
            out.append(text)
        }
        return out
    }

    func problem(_ key: String, _ what: Localized, _ cure: Localized) -> StartProblem {
        let line = (self.value(key) ?? self.node).mark?.line
        return StartProblem(file: self.file, line: line, field: Self.join(self.path, key), what: what, cure: cure)
    }

    static func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    private func value(_ key: String) -> Node? {
        for (name, value) in self.mapping where name.scalar?.string == key { return value }
        return nil
    }

    private func notANumber(_ key: String, _ text: String, _ range: ClosedRange<Int>) -> StartProblem {
        let bounds = "\(range.lowerBound) … \(range.upperBound)"
        return self.problem(
            key, Localized(en: "`\(text)` is not a number from \(bounds)", ja: "「\(text)」は \(bounds) の数ではありません"),
            Localized(en: "write such a number", ja: "その範囲の数を書いてください"))
    }
}
