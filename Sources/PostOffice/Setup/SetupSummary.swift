package import Vocabulary

/// How a setup ends: what there is now, and the way to the browser, where the settings are finished.
package struct SetupSummary {
    private let plan: SetupPlan

    package init(_ plan: SetupPlan) { self.plan = plan }

    /// Domain, ports, directories; indented lines with an empty one before them.
    package func whatIs(_ language: Language) -> String {
        let ports = self.plan.listeners.map { "\($0.role.name) \($0.port)" }.joined(separator: ", ")
        let rows: [(Localized, String)] = [
            (Localized(en: "Domain", ja: "ドメイン"), self.plan.domain),
            (Localized(en: "Mail host", ja: "メールホスト"), self.plan.hostName),
            (Localized(en: "Ports", ja: "ポート"), ports),
            (Localized(en: "Start file", ja: "起動ファイル"), self.plan.configurationFile),
            (Localized(en: "Spool directory", ja: "スプールディレクトリ"), self.plan.directories.spool),
            (Localized(en: "Mailbox directory", ja: "メールボックスディレクトリ"), self.plan.directories.mailbox),
        ]
        return rows.filter { !$0.1.isEmpty }.map { "\n  \($0.0.text(language)): \($0.1)" }.joined() + "\n"
    }

    /// What to do now, in numbered steps.
    package func next(isServing: Bool, _ language: Language) -> String {
        var steps: [Localized] = []
        if !isServing {
            let option = self.plan.configurationFile == StartConfiguration.defaultFile ? "" : " --config \(self.plan.configurationFile)"
            let sudo = self.plan.user == nil ? "" : "sudo "
            steps.append(Localized(en: "Start the server: \(sudo)postoffice run\(option)", ja: "サーバを起動: \(sudo)postoffice run\(option)"))
        }
        if let place = self.place {
            let login = self.plan.domain.isEmpty ? "postmaster" : "postmaster@\(self.plan.domain)"
            steps.append(
                Localized(
                    en:
                        "Open \(place) in a browser. Until a certificate of an authority is installed, it warns of the self-signed one; its fingerprint is that of: postoffice cert show",
                    ja: "ブラウザで \(place) を開きます。認証局の証明書を導入するまでは自己署名証明書の警告が表示されます。フィンガープリントは postoffice cert show で確認できます"))
            steps.append(
                Localized(
                    en: "Log in as \(login) with the postmaster password, and fill in Installation Wrap-Up: it makes the first account.",
                    ja: "\(login) とポストマスタのパスワードで認証し、「インストールの完了」フォームに記入します。最初のアカウントが作成されます。"))
        }
        let title = Localized(en: "What to do now:", ja: "次の手順:").text(language)
        return "\n  \(title)\n" + steps.enumerated().map { "  \($0.offset + 1). \($0.element.text(language))\n" }.joined()
    }

    /// The administration's address; under TLS where that listens. nil where no web listens.
    private var place: String? {
        func port(_ wanted: InstancePort) -> Int? { self.plan.ports[wanted] }
        guard let number = port(.https) ?? port(.http) else { return nil }
        let (scheme, usual) = port(.https) == nil ? ("http", 80) : ("https", 443)
        return "\(scheme)://\(self.plan.hostName)\(number == usual ? "" : ":\(number)")/"
    }
}
