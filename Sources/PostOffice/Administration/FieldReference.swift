import Forms
import Vocabulary

/// The reference of fields as the binary knows them: for people, or as JSON.
enum FieldReference {
    static func text(_ fields: [Field], _ language: Language, json: Bool) -> String {
        if json { return JSONValue.list(fields.map { self.json($0, language) }).description + "\n" }
        return fields.map { self.text($0, language) }.joined(separator: "\n") + "\n"
    }

    private static func text(_ field: Field, _ language: Language) -> String {
        let standard = field.defaultValue.isNone ? "" : " (\(field.written(field.defaultValue).joined(separator: ", ")))"
        return "\(field.key)\(standard)\n    \(field.label.text(language))\n    \(field.help.text(language))"
    }

    private static func json(_ field: Field, _ language: Language) -> JSONValue {
        .object([
            ("key", .text(field.key.text)), ("form", .text(field.form.rawValue)), ("mail-name", .text(field.mailName)),
            ("label", .text(field.label.text(language))), ("help", .text(field.help.text(language))),
            ("default", .list(field.written(field.defaultValue).map { .text($0) })),
        ])
    }

    /// A value for JSON: numbers and flags as such, lists as lists.
    static func json(_ field: Field, _ value: FieldValue) -> JSONValue {
        switch value {
        case .none: .null
        case .text(let text): .text(text)
        case .integer(let number): .int(number)
        case .flag(let flag): .bool(flag)
        case .list(let entries): .list(entries.map { .text($0) })
        case .rows: .list(field.written(value).map { .text($0) })
        }
    }
}
