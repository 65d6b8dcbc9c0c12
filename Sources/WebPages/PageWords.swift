package import Vocabulary

/// Words that every page shares; the Japanese are the original's own where it had them.
package enum PageWords {
    package static let submit = Localized(en: "Submit", ja: "送信")
    package static let reset = Localized(en: "Reset", ja: "リセット")
    package static let authenticate = Localized(en: "Authenticate", ja: "認証")
    package static let skip = Localized(en: "Skip to the main part", ja: "本文へ移動")
    package static let menu = Localized(en: "Menu", ja: "メニュー")
    package static let help = Localized(en: "Help", ja: "ヘルプ")
    package static let yes = Localized(en: "Yes", ja: "はい")
    package static let cancel = Localized(en: "Cancel", ja: "キャンセル")
    package static let search = Localized(en: "Search", ja: "検索")
    package static let again = Localized(en: "once more, to be sure", ja: "の再入力")
    package static let next = Localized(en: "Next", ja: "次へ")
    package static let previous = Localized(en: "Previous", ja: "前へ")
    package static let first = Localized(en: "First", ja: "先頭へ")
    package static let pages = Localized(en: "Pages", ja: "ページ")
    package static let none = Localized(en: "(none)", ja: "（なし）")
    package static let notSet = Localized(en: "not set", ja: "未設定")
    package static let logOut = Localized(en: "Log out", ja: "ログアウト")
    package static let language = Localized(en: "Language", ja: "言語")
    package static let loggedInAs = Localized(en: "Logged in as", ja: "ログイン中:")
    package static let postmaster = Localized(en: "Postmaster", ja: "ポストマスタ")
    package static let viewOnly = Localized(en: "view only", ja: "表示のみ")
    package static let optional = Localized(en: "optional", ja: "省略可")
    package static let figures = Localized(en: "The figures as a table", ja: "数値を表で見る")
    package static let addRow = Localized(en: "Add a row", ja: "行を追加")
    package static let emptyRows = Localized(
        en: "Rows left empty are dropped; to remove one, empty its fields.", ja: "空欄の行は保存されません。行を削除するには、その行を空欄にしてください。")
    package static let oneEntryALine = Localized(en: "One entry a line.", ja: "1 行に 1 つずつ指定してください。")
    package static let unchanged = Localized(en: "Empty: it stays as it is.", ja: "空欄の場合は変更しません。")

    package static func problems(_ count: Int) -> Localized {
        Localized(
            en: count == 1
                ? "One entry needs your attention; nothing was changed." : "\(count) entries need your attention; nothing was changed.",
            ja: "\(count) 件の入力に問題があります。変更は行われていません。")
    }
    package static func standard(_ value: String) -> Localized { Localized(en: "Default: \(value).", ja: "初期値: \(value)。") }
    package static func commandName(_ key: String) -> Localized {
        Localized(en: "Name in commands: \(key).", ja: "コマンドでの名前: \(key)。")
    }
    package static func row(_ number: Int) -> Localized { Localized(en: "row \(number)", ja: "\(number) 行目") }
}
