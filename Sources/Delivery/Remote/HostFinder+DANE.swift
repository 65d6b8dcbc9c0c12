internal import NIOCore
internal import NetKit
package import Routing

// TLSA records of a host. [RFC7672-2.2]
extension HostFinder {
    /// What DNS says about the certificate of a host whose addresses were found. Nothing is asked about hosts that DNSSEC does not vouch for:
    /// name servers that choke on TLSA must cost nobody his mail. [RFC7672-2.2.2]
    package func associations(
        of host: MailHost, _ found: HostAddresses, _ completion: @escaping @Sendable (DANE.Finding) -> Void
    ) {
        guard host.isSecure, host.address == nil, !host.name.isEmpty else { return completion(.none) }
        if found.isSecure {
            // The name at the end of the chain first, then the name that was asked for. [RFC7672-2.2.2]
            return self.associations([found.canonicalName, host.name].compactMap { $0 }[...], host.port, completion)
        }
        guard found.canonicalName != nil else { return completion(.none) }
        // A validated alias to somewhere unsigned: the alias itself may still have records.
        _ = self.resolver.ask(host.name, .cname, within: self.deadline) { result in
            switch result {
            case .success(let alias) where alias.isSecure: self.associations([host.name], host.port, completion)
            case .success, .failure(.noName), .failure(.noRecords): completion(.none)
            case .failure: completion(.unknown(base: host.name))
            }
        }
    }

    private func associations(_ bases: ArraySlice<String>, _ port: Int, _ completion: @escaping @Sendable (DANE.Finding) -> Void) {
        guard let base = bases.first else { return completion(.none) }
        _ = self.resolver.ask("_\(port)._tcp.\(base)", .tlsa, within: self.deadline) { result in
            switch result {
            case .success(let answer):
                guard answer.isSecure, case .associations(let records) = answer.records else {
                    return self.associations(bases.dropFirst(), port, completion)
                }
                // Records that could not even be read are records all the same.
                completion(records.isEmpty ? .unusable(base: base) : DANE.finding(records, base: base))
            case .failure(.noName), .failure(.noRecords): self.associations(bases.dropFirst(), port, completion)
            case .failure(.temporary), .failure(.timedOut), .failure(.bogus), .failure(.cancelled): completion(.unknown(base: base))
            }
        }
    }
}
