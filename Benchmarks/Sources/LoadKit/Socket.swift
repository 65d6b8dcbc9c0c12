import Glibc

/// Where a server listens: an IPv4 address (loopback in all that is done here) and a port.
package struct Endpoint: Sendable {
    package var host: String
    package var port: UInt16

    package init(host: String = "127.0.0.1", port: UInt16) {
        self.host = host
        self.port = port
    }

    func socketAddress() throws -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = self.port.bigEndian
        guard inet_pton(AF_INET, self.host, &address.sin_addr) == 1 else { throw BenchError("not an IPv4 address: \(self.host)") }
        return address
    }
}

package enum Socket {
    /// Starts a connection. `source` picks the client's address in 127.1.0.0/16 for loopback servers, so that limits per client address can be kept apart
    /// from what is measured; nil lets the kernel choose.
    static func connect(to endpoint: Endpoint, source: Int?, blocking: Bool = false) throws -> CInt {
        let type = CInt(SOCK_STREAM.rawValue) | (blocking ? 0 : CInt(SOCK_NONBLOCK.rawValue))
        let descriptor = socket(AF_INET, type | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw BenchError.system("socket") }
        do {
            try self.set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY)
            if let source { try self.bind(descriptor, source: source) }
            try withAddress(endpoint.socketAddress()) { pointer, length in
                guard Glibc.connect(descriptor, pointer, length) == 0 || errno == EINPROGRESS else { throw BenchError.system("connect") }
            }
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// A listening socket on 127.0.0.1 at a port that the kernel chooses.
    package static func listen() throws -> (descriptor: CInt, port: UInt16) {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw BenchError.system("socket") }
        try self.set(descriptor, SOL_SOCKET, SO_REUSEADDR)
        try withAddress(Endpoint(port: 0).socketAddress()) { pointer, length in
            guard Glibc.bind(descriptor, pointer, length) == 0 else { throw BenchError.system("bind") }
        }
        guard Glibc.listen(descriptor, 1024) == 0 else { throw BenchError.system("listen") }
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let named = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard named == 0 else { throw BenchError.system("getsockname") }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    static func set(_ descriptor: CInt, _ level: CInt, _ option: CInt, _ value: CInt = 1) throws {
        var value = value
        guard setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<CInt>.size)) == 0 else {
            throw BenchError.system("setsockopt")
        }
    }

    private static func bind(_ descriptor: CInt, source: Int) throws {
        let host = "127.1.\((source / 250) % 250).\(source % 250 + 1)"
        // The port is chosen at connect, per destination: otherwise one address would run out of ports.
        try self.set(descriptor, Int32(IPPROTO_IP), 24)  // IP_BIND_ADDRESS_NO_PORT
        try withAddress(Endpoint(host: host, port: 0).socketAddress()) { pointer, length in
            guard Glibc.bind(descriptor, pointer, length) == 0 else { throw BenchError.system("bind \(host)") }
        }
    }
}

private func withAddress<Result>(_ address: sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Result) throws -> Result {
    var address = address
    return try withUnsafePointer(to: &address) { pointer in
        try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { try body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
}
