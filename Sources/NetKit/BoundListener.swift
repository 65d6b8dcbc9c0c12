internal import Glibc
package import Vocabulary

/// A listening TCP socket that we own: bound here, handed over by the dispatcher, or by the service manager.
package struct BoundListener: Sendable {
    package let descriptor: CInt
    package let address: IPAddress
    package let port: Int

    /// Binds and listens. `address` nil is every address of the machine, on one socket. Port 0 lets the kernel choose, which also cuts
    /// `backlog` down to net.core.somaxconn.
    package static func bind(_ address: IPAddress?, port: Int, backlog: Int = 4096) throws(ListenFailure) -> BoundListener {
        guard let number = UInt16(exactly: port) else { throw ListenFailure(operation: "bind", errno: EINVAL) }
        if let address { return try Self.bind(address, number, CInt(clamping: backlog), ownFamilyOnly: true) }
        do {
            return try Self.bind(.anyIPv6, number, CInt(clamping: backlog), ownFamilyOnly: false)
        } catch  where error.errno == EAFNOSUPPORT || error.errno == EADDRNOTAVAIL {  // a kernel without IPv6
            return try Self.bind(.anyIPv4, number, CInt(clamping: backlog), ownFamilyOnly: true)
        }
    }

    private static func bind(_ address: IPAddress, _ port: UInt16, _ backlog: CInt, ownFamilyOnly: Bool) throws(ListenFailure)
        -> BoundListener
    {
        let family = address.isIPv6 ? AF_INET6 : AF_INET
        let descriptor = socket(family, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw ListenFailure(operation: "socket", errno: errno) }
        do throws(ListenFailure) {
            // A restart must not wait for connections of the old process to time out.
            try Self.set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
            if address.isIPv6 { try Self.set(descriptor, CInt(IPPROTO_IPV6), IPV6_V6ONLY, ownFamilyOnly ? 1 : 0) }
            let bound = SocketName.with(address, port: port) { Glibc.bind(descriptor, $0, $1) }
            guard bound == 0 else { throw ListenFailure(operation: "bind", errno: errno) }
            guard listen(descriptor, backlog) == 0 else { throw ListenFailure(operation: "listen", errno: errno) }
            return try BoundListener(descriptor: descriptor)
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Takes over a socket that already listens.
    package init(descriptor: CInt) throws(ListenFailure) {
        guard let name = SocketName(filledBy: { getsockname(descriptor, $0, $1) }) else {
            throw ListenFailure(operation: "getsockname", errno: errno)
        }
        var isListening: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length) == 0, isListening != 0 else {
            throw ListenFailure(operation: "SO_ACCEPTCONN", errno: EINVAL)
        }
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0, fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else {
            throw ListenFailure(operation: "fcntl", errno: errno)
        }
        self.descriptor = descriptor
        self.address = name.address
        self.port = name.port
    }

    private static func set(_ descriptor: CInt, _ level: CInt, _ option: CInt, _ value: CInt) throws(ListenFailure) {
        var value = value
        guard setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<CInt>.size)) == 0 else {
            throw ListenFailure(operation: "setsockopt", errno: errno)
        }
    }
}

/// A socket could not be made to listen: which system call, and why.
package struct ListenFailure: Error, Equatable, CustomStringConvertible {
    package var operation: String
    package var errno: CInt

    package init(operation: String, errno: CInt) {
        self.operation = operation
        self.errno = errno
    }

    package var description: String { "\(self.operation): \(String(cString: strerror(self.errno)))" }
}
