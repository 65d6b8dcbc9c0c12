import Directory
import Forms
import Routing
import Text
import Vocabulary

/// Next hosts that are this server itself: mail that was sent there would come back, and be returned.
struct RouteCircle {
    private let start: StartConfiguration
    private let hostName: String

    init(_ start: StartConfiguration, hostName: String) {
        self.start = start
        self.hostName = hostName
    }

    /// By our own name (`HostFinder` says mx-loop), or by an address and port where we listen.
    func contains(_ hop: NextHop) -> Bool { self.reason(hop) != nil }

    /// Why the next hop is this server; nil when it is not.
    private func reason(_ hop: NextHop) -> Localized? {
        switch hop {
        case .domain(let name, _), .host(let name, _): return self.isOwn(name) ? self.ownName : nil
        case .exactly(let name, let port): return self.isOwn(name) && self.listens(.smtp, nil, port) ? self.ownName : nil
        case .address(let address, let port): return self.listens(.smtp, address, port) ? Self.listening(address, port) : nil
        case .lmtp(.address(let address), let port): return self.listens(.lmtp, address, port) ? Self.listening(address, port) : nil
        case .lmtp(.host(let name), let port): return self.isOwn(name) && self.listens(.lmtp, nil, port) ? self.ownName : nil
        case .lmtp(.socket, _), .hold: return nil
        }
    }

    private func isOwn(_ name: String) -> Bool { !self.hostName.isEmpty && DomainName.normalized(name) == self.hostName }

    private var ownName: Localized {
        Localized(en: "\(self.hostName) is the name of this host", ja: "\(self.hostName) はこのホストの名前です")
    }

    private static func listening(_ address: IPAddress, _ port: Int) -> Localized {
        Localized(en: "this server listens at \(address) port \(port)", ja: "このサーバが \(address) のポート \(port) で待ち受けています")
    }

    /// Whether mail is taken at this address (nil: any) and port of this computer.
    private func listens(_ service: ListenerRole.Service, _ address: IPAddress?, _ port: Int) -> Bool {
        self.start.listeners.contains { listener in
            guard listener.role.service == service, listener.port == port else { return false }
            guard let address else { return true }
            switch listener.address {
            case .address(let own) where !own.bytes.allSatisfy({ $0 == 0 }): return own == address
            case .any, .address: return Self.isHere(address)
            }
        }
    }

    static func isHere(_ address: IPAddress) -> Bool { address.isLoopback || SystemFacts.addresses().contains(address) }

    // MARK: Rows of the mail routing table

    /// Rows that lead back, with the reason of each.
    func rows(of table: [Route]) -> [(row: Route, reason: Localized)] {
        table.compactMap { row in
            // The recipient's own domain: where that is ours, it is delivered here and takes no route.
            if case .recipientDomain = row.target { return nil }
            return self.reason(row.hop(for: "")).map { (row, $0) }
        }
    }

    /// Refuses a change that brings in a row which leads back. Rows that are there already are told of afterwards, so that a configuration of
    /// before can be taken over as it is.
    static func refuse(_ values: [FieldKey: FieldValue], _ context: AdminContext) throws(AdminFailure) {
        guard let value = values[RoutingField.mailRoutingTable.key] else { return }
        let now = context.directory.configuration
        let known = Set(now.routes.routes)
        let hostName = values[RoutingField.hostName.key]?.text ?? now.hostName
        let fresh = value.rows.compactMap(Route.init(cells:)).filter { !known.contains($0) }
        guard let (row, reason) = RouteCircle(context.start, hostName: hostName).rows(of: fresh).first else { return }
        throw AdminFailure(
            Localized(
                en:
                    "mail-routing-table: \(row) leads back to this server (\(reason.english)), and mail would go in a circle; name the host that "
                    + "takes it next, or, where it belongs here, leave the row out and name the domain in local-mail-domains",
                ja: "mail-routing-table: \(row) の送信先はこのサーバ自身です（\(reason.japanese)）。メールが循環します。次に受け取るホストを指定してください。"
                    + "このサーバで受け取るメールの場合は、この行を削除し、ドメインを local-mail-domains に指定してください"))
    }

    /// Rows that lead back, after a change of the table or of the host's name.
    static func advise(_ before: Configuration, _ after: Configuration, _ start: StartConfiguration, _ output: AdminOutput) {
        guard before.routes != after.routes || before.hostName != after.hostName else { return }
        for (row, reason) in RouteCircle(start, hostName: after.hostName).rows(of: after.routes.routes) {
            output.problem(
                Localized(
                    en:
                        "note: mail-routing-table: \(row) leads back to this server (\(reason.english)); its mail is returned to the sender. To take "
                        + "the row out: postoffice config set mail-routing-table '\(row)' --remove",
                    ja: "注意: mail-routing-table: \(row) の送信先はこのサーバ自身です（\(reason.japanese)）。該当するメールは送信元に返送されます。行を削除するには: "
                        + "postoffice config set mail-routing-table '\(row)' --remove"))
        }
    }
}
