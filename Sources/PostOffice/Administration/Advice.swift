import Directory
import Forms
import Text
import Vocabulary

/// What somebody who made a change should know, although the change is allowed. Goes to standard error; the change is made.
enum Advice {
    /// Addresses whose domain is not local: they may send and be published, but get no mail.
    static func afterAccount(_ addresses: [String], _ directory: Directory, _ output: AdminOutput) {
        let snapshot = directory.snapshot
        var told: Set<String> = []
        for text in addresses {
            guard let address = try? Address(parsing: text), let key = AddressKey(address), !snapshot.isLocal(key.domain) else { continue }
            guard told.insert(String(key.domain)).inserted else { continue }
            output.problem(
                Localized(
                    en: "note: \(key.domain) is no local mail domain, so no mail comes to \(text); to change that: "
                        + "postoffice config set local-mail-domains \(key.domain) --add",
                    ja: "注意: \(key.domain) はローカルメールドメインではないため、\(text) 宛のメールは届きません。届くようにするには: "
                        + "postoffice config set local-mail-domains \(key.domain) --add"))
        }
    }

    /// The switch explains itself, where it cannot do what it says and where it is switched off.
    private static func aboutRecipientCheck(
        _ before: Configuration, _ after: Configuration, _ directory: Directory, _ output: AdminOutput
    ) {
        let isOn = after.routing.checksRecipients
        guard before.routing.checksRecipients != isOn else { return }
        if !isOn {
            output.problem(
                Localized(
                    en:
                        "note: mail for unknown local addresses is taken from now on and returned to its sender, who may not have sent it; leave this on "
                        + "where accounts are here",
                    ja: "注意: 存在しないローカルアドレス宛のメールも受け付け、送信元に返送します。送信元が詐称されている場合は無関係な人に届くため、アカウントがある場合は「はい」を推奨します"))
        } else if directory.snapshot.accountCount <= 1 {
            output.problem(
                Localized(
                    en:
                        "note: there are no accounts here, so every local address but the postmaster's is refused; a host that only passes mail on names its "
                        + "domains in relay-domains and not in local-mail-domains",
                    ja:
                        "注意: このホストにはアカウントがないため、ポストマスタ以外のローカルアドレス宛のメールはすべて拒否されます。中継専用のホストでは、ドメインを local-mail-domains ではなく relay-domains に指定してください"
                ))
        }
    }

    /// Addresses that connections are to come from, and that this computer does not have (yet).
    private static func aboutSources(_ before: Configuration, _ after: Configuration, _ output: AdminOutput) {
        guard before.value(NextHopField.sources) != after.value(NextHopField.sources) else { return }
        let known = SystemFacts.addresses()
        for address in after.sources.all where !known.contains(address) && !address.isLoopback {
            output.problem(
                Localized(
                    en: "note: \(address) is no address of this computer now; mail that should be sent from it waits until it is",
                    ja: "注意: \(address) は現在このコンピュータのアドレスではありません。このアドレスから送信するメールは、アドレスが使えるようになるまで待機します"))
        }
    }

    static func afterChange(of before: Configuration, _ context: AdminContext, _ output: AdminOutput) throws {
        let directory = context.directory
        let after = directory.configuration
        let domains = Set(after.value(RoutingField.localMailDomains).list)
        for domain in before.value(RoutingField.localMailDomains).list where !domains.contains(domain) {
            let count = try directory.addressCount(in: domain)
            guard count > 0 else { continue }
            output.problem(
                Localized(
                    en: "note: \(domain) is no local mail domain any more; \(count) addresses in it get no mail",
                    ja: "注意: \(domain) はローカルメールドメインではなくなりました。このドメインの \(count) 個のアドレスにはメールが届きません"))
        }
        self.aboutRecipientCheck(before, after, directory, output)
        self.aboutSources(before, after, output)
        RouteCircle.advise(before, after, context.start, output)
        let open = after.value(SecurityField.plaintextLogins).list.filter { $0.hasSuffix("/0") }
        if !open.isEmpty, before.value(SecurityField.plaintextLogins) != after.value(SecurityField.plaintextLogins) {
            output.problem(
                Localized(
                    en: "note: from now on passwords are taken without TLS from everywhere, and can be read on the way",
                    ja: "注意: どこからでも TLS なしのログインを受け付けます。パスワードが途中で読み取られるおそれがあります"))
        }
    }
}
