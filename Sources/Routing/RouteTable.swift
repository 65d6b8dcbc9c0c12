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
    /// By LMTP, which ends the message's way: the host there delivers it. [RFC2033-3]
    case lmtp(LMTPHost, port: Int)
    /// Waits until the route is released.
    case hold

    package static let smtpPort = 25
    /// Where LMTP is spoken when nobody says otherwise. Never port 25. [RFC2033-5]
    package static let lmtpPort = 24
}

/// Who takes mail by LMTP.
package enum LMTPHost: Sendable, Hashable {
    /// Exactly the host of this name; MX mean nothing.
    case host(String)
    case address(IPAddress)
    /// Path of a socket on this computer.
    case socket(String)
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
        case lmtp(LMTPHost)
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
        let isGiven = cells.count > 2 && !cells[2].isEmpty
        let port = isGiven ? Int(cells[2]) : target.usualPort
        guard let port, (1...65_535).contains(port) else { return nil }
        if case .lmtp(let host) = target {
            // LMTP on port 25 would be taken for SMTP. [RFC2033-5]
            if port == NextHop.smtpPort { return nil }
            if case .socket = host, isGiven { return nil }
        }
        self.init(pattern, target, port: port)
    }

    /// `[pattern:host:port]`, as on the form.
    package var description: String {
        let end = self.port == self.target.usualPort ? "" : ":\(self.port)"
        return "[\(self.pattern):\(self.target)\(end)]"
    }

    /// The next hop for a recipient's domain that this route's pattern covers.
    package func hop(for domain: String) -> NextHop {
        switch self.target {
        case .recipientDomain: .domain(domain, port: self.port)
        case .host(let name): .host(name, port: self.port)
        case .exactly(let name): .exactly(name, port: self.port)
        case .address(let address): .address(address, port: self.port)
        case .lmtp(let host): .lmtp(host, port: self.port)
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
    var usualPort: Int { if case .lmtp = self { NextHop.lmtpPort } else { NextHop.smtpPort } }

    init?(_ text: String) {
        switch text {
        case "": return nil
        case _ where text.hasPrefix("lmtp:"):
            guard let host = LMTPHost(String(text.dropFirst(5))) else { return nil }
            self = .lmtp(host)
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
        case .lmtp(let host): "lmtp:\(host)"
        case .hold: "hold"
        }
    }
}

extension LMTPHost: CustomStringConvertible {
    init?(_ text: String) {
        let isBracketed = text.hasPrefix("[") && text.hasSuffix("]")
        let inner = isBracketed ? String(text.dropFirst().dropLast()) : text
        guard !inner.isEmpty else { return nil }
        if text.hasPrefix("/") {
            self = .socket(text)
        } else {
            self = IPAddress(inner).map(Self.address) ?? .host(inner)
        }
    }

    package var description: String {
        switch self {
        case .host(let name), .socket(let name): name
        case .address(let address): address.isIPv6 ? "[\(address)]" : "\(address)"
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
