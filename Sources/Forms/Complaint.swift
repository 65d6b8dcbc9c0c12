internal import Text
package import Vocabulary

/// What can be wrong with a value, as one sentence that says the cure. The field's label goes in front.
enum Complaint {
    case missing
    case tooLong(Int)
    case controlCharacter
    case oneValue
    case tooMany(Int)
    case number(String, ClosedRange<Int64>)
    case bytes(String)
    case bytesRange(ClosedRange<Int64>)
    case duration(String)
    case durationRange(ClosedRange<Int64>)
    case flag(String)
    case choice(String, [Choice])
    case date(String)
    case address(String, AddressError)
    case loginName(String)
    case domain(String)
    case accessEntry(String)
    case network(String)
    case domainPattern(String)
    case mailPattern(String)
    case server(String)
    case url(String)
    case telephone(String)
    case picture(Int)
    case blankAtEnds
    case row(String, Table)
    case cell(String, Localized)
    case twice(String)

    var text: Localized {
        switch self {
        case .missing: Localized("a value is needed", "値を指定してください")
        case .tooLong(let most): Localized("too long; at most \(most) characters", "長すぎます。\(most) 文字以内で指定してください")
        case .controlCharacter:
            Localized("line breaks and control characters are not allowed; write it on one line", "改行や制御文字は使用できません。1 行で指定してください")
        case .oneValue: Localized("takes one value only", "値は 1 つだけ指定してください")
        case .tooMany(let most): Localized("at most \(most) entries", "指定できるのは \(most) 件までです")
        case .number(let given, let range):
            Localized(
                "\(Self.shown(given)) is not a whole number from \(range.lowerBound) to \(range.upperBound)",
                "\(Self.shown(given)) は使用できません。\(range.lowerBound) から \(range.upperBound) までの整数を指定してください")
        case .bytes(let given):
            Localized(
                "\(Self.shown(given)) is no size; write a number with a unit, for example 50 MiB",
                "\(Self.shown(given)) はサイズではありません。50 MiB のように数字と単位で指定してください")
        case .bytesRange(let range):
            Localized(
                "must be from \(Notation.bytes(range.lowerBound)) to \(Notation.bytes(range.upperBound))",
                "\(Notation.bytes(range.lowerBound)) から \(Notation.bytes(range.upperBound)) までで指定してください")
        case .duration(let given):
            Localized(
                "\(Self.shown(given)) is no length of time; write for example 90 s, 5 min or 2 h",
                "\(Self.shown(given)) は時間ではありません。90 s、5 min、2 h のように指定してください")
        case .durationRange(let range):
            Localized(
                "must be from \(Notation.duration(range.lowerBound)) to \(Notation.duration(range.upperBound))",
                "\(Notation.duration(range.lowerBound)) から \(Notation.duration(range.upperBound)) までで指定してください")
        case .flag(let given):
            Localized("\(Self.shown(given)) is neither yes nor no", "\(Self.shown(given)) は使用できません。yes または no を指定してください")
        case .choice(let given, let choices): Self.choice(given, choices)
        default: self.aboutNames
        }
    }

    private var aboutNames: Localized {
        switch self {
        case .date(let given):
            Localized(
                "\(Self.shown(given)) is no date; write year-month-day, for example 2026-11-21",
                "\(Self.shown(given)) は日付ではありません。2026-11-21 のように指定してください")
        case .address(let given, let why):
            Localized(
                "\(Self.shown(given)) is no mail address (\(why.words.english)); write name@domain",
                "\(Self.shown(given)) は E-mail アドレスではありません（\(why.words.japanese)）。name@domain の形で指定してください")
        case .loginName(let given):
            Localized(
                "\(Self.shown(given)) cannot be a login name; use up to 254 characters without blanks, or a whole mail address",
                "\(Self.shown(given)) はログイン名に使用できません。空白を含まない 254 文字以内の名前か、E-mail アドレスを指定してください")
        case .domain(let given):
            Localized(
                "\(Self.shown(given)) is no domain name; write for example example.com",
                "\(Self.shown(given)) はドメイン名ではありません。example.com のように指定してください")
        case .accessEntry(let given):
            Localized(
                "\(Self.shown(given)) is no entry of an access list; write an address, a network such as 192.0.2.0/24, a host name or *.domain",
                "\(Self.shown(given)) はアクセスリストに使用できません。IP アドレス、192.0.2.0/24 のようなネットワーク、ホスト名、*.domain のいずれかを指定してください")
        case .network(let given):
            Localized(
                "\(Self.shown(given)) is no network; write an address or for example 192.0.2.0/24 (host bits zero)",
                "\(Self.shown(given)) はネットワークではありません。IP アドレスか 192.0.2.0/24 のような形（ホスト部は 0）で指定してください")
        case .domainPattern(let given):
            Localized(
                "\(Self.shown(given)) is no domain; write for example example.net or *.example.net",
                "\(Self.shown(given)) はドメインではありません。example.net や *.example.net のように指定してください")
        case .mailPattern(let given):
            Localized(
                "\(Self.shown(given)) is no pattern of addresses; write for example jane@example.net, example.net, *.example.net or jane@",
                "\(Self.shown(given)) は使用できません。jane@example.net、example.net、*.example.net、jane@ のように指定してください")
        case .server(let given):
            Localized(
                "\(Self.shown(given)) is no server address; write an IP address, with a port as in 192.0.2.53:5353 or [2001:db8::53]:5353",
                "\(Self.shown(given)) はサーバアドレスではありません。IP アドレスを指定してください（ポートは 192.0.2.53:5353 のように付けます）")
        case .url(let given):
            Localized(
                "\(Self.shown(given)) is no web address; it begins with http:// or https://",
                "\(Self.shown(given)) は Web ページのアドレスではありません。http:// または https:// で始めてください")
        case .telephone(let given):
            Localized(
                "\(Self.shown(given)) is no telephone number; use digits, blanks and + - ( ) . only",
                "\(Self.shown(given)) は電話番号ではありません。数字、空白、+ - ( ) . だけを使用してください")
        case .picture(let most):
            Localized(
                "must be a JPEG or PNG of at most \(Notation.bytes(Int64(most))), in base64",
                "\(Notation.bytes(Int64(most))) 以内の JPEG または PNG を base64 で指定してください")
        case .blankAtEnds: Localized("must not begin or end with a blank", "先頭と末尾に空白は使用できません")
        case .row(let given, let table):
            Localized(
                "\(Self.shown(given)) is no row; write \(Self.pattern(table, \.english))",
                "\(Self.shown(given)) は使用できません。\(Self.pattern(table, \.japanese)) の形で指定してください")
        case .cell(let given, let label):
            Localized("\(Self.shown(given)) cannot be a \(label.english)", "\(Self.shown(given)) は\(label.japanese)に使用できません")
        case .twice(let given): Localized("\(Self.shown(given)) is there twice; remove one", "\(Self.shown(given)) が重複しています。1 つにしてください")
        default: Localized("cannot be used", "使用できません")
        }
    }

    private static func choice(_ given: String, _ choices: [Choice]) -> Localized {
        let names = choices.map(\.name).joined(separator: ", ")
        return Localized("\(self.shown(given)) is none of: \(names)", "\(self.shown(given)) は使用できません。次のいずれかを指定してください: \(names)")
    }

    private static func pattern(_ table: Table, _ language: KeyPath<Localized, String>) -> String {
        let cells = table.columns.map { $0.isOptional ? "(\($0.label[keyPath: language]))" : $0.label[keyPath: language] }
        return "[" + cells.joined(separator: String(table.separator)) + "]"
    }

    static func shown(_ given: String) -> String { Shown.text(given) }
}

extension Field {
    func problem(_ complaint: Complaint) -> FieldProblem { self.problem(complaint.text) }

    /// For checks that others make: label and key in front, as with our own.
    package func problem(_ text: Localized) -> FieldProblem {
        FieldProblem(
            field: self.key,
            message: Localized(
                "\(self.label.english) (\(self.key)): \(text.english).", "\(self.label.japanese) (\(self.key)): \(text.japanese)。"))
    }
}

extension FieldProblem {
    /// A name that no field has; says which ones are near.
    package static func unknown(_ name: String, in fields: [Field]) -> FieldProblem {
        let shown = Complaint.shown(name)
        if let field = fields.first(where: { $0.key.text == name }) {
            return field.problem(Localized("is shown only; it cannot be set", "表示専用のフィールドです。変更できません"))
        }
        let near = FieldTable.near(name, in: fields).map(\.text).joined(separator: ", ")
        let message =
            near.isEmpty
            ? Localized(
                "there is no field \(shown); `postoffice config fields` and `postoffice account fields` list all.",
                "\(shown) というフィールドはありません。postoffice config fields と postoffice account fields で一覧を表示できます。")
            : Localized("there is no field \(shown); near are: \(near).", "\(shown) というフィールドはありません。近いもの: \(near)。")
        return FieldProblem(field: FieldKey(String(name.prefix(60))), message: message)
    }
}
