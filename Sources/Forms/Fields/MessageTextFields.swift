package import Vocabulary

/// What the server itself writes to people, where the site says it in words of its own. Each text is there once a language; where it is empty
/// ours stands.
package enum MessageTextField {
    /// A text in both languages, and what may stand in it.
    package struct Pair: Sendable {
        package let english: Field
        package let japanese: Field

        package func field(_ language: Language) -> Field { language == .japanese ? self.japanese : self.english }
    }

    package static let name = "{name}"
    package static let address = "{address}"
    package static let host = "{host}"
    package static let postmaster = "{postmaster}"
    package static let used = "{used}"
    package static let quota = "{quota}"
    package static let percent = "{percent}"

    package static let greeting = pair(
        "greeting-text", "Greeting: first words", "グリーティングメッセージ: 冒頭の文",
        help: Localized("What a new account is greeted with, before the form.", "新しいアカウントへのメッセージの冒頭、フォームの前に表示します。"),
        [name, address, host, postmaster])
    package static let greetingEnd = pair(
        "greeting-closing", "Greeting: last words", "グリーティングメッセージ: 末尾の文",
        help: Localized("Added at its end: whom to ask, where the manual is.", "末尾に追加します。問い合わせ先やマニュアルの場所などです。"),
        [name, address, host, postmaster], isOurs: false)
    package static let report = pair(
        "report-text", "Returned mail: first words", "エラーメール: 冒頭の文",
        help: Localized(
            "Stands at the beginning of the report to the sender of mail that could not be delivered, before the reasons.",
            "配信できなかったメールの送信者に返すメッセージの冒頭、理由の前に表示します。"),
        [host, postmaster])
    package static let reportEnd = pair(
        "report-closing", "Reports: last words", "エラーメールと配信通知: 末尾の文",
        help: Localized(
            "At the end of every report of delivery: whom to ask.", "エラーメール、遅延の警告、配信通知の末尾に表示します。問い合わせ先などです。"), [host, postmaster])
    package static let warning = pair(
        "quota-warning-text", "Mailbox nearly full", "メールボックスの容量の警告",
        help: Localized("What the owner of a mailbox reads when it is nearly full.", "メールボックスの使用量が最大サイズに近づいたときに所有者に送信します。"),
        [name, address, used, quota, percent, postmaster])

    package static let pairs = [greeting, greetingEnd, report, reportEnd, warning]
    package static let all: [Field] = pairs.flatMap { [$0.english, $0.japanese] }

    private static func pair(
        _ key: String, _ english: String, _ japanese: String, help: Localized, _ placeholders: [String], isOurs: Bool = true
    ) -> Pair {
        let words = placeholders.joined(separator: ", ")
        let empty = isOurs ? Localized("Empty: our own words.", "空欄の場合は標準の文を使用します。") : Localized("Empty: nothing.", "空欄の場合は何も追加しません。")
        func field(_ suffix: String, _ of: Localized) -> Field {
            Field(
                FieldKey(key + suffix), .defaultMessages, Localized("\(english) (\(of.english))", "\(japanese)（\(of.japanese)）"),
                help: Localized(
                    "\(help.english) For readers of that language. These stand for what they say: \(words). \(empty.english)",
                    "\(help.japanese)その言語の受信者に使用します。次の語は置き換えられます: \(words)。\(empty.japanese)"),
                .paragraph(maximum: 4000), checks: [.placeholders(placeholders)])
        }
        return Pair(english: field("", Localized("English", "英語")), japanese: field("-japanese", Localized("Japanese", "日本語")))
    }
}
