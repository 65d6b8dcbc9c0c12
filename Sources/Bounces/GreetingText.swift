internal import Forms
package import Vocabulary

/// The greeting message to a new account: what it is called, how it is reached, and what each of that means. Layout and opening are those that
/// Post.Office always had.
package struct GreetingText: Sendable {
    package var realName: String
    package var addresses: [String]
    package var fingerInformation: String
    package var loginName: String
    package var hostName: String
    package var postmaster: Address
    /// Where forms about accounts go by mail; nil where none are taken.
    package var formsAddress: Address?
    /// Of the forms; nil where there are none.
    package var webAddress: String?
    /// The site's own words before and behind it; empty: ours, and none.
    package var siteOpening = ""
    package var siteClosing = ""

    package init(
        realName: String, addresses: [String], fingerInformation: String, loginName: String, hostName: String, postmaster: Address
    ) {
        self.realName = realName
        self.addresses = addresses
        self.fingerInformation = fingerInformation
        self.loginName = loginName
        self.hostName = hostName
        self.postmaster = postmaster
    }

    package static let subject = "Form: Greeting"
    private static let ruler = String(repeating: "=", count: 68)

    package func lines(_ language: Language) -> [String] {
        let opening = self.site(self.siteOpening) ?? self.opening.flatMap { Self.folded($0, language) }
        let text =
            [.blank] + self.form + [Self.ruler.both, .blank] + self.changing + [Self.ruler.both, .blank]
            + self.fields + [Self.ruler.both, .blank] + self.programs
        let closing = self.site(self.siteClosing).map { [""] + $0 } ?? []
        return ["Information", ""] + opening + text.flatMap { Self.folded($0, language) } + closing
    }

    private func site(_ words: String) -> [String]? {
        SiteText.lines(
            words,
            [
                MessageTextField.name: self.realName, MessageTextField.address: self.addresses.first ?? "",
                MessageTextField.host: self.hostName, MessageTextField.postmaster: "\(self.postmaster)",
            ])
    }

    /// Lines that begin with a blank, and fields, stay as they are.
    private static func folded(_ text: Localized, _ language: Language) -> [String] {
        let line = text.text(language)
        let isField = line.hasPrefix(" ") || line.utf8.contains(UInt8(ascii: "[")) || line.hasPrefix("=")
        return isField || line.isEmpty ? [line] : ReportText.wrapped(line, language)
    }

    private var opening: [Localized] {
        [
            Localized(
                en: "Your electronic mail account has been opened. This is how it is set up. What each field means stands behind it.",
                ja: "メールアカウントを用意しました。設定は次のとおりです。項目の意味は、その後に書いてあります。")
        ]
    }

    private var form: [Localized] {
        var lines = [
            "Your-Name:  [\(Self.bracketed(self.realName))]".both,
            Localized(en: "   (This is called the account name.)", ja: "   （注: アカウント名と呼ばれます）"), .blank,
        ]
        for (index, address) in self.addresses.prefix(50).enumerated() {
            lines.append("\(index == 0 ? "Internet-Addresses: " : String(repeating: " ", count: 20))[\(Self.bracketed(address))]".both)
        }
        return lines + [.blank, "Finger-Information: [\(Self.bracketed(self.fingerInformation))]".both, .blank]
    }

    private var changing: [Localized] {
        var lines: [Localized] = [Localized(en: "Changing your account information:", ja: "アカウント情報の変更について:"), .blank]
        lines.append(
            Localized(
                en: "The account name and the addresses can be changed by the postmaster only: <\(self.postmaster)>.",
                ja: "アカウント名とアドレスを変更できるのはポストマスタだけです。必要なときは <\(self.postmaster)> に依頼してください。"))
        guard self.webAddress != nil || self.formsAddress != nil else { return lines + [.blank] }
        lines.append(
            Localized(
                en: "Password and finger information you can change yourself, with a form:",
                ja: "パスワードまたはフィンガー情報は、次の方法でフォームを使ってユーザ自身でも変更できます。"))
        if let webAddress { lines += [.blank, " Web: \(webAddress)".both] }
        if let formsAddress {
            lines += [
                .blank,
                Localized(
                    en: " E-mail: send a message to <\(formsAddress)> with nothing but the word Information",
                    ja: " E-mail: <\(formsAddress)> 宛に、本文に「Information」とだけ入力したメッセージを"),
                Localized(
                    en: " (spelled like this) in it. Answer the form that comes: quote all of it, change what",
                    ja: " 送信します（大文字と小文字を正しく区別してください）。届いたフォーム"),
                Localized(
                    en: " stands in brackets and fill in your password. If no error comes back, it is done.",
                    ja: " 全体に返信し、[ ] の中を変更し、パスワードを入力します。エラーの返事が来なければ、変更は済んでいます。"),
            ]
        }
        return lines + [.blank]
    }

    private var fields: [Localized] {
        [
            Localized(en: "What the fields mean:", ja: "各フィールドの説明:"), .blank,
            " Your-Name".both,
            Localized(en: "   Your name as others see it in the mail that you send.", ja: "   送信するメールの差出人として表示される名前です。"), .blank,
            " Internet-Addresses".both,
            Localized(
                en: "   Mail to each of these addresses reaches you. The first one is your primary address:",
                ja: "   これらのアドレス宛のメールがあなたに届きます。最初のアドレスがメイン E-mail アドレスで、"),
            Localized(en: "   it stands in the mail that you send.", ja: "   送信するメールの差出人になります。"), .blank,
            " Finger-Information".both,
            Localized(
                en: "   A text that everybody can ask this server for. Empty: nothing is told.",
                ja: "   フィンガーで誰にでも表示される文章です。空の場合は何も表示されません。"), .blank,
        ]
    }

    private var programs: [Localized] {
        [
            Localized(en: "Settings for your mail program:", ja: "メールプログラムの設定:"), .blank,
            Localized(en: "   Server for incoming and outgoing mail: \(self.hostName)", ja: "   受信サーバおよび送信サーバ: \(self.hostName)"),
            Localized(en: "   User name: \(self.loginName)", ja: "   ユーザ名: \(self.loginName)"),
            Localized(
                en: "   Your password you get from the postmaster; it is never sent by mail.",
                ja: "   パスワードはポストマスタから受け取ってください。メールでお知らせすることはありません。"),
        ]
    }

    /// What stands between brackets: one line, without brackets of its own.
    private static func bracketed(_ text: String) -> String {
        String(SafeText.line(text, limit: 2000).map { $0 == "[" ? "(" : $0 == "]" ? ")" : $0 })
    }
}

extension String {
    fileprivate var both: Localized { Localized(en: self, ja: self) }
}

extension Localized {
    /// An empty line.
    fileprivate static let blank = Localized(en: "", ja: "")
}
