internal import Bytes
package import Vocabulary

/// Names and addresses that this host's administrator wrote down: they need no DNS. hosts(5)
package struct HostsFile: Sendable, Equatable {
    /// In the order of the file.
    private var addresses: [String: [IPAddress]] = [:]
    private var names: [IPAddress: [String]] = [:]
    /// Names taken from one file.
    package static let mostNames = 100_000

    package init() {}

    // IP_address canonical_hostname [aliases...], with comments from # on
    package init(_ text: String) {
        var count = 0
        for line in text.utf8.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
            let words = line.prefix { $0 != UInt8(ascii: "#") }.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            guard let first = words.first, let address = IPAddress(String(decoding: first, as: UTF8.self)) else { continue }
            for word in words.dropFirst() {
                guard count < Self.mostNames, let name = Self.name(word) else { continue }
                count += 1
                if self.addresses[name]?.contains(address) != true { self.addresses[name, default: []].append(address) }
                if self.names[address]?.contains(name) != true { self.names[address, default: []].append(name) }
            }
        }
    }

    /// Lower-case, without a final dot; nil for what no host can be called.
    private static func name(_ word: Substring.UTF8View) -> String? {
        let bytes = word.last == UInt8(ascii: ".") ? word.dropLast() : word
        let isName = bytes.allSatisfy {
            $0.isASCIILetter || $0.isASCIIDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
        }
        return isName && !bytes.isEmpty && bytes.count <= 253 ? String(decoding: bytes.map(\.asciiLowercased), as: UTF8.self) : nil
    }

    /// Whether the file has this name (lower-case).
    package func has(_ name: String) -> Bool { self.addresses[name] != nil }

    /// Addresses of a name (lower-case), of one family.
    package func addresses(of name: String, isIPv6: Bool) -> [IPAddress] { (self.addresses[name] ?? []).filter { $0.isIPv6 == isIPv6 } }

    /// Names of an address, the first in each of its lines first.
    package func names(of address: IPAddress) -> [String] { self.names[address] ?? [] }

    /// Every address that has a name.
    package var allAddresses: some Collection<IPAddress> { self.names.keys }
}
