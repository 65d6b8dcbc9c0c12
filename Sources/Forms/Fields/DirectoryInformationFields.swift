internal import Vocabulary

/// What is known of the person, for LDAP, finger and the mail account directory. Each has a flag that publishes it; nothing is published by itself.
package enum DirectoryField {
    package static let published = Field(
        "directory-entry-published", .accountDirectory, mail: "Publish-Directory-Entry", Localized("Publish this account", "ディレクトリに公開する"),
        help: Localized(
            "Real name and primary address appear in the mail account directory, LDAP and finger.",
            "実名とメイン E-mail アドレスをメールアカウントディレクトリ、LDAP、フィンガーで公開します。"),
        .flag, default: .flag(false), viewers: .owner, editors: .owner)

    package static let givenName = entry("given-name", Localized("Given name", "名"), .text(maximum: 100))
    package static let givenNamePublished = flag(of: givenName)
    package static let surname = entry("surname", Localized("Surname", "姓"), .text(maximum: 100))
    package static let surnamePublished = flag(of: surname)
    package static let reading = entry("reading", Localized("Reading", "ふりがな"), .text(maximum: 200))
    package static let readingPublished = flag(of: reading)
    package static let organisation = entry("organisation", Localized("Organisation", "会社名"), .text(maximum: 200))
    package static let organisationPublished = flag(of: organisation)
    package static let department = entry("department", Localized("Department", "部署"), .text(maximum: 200))
    package static let departmentPublished = flag(of: department)
    package static let title = entry("title", Localized("Title", "役職"), .text(maximum: 200))
    package static let titlePublished = flag(of: title)
    package static let telephone = entry("telephone", Localized("Telephone", "電話番号"), .telephone)
    package static let telephonePublished = flag(of: telephone)
    package static let homeTelephone = entry("home-telephone", Localized("Home telephone", "自宅の電話番号"), .telephone)
    package static let homeTelephonePublished = flag(of: homeTelephone)
    package static let mobileTelephone = entry("mobile-telephone", Localized("Mobile telephone", "携帯電話番号"), .telephone)
    package static let mobileTelephonePublished = flag(of: mobileTelephone)
    package static let fax = entry("fax", Localized("Fax", "FAX 番号"), .telephone)
    package static let faxPublished = flag(of: fax)
    package static let postalAddress = entry("postal-address", Localized("Postal address", "住所"), .paragraph(maximum: 1000))
    package static let postalAddressPublished = flag(of: postalAddress)
    package static let webPage = entry("web-page", Localized("Web page", "Web ページ"), .url)
    package static let webPagePublished = flag(of: webPage)
    package static let description = entry("description", Localized("Description", "説明"), .paragraph(maximum: 4000))
    package static let descriptionPublished = flag(of: description)
    package static let picture = entry("picture", Localized("Picture", "写真"), .picture(maximum: 256 << 10))
    package static let picturePublished = flag(of: picture)

    package static let all: [Field] = [
        published, givenName, givenNamePublished, surname, surnamePublished, reading, readingPublished, organisation, organisationPublished,
        department,
        departmentPublished, title, titlePublished, telephone, telephonePublished, homeTelephone, homeTelephonePublished, mobileTelephone,
        mobileTelephonePublished, fax, faxPublished, postalAddress, postalAddressPublished, webPage, webPagePublished, description,
        descriptionPublished,
        picture, picturePublished,
    ]

    private static func entry(_ key: FieldKey, _ label: Localized, _ type: FieldType) -> Field {
        Field(
            key, .accountDirectory, label, help: Localized("Directory information.", "ディレクトリ情報です。"), type, viewers: .owner, editors: .owner,
            publishedBy: FieldKey("\(key)-published"))
    }

    private static func flag(of field: Field) -> Field {
        Field(
            FieldKey("\(field.key)-published"), .accountDirectory, mail: "Publish-\(field.mailName)",
            Localized("Publish: \(field.label.english)", "公開する: \(field.label.japanese)"),
            help: Localized("Shown to everybody, when the account itself is published.", "アカウントを公開している場合に、誰にでも表示されます。"),
            .flag, default: .flag(false), viewers: .owner, editors: .owner)
    }
}
