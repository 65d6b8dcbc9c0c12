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
        func port(_ port: InstancePort) -> String { self.settings[port.variable] ?? "?" }
        let host = self.settings["HOST"] ?? "127.0.0.1"
        let domain = self.settings["DOMAIN"] ?? QuickSetup.defaultDomain
        let program = QuickSetup.programDirectory + "/postoffice"
        var out = [
            "", say("Post.Office \(ProductVersion.text) is serving \(domain).", "Post.Office \(ProductVersion.text) が \(domain) で動作中です。"),
            "",
        ]
        out.append("  SMTP        \(host):\(port(.smtp))")
        out.append("  Submission  \(host):\(port(.submission)) (STARTTLS), \(host):\(port(.smtps)) (TLS)")
        out.append("  POP3        \(host):\(port(.pop3)) (STLS), \(host):\(port(.pop3s)) (TLS)")
        out.append("  IMAP4       \(host):\(port(.imap)) (STARTTLS), \(host):\(port(.imaps)) (TLS)")
        if let password = self.settings["POSTMASTER_PASSWORD"] {
            out.append("  Postmaster  postmaster@\(domain)  \(say("password", "パスワード")) \(password)")
        }
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
}
