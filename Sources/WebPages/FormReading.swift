package import Forms
package import Vocabulary

/// What a submitted form says, field by field: values that passed their checks, problems of those that did not, and all texts as typed.
package struct FormReading: Sendable {
    /// Of each field that was on the form and is right; `.none` where it was left empty.
    package private(set) var values: [FieldKey: FieldValue] = [:]
    package private(set) var typed: [FieldKey: TypedText] = [:]
    package private(set) var problems: [FieldProblem] = []
    package private(set) var wrongRows: [FieldKey: Int] = [:]

    package var isRight: Bool { self.problems.isEmpty }

    /// Ends the name of the second of two passwords.
    package static let againSuffix = ".again"
    package static let fileSuffix = ".file"

    /// Reads those of the fields that were on the form; one that was not there is not said anything about.
    package init(_ form: PostedForm, _ fields: [Field]) {
        for field in fields { self.read(field, form) }
    }

    package func problem(_ key: FieldKey) -> Localized? { self.problems.first { $0.field == key }?.message }

    /// A problem that was found later, by whoever knows more than the form.
    package mutating func add(_ problem: FieldProblem) { self.problems.append(problem) }

    private mutating func read(_ field: Field, _ form: PostedForm) {
        if case .table(let table) = field.type, !form.has(field.key.text) { return self.readRows(field, table, form) }
        guard form.has(field.key.text) else { return }
        var texts = form.all(field.key.text)
        switch field.type {
        case .flag: texts = [form.last(field.key.text).map { $0.isEmpty ? "no" : $0 } ?? "no"]
        case .words: texts = texts.filter { !$0.isEmpty }
        case .picture:
            if let file = form.files[field.key.text + Self.fileSuffix], !file.bytes.isEmpty { texts = [file.base64] }
        case .password:
            if form.has(field.key.text + Self.againSuffix), form.last(field.key.text) != form.last(field.key.text + Self.againSuffix) {
                return self.problems.append(field.problem(Self.different))
            }
        default: break
        }
        if !field.isSecret { self.typed[field.key] = .texts(texts) }
        do throws(FieldProblem) { self.values[field.key] = try field.parse(texts) } catch { self.problems.append(error) }
    }

    /// The original's `Accounts/PasswordsDontMatch`.
    private static let different = Localized(
        en: "the two passwords are not the same; type both again", ja: "2 つのパスワードが一致しません。両方とも入力し直してください")

    private mutating func readRows(_ field: Field, _ table: Table, _ form: PostedForm) {
        guard let rows = Self.rows(field, table, form) else { return }
        self.typed[field.key] = .rows(rows)
        do throws(RowProblem) {
            self.values[field.key] = try field.parse(rows: rows)
        } catch {
            self.problems.append(error.problem)
            self.wrongRows[field.key] = error.row
        }
    }

    /// Cells `key.row.column` in the order of their rows' numbers; nil when the form had none.
    private static func rows(_ field: Field, _ table: Table, _ form: PostedForm) -> [[String]]? {
        let start = field.key.text + "."
        var cells: [Int: [FieldKey: String]] = [:]
        for pair in form.pairs where pair.name.hasPrefix(start) {
            let parts = pair.name.dropFirst(start.count).split(separator: ".", maxSplits: 1)
            guard parts.count == 2, parts[0].utf8.count <= 7, let row = Int(parts[0]), row >= 0 else { continue }
            cells[row, default: [:]][FieldKey(String(parts[1]))] = pair.value
        }
        guard !cells.isEmpty else { return nil }
        return cells.sorted { $0.key < $1.key }.map { row in table.columns.map { row.value[$0.key] ?? "" } }
    }
}
