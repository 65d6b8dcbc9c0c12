internal import Bytes
internal import Directory
internal import Forms
internal import Vocabulary

/// Names under which this server may be asked. A page of another site that has its name point here (DNS rebinding) is not answered.
struct OwnNames {
    private let snapshot: DirectorySnapshot

    init(_ snapshot: DirectorySnapshot) { self.snapshot = snapshot }

    /// Addresses are always good: no name of another site is one. Names are ours, of the domains that are local here, or below these.
    func contains(_ host: String, local: IPAddress) -> Bool {
        if host.isEmpty || host == "localhost" || IPAddress(host) != nil { return true }
        let configuration = self.snapshot.configuration
        for own in [configuration.hostName, configuration.mainDomain] where !own.isEmpty {
            let own = own.asciiLowercased
            if host == own || host.hasSuffix("." + own) { return true }
        }
        let others = configuration.value(SecurityField.webHostNames).list
        if others.contains(where: { $0.asciiLowercased == host }) { return true }
        var rest = Substring(host)
        while !rest.isEmpty {
            if self.snapshot.isLocal(rest) { return true }
            guard let dot = rest.firstIndex(of: ".") else { return false }
            rest = rest[rest.index(after: dot)...]
        }
        return false
    }
}
