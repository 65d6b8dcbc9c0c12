import Vocabulary

/// What `run --welcome` prints to a person who tries it out: where it is, and three things to do.
struct Welcome {
    private let start: StartConfiguration
    private let language: Language
    private let settings: [String: String]

    init(_ start: StartConfiguration, _ language: Language) {
        self.start = start
        self.language = language
        let directory = start.file.dropLast("/post.office.conf".count)
        self.settings = QuickSetup(directory: String(directory), portBase: nil, domain: nil).earlier
    }

    func show() { AdminPrinter().show(.output(self.lines.joined(separator: "\n") + "\n")) }

    var lines: [String] {
        func say(_ english: String, _ japanese: String) -> String { Localized(en: english, ja: japanese).text(self.language) }
        func port(_ port: InstancePort) -> String { self.port(of: port).map { "\($0)" } ?? "?" }
        let host = self.settings["HOST"] ?? "127.0.0.1"
        let domain = self.settings["DOMAIN"] ?? QuickSetup.defaultDomain
        let program = QuickSetup.programDirectory + "/postoffice"
        var out = [
            "", say("Post.Office \(ProductVersion.text) is serving \(domain).", "Post.Office \(ProductVersion.text) が \(domain) で動作中です。"),
            "",
        ]
        out += self.web(host)
        if let password = self.settings["POSTMASTER_PASSWORD"] {
            out.append("  Postmaster  postmaster@\(domain)  \(say("password", "パスワード")) \(password)")
        }
        out += self.services(host)
        out += ["", say("Three things to try, in another terminal:", "別の端末で試せること:"), ""]
        out.append(say("1. Add an account", "1. アカウントを作る"))
        out.append("   export POSTOFFICE_CONFIG=\(self.start.file)")
        out.append("   echo secret-1 | \(program) account add taro@\(domain) --name 'Taro Yamada' --password-stdin")
        out.append(say("2. Send it a message, as a stranger would", "2. 外部からのメールを送る"))
        out.append(
            "   printf 'Subject: hello\\n\\nIt works.\\n' | curl -s smtp://\(host):\(port(.smtp)) --mail-from you@example.net --mail-rcpt taro@\(domain) -T - --crlf"
        )
        out.append(say("3. Read it", "3. 読む"))
        out.append("   curl -s -u taro:secret-1 --cacert \(self.settings["CA_FILE"] ?? "ca.pem") pop3s://localhost:\(port(.pop3s))/1")
        out += [
            "",
            say(
                "Mail for other hosts is held here, so that nothing leaves by mistake: `postoffice status` says how to change that.",
                "誤って外部に送信しないよう、他のホスト宛のメールは保留されます。変更方法は postoffice status で確認できます。"),
        ]
        out += ["", say("Log: \(program) log --follow      Stop: Ctrl-C", "ログ: \(program) log --follow      停止: Ctrl-C"), ""]
        return out
    }

    /// What to open in a browser, first of all. The certificate of a trial instance is its own, so that browsers warn of it.
    private func web(_ host: String) -> [String] {
        let words = Localized(en: "open this in a browser", ja: "ブラウザで開いてください").text(self.language)
        let plain = self.port(of: .http).map { "http://\(host):\($0)/" }
        let secure = self.port(of: .https).map { "https://\(host):\($0)/" }
        guard let first = plain ?? secure else { return [] }
        let other = plain == nil ? "" : secure.map { ", \($0)" } ?? ""
        return ["  Web         \(first)\(other)  (\(words))"]
    }

    /// What else listens, and where; nothing else.
    private func services(_ host: String) -> [String] {
        func line(_ title: String, _ places: [(InstancePort, String)]) -> String? {
            let found = places.compactMap { port, way in self.port(of: port).map { "\(host):\($0)\(way)" } }
            return found.isEmpty ? nil : "  \(title)" + found.joined(separator: ", ")
        }
        return [
            line("SMTP        ", [(.smtp, "")]),
            line("Submission  ", [(.submission, " (STARTTLS)"), (.smtps, " (TLS)")]),
            line("POP3        ", [(.pop3, " (STLS)"), (.pop3s, " (TLS)")]),
            line("IMAP4       ", [(.imap, " (STARTTLS)"), (.imaps, " (TLS)")]),
            line("Finger      ", [(.finger, "")]),
            line("Password    ", [(.password, ""), (.passwords, " (TLS)")]),
        ].compactMap { $0 }
    }

    private func port(of port: InstancePort) -> Int? {
        guard let name = port.role?.name else { return nil }
        return self.start.listeners.first { $0.role.name == name }?.port
    }
}
