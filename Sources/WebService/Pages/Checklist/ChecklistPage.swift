internal import Directory
internal import NetKit
internal import Vocabulary
internal import WebPages

/// The set-up checklist. What DNS says is asked on demand: it may take seconds.
enum ChecklistPage {
    private static let title = Localized(en: "Set-up checklist", ja: "セットアップの確認")
    static let routes = [WebRoute(.get, "/checklist", .postmaster) { request, host in .page(Self.page(request, host)) }]

    private static func page(_ request: WebRequest, _ host: WebHost) -> Page {
        let language = request.language
        let snapshot = host.directory.snapshot
        let configuration = snapshot.configuration
        let domain = configuration.routing.mainDomain.isEmpty ? configuration.hostName : configuration.routing.mainDomain
        let own = host.ownAddresses().filter(\.isPublic).sorted { $0.description < $1.description }
        let isAsked = request.query["check"] == "yes"
        // Who has just mended a record must not be told what was so before.
        if isAsked { host.renewNames() }
        let dns = isAsked ? host.resolver.map { DNSFacts.ask($0, host: configuration.hostName, domain: domain, own: own) } : nil
        let list = Checklist(
            configuration: configuration, postmasters: snapshot.postmasters.count, accounts: max(0, snapshot.accountCount - 1),
            certificate: host.certificate(), own: own, dns: dns)
        var page = request.page(Self.title, host, path: [])
        if isAsked, host.resolver == nil {
            page.notices.append(Notice(.warning, Localized(en: "DNS cannot be asked here.", ja: "DNS を確認できません。")))
        }
        page.body = HTML.build { out in
            out.add(.form, [.get, .action("/checklist")]) { form in
                form.hidden("check", "yes")
                form.add(.p, [.class("buttons")]) { line in
                    line.add(.button, [.type(.submit)], Localized(en: "Check DNS now", ja: "DNS を確認する").text(language))
                }
            }
            for item in list.items { Self.item(item, &out, language) }
        }
        return page
    }

    private static func item(_ item: Checklist.Item, _ out: inout HTML, _ language: Language) {
        out.add(.section, [.id("check-\(item.key)")]) { section in
            section.add(.h2) { heading in
                heading.text(item.title.text(language) + " ")
                heading.add(.span, [.class("state \(Self.style(item.state))")], Self.word(item.state).text(language))
            }
            section.add(.p) { line in
                line.text(item.text.text(language))
                if let link = item.link {
                    line.text(" ")
                    line.link(link.link, link.label.text(language))
                }
            }
            if !item.found.isEmpty {
                section.add(.p, [.class("soft")]) { line in
                    line.text(Localized(en: "Found: ", ja: "現在の内容: ").text(language))
                    line.foreign(item.found.joined(separator: ", "))
                }
            }
            guard !item.records.isEmpty else { return }
            let id = "record-\(item.key)"
            section.add(.pre, [.id(id), .tabindex(0)], item.records.map(\.line).joined(separator: "\n"))
            section.add(
                .button, [.type(.button), .class("quiet"), .data(.copy, id), .hidden], Localized(en: "Copy", ja: "コピー").text(language))
        }
    }

    private static func style(_ state: Checklist.State) -> String {
        switch state {
        case .good: "good"
        case .bad: "bad"
        case .open: "open"
        case .unknown, .nothing: "soft"
        }
    }

    private static func word(_ state: Checklist.State) -> Localized {
        switch state {
        case .good: Localized(en: "✓ done", ja: "✓ 完了")
        case .bad: Localized(en: "✗ missing", ja: "✗ 未完了")
        case .open: Localized(en: "! to look at", ja: "! 要確認")
        case .unknown: Localized(en: "– not known", ja: "– 未確認")
        case .nothing: Localized(en: "– nothing to do", ja: "– 対象外")
        }
    }
}
