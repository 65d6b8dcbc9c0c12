package import Policy
internal import Vocabulary

extension AccessList {
    /// From the canonical entries of a field. An entry that cannot be read (a damaged row) becomes one that fits nobody:
    /// left out, it could leave an empty list behind, and that would let everybody in.
    package init(lines: [String]) {
        self.init(
            lines.map { line in
                if let address = IPAddress(line) { return .address(address) }
                if line.contains("/") { return IPNetwork(line: line).map { .network($0) } ?? .name("") }
                return line.hasPrefix("*.") ? .subdomains(String(line.dropFirst(2))) : .name(line)
            })
    }
}

extension IPNetwork {
    /// `address/length`, or an address alone.
    init?(line: String) {
        let parts = line.split(separator: "/", maxSplits: 1).map(String.init)
        guard let base = parts.first.flatMap({ IPAddress($0) }), let length = parts.count == 2 ? Int(parts[1]) : base.bytes.count * 8 else {
            return nil
        }
        self.init(base, prefixLength: length)
    }
}
