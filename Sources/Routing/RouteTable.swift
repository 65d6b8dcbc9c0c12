internal import Bytes
package import Vocabulary

/// Where mail for a domain goes next. A route changes this and nothing else: envelope and headers stay as they are.
package enum NextHop: Sendable, Hashable {
    /// The hosts that DNS names for this domain: MX, else address. `domain` is normalised, or an address literal.
    case domain(String, port: Int)
    /// The hosts that DNS names for this name instead: MX, else address.
    case host(String, port: Int)
    /// Exactly the host of this name, whatever MX it has.
    case exactly(String, port: Int)
    case address(IPAddress, port: Int)
    /// Waits until the route is released.
    case hold

    package static let smtpPort = 25
}

/// One row of the mail routing table.
package struct Route: Sendable, Hashable, CustomStringConvertible {
    package enum Pattern: Sendable, Hashable {
        case any
        /// Sub-domains of this one, not itself.
        case below(String)
        case exactly(String)
    }

    package enum Target: Sendable, Hashable {
        /// `*`: the recipient's own domain.
        case recipientDomain
        case host(String)
        case exactly(String)
        case address(IPAddress)
        case hold
    }

    package let pattern: Pattern
    package let target: Target
    package let port: Int

    package init(_ pattern: Pattern, _ target: Target, port: Int = NextHop.smtpPort) {
        self.pattern = pattern
        self.target = target
        self.port = port
    }

    /// From the cells of a row of the form, which are canonical; nil for what is none.
    package init?(cells: [String]) {
        guard cells.count >= 2, let pattern = Pattern(cells[0]), let target = Target(cells[1]) else { return nil }
        let port = cells.count > 2 && !cells[2].isEmpty ? Int(cells[2]) : NextHop.smtpPort
        guard let port, (1...65_535).contains(port) else { return nil }
        self.init(pattern, target, port: port)
    }

    /// `[pattern:host:port]`, as on the form.
    package var description: String {
        let end = self.port == NextHop.smtpPort ? "" : ":\(self.port)"
        return "[\(self.pattern):\(self.target)\(end)]"
    }

    /// The next hop for a recipient's domain that this route's pattern covers.
    package func hop(for domain: String) -> NextHop {
        switch self.target {
        case .recipientDomain: .domain(domain, port: self.port)
        case .host(let name): .host(name, port: self.port)
        case .exactly(let name): .exactly(name, port: self.port)
        case .address(let address): .address(address, port: self.port)
        case .hold: .hold
        }
    }
}

extension Route.Pattern: CustomStringConvertible {
    init?(_ text: String) {
        guard !text.isEmpty else { return nil }
        if text == "*" {
            self = .any
        } else if text.hasPrefix("*.") {
            guard text.utf8.count > 2 else { return nil }
            self = .below(String(text.dropFirst(2)))
        } else {
            self = .exactly(text)
        }
    }

    package var description: String {
        switch self {
        case .any: "*"
        case .below(let domain): "*.\(domain)"
        case .exactly(let domain): domain
        }
    }
}

extension Route.Target: CustomStringConvertible {
    init?(_ text: String) {
        switch text {
        case "": return nil
        case "*": self = .recipientDomain
        case "hold": self = .hold
        default:
            if let address = IPAddress(text) {
                self = .address(address)
            } else if text.hasPrefix("["), text.hasSuffix("]") {
                let inner = String(text.dropFirst().dropLast())
                guard !inner.isEmpty else { return nil }
                self = IPAddress(inner).map(Self.address) ?? .exactly(inner)
            } else {
                self = .host(text)
            }
        }
    }

    package var description: String {
        switch self {
        case .recipientDomain: "*"
        case .host(let name): name
        case .exactly(let name): "[\(name)]"
        case .address(let address): address.isIPv6 ? "[\(address)]" : "\(address)"
        case .hold: "hold"
        }
    }
}

/// The mail routing table: the first row whose pattern covers a domain decides. A look-up costs one step a label, however many rows.
package struct RouteTable: Sendable, Equatable {
    package let routes: [Route]
    private let exact: [String: Int]
    private let below: [String: Int]
    private let any: Int?

    package init(_ routes: [Route] = []) {
        var exact: [String: Int] = [:]
        var below: [String: Int] = [:]
        var any: Int?
        for (index, route) in routes.enumerated() {
            switch route.pattern {
            case .any: any = any ?? index
            case .below(let domain): below[domain] = below[domain] ?? index
            case .exactly(let domain): exact[domain] = exact[domain] ?? index
            }
        }
        self.routes = routes
        self.exact = exact
        self.below = below
        self.any = any
    }

    /// The row that decides; nil when none covers the domain.
    /// - Parameter domain: normalised, or an address literal, which only `*` covers.
    package func route(for domain: String) -> Route? {
        var best = min(self.exact[domain] ?? .max, self.any ?? .max)
        if !self.below.isEmpty, !domain.hasPrefix("[") {
            var rest = Substring(domain)
            while let dot = rest.utf8.firstIndex(of: UInt8(ascii: ".")) {
                rest = rest[rest.utf8.index(after: dot)...]
                if let index = self.below[String(rest)] { best = min(best, index) }
            }
        }
        return best < self.routes.count ? self.routes[best] : nil
    }

    /// Where mail for the domain goes next; without a route by MX.
    package func hop(for domain: String) -> NextHop { self.route(for: domain)?.hop(for: domain) ?? .domain(domain, port: NextHop.smtpPort) }
}
