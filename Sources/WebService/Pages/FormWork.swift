internal import Bytes
internal import Directory
internal import Forms
internal import Vocabulary
internal import WebPages

/// What the forms of accounts and configuration do alike.
enum FormWork {
    /// Name of the hidden field that says from which values a form was made.
    static let stampName = "_stamp"

    /// Octets of a value that a form still shows; a submitted form may have 1 MiB, and encoding makes up to three times of it.
    private static let mostOctets = 200_000

    static func entry(_ field: Field, _ value: FieldValue) -> FieldEntry {
        var entry = FieldEntry(field, value)
        let count = max(value.list.count, value.rows.count)
        if count > 20_000 || (count > 1000 && (field.stored(value)?.utf8.count ?? 0) > Self.mostOctets) {
            entry.access = .hidden(
                Localized(
                    en:
                        "\(Chart.grouped(count)) entries: too many for a form. `postoffice config get \(field.key)` shows them, `config set` with --add and --remove changes them.",
                    ja:
                        "\(Chart.grouped(count)) 件あり、フォームでは変更できません。postoffice config get \(field.key) で表示し、config set の --add と --remove で変更してください。"
                ))
        }
        return entry
    }

    /// Two forms made of the same values have the same stamp.
    static func stamp(_ fields: [Field], _ values: [FieldKey: FieldValue]) -> String {
        var text = ""
        // What is too much for a form is not on it.
        for field in fields where max(values[field.key]?.list.count ?? 0, values[field.key]?.rows.count ?? 0) <= 20_000 {
            text += "\(field.key)=\(field.stored(values[field.key] ?? .none) ?? "")\u{0}"
        }
        return String(CRC32C.checksum(Array(text.utf8)), radix: 16)
    }

    static let changedMeanwhile = Notice(.warning, FormWork.changedWords)

    private static let changedWords = Localized(
        en:
            "Somebody else changed these settings meanwhile; nothing of yours was stored. What you entered stands below: look at it again and submit once more.",
        ja: "この設定は、入力中に他の管理者によって変更されました。入力内容はまだ保存されていません。下の内容を確認し、もう一度送信してください。")

    /// With what submitting once more would change: a field that only the other one changed is among them, and would be lost otherwise.
    static func changedMeanwhile(
        _ values: [FieldKey: FieldValue], _ fields: [Field], from now: [FieldKey: FieldValue], _ language: Language
    ) -> Notice {
        let none = Localized(en: "nothing", ja: "なし").text(language)
        func words(_ field: Field, _ value: FieldValue) -> String {
            let text = field.written(field.effective(value)).joined(separator: ", ")
            return text.isEmpty ? none : text.count > 200 ? text.prefix(200) + "…" : text
        }
        let lines = fields.compactMap { field -> String? in
            guard let value = values[field.key] else { return nil }
            let (stored, here) = (words(field, now[field.key] ?? .none), words(field, value))
            return Localized(
                en: "\(field.label.english): now \(stored); in this form \(here)",
                ja: "\(field.label.japanese): 現在の値 \(stored)、このフォームの値 \(here)"
            ).text(language)
        }
        return Notice(.warning, Self.changedWords, lines: lines)
    }

    /// Values that say something else than those there are; `names` as commands take them.
    static func differing(_ reading: FormReading, _ fields: [Field], from now: [FieldKey: FieldValue]) -> [FieldKey: FieldValue] {
        var out: [FieldKey: FieldValue] = [:]
        for field in fields where !field.isSecret {
            guard let value = reading.values[field.key] else { continue }
            let (old, new) = (field.effective(now[field.key] ?? .none), field.effective(value))
            let isSame = field.isSet ? Set(old.list) == Set(new.list) : old == new
            if !isSame { out[field.key] = value }
        }
        return out
    }

    /// `name=text` for each entry, an empty one to clear: what the option `set` of commands takes.
    static func pairs(_ values: [FieldKey: FieldValue], _ fields: [Field]) -> [String] {
        fields.flatMap { field -> [String] in
            guard let value = values[field.key] else { return [] }
            let texts = field.written(value)
            return texts.isEmpty ? ["\(field.key)="] : texts.map { "\(field.key)=\($0)" }
        }
    }

    /// Puts what a command refused at the fields it speaks of; gives back the rest.
    static func place(_ result: WebCommandResult, _ fields: [Field], _ language: Language, _ reading: inout FormReading) -> [Notice] {
        var rest: [String] = []
        for line in WebCommandResult.split(result.problems) {
            if let field = fields.first(where: { line.hasPrefix("\($0.label.text(language)) (\($0.key)): ") }) {
                reading.add(FieldProblem(field: field.key, message: Localized(en: line, ja: line)))
            } else {
                rest.append(line)
            }
        }
        guard let first = rest.first else { return [] }
        return [Notice(.failure, Localized(en: first, ja: first), lines: Array(rest.dropFirst()))]
    }

    /// For the audit log: secrets are named, never told.
    static func changes(_ values: [FieldKey: FieldValue], _ fields: [Field], from now: [FieldKey: FieldValue]) -> [AuditEntry.Change] {
        fields.compactMap { field in
            guard let value = values[field.key] else { return nil }
            if field.isSecret { return AuditEntry.Change(key: field.key.text, before: "", after: "(set)") }
            let before = field.written(field.effective(now[field.key] ?? .none)).joined(separator: ", ")
            let after = field.written(field.effective(value)).joined(separator: ", ")
            return AuditEntry.Change(key: field.key.text, before: String(before.prefix(1000)), after: String(after.prefix(1000)))
        }
    }
}
