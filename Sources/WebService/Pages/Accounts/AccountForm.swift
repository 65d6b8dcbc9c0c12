internal import Directory
internal import Forms
internal import MessageStore
internal import Vocabulary
internal import WebPages

/// The Account Data form: empty for a new account, or with what an account has.
struct AccountForm {
    enum Subject {
        case new
        case account(AccountDetails, usage: AccountUsage?)
        /// The default account, which new ones are made from.
        case template

        var isNew: Bool { if case .new = self { true } else { false } }
    }

    let subject: Subject
    let host: WebHost
    /// What holds now: the account's values, or the default account's for a new one.
    let values: [FieldKey: FieldValue]

    init(_ subject: Subject, _ host: WebHost) {
        self.subject = subject
        self.host = host
        switch subject {
        case .account(let details, _): self.values = details.values
        case .new, .template: self.values = (try? host.directory.defaultAccount()) ?? [:]
        }
    }

    /// Those that can be entered here.
    var fields: [Field] {
        AccountSections.fields.filter { field in
            guard field.editors != .system else { return false }
            switch self.subject {
            case .template: return !Directory.fieldsOfOneAccount.contains(field.key)
            case .account: return !(self.isPostmasterAccount && field == AccountField.postmasterPrivilege)
            case .new: return true
            }
        }
    }

    private var isPostmasterAccount: Bool {
        if case .account(let details, _) = self.subject { details.id == self.host.directory.snapshot.postmaster?.account } else { false }
    }

    func view(_ action: Link, _ request: WebRequest) -> FormView {
        let shown = Set(self.fields.map(\.key))
        var sections: [FormView.Section] = []
        for section in AccountSections.all {
            let entries = section.fields.compactMap { field in
                shown.contains(field.key) || (field == DeliveryField.mailboxSize && !self.isWithoutSize) ? self.entry(field) : nil
            }
            if !entries.isEmpty { sections.append(FormView.Section(title: section.title, entries)) }
        }
        var view = FormView(action: action, csrfToken: request.session?.formToken ?? "", sections)
        view.hidden = [(FormWork.stampName, FormWork.stamp(self.fields, self.values))]
        return view
    }

    private var isWithoutSize: Bool { if case .account(_, .some) = self.subject { false } else { true } }

    private func entry(_ field: Field) -> FieldEntry {
        var entry = FormWork.entry(field, self.values[field.key] ?? .none)
        if let service = SystemDelivery.service(field), let reason = self.host.directory.systemDelivery.reason(service) {
            // What is on already can still be switched off.
            if entry.value.isNone || entry.value == .flag(false) { entry.access = .off(reason) } else { entry.advice = reason }
        }
        if case .account(let details, let usage) = self.subject {
            switch field {
            case DeliveryField.mailboxSize:
                entry.access = .readOnly
                entry.value = .integer(usage?.bytes ?? 0)
            case DeliveryField.loginName where entry.value.isNone:
                entry.advice = Localized(en: "In effect: \(details.login)", ja: "現在のログイン名: \(details.login)")
            case AccountField.password:
                entry.advice =
                    details.hasPassword
                    ? PageWords.unchanged : Localized(en: "No password yet: nobody can log in.", ja: "パスワードが未設定のため、ログインできません。")
            default: break
            }
        }
        return entry
    }
}
