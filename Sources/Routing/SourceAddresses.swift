package import Vocabulary

/// Which addresses of ours connections to next hops come from.
package struct SourceAddresses: Sendable {
    private var four = NextHopTable<IPAddress>()
    private var six = NextHopTable<IPAddress>()
    /// All of them, for looking whether this computer has them.
    package private(set) var all: [IPAddress] = []

    package init() {}

    /// From rows of the form: host and address, canonical. Of two addresses of one family for one host the first counts.
    package init(rows: [[String]]) {
        var seen: Set<String> = []
        for row in rows where row.count == 2 {
            guard let address = IPAddress(row[1]), seen.insert("\(row[0]) \(address.isIPv6)").inserted else { continue }
            self.all.append(address)
            if address.isIPv6 { Self.set(&self.six, row[0], address) } else { Self.set(&self.four, row[0], address) }
        }
    }

    private static func set(_ table: inout NextHopTable<IPAddress>, _ host: String, _ address: IPAddress) {
        if host == "*" { table.common = address } else if let name = NextHopName(host) { table.set(name, address) }
    }

    /// nil leaves it to the system.
    package func source(of hop: NextHop, to target: IPAddress) -> IPAddress? { target.isIPv6 ? self.six[hop] : self.four[hop] }
}
