internal import Vocabulary

/// What the finger server says of the host, and how it looks for people.
package enum FingerField {
    package static let hostText = Field(
        "finger-host-text", .finger, Localized("Finger text of this host", "このホストのフィンガー情報"),
        help: Localized(
            "Shown by finger when nobody is asked for by name. Empty: \"No information available\".",
            "名前を指定しないフィンガーの問い合わせに表示します。空欄の場合は \"No information available\" と表示します。"),
        .paragraph(maximum: 4000), viewers: .everybody)

    package static let partialNames = Field(
        "finger-partial-names", .finger, Localized("Finger finds people by parts of their names", "名前の一部でフィンガーを許可する"),
        help: Localized(
            "Among published accounts only. Off: the whole name, login name or address is needed.",
            "公開しているアカウントだけが対象です。「いいえ」にすると、名前、ログイン名、アドレスの全体が必要です。"),
        .flag, default: .flag(true))

    package static let all: [Field] = [hostText, partialNames]
}
