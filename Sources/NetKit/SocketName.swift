internal import Glibc
internal import Vocabulary

/// Address and port of one end of a TCP connection, to and from the kernel's form.
struct SocketName {
    let address: IPAddress
    let port: Int

    /// Calls a system call that fills in a name. nil when it fails or the family is not IP.
    init?(filledBy call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, &length) }
        }
        guard result >= 0 else { return nil }
        self.init(storage)
    }

    init?(_ storage: sockaddr_storage) {
        let raw = withUnsafeBytes(of: storage) { Array($0.prefix(28)) }
        // Both forms: family, then the port in network order; the address at 4 (IPv4) or 8 (IPv6).
        let address =
            switch CInt(storage.ss_family) {
            case AF_INET: IPAddress(bytes: Array(raw[4..<8]))
            case AF_INET6: IPAddress(bytes: Array(raw[8..<24]))
            default: nil as IPAddress?
            }
        guard let address else { return nil }
        self.address = address
        self.port = Int(raw[2]) << 8 | Int(raw[3])
    }

    /// Runs a system call with the kernel's form of a name.
    static func with<Result>(_ address: IPAddress, port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var storage = sockaddr_storage()
        storage.ss_family = sa_family_t(address.isIPv6 ? AF_INET6 : AF_INET)
        withUnsafeMutableBytes(of: &storage) { raw in
            raw[2] = UInt8(truncatingIfNeeded: port >> 8)
            raw[3] = UInt8(truncatingIfNeeded: port)
            raw.baseAddress?.advanced(by: address.isIPv6 ? 8 : 4).copyMemory(from: address.bytes, byteCount: address.bytes.count)
        }
        let length = address.isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
        return withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
        }
    }
}

extension IPAddress {
    static var anyIPv4: IPAddress { Self.zeros(4) }
    static var anyIPv6: IPAddress { Self.zeros(16) }

    private static func zeros(_ count: Int) -> IPAddress {
        // SAFETY: called with 4 and 16 only, never with anything from outside.
        guard let address = IPAddress(bytes: Array(repeating: 0, count: count)) else { preconditionFailure("4 and 16 bytes are addresses") }
        return address
    }
}
