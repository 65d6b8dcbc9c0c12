/// What a finger session asks of its backend.
package enum FingerCall: Sendable {
    /// Answer: any outcome.
    case lookUp(FingerQuery)
}

package enum FingerOutcome: Sendable {
    /// The text about the host; empty when there is none.
    case host(String)
    /// Accounts that are published, the best match first; none is told as for a name that nobody has.
    /// `isCut`: there are more.
    case entries([FingerEntry], isCut: Bool)
    /// The address is no address of this host.
    case elsewhere
    case unavailable
}

/// What is published of one account.
package struct FingerEntry: Hashable, Sendable {
    package struct Fact: Hashable, Sendable {
        package var label: String
        package var value: String

        package init(_ label: String, _ value: String) {
            self.label = label
            self.value = value
        }
    }

    package var name: String
    package var address: String
    /// What `/W` asks for.
    package var facts: [Fact]
    /// Written by the account; several lines.
    package var information: String

    package init(name: String, address: String, facts: [Fact] = [], information: String = "") {
        self.name = name
        self.address = address
        self.facts = facts
        self.information = information
    }
}
