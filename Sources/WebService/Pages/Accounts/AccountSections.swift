internal import Directory
internal import Forms
internal import Vocabulary
internal import WebPages

/// The sections of the Account Data form. Fields that are added to the table come behind the others of their form.
enum AccountSections {
    private static let placed: [(title: Localized, fields: [Field])] = [
        (
            Localized(en: "Account", ja: "アカウント情報"),
            [
                AccountField.realName, AccountField.password, AccountField.type, AccountField.state, AccountField.expiryDate,
                AccountField.useOSPassword, AccountField.osUser,
            ]
        ),
        (
            Localized(en: "E-mail addresses", ja: "E-mail アドレス情報"),
            [AccountField.addresses, AccountField.fromRewrite, AccountField.grantedSenders, AccountField.postmasterPrivilege]
        ),
        (
            Localized(en: "Local delivery", ja: "ローカル配信情報"),
            [
                DeliveryField.mailboxDelivery, DeliveryField.loginName, DeliveryField.quota, DeliveryField.mailboxSize,
                DeliveryField.services,
                DeliveryField.forwarding, DeliveryField.maildropDelivery, DeliveryField.maildropUser, DeliveryField.programDelivery,
                DeliveryField.programAccount, DeliveryField.programs, DeliveryField.mayChooseDelivery,
            ]
        ),
        (
            Localized(en: "Automatic reply", ja: "自動応答"),
            [
                DeliveryField.autoReply, DeliveryField.autoReplySubject, DeliveryField.autoReplyText, DeliveryField.autoReplyInterval,
                DeliveryField.autoReplyFrom, DeliveryField.autoReplyUntil,
            ]
        ),
        (Localized(en: "Sending mail", ja: "メールの送信"), [AccountField.sending, AccountField.messageRate, AccountField.recipientRate]),
        (Localized(en: "Access restrictions", ja: "アクセス制限"), AccountSecurityField.all),
        (Localized(en: "Finger information", ja: "フィンガー情報"), [DeliveryField.finger]),
        (Localized(en: "Directory information", ja: "ディレクトリ情報"), DirectoryField.all),
    ]

    static let all: [(title: Localized, fields: [Field])] = {
        let taken = Set(placed.flatMap(\.fields).map(\.key))
        let others = FieldTable.account.filter { !taken.contains($0.key) }
        return placed + [(Localized(en: "Other", ja: "その他"), others)]
    }()

    static let fields: [Field] = all.flatMap(\.fields)
}
