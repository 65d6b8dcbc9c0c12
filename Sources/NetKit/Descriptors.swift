internal import Glibc

/// How many descriptors this process may have.
package enum Descriptors {
    /// Kept for files, databases, DNS and the rest when the connection cap is chosen.
    static let reserve = 256

    /// Raises the soft limit to the hard one and returns it. The default soft limit of 1,024 is for programs that use select(2).
    @discardableResult
    package static func raiseLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// The most connections that leave room for everything else: three quarters, and at least `reserve` free.
    package static func connectionCap(limit: Int) -> Int { max(16, min(limit / 4 * 3, limit - Self.reserve)) }
}
