package import Vocabulary

/// Whom to ask, and what to believe.
package struct ResolverSettings: Sendable, Equatable {
    package enum Way: Sendable, Equatable {
        /// By name servers that recurse for us.
        case forward
        /// From the root down, by ourselves.
        case direct
    }

    package struct Server: Sendable, Equatable {
        package var address: IPAddress
        package var port: Int

        package init(_ address: IPAddress, port: Int = 53) {
            self.address = address
            self.port = port
        }
    }

    package var way = Way.forward
    /// Name servers that recurse for us, with port; empty takes those of `resolvConf`.
    package var servers: [Server] = []
    package var resolvConf = "/etc/resolv.conf"
    /// Names that need no DNS; empty reads none.
    package var hostsFile = "/etc/hosts"
    /// Servers of the root for `.direct`; empty takes the real ones, which the library knows.
    package var roots: [Server] = []
    /// Records (DS or DNSKEY, as in a zone file) that answers are validated from; empty validates nothing.
    package var anchors: [String] = []
    /// Domains that nobody signs though the world says that they do not exist: names of private networks.
    package var unsignedDomains: [String] = []

    package init() {}
}
