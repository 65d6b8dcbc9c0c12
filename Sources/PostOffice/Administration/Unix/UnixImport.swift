import Bytes
import Directory
import Forms
import FoundationEssentials
import Glibc
import MessageStore
import Text
import Vocabulary

/// `account import-unix`: accounts of login users, as the original's installer made them (must-haves 46, 47, 48, 141, 147).
struct UnixImport {
    private struct Candidate {
        var user: UnixUser
        var input: AccountInput
        var primary: String
    }

    private static let batch = 64

    private let context: AdminContext
    private let output: AdminOutput
    private let request: AdminRequest
    private let domain: String
    private let hostName: String
    /// Addresses that this import gives away, by key.
    private var given: Set<String> = []
    /// Lines of the summary.
    private var summary: [Localized] = []
    private var added = 0
    private var present = 0
    private var refused = 0
    private var greeted = 0

    static func perform(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        guard let order = try? JSONDecoder().decode(UnixImportOrder.self, from: Data((request.input ?? "").utf8)) else {
            throw AdminFailure(Localized(en: "the users could not be read", ja: "ユーザの一覧を読み取れませんでした"))
        }
        var work = UnixImport(request, context, output)
        return try work.run(order)
    }

    private init(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) {
        self.request = request
        self.context = context
        self.output = output
        self.domain = context.directory.configuration.mainDomain
        self.hostName = context.directory.configuration.hostName
    }

    private var isDry: Bool { self.request.has("dry-run") }

    private mutating func run(_ order: UnixImportOrder) throws -> AdminStatus {
        var waiting: [Candidate] = []
        for (number, user) in order.users.enumerated() {
            if let candidate = self.candidate(user) { waiting.append(candidate) }
            guard waiting.count == Self.batch || number == order.users.count - 1 else { continue }
            try self.add(waiting)
            waiting = []
            self.output.progress("\(number + 1) / \(order.users.count)")
        }
        self.output.progress("")
        if let aliases = order.aliases { try self.aliases(aliases) }
        let verb = self.isDry ? Localized(en: "would be added", ja: "追加できます") : Localized(en: "added", ja: "追加しました")
        self.tell(
            Localized(
                en: "\(self.added) accounts \(verb.english), \(self.present) were there already, \(self.refused) could not be",
                ja: "\(self.added) 件のアカウントを\(verb.japanese)。登録済み \(self.present) 件、エラー \(self.refused) 件"))
        if self.greeted > 0 {
            self.tell(Localized(en: "\(self.greeted) of them were greeted", ja: "うち \(self.greeted) 件にグリーティングメッセージを送信しました"))
        }
        if !self.isDry, !self.request.has("no-summary"), !order.users.isEmpty { try self.sendSummary() }
        return self.refused == 0 ? .done : .failed
    }

    // MARK: Users

    private mutating func candidate(_ user: UnixUser) -> Candidate? {
        // Whoever was imported, or has the name for another reason, stays as he is.
        let holder = self.context.directory.find(user.name) ?? self.context.directory.find("\(user.name)@\(self.hostName)")
        guard holder == nil else {
            self.present += 1
            return nil
        }
        guard let addresses = self.addresses(of: user), let primary = addresses.first else {
            self.refuse(user.name, Localized(en: "the name cannot be an address", ja: "ユーザ名をアドレスに使用できません"))
            return nil
        }
        let delivery = self.request.option("delivery") ?? "mailbox"
        var texts: [(name: String, texts: [String])] = [
            (AccountField.addresses.key.text, addresses), (DeliveryField.loginName.key.text, [user.name]),
        ]
        if !user.realName.isEmpty { texts.append((AccountField.realName.key.text, [user.realName])) }
        if !user.information.isEmpty { texts.append((DeliveryField.finger.key.text, [user.information])) }
        if delivery != "mailbox" {
            texts += [(DeliveryField.maildropDelivery.key.text, ["yes"]), (DeliveryField.maildropUser.key.text, [user.name])]
        }
        if delivery == "maildrop" { texts.append((DeliveryField.mailboxDelivery.key.text, ["no"])) }
        if self.request.has("password-link") {
            texts += [(AccountField.useOSPassword.key.text, ["yes"]), (AccountField.osUser.key.text, [user.name])]
        }
        texts += self.forwarding(user)
        do {
            return Candidate(user: user, input: try AccountInput(parsing: texts), primary: primary)
        } catch {
            self.refuse(user.name, error.message)
            return nil
        }
    }

    /// `First.Last` where the name can be written so, numbered where it is taken; then the login name, so that mail that comes today comes still.
    private mutating func addresses(of user: UnixUser) -> [String]? {
        let domains = self.request.has("domain-mail") ? [self.domain, self.hostName] : [self.hostName]
        guard let home = domains.first else { return nil }
        var out: [String] = []
        if self.request.option("addresses") != "login", let words = Romanisation.words(user.realName), words.count > 1,
            let first = words.first, let last = words.last
        {
            for number in 1...10_000 {
                let local = number == 1 ? "\(first).\(last)" : "\(first).\(last)\(number)"
                guard self.isFree("\(local)@\(home)") else { continue }
                out.append("\(local)@\(home)")
                break
            }
        }
        out += domains.map { "\(user.name)@\($0)" }.filter { address in self.isFree(address) && !out.contains(address) }
        for address in out { if let key = Self.key(address) { self.given.insert(key) } }
        return out.isEmpty ? nil : out
    }

    private func isFree(_ text: String) -> Bool {
        guard let key = Self.key(text), !self.given.contains(key) else { return false }
        return self.context.directory.find(text) == nil
    }

    private static func key(_ text: String) -> String? { (try? Address(parsing: text)).flatMap { AddressKey($0)?.text } }

    // MARK: Forwarding

    private mutating func forwarding(_ user: UnixUser) -> [(name: String, texts: [String])] {
        guard let lines = user.forward, let way = self.request.option("forward-files") else { return [] }
        let targets = ForwardTargets(lines, user: user.name, domain: self.hostName)
        for other in targets.others {
            self.tell(
                Localized(
                    en: "\(user.name): .forward names \(Shown.text(other)), which is not taken over",
                    ja: "\(user.name): .forward の \(Shown.text(other)) は取り込みません"))
        }
        guard !targets.addresses.isEmpty else { return [] }
        let list = targets.addresses.joined(separator: ", ")
        let copy = targets.keepsCopy ? Localized(en: ", and keeps a copy", ja: "、コピーを残す") : Localized(en: "", ja: "")
        guard way == "apply" else {
            self.tell(
                Localized(
                    en: "\(user.name): .forward leads to \(list)\(copy.english) (not applied)",
                    ja: "\(user.name): .forward の転送先 \(list)\(copy.japanese)（適用しません）"))
            return []
        }
        self.tell(
            Localized(en: "\(user.name): forwards to \(list)\(copy.english)", ja: "\(user.name): \(list) に転送します\(copy.japanese)"))
        var out = [(name: DeliveryField.forwarding.key.text, texts: targets.addresses)]
        // Without a copy the file took the mail away; where a program had it too, it stays here rather than nowhere.
        if !targets.keepsCopy, targets.others.isEmpty, self.request.option("delivery") == "mailbox" {
            out.append((DeliveryField.mailboxDelivery.key.text, ["no"]))
        }
        return out
    }

    /// An alias with one address becomes a channel alias; the rest is told.
    private mutating func aliases(_ text: String) throws {
        let directory = self.context.directory
        var rows = directory.configuration.value(RoutingField.channelAliases).rows
        var isChanged = false
        let all = ForwardTargets.aliases(text, domain: self.hostName)
        let circles = ForwardTargets.circles(all, domain: self.hostName)
        for (name, targets) in all {
            let address = "\(name)@\(self.hostName)"
            guard !circles.contains(name) else {
                self.tell(
                    Localized(
                        en: "alias \(name) leads back to itself (not applied)", ja: "エイリアス \(name) は循環しているため適用しません"))
                continue
            }
            let list = (targets.addresses + targets.others).joined(separator: ", ")
            let isTaken = directory.find(address) != nil || rows.contains { $0.first == address }
            guard self.request.option("forward-files") == "apply", targets.others.isEmpty, targets.addresses.count == 1, !isTaken,
                name != "postmaster", let row = try? RoutingField.channelAliases.parse("[<\(address)> <\(list)>]").rows.first
            else {
                self.tell(
                    Localized(en: "alias \(name): \(Shown.text(list)) (not applied)", ja: "エイリアス \(name): \(Shown.text(list))（適用しません）"))
                continue
            }
            rows.append(row)
            isChanged = true
            self.tell(Localized(en: "alias \(name) leads to \(list)", ja: "エイリアス \(name): \(list) に転送します"))
        }
        guard isChanged, !self.isDry else { return }
        try directory.configure([RoutingField.channelAliases.key: .rows(rows)], by: self.request.actor, note: "import-unix")
    }

    // MARK: Adding

    private mutating func add(_ candidates: [Candidate]) throws {
        guard !candidates.isEmpty else { return }
        if self.isDry {
            for candidate in candidates { self.made(candidate) }
            return
        }
        let results = try self.context.directory.addAccounts(candidates.map(\.input), by: self.request.actor, note: "import-unix")
        var made: [AccountID] = []
        for (candidate, result) in zip(candidates, results) {
            switch result {
            case .success(let id):
                self.made(candidate)
                made.append(id)
            case .failure(let error): self.refuse(candidate.user.name, error.message)
            }
        }
        guard self.request.has("greeting"), !made.isEmpty else { return }
        let greeted = Greeter(self.context).greet(made)
        self.greeted += greeted.count
        if let problem = greeted.problem { self.output.problem(problem) }
    }

    private mutating func made(_ candidate: Candidate) {
        self.added += 1
        let addresses = candidate.input.values[AccountField.addresses.key]?.list.joined(separator: ", ") ?? candidate.primary
        self.tell(Localized(en: "\(candidate.user.name): \(addresses)", ja: "\(candidate.user.name): \(addresses)"))
        // Nothing is moved: with delivery to the maildrop it stays in use, else its owner may want it in the mailbox.
        guard let path = candidate.user.maildrop, self.request.option("delivery") != "maildrop" else { return }
        let command = "postoffice import mbox \(candidate.primary) \(path)"
        self.tell(
            Localized(
                en: "\(candidate.user.name): mail waits in \(path); to bring it in: \(command)",
                ja: "\(candidate.user.name): \(path) に既存のメールがあります。取り込むには: \(command)"))
    }

    private mutating func refuse(_ user: String, _ why: Localized) {
        self.refused += 1
        let text = Localized(en: "\(user): \(why.english)", ja: "\(user): \(why.japanese)")
        self.output.problem(text)
        self.summary.append(text)
    }

    private mutating func tell(_ text: Localized) {
        self.output.line(text)
        self.summary.append(text)
    }

    // MARK: Summary

    /// Longest summary in lines; of more the beginning is sent.
    private static let mostLines = 20_000

    /// By the drop directory: so it is the same whether the server runs or not.
    private func sendSummary() throws {
        let language = self.context.directory.configuration.language
        let postmaster = "postmaster@\(self.hostName)"
        let subject = Localized(en: "Accounts imported from UNIX", ja: "UNIX ユーザのアカウント作成の結果").text(language)
        let encoded = UnicodeText.isASCII(subject) ? subject : "=?UTF-8?B?\(Base64.encode(Array(subject.utf8)))?="
        let date = CivilTime(unixSeconds: Int64(time(nil))).rfc5322
        let head = [
            "From: Account-Manager <accounts@\(self.hostName)>", "To: <\(postmaster)>", "Subject: \(encoded)", "Date: \(date)",
            "MIME-Version: 1.0", "Content-Type: text/plain; charset=UTF-8", "Content-Transfer-Encoding: 8bit",
            "Auto-Submitted: auto-generated",
        ]
        let lines = head + [""] + self.summary.prefix(Self.mostLines).map { Shown.visible($0.text(language)) }
        let message = Array((lines.joined(separator: "\r\n") + "\r\n").utf8)
        let file = DropFile(sender: nil, recipients: [postmaster], size: Int64(message.count))
        do {
            try DropBox(self.context.start.dropDirectory).put(file, message, random: SystemSources.random(16))
        } catch {
            throw AdminFailure(
                ErrorWords.text("the accounts are there, but the summary could not be sent", "アカウントは作成しましたが、結果のメールを送信できませんでした", error))
        }
    }
}
