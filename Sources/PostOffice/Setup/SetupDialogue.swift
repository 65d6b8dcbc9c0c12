import Glibc
package import Vocabulary

/// The conversation of interactive setup. Questions and answers go through closures, so that it is played without a terminal in tests.
package struct SetupDialogue {
    package struct Person {
        /// Shows a line.
        package var show: (String) -> Void
        /// Shows a question and gives the answer; nil when the person has gone (end of input).
        package var ask: (_ question: String, _ isSecret: Bool) -> String?

        package init(show: @escaping (String) -> Void, ask: @escaping (_ question: String, _ isSecret: Bool) -> String?) {
            self.show = show
            self.ask = ask
        }
    }

    /// The person left before the end: nothing was changed.
    package struct Abandoned: Error {}

    private let person: Person
    private let language: Language
    /// Whether a port can be had; given from outside for tests.
    private let isFree: (Int) -> Bool

    package init(_ person: Person, _ language: Language, isFree: @escaping (Int) -> Bool) {
        self.person = person
        self.language = language
        self.isFree = isFree
    }

    /// Goes through all questions, `plan` being what is proposed. `machine` is the first label of this machine's name.
    package func complete(_ plan: SetupPlan, machine: String, keepsPassword: Bool) throws(Abandoned) -> SetupPlan {
        var plan = plan
        plan.domain = try self.ask(
            Localized(en: "Domain, without host name", ja: "ドメイン (ホスト名なし)"), proposal: plan.domain, check: SetupChecks.domain)
        let host = plan.hostName.hasSuffix(".\(plan.domain)") ? plan.hostName : "\(machine).\(plan.domain)"
        plan.hostName = try self.ask(
            Localized(en: "Name of this mail host, derived from it", ja: "このメールホストの名前 (ドメインから作成)"), proposal: host,
            check: SetupChecks.domain)
        let servers = try self.ask(
            Localized(en: "Name servers, separated by blanks", ja: "ネームサーバ (空白区切り)"),
            proposal: plan.nameServers.joined(separator: " "), mayBeEmpty: true,
            check: { SetupChecks.nameServers($0.split(separator: " ").map(String.init)) })
        plan.nameServers = servers.split(separator: " ").map(String.init)
        try self.askPorts(&plan)
        plan.directories.spool = try self.askDirectory(Localized(en: "Spool directory", ja: "スプールディレクトリ"), plan.directories.spool)
        plan.directories.mailbox = try self.askDirectory(Localized(en: "Mailbox directory", ja: "メールボックスディレクトリ"), plan.directories.mailbox)
        // Asked of root only, who can do it.
        if plan.sendmailLinks != nil { plan.sendmailLinks = try self.askLinks() }
        if plan.asksForSystemDelivery { try self.askSystemDelivery(&plan) }
        plan.postmasterPassword = try self.askPassword(keepsPassword)
        if plan.asksForStart {
            plan.starts = try self.askYesOrNo(
                Localized(
                    en: "Start Post.Office when that is done; the settings are finished in a browser (yes/no)",
                    ja: "完了後に Post.Office を起動する。残りの設定はブラウザで行う (yes/no)"), proposal: true)
        }
        return plan
    }

    private func ask(
        _ question: Localized, proposal: String, mayBeEmpty: Bool = false, check: (String) -> Localized?
    ) throws(Abandoned) -> String {
        while true {
            let hint = proposal.isEmpty ? "" : " [\(proposal)]"
            guard let line = self.person.ask("\(question.text(self.language))\(hint): ", false) else { throw Abandoned() }
            let typed = Self.trimmed(line)
            let answer = typed.isEmpty ? proposal : typed
            if answer.isEmpty && mayBeEmpty { return answer }
            guard let problem = check(answer) else { return answer }
            self.person.show(problem.text(self.language))
        }
    }

    /// Each port that is free stays as it is; for a busy one another is proposed.
    private func askPorts(_ plan: inout SetupPlan) throws(Abandoned) {
        let address = plan.address.ipAddress
        for port in InstancePort.allCases where port.role != nil && (!port.isOptional || plan.ports[port] != nil) {
            let wanted = plan.ports[port] ?? port.standard
            plan.ports[port] = wanted
            guard !self.isFree(wanted) else { continue }
            self.person.show(
                Localized(en: "Port \(wanted) (\(port.rawValue)) is in use.", ja: "ポート \(wanted) (\(port.rawValue)) は使用中です。").text(
                    self.language))
            let proposal = FreePorts.proposal(for: wanted, on: address).map { "\($0)" } ?? ""
            let question = Localized(
                en: "Port for \(port.rawValue) (keep \(wanted) if that server will be stopped)",
                ja: "\(port.rawValue) のポート (使用中のサーバを止めるなら \(wanted) のままで可)")
            let answer = try self.ask(question, proposal: proposal) { text in
                guard let number = Int(text), (1...65_535).contains(number) else {
                    return Localized(en: "write a number from 1 to 65535", ja: "1 から 65535 の数を書いてください")
                }
                return nil
            }
            plan.ports[port] = Int(answer) ?? wanted
        }
    }

    private func askDirectory(_ question: Localized, _ proposal: String) throws(Abandoned) -> String {
        try self.ask(question, proposal: proposal) { SetupChecks.directory($0, marker: nil) }
    }

    private func askLinks() throws(Abandoned) -> Bool {
        let question = Localized(
            en:
                "Programs of this machine send mail through Post.Office: sendmail, mailq and newaliases become links to it, the old ones stay as *.bak (yes/no)",
            ja: "このマシンのプログラムも Post.Office でメールを送る: sendmail、mailq、newaliases をリンクにし、元のものは *.bak に残す (yes/no)")
        return try self.askYesOrNo(question, proposal: true)
    }

    private func askSystemDelivery(_ plan: inout SetupPlan) throws(Abandoned) {
        let question = Localized(
            en:
                "Users of this machine: maildrops in /var/mail, delivery programs and their passwords can be used; a small helper stays root for that (yes/no)",
            ja: "このマシンのユーザ: /var/mail への配信、配信プログラム、OS のパスワードを使えるようにする。そのための小さなヘルパーだけが root のまま残る (yes/no)")
        let isWanted = try self.askYesOrNo(question, proposal: plan.systemDelivery != nil)
        plan.systemDelivery = isWanted ? plan.systemDelivery ?? .usual : nil
    }

    private func askYesOrNo(_ question: Localized, proposal: Bool) throws(Abandoned) -> Bool {
        let answer = try self.ask(question, proposal: proposal ? "yes" : "no") { text in
            ["yes", "no", "y", "n"].contains(text.lowercased())
                ? nil : Localized(en: "write yes or no", ja: "yes か no と書いてください")
        }
        return answer.lowercased().hasPrefix("y")
    }

    private func askPassword(_ keeps: Bool) throws(Abandoned) -> String? {
        let question = Localized(en: "Postmaster password (at least 6 characters)", ja: "ポストマスタのパスワード (6 文字以上)")
        let again = Localized(en: "The same again", ja: "もう一度")
        let keep = Localized(en: "; empty keeps the present one", ja: "。空なら今のまま")
        while true {
            let text = question.text(self.language) + (keeps ? keep.text(self.language) : "") + ": "
            guard let first = self.person.ask(text, true) else { throw Abandoned() }
            if first.isEmpty && keeps { return nil }
            if let problem = SetupChecks.postmasterPassword(first) {
                self.person.show(problem.text(self.language))
                continue
            }
            guard let second = self.person.ask(again.text(self.language) + ": ", true) else { throw Abandoned() }
            if first == second { return first }
            self.person.show(Localized(en: "The two differ.", ja: "二つが違います。").text(self.language))
        }
    }

    private static func trimmed(_ text: String) -> String {
        var rest = Substring(text)
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        return String(rest)
    }
}

/// A person at the terminal.
enum Terminal {
    static var isThere: Bool { isatty(0) == 1 && isatty(1) == 1 }

    static var person: SetupDialogue.Person {
        SetupDialogue.Person(
            show: { AdminPrinter().show(.output($0 + "\n")) },
            ask: { question, isSecret in
                AdminPrinter().show(.output(question))
                guard isSecret else { return readLine() }
                defer { AdminPrinter().show(.output("\n")) }
                return Self.withoutEcho { readLine() }
            })
    }

    private static func withoutEcho<T>(_ body: () -> T) -> T {
        var settings = termios()
        guard tcgetattr(0, &settings) == 0 else { return body() }
        var silent = settings
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(0, TCSAFLUSH, &silent)
        defer { tcsetattr(0, TCSAFLUSH, &settings) }
        return body()
    }
}
