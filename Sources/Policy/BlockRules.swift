internal import Text
package import Vocabulary

/// Mail blocking: whose mail is not taken at all. Hosts are refused when they connect (`AccessVerdict.decide`); this is what comes later.
package struct BlockRules: Sendable, Hashable {
    /// Refused at connect.
    package var hosts: AccessList
    /// Never blocked, whatever else is listed.
    package var exceptions: AccessList
    package var senders: MailPatterns
    /// Names that a client gives itself at HELO.
    package var helloNames: DomainSet

    package init(
        hosts: AccessList = AccessList(), exceptions: AccessList = AccessList(), senders: MailPatterns = MailPatterns(),
        helloNames: DomainSet = DomainSet()
    ) {
        self.hosts = hosts
        self.exceptions = exceptions
        self.senders = senders
        self.helloNames = helloNames
    }

    /// The entry that blocks a client of this HELO name.
    package func entry(hello name: String) -> String? {
        guard !self.helloNames.isEmpty, let name = DomainName.normalized(name) else { return nil }
        return self.helloNames.entry(for: name)
    }

    /// By address and network only: no mail waits for DNS because of an exception.
    package func excepts(_ peer: IPAddress, _ name: HostNameFact = .notLooked) -> Bool { self.exceptions.covers(peer, name) == .yes }
}
