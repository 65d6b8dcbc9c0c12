internal import Bytes
internal import Vocabulary

/// One entry that cannot be read. Texts for people come from Forms by `problem`.
package struct AccessEntryError: Error, Hashable, Sendable {
    package enum Problem: String, Error, Sendable, CaseIterable {
        case empty
        /// Looks like an address and is none.
        case badAddress
        /// Behind the slash stands no number, or one that does not fit.
        case badPrefixLength
        /// Bits behind the prefix are set: `192.0.2.5/24`.
        case hostBitsSet
        case badName
        /// A star that is not the whole first label of a name or the last parts of an address.
        case misplacedStar
        case tooLong
    }

    /// The entry as it was typed, cut to a length that can be shown.
    package var text: String
    package var problem: Problem

    package init(text: String, problem: Problem) {
        self.text = String(text.prefix(80))
        self.problem = problem
    }
}

extension AccessList {
    /// Longest name of DNS in text form. [RFC1123-2.1]
    private static let longestName = 255

    /// Reads one entry: `192.0.2.1`, `2001:db8::1`, `192.0.2.0/24`, `192.0.2.*`, `host.example.com`, `*.example.com`.
    package static func parse(_ text: String) -> Result<Entry, AccessEntryError> {
        let bytes = text.utf8.drop { $0 == .space || $0 == .tab }
        let trimmed = Substring(bytes).prefixWithoutBlanks
        do {
            return .success(try Self.entry(trimmed))
        } catch {
            return .failure(AccessEntryError(text: trimmed, problem: error))
        }
    }

    /// Reads a list; either all entries or all errors, in order.
    package static func parse(_ texts: [String]) -> (list: AccessList, errors: [AccessEntryError]) {
        var list = AccessList()
        var errors: [AccessEntryError] = []
        for text in texts {
            switch self.parse(text) {
            case .success(let entry): list.entries.append(entry)
            case .failure(let error): errors.append(error)
            }
        }
        return (list, errors)
    }

    private static func entry(_ text: String) throws(AccessEntryError.Problem) -> Entry {
        if text.isEmpty { throw .empty }
        if text.utf8.count > Self.longestName { throw .tooLong }
        if text.utf8.contains(UInt8(ascii: "/")) { return .network(try Self.network(text)) }
        if let address = IPAddress(text) { return .address(address) }
        if text.utf8.contains(UInt8(ascii: ":")) { throw .badAddress }
        if text.utf8.contains(UInt8(ascii: "*")) { return try Self.starred(text) }
        return .name(try Self.name(text))
    }

    private static func network(_ text: String) throws(AccessEntryError.Problem) -> IPNetwork {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, let base = IPAddress(String(first)) else { throw .badAddress }
        guard parts.count == 2, let digits = parts.last, (1...3).contains(digits.utf8.count), digits.utf8.allSatisfy(\.isASCIIDigit),
            let length = Int(digits), length <= base.bytes.count * 8
        else { throw .badPrefixLength }
        guard let network = IPNetwork(base, prefixLength: length) else { throw .hostBitsSet }
        return network
    }

    /// `*.example.com`, or `192.0.2.*` as the short form of a network.
    private static func starred(_ text: String) throws(AccessEntryError.Problem) -> Entry {
        if text.hasPrefix("*.") { return .subdomains(try Self.name(String(text.dropFirst(2)))) }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.prefix { $0 != "*" }
        guard (1...3).contains(numbers.count), parts.count <= 4, numbers.allSatisfy({ $0.utf8.allSatisfy(\.isASCIIDigit) }),
            parts.dropFirst(numbers.count).allSatisfy({ $0 == "*" })
        else { throw .misplacedStar }
        let filled = (numbers.map(String.init) + Array(repeating: "0", count: 4 - numbers.count)).joined(separator: ".")
        guard let base = IPAddress(filled), let network = IPNetwork(base, prefixLength: numbers.count * 8) else { throw .badAddress }
        return .network(network)
    }

    /// A host name: letters, digits, hyphens and (seen in reverse zones) underscores. [RFC1123-2.1]
    private static func name(_ text: String) throws(AccessEntryError.Problem) -> String {
        let name = (text.hasSuffix(".") ? String(text.dropLast()) : text).asciiLowercased
        if name.utf8.contains(UInt8(ascii: "*")) { throw .misplacedStar }
        let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isGood = labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                && label.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        }
        guard isGood else { throw .badName }
        // No top-level domain is a number, so this was meant as an address. [RFC1123-2.1]
        if labels.last?.allSatisfy(\.isASCIIDigit) ?? true { throw .badAddress }
        return name
    }
}

extension Substring {
    fileprivate var prefixWithoutBlanks: String {
        var bytes = Array(self.utf8)
        while let last = bytes.last, last == .space || last == .tab { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension AccessList.Entry: CustomStringConvertible {
    /// As it is typed and kept.
    package var description: String {
        switch self {
        case .address(let address): "\(address)"
        case .network(let network): "\(network)"
        case .name(let name): name
        case .subdomains(let parent): "*.\(parent)"
        }
    }
}
