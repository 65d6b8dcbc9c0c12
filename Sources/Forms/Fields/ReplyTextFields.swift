internal import Vocabulary

/// What accounts answer by themselves where their owners wrote no text.
package enum ReplyTextField {
    package static let vacation = text(
        "vacation-text", "Vacation message where the owner wrote none", "不在通知の定型文（英語のアカウント）", "a sentence of ours in English", "英語の定型文")
    package static let vacationJapanese = text(
        "vacation-text-japanese", "Vacation message in Japanese", "不在通知の定型文（日本語のアカウント）", "a sentence of ours in Japanese", "日本語の定型文")
    package static let reply = text(
        "reply-text", "Reply where the owner wrote none", "応答の定型文（英語のアカウント）", "a sentence of ours in English", "英語の定型文")
    package static let replyJapanese = text(
        "reply-text-japanese", "Reply in Japanese", "応答の定型文（日本語のアカウント）", "a sentence of ours in Japanese", "日本語の定型文")
    package static let echo = text(
        "echo-text", "Echo where the owner wrote none", "エコーの定型文（英語のアカウント）", "a sentence of ours in English", "英語の定型文")
    package static let echoJapanese = text(
        "echo-text-japanese", "Echo in Japanese", "エコーの定型文（日本語のアカウント）", "a sentence of ours in Japanese", "日本語の定型文")

    package static let all: [Field] = [vacation, vacationJapanese, reply, replyJapanese, echo, echoJapanese]

    /// What stands for the owner's name and for his primary address in these texts.
    package static let name = "{name}"
    package static let address = "{address}"

    private static func text(_ key: FieldKey, _ english: String, _ japanese: String, _ ours: String, _ oursJapanese: String) -> Field {
        Field(
            key, .defaultMessages, Localized(english, japanese),
            help: Localized(
                "For all accounts of that language. {name} and {address} stand for the owner's. Empty: \(ours).",
                "その言語のすべてのアカウントで使用します。{name} は所有者の名前、{address} はメインアドレスになります。空欄の場合は\(oursJapanese)を使用します。"),
            .paragraph(maximum: 4000), checks: [.placeholders([name, address])])
    }
}
