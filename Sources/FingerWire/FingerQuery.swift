internal import NIOCore

/// What somebody asks. [RFC1288-2.3]
package enum FingerQuery: Hashable, Sendable {
    /// Nobody by name: about the host. [RFC1288-2.5.1]
    case host
    /// A name, a part of one, or an address. `isLong` is `/W`: everything that is published. [RFC1288-2.5.4]
    case name(String, isLong: Bool)
    /// For another host. [RFC1288-2.4]
    case elsewhere
    /// Not UTF-8, or with control characters: nobody has such a name.
    case unreadable

    // RFC 1288 2.3:  {Q1} ::= [{W}|{W}{S}{U}]{C}      {W} ::= /W      {S} ::= <SP> | <SP>{S}
    //                {Q2} ::= [{W}{S}][{U}]{H}{C}     {H} ::= @hostname | @hostname{H}
    /// - Parameter line: without its LF.
    package init(line: some Collection<UInt8>) {
        var rest = Self.trimmed(Array(line)[...])
        var isLong = false
        if let first = rest.first, first == UInt8(ascii: "/"), let letter = rest.dropFirst().first, letter | 0x20 == UInt8(ascii: "w") {
            let behind = rest.dropFirst(2)
            if behind.isEmpty || behind.first == 0x20 || behind.first == 0x09 {
                isLong = true
                rest = Self.trimmed(behind)
            }
        }
        guard !rest.isEmpty else {
            self = .host
            return
        }
        guard rest.first != UInt8(ascii: "@") else {
            self = .elsewhere
            return
        }
        // One @ may be an address of ours: that is for the directory to say. Two are a way through another host.
        guard rest.filter({ $0 == UInt8(ascii: "@") }).count <= 1, rest.last != UInt8(ascii: "@") else {
            self = .elsewhere
            return
        }
        guard let name = String(validating: rest, as: UTF8.self), !name.unicodeScalars.contains(where: FingerText.isForbidden) else {
            self = .unreadable
            return
        }
        self = .name(name, isLong: isLong)
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
        var rest = bytes
        while let first = rest.first, isBlank(first) { rest = rest.dropFirst() }
        while let last = rest.last, isBlank(last) { rest = rest.dropLast() }
        return rest
    }
}
