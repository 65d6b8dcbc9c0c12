import Glibc

/// Speaks sd_notify(3) to the service manager, without its library: one datagram of `NAME=value` lines to the socket that
/// NOTIFY_SOCKET names. Does nothing where there is none.
package struct ServiceManager: Sendable {
    private let path: String?
    /// How often WATCHDOG=1 is due, in milliseconds: half of what the manager allows.
    package let watchdogInterval: Int64?

    package init(environment: [String: String], processID: Int32) {
        self.path = environment["NOTIFY_SOCKET"].flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
        let isOurs = environment["WATCHDOG_PID"].map { $0 == "\(processID)" } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap(Int64.init).flatMap { $0 > 0 ? $0 : nil }
        self.watchdogInterval = isOurs && self.path != nil ? microseconds.map { max(1, $0 / 2000) } : nil
    }

    package func notify(_ text: String) {
        guard let path else { return }
        let fd = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard fd >= 0 else { return }
        defer { close(fd) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        let isAbstract = bytes.first == UInt8(ascii: "@")
        if isAbstract { bytes[0] = 0 }
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard bytes.count < room else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        // The length of an abstract name counts; a path ends at its NUL.
        let length = MemoryLayout<sa_family_t>.size + bytes.count + (isAbstract ? 0 : 1)
        let data = Array(text.utf8)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                _ = sendto(fd, data, data.count, Int32(MSG_NOSIGNAL), name, socklen_t(length))
            }
        }
    }

    /// RELOADING=1 has to carry the time at which it began, for units of Type=notify-reload.
    package func notifyReloading() { self.notify("RELOADING=1\nMONOTONIC_USEC=\(MonotonicTime.milliseconds * 1000)") }
}
