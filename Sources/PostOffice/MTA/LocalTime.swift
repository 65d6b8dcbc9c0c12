import Glibc

/// The time zone of this host.
package enum LocalTime {
    /// Minutes east of UTC at a time (seconds since 1970).
    package static let offset: @Sendable (Int64) -> Int = { now in
        var (time, local) = (time_t(now), tm())
        guard localtime_r(&time, &local) != nil else { return 0 }
        return local.tm_gmtoff / 60
    }
}
