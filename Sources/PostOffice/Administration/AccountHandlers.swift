import Bytes
import Directory
import Forms
import Glibc
import MessageStore
import Queue
import SASL
import Text
import Vocabulary

/// Verbs about accounts. They run inside the server, or in the command when no server runs.
enum AccountHandlers {
    static let all: [AdminHandler] = [
        Administration.handler("account add", Self.add), Administration.handler("account import", AccountImport.perform),
        Administration.handler("account export", AccountExport.perform),
        Administration.handler("account list", Self.list), Administration.handler("account show", Self.show),
        Administration.handler("account set", Self.set), Administration.handler("account delete", Self.delete),
        Administration.handler("account history", AccountHistory.perform), Administration.handler("account release", Self.release),
    ]

    private static func add(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        var texts: [(name: String, texts: [String])] = [(AccountField.addresses.key.text, request.operands)]
        if let name = request.option("name") { texts.append((AccountField.realName.key.text, [name])) }
        texts += try AdminRequest.fields(request.options["set"] ?? [])
        var input = try AccountInput(parsing: texts)
        if let password = request.input { input.verifier = try context.directory.checkedVerifier(for: Secret(password), of: nil) }
        let id = try context.directory.addAccount(input, by: request.actor)
        let login = try context.directory.details(id)?.login ?? ""
        let shown = request.operands.joined(separator: ", ")
        output.line(Localized(en: "added \(shown), login name \(login)", ja: "\(shown) を追加しました。ログイン名は \(login) です"))
        Advice.afterAccount(request.operands, context.directory, output)
        if context.directory.configuration.greets, let problem = Greeter(context).greet([id]).problem { output.problem(problem) }
        if request.input == nil {
            output.problem(
                Localized(
                    en: "it has no password yet: postoffice account set \(login) --password-stdin",
                    ja: "パスワードが未設定です: postoffice account set \(login) --password-stdin"))
        }
        return .done
    }

    private static func set(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let name = try request.only("name one account", "アカウントを 1 つ指定してください")
        let id = try self.find(name, context)
        var input = try AccountInput(parsing: try AdminRequest.fields(request.options["set"] ?? []))
        if let password = request.input { input.verifier = try context.directory.checkedVerifier(for: Secret(password), of: id) }
        try context.directory.changeAccount(id, input, by: request.actor)
        let primary = try context.directory.details(id)?.primary ?? name
        if request.input != nil {
            TrailWriter.append(
                TrailEvent(.accountManager, "password-changed", trace: nil, [("account", primary), ("by", request.actor.name)]),
                directory: context.start.logDirectory)
        }
        output.line(Localized(en: "changed \(primary)", ja: "\(primary) を変更しました"))
        Advice.afterAccount(input.values[AccountField.addresses.key]?.list ?? [], context.directory, output)
        return .done
    }

    private static func delete(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let name = try request.only("name one account", "アカウントを 1 つ指定してください")
        let id = try self.find(name, context)
        guard let details = try context.directory.details(id) else {
            throw AdminFailure(DirectoryError.noAccount(name).message)
        }
        try context.directory.checkRemoval(of: id)
        let store = try context.store()
        if request.has("preview") {
            let usage: AccountUsage = try StoreWait.value { store.usage(of: id, completion: $0) }
            let size = Notation.rounded(usage.bytes)
            output.line(
                Localized(
                    en:
                        "\(details.primary) has \(usage.messages) messages (\(size)). Deleting the account deletes them for good; its addresses "
                        + "(\(details.addresses.joined(separator: ", "))) answer \"no such address\" from then on.",
                    ja: "\(details.primary) には \(usage.messages) 通（\(size)）のメールがあります。アカウントを削除するとメールも失われ、"
                        + "アドレス（\(details.addresses.joined(separator: "、"))）宛のメールは「宛先不明」になります。"))
            return .done
        }
        try context.directory.removeAccount(id, by: request.actor)
        // The mail goes second. Were the machine to stop in between, the directory knows that it is still to go.
        try AccountRemoval.finish(id, context.directory, store)
        output.line(Localized(en: "deleted \(details.primary)", ja: "\(details.primary) を削除しました"))
        return .done
    }

    // MARK: Looking

    private static func list(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let wanted = request.operands.first.map { UnicodeText.folded(UnicodeText.nfkc($0)) }
        let type = request.option("type")
        if let type { _ = try AccountField.type.parse(type) }
        var after = AccountID(rawValue: 0)
        var isFirst = true
        if request.wantsJSON { output.part("[") }
        while true {
            let page = try context.directory.page(after: after)
            guard let last = page.last else { break }
            after = last.id
            let shown = page.filter { account in
                (type == nil || account.value(AccountField.type).text == type) && (wanted.map { self.fits(account, $0) } ?? true)
            }
            for account in shown {
                if request.wantsJSON {
                    output.part((isFirst ? "" : ",") + "\n" + self.summary(account).description)
                } else {
                    output.line(self.line(account, request.language))
                }
                isFirst = false
            }
        }
        if request.wantsJSON { output.part(isFirst ? "]\n" : "\n]\n") }
        return .done
    }

    private static func fits(_ account: AccountDetails, _ wanted: String) -> Bool {
        (account.addresses + [account.login, account.values[AccountField.realName.key]?.text ?? ""]).contains {
            UnicodeText.folded(UnicodeText.nfkc($0)).contains(wanted)
        }
    }

    private static func line(_ account: AccountDetails, _ language: Language) -> String {
        func column(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - UnicodeText.columns(text)))
        }
        let state = AccountField.state.shown(account.value(AccountField.state), language)
        let type = AccountField.type.shown(account.value(AccountField.type), language)
        return column(account.primary, 36) + "  " + column(account.values[AccountField.realName.key]?.text ?? "", 24) + "  "
            + column(type, 14) + "  \(state)"
    }

    private static func summary(_ account: AccountDetails) -> JSONValue {
        .object([
            ("id", .int(account.id.rawValue)), ("address", .text(account.primary)), ("login", .text(account.login)),
            ("name", .optional(account.values[AccountField.realName.key]?.text)),
            ("type", .optional(account.value(AccountField.type).text)),
            ("state", .optional(account.value(AccountField.state).text)),
            ("quota", FieldReference.json(DeliveryField.quota, account.value(DeliveryField.quota))),
            ("has-password", .bool(account.hasPassword)),
        ])
    }

    private static func show(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let name = try request.only("name one account", "アカウントを 1 つ指定してください")
        let id = try self.find(name, context)
        guard let account = try context.directory.details(id) else { return .failed }
        let store = try? context.store()
        let usage: AccountUsage? = store.flatMap { store in try? StoreWait.value { store.usage(of: id, completion: $0) } }
        let fields = FieldTable.account.filter { !$0.isSecret && $0.key != DeliveryField.mailboxSize.key }
        if request.wantsJSON {
            var pairs: [(key: String, value: JSONValue)] = [("id", .int(id.rawValue)), ("login", .text(account.login))]
            pairs += fields.map { ($0.key.text, FieldReference.json($0, account.value($0))) }
            pairs += [
                ("mailbox-size", usage.map { .int($0.bytes) } ?? .null), ("messages", usage.map { .number($0.messages) } ?? .null),
                ("has-password", .bool(account.hasPassword)), ("created", .text(CivilTime(unixSeconds: account.created).rfc3339)),
                ("changed", .text(CivilTime(unixSeconds: account.changed).rfc3339)),
            ]
            output.line(JSONValue.object(pairs).description)
            return .done
        }
        for field in fields where request.has("all") || account.values[field.key] != nil || field == DeliveryField.loginName {
            let value = field == DeliveryField.loginName ? .text(account.login) : account.value(field)
            let off = value.flag == true ? SystemDelivery.service(field).flatMap { context.directory.systemDelivery.reason($0) } : nil
            let shown = field.shown(value, request.language) + (off.map { " (\($0.text(request.language)))" } ?? "")
            output.line("\(field.label.text(request.language)) (\(field.key)): \(shown)")
        }
        if let counts = context.conduct?.counts(of: id), counts.lately > 0 || counts.usual > 0 {
            output.line(
                Localized(
                    en:
                        "Recipients at other hosts: \(counts.lately) in the last hour, at most \(counts.usual) in an hour of the last 30 days",
                    ja: "外部の受信者数: 直近 1 時間 \(counts.lately)、過去 30 日間の 1 時間の最大 \(counts.usual)"))
        }
        if let usage {
            output.line("\(DeliveryField.mailboxSize.label.text(request.language)): \(Notation.rounded(usage.bytes)) (\(usage.messages))")
        }
        if !account.hasPassword { output.line(Localized(en: "no password: nobody can log in", ja: "パスワード未設定（ログインできません）")) }
        return .done
    }

    /// Lets an account send again that was stopped, by the server or by hand.
    private static func release(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let name = try request.only("name one account", "アカウントを 1 つ指定してください")
        let id = try self.find(name, context)
        let primary = try context.directory.details(id)?.primary ?? name
        let wasStopped = context.conduct?.isStopped(id) == true || context.directory.snapshot.isSuspended(id)
        var input = AccountInput()
        input.values[AccountField.sending.key] = FieldValue.none
        try context.directory.changeAccount(id, input, by: request.actor)
        context.conduct?.release(id)
        _ = context.guards?.rates.release(at: SystemSources.now()) { $0.isOf(id) }
        output.line(
            wasStopped
                ? Localized(en: "\(primary) may send again", ja: "\(primary) の送信停止を解除しました")
                : Localized(en: "\(primary) was not suspended", ja: "\(primary) は送信停止になっていません"))
        return .done
    }

    static func find(_ name: String, _ context: AdminContext) throws(AdminFailure) -> AccountID {
        guard let id = context.directory.find(name) else {
            throw AdminFailure(DirectoryError.noAccount(name).message)
        }
        return id
    }
}
