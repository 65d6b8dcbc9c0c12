import Glibc

/// An IPv4 or IPv6 address, in network byte order. IPv4-mapped IPv6 addresses become IPv4 ones, so that one rule covers both.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16 bytes.
    package let bytes: [UInt8]

    package init?(bytes: [UInt8]) {
        switch bytes.count {
        case 4: self.bytes = bytes
        case 16:
            let isMapped = bytes[0..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
            self.bytes = isMapped ? Array(bytes[12...]) : bytes
        default: return nil
        }
    }

    /// Reads dotted IPv4 or RFC 4291 IPv6 text; nil for anything else (zone names too).
    package init?(_ text: String) {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            self.init(bytes: withUnsafeBytes(of: four.s_addr) { Array($0) })
            return
        }
        var six = in6_addr()
        guard inet_pton(AF_INET6, text, &six) == 1 else { return nil }
        self.init(bytes: withUnsafeBytes(of: &six) { Array($0) })
    }

    package var isIPv6: Bool { self.bytes.count == 16 }
    package var isLoopback: Bool { self.isIPv6 ? self.bytes == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] : self.bytes[0] == 127 }

    package var description: String {
        var out = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = self.isIPv6 ? AF_INET6 : AF_INET
        return self.bytes.withUnsafeBytes { raw in
            guard inet_ntop(family, raw.baseAddress, &out, socklen_t(out.count)) != nil else { return "?" }
            return String(decoding: out.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// The address literal of SMTP: `[192.0.2.1]` or `[IPv6:2001:db8::1]`. [RFC5321-4.1.3]
    package var literal: String { self.isIPv6 ? "[IPv6:\(self)]" : "[\(self)]" }
}
