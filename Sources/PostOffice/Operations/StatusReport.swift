import Glibc
import NetKit
import Vocabulary

/// Everything `status` says, gathered without the server, so that it works when all is down.
struct StatusReport {
    struct Directory {
        var name: Localized
        var path: String
        var space: (free: Int64, total: Int64)?
    }

    struct Port {
        var listener: StartConfiguration.Listener
        var isListening: Bool
    }

    struct Certificate {
        var file: String
        var facts: CertificateFacts?
    }

    /// What is wrong and what to do about it.
    struct Trouble {
        var what: Localized
        var cure: Localized
    }

    var start: StartConfiguration
    var dispatcher: Int32?
    var mta: Int32?
    var directories: [Directory] = []
    var ports: [Port] = []
    var certificates: [Certificate] = []
    var troubles: [Trouble] = []
    /// What is as somebody wanted it and may surprise somebody else.
    var notes: [Trouble] = []
    /// nil when no server runs, or it may not be asked.
    var counts: ServerCounts?
    /// nil likewise.
    var queue: QueueState?

    /// Days before its end at which a certificate becomes a trouble.
    private static let certificateWarning: Int64 = 21
    /// Below so much free space mail will soon be refused. Bytes.
    private static let spaceWarning: Int64 = 512 << 20

    /// - Parameter listening: ports on which somebody listens, where that is known: asking the system walks through all its connections.
    static func gather(
        _ start: StartConfiguration, listening: Set<Int>? = nil, now: Int64 = Int64(time(nil))
    ) -> StatusReport {
        var report = StatusReport(
            start: start, dispatcher: PIDFile.holder(start.dispatcherPIDFile), mta: PIDFile.holder(start.mtaPIDFile))
        report.lookAtDirectories()
        report.lookAtProcesses()
        report.lookAtPorts(listening ?? SystemFacts.listeningPorts())
        report.lookAtCertificates(now)
        report.lookAtRefusedDrops()
        report.askTheServer()
        return report
    }

    var isRunning: Bool { self.dispatcher != nil && self.mta != nil }

    mutating func trouble(_ what: Localized, _ cure: Localized) { self.troubles.append(Trouble(what: what, cure: cure)) }

    /// How the store of the running server is; nothing is said where we may not ask.
    private mutating func askTheServer() {
        guard self.isRunning else { return }
        switch AdminClient.word(AdminRequest("counts"), self.start) {
        case .word(let line):
            self.counts = ServerCounts(line: line)
            self.lookAtGuessers()
        case .nothing: break
        case .silent:
            // One question is enough: each would be waited for.
            return self.trouble(
                Localized(en: "the mta does not answer", ja: "mta が応答しません"),
                Localized(
                    en: "the dispatcher replaces it when it stays silent for 20 seconds; if this comes again, look into `postoffice log`",
                    ja: "20 秒間応答がなければディスパッチャが再起動します。繰り返すようなら postoffice log を調べてください"))
        }
        self.lookAtDNS()
        self.lookAtFaults()
        if case .word(let line) = AdminClient.word(AdminRequest("queue-state"), self.start) { self.queue = QueueState(line: line) }
        self.notes += self.queue?.notes() ?? []
        for fault in self.queue?.faults ?? [] { self.trouble(fault.what, fault.cure) }
        if AdminClient.word(AdminRequest("reach"), self.start) == .word("this-host") {
            let count = self.queue?.summary.heldForReason ?? 0
            self.notes.append(
                Trouble(
                    what: Localized(
                        en:
                            "mail is sent to this computer only; what is for other hosts is held in the queue, as trial instances do (\(count) entries now)",
                        ja: "メールはこのコンピュータだけに送信されます。他のホスト宛はキューに保留されます（試用インスタンスの動作です。現在 \(count) 件）"),
                    cure: Localized(
                        en: "to send it: `postoffice config set outbound-reach anywhere`, then `postoffice queue release --all`",
                        ja: "送信するには postoffice config set outbound-reach anywhere、続いて postoffice queue release --all を実行してください")))
        }
        self.lookAtLimits()
        guard case .word(let word) = AdminClient.word(AdminRequest("health"), self.start) else { return }
        if word == "disk-low" {
            self.trouble(
                Localized(en: "the disk is nearly full: new mail is refused for now", ja: "ディスクがほぼ一杯で、新着メールを一時的に拒否しています"),
                Localized(
                    en: "make room for \(self.start.directories.spool) and \(self.start.directories.mailbox)",
                    ja: "スプールとメールボックスの空きを増やしてください"))
        } else if word.hasPrefix("failed") {
            self.trouble(
                Localized(en: "the message store is read-only: \(word.dropFirst(7))", ja: "メッセージストアは読み出し専用です: \(word.dropFirst(7))"),
                Localized(
                    en: "look at the disk, then `postoffice shutdown`, `postoffice repair`, `postoffice run`",
                    ja: "ディスクを調べ、postoffice shutdown、postoffice repair、postoffice run を実行してください"))
        }
    }

    /// Filters that had no turn, and who may send nothing more for now.
    private mutating func lookAtLimits() {
        func names(_ verb: String) -> [String] {
            guard case .word(let line) = AdminClient.word(AdminRequest(verb), self.start) else { return [] }
            return line.split(separator: "\t").map(String.init)
        }
        func shown(_ names: [String]) -> String {
            names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", … (\(names.count))" : "")
        }
        let rules = names("unasked")
        if !rules.isEmpty {
            self.trouble(
                Localized(
                    en: "the time for one message was used up before these filters had their turn today: \(shown(rules))",
                    ja: "1 通あたりの時間を使い切り、今日適用されなかったフィルタがあります: \(shown(rules))"),
                Localized(
                    en: "make the rules before them cheaper, or fewer; messages are named in `postoffice log` by filters-incomplete",
                    ja: "手前のルールを軽くするか減らしてください。該当メールは postoffice log の filters-incomplete で分かります"))
        }
        let limited = names("limited")
        if !limited.isEmpty {
            self.notes.append(
                Trouble(
                    what: Localized(en: "at the hourly limit: \(shown(limited))", ja: "1 時間あたりの上限に達しています: \(shown(limited))"),
                    cure: Localized(
                        en: "`postoffice blocked list` shows them all, `postoffice blocked release` lets them go on",
                        ja: "postoffice blocked list で一覧を、postoffice blocked release で解除できます")))
        }
    }

    /// So many that somebody should look: an attack from many addresses, or people who cannot come in.
    private static let manyGuessers = 10

    private mutating func lookAtGuessers() {
        guard let counts, counts.guessers >= Self.manyGuessers else { return }
        self.notes.append(
            Trouble(
                what: Localized(
                    en: "\(counts.guessers) addresses are shut out because of failed logins",
                    ja: "ログインの失敗により \(counts.guessers) 個のアドレスを拒否しています"),
                cure: Localized(
                    en:
                        "see them with `postoffice blocked list`; let one in with `postoffice blocked release`, for good with blocking-exceptions",
                    ja: "postoffice blocked list で確認できます。解除は postoffice blocked release、以後も拒否しない場合は blocking-exceptions に指定してください")))
    }

    private mutating func lookAtFaults() {
        guard case .word(let line) = AdminClient.word(AdminRequest("faults"), self.start) else { return }
        self.tell(ServerFaults(line: line), unwritten: self.counts?.unwritten ?? 0)
    }

    private mutating func lookAtDNS() {
        switch AdminClient.word(AdminRequest("dns"), self.start) {
        case .word("off"):
            self.trouble(
                Localized(
                    en: "the name servers strip DNSSEC signatures, and the DNS root cannot be asked from here: mail is sent without DANE",
                    ja: "DNS サーバが DNSSEC の署名を取り除いており、ルートサーバにも問い合わせできません。DANE なしで配信します"),
                Localized(
                    en: "name a server that validates with `postoffice config set name-servers`, or let this host ask others on port 53",
                    ja: "postoffice config set name-servers で検証を行う DNS サーバを指定するか、ポート 53 への問い合わせを許可してください"))
        case .word("silent"):
            self.trouble(
                Localized(
                    en: "no name server answers: only hosts of the hosts file are found", ja: "DNS サーバが応答しません。hosts ファイルのホストだけが見つかります"),
                Localized(
                    en:
                        "look at the network, or name others with `postoffice config set name-servers`; in a network without DNS this is as it must be",
                    ja: "ネットワークを確認するか、postoffice config set name-servers で別のサーバを指定してください。DNS のないネットワークではこのままで構いません"))
        default: break
        }
    }

    private mutating func lookAtDirectories() {
        let places = [
            (
                Localized(
                    en: "program",
                    ja: "プログラム"), self.start.directories.program
            ), (Localized(en: "spool", ja: "スプール"), self.start.directories.spool),
            (Localized(en: "mailbox", ja: "メールボックス"), self.start.directories.mailbox),
        ]
        for (name, path) in places {
            let space = SystemFacts.space(of: path)
            self.directories.append(Directory(name: name, path: path, space: space))
            guard let space else {
                self.trouble(
                    Localized(en: "the \(name.english) directory \(path) is not there", ja: "\(name.japanese)ディレクトリ \(path) がありません"),
                    Localized(en: "run `postoffice setup`", ja: "postoffice setup を実行してください"))
                continue
            }
            if path != self.start.directories.program, space.free < Self.spaceWarning {
                let free = SystemFacts.text(bytes: space.free)
                self.trouble(
                    Localized(en: "only \(free) are free for \(path)", ja: "\(path) の空きが \(free) しかありません"),
                    Localized(
                        en: "make room; below the limit new mail is refused for now (452)",
                        ja: "空きを増やしてください。下限を切ると新着メールは一時的に拒否されます (452)"))
            }
        }
    }

    /// Nothing is said where we may not look.
    private mutating func lookAtRefusedDrops() {
        let count = RefusedDrops(self.start.refusedDropDirectory).items().count
        guard count > 0 else { return }
        self.trouble(
            Localized(
                en: "\(count) messages of programs of this host were refused and set aside",
                ja: "このホストのプログラムからのメッセージ \(count) 件を拒否し、取り置いています"),
            Localized(
                en: "see why with `postoffice drop list`; then `postoffice drop release` or `postoffice drop delete`",
                ja: "postoffice drop list で理由を確認し、postoffice drop release か postoffice drop delete を実行してください"))
    }

    private mutating func lookAtProcesses() {
        if self.dispatcher == nil {
            self.trouble(
                Localized(en: "the server is not running", ja: "サーバが動いていません"),
                Localized(en: "start it with `postoffice run`, or by the service manager", ja: "postoffice run かサービスマネージャで起動してください"))
        } else if self.mta == nil {
            self.trouble(
                Localized(en: "the mta is being restarted", ja: "mta を再起動中です"),
                Localized(
                    en: "if this stays, look into `postoffice log` for `crashed`", ja: "続くようなら postoffice log の crashed を調べてください"))
        }
    }

    private mutating func lookAtPorts(_ listening: Set<Int>) {
        for listener in self.start.listeners {
            let isListening = listening.contains(listener.port)
            self.ports.append(Port(listener: listener, isListening: isListening))
            if self.dispatcher != nil, !isListening {
                self.trouble(
                    Localized(
                        en: "nobody listens on port \(listener.port) (\(listener.role.name))",
                        ja: "ポート \(listener.port) (\(listener.role.name)) が開いていません"),
                    Localized(
                        en: "if the start file was changed: `postoffice reload`, and for a port below 1024 shut down and run again",
                        ja: "設定ファイルを変えたのなら postoffice reload を、1024 未満のポートなら停止してから起動し直してください"
                    ))
            } else if self.dispatcher == nil, isListening {
                self.trouble(
                    Localized(
                        en: "another program listens on port \(listener.port) (\(listener.role.name))",
                        ja: "別のプログラムがポート \(listener.port) (\(listener.role.name)) を使っています"),
                    Localized(en: "stop it, or choose another port in \(self.start.file)", ja: "それを止めるか、\(self.start.file) でポートを変えてください"))
            }
        }
    }

    private mutating func lookAtCertificates(_ now: Int64) {
        let store = CertificateStore(spool: self.start.directories.spool)
        for files in store.all {
            let text = (try? FileAccess.contents(of: files.chain, limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) }
            let facts = text.flatMap { try? CertificateFacts.read(chainPEM: $0).first }
            self.certificates.append(Certificate(file: files.chain, facts: facts))
            guard let facts else {
                self.trouble(
                    Localized(en: "the certificate \(files.chain) cannot be read", ja: "証明書 \(files.chain) を読めません"),
                    Localized(
                        en: "install another with `postoffice cert install`, or look as root",
                        ja: "postoffice cert install で入れ直すか、root で確かめてください"))
                continue
            }
            let days = (facts.notAfter - now) / 86_400
            if facts.notAfter <= now || days < Self.certificateWarning {
                let cure = Localized(
                    en: "install a new one with `postoffice cert install`, or `postoffice cert self-signed`",
                    ja: "postoffice cert install か postoffice cert self-signed で新しくしてください")
                let what =
                    facts.notAfter <= now
                    ? Localized(en: "the certificate \(files.chain) has expired", ja: "証明書 \(files.chain) は期限切れです")
                    : Localized(en: "the certificate \(files.chain) expires in \(days) days", ja: "証明書 \(files.chain) はあと \(days) 日で期限切れです")
                self.trouble(what, cure)
            }
        }
    }
}
