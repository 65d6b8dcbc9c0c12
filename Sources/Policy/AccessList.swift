package import Vocabulary

/// Who may come in: addresses, networks and host names, as the postmaster or an account lists them. Empty means everyone.
/// An entry that fits lets the peer in; the order of entries does not matter.
package struct AccessList: Sendable, Hashable {
    package enum Entry: Sendable, Hashable {
        case address(IPAddress)
        case network(IPNetwork)
        /// Exactly this host, lower-case.
        case name(String)
        /// `*.example.com`: every host below, not `example.com` itself. Holds the part behind `*.`.
        case subdomains(String)
    }

    package var entries: [Entry]

    package init(_ entries: [Entry] = []) { self.entries = entries }

    package var isEmpty: Bool { self.entries.isEmpty }

    /// Whether some entry covers the peer; an empty list covers everyone. `.needsName` when only the host name can tell.
    package func match(_ peer: IPAddress, _ name: HostNameFact) -> AccessMatch { self.isEmpty ? .yes : self.covers(peer, name) }

    /// As `match`, but an empty list covers nobody: for lists of whom to keep out.
    package func covers(_ peer: IPAddress, _ name: HostNameFact) -> AccessMatch {
        var mayNeedName = false
        for entry in self.entries {
            switch entry {
            case .address(let address): if address == peer { return .yes }
            case .network(let network): if network.contains(peer) { return .yes }
            case .name, .subdomains:
                guard case .confirmed(let names) = name else {
                    mayNeedName = true
                    continue
                }
                if names.contains(where: { entry.fits($0) }) { return .yes }
            }
        }
        return mayNeedName && name == .notLooked ? .needsName : .no
    }
}

extension AccessList.Entry {
    /// `name` is lower-case, without a final dot.
    fileprivate func fits(_ name: String) -> Bool {
        switch self {
        case .name(let wanted): name == wanted
        case .subdomains(let parent): name.hasSuffix(parent) && name.utf8.dropLast(parent.utf8.count).last == UInt8(ascii: ".")
        case .address, .network: false
        }
    }
}

/// What is known of the peer's host name. Names count only after forward confirmation.
package enum HostNameFact: Sendable, Hashable {
    case notLooked
    /// Looked up, and every one of these names leads back to the address. Empty when there is none. Lower-case, no final dot.
    case confirmed([String])
    /// DNS did not answer.
    case unknown
}

package enum AccessMatch: Sendable, Equatable {
    case yes, no
    /// A name entry could decide; look the name up and ask again.
    case needsName
}

/// Whether a connection may reach a module.
package enum AccessVerdict: Sendable, Equatable {
    case accept, refuse
    /// Only the host name can tell: look it up and ask again.
    case needsName

    /// Whom `deny` covers is kept out, whatever `allow` says; then `allow` decides, where empty lets everyone in; then whom `blocked` covers is
    /// kept out unless `except` covers him too. When DNS does not answer, a name in `deny` or `blocked` keeps nobody out, and a name in
    /// `allow` or `except` lets nobody in.
    package static func decide(
        _ peer: IPAddress, _ name: HostNameFact, allow: AccessList, deny: AccessList, blocked: AccessList = AccessList(),
        except: AccessList = AccessList()
    ) -> AccessVerdict {
        var denied = deny.covers(peer, name)
        if denied == .yes { return .refuse }
        let allowed = allow.match(peer, name)
        if allowed == .no { return .refuse }
        let shutOut = blocked.covers(peer, name)
        if shutOut != .no {
            switch except.covers(peer, name) {
            case .yes: break
            case .no: if shutOut == .yes { return .refuse } else { denied = .needsName }
            case .needsName: denied = .needsName
            }
        }
        return denied == .needsName || allowed == .needsName ? .needsName : .accept
    }
}
