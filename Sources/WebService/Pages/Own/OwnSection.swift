internal import Directory
internal import Forms
internal import Vocabulary
internal import WebPages

/// A part of an owner's form: its fields, and the end-user option that shows it.
struct OwnSection {
    let title: Localized
    let option: Field
    let fields: [Field]
    /// Shown, but the postmaster's to change.
    var isReadOnly = false

    static let mail = [
        OwnSection(
            title: Localized(en: "Delivery", ja: "配信方法"), option: SecurityField.userDelivery,
            fields: [DeliveryField.mailboxDelivery, DeliveryField.forwarding, DeliveryField.maildropDelivery]),
        OwnSection(
            title: Localized(en: "Vacation message", ja: "不在通知"), option: SecurityField.userVacation,
            fields: [
                DeliveryField.autoReply, DeliveryField.autoReplySubject, DeliveryField.autoReplyText, DeliveryField.autoReplyInterval,
                DeliveryField.autoReplyFrom, DeliveryField.autoReplyUntil,
            ]),
        OwnSection(
            title: Localized(en: "Account", ja: "アカウント"), option: SecurityField.userAddresses,
            fields: [AccountField.realName, AccountField.addresses, DeliveryField.quota, DeliveryField.mailboxSize], isReadOnly: true),
        OwnSection(
            title: Localized(en: "Access restrictions", ja: "アクセス制限"), option: SecurityField.userRestrictions,
            fields: [AccountSecurityField.access, AccountSecurityField.webAccess], isReadOnly: true),
    ]

    static let directory = [
        OwnSection(
            title: Localized(en: "Finger information", ja: "フィンガー情報"), option: SecurityField.userFinger, fields: [DeliveryField.finger]),
        OwnSection(
            title: Localized(en: "Directory information", ja: "ディレクトリ情報"), option: SecurityField.userDirectory,
            fields: DirectoryField.all.filter { $0.editors != .postmaster && $0.editors != .system }),
    ]

    func isShown(_ host: WebHost) -> Bool { OwnMenu.allows(self.option, host) }

    /// The account's own switch counts too: a postmaster may keep one account's delivery to himself.
    func isEditable(_ details: AccountDetails, _ host: WebHost) -> Bool {
        guard !self.isReadOnly, self.isShown(host) else { return false }
        return self.option != SecurityField.userDelivery || details.value(DeliveryField.mayChooseDelivery).flag ?? true
    }

    func view(_ details: AccountDetails, _ host: WebHost, size: Int64?) -> FormView.Section {
        let mayEdit = self.isEditable(details, host)
        let entries = self.fields.map { field in
            var entry = FieldEntry(field, details.values[field.key] ?? .none, access: mayEdit ? .edit : .readOnly)
            if field == DeliveryField.mailboxSize, let size { entry.value = .integer(size) }
            if mayEdit, let service = SystemDelivery.service(field), let reason = host.directory.systemDelivery.reason(service) {
                // What is on already can still be switched off.
                if entry.value.isNone || entry.value == .flag(false) { entry.access = .off(reason) } else { entry.advice = reason }
            }
            return entry
        }
        return FormView.Section(title: self.title, entries)
    }
}
