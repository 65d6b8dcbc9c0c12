internal import Glibc
package import Vocabulary

/// A listening TCP socket that we own: bound here, handed over by the dispatcher, or by the service manager.
package struct BoundListener: Sendable {
    package let descriptor: CInt
    package let address: IPAddress
    package let port: Int

    /// Binds and listens. Port 0 lets the kernel choose.
    package static func bind(_ address: IPAddress, port: Int, backlog: Int = 4096) throws(ListenFailure) -> BoundListener {
        throw ListenFailure(operation: "bind", errno: EINVAL)
    }

    /// Takes over a socket that already listens.
    package init(descriptor: CInt) throws(ListenFailure) {
        throw ListenFailure(operation: "getsockname", errno: EINVAL)
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
