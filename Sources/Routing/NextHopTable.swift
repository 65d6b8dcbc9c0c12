internal import Vocabulary

/// A next hop as settings name it: host and port, or the host whatever the port.
package struct NextHopName: Sendable, Hashable, CustomStringConvertible {
    /// Normalised; of an address its text, without brackets.
    package let host: String
    package let port: Int?

    package init(host: String, port: Int?) {
        self.host = host
        self.port = port
    }

    /// From the canonical text of a field: `smtp.example`, `[smtp.example]:587`, `[2001:db8::1]:25`.
    package init?(_ text: String) {
        var (host, port) = (Substring(text), Int?.none)
        if let colon = text.lastIndex(of: ":"), let number = Int(text[text.index(after: colon)...]), (1...65_535).contains(number) {
            (host, port) = (text[..<colon], number)
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, !host.hasPrefix("[") else { return nil }
        self.init(host: String(host), port: port)
    }

    package var description: String {
        let host = IPAddress(self.host)?.isIPv6 == true ? "[\(self.host)]" : self.host
        return self.port.map { "\(host):\($0)" } ?? host
    }
}

extension NextHop {
    /// Host and port; nil for what is no host of SMTP.
    package var place: NextHopName? {
        switch self {
        case .domain(let name, let port), .host(let name, let port), .exactly(let name, let port): NextHopName(host: name, port: port)
        case .address(let address, let port): NextHopName(host: "\(address)", port: port)
        case .hold, .lmtp: nil
        }
    }

    /// A route names it; else it is where DNS leads.
    package var isRouted: Bool {
        switch self {
        case .host, .exactly, .address, .lmtp: true
        case .domain, .hold: false
        }
    }
}

/// Settings by next hop: that of host and port, else that of the host, else that of all.
package struct NextHopTable<Value: Sendable>: Sendable {
    private var values: [NextHopName: Value] = [:]
    package var common: Value?

    package init() {}

    package var isEmpty: Bool { self.values.isEmpty && self.common == nil }

    package mutating func set(_ name: NextHopName, _ value: Value) { self.values[name] = value }

    package subscript(_ hop: NextHop) -> Value? {
        guard let place = hop.place, !self.values.isEmpty else { return self.common }
        return self.values[place] ?? self.values[NextHopName(host: place.host, port: nil)] ?? self.common
    }
}
