import Glibc
import NIOCore
import Vocabulary

/// Facts that `status` asks of the system.
enum SystemFacts {
    /// Free and total bytes of the file system that holds `path`; nil when it is not there.
    static func space(of path: String) -> (free: Int64, total: Int64)? {
        var info = statvfs()
        guard statvfs(path, &info) == 0 else { return nil }
        let unit = Int64(info.f_frsize)
        return (Int64(clamping: info.f_bavail) &* unit, Int64(clamping: info.f_blocks) &* unit)
    }

    /// Addresses of all interfaces of this computer.
    static func addresses() -> Set<IPAddress> {
        Set(((try? System.enumerateDevices()) ?? []).compactMap { $0.address?.ipAddress.flatMap { IPAddress($0) } })
    }

    /// TCP ports on which somebody listens on this machine, whoever it is.
    static func listeningPorts() -> Set<Int> {
        var ports: Set<Int> = []
        for path in ["/proc/net/tcp", "/proc/net/tcp6"] {
            guard let bytes = try? FileAccess.contents(of: path, limit: 64 << 20) else { continue }
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst() {
                // sl local_address rem_address st …; 0A is LISTEN.
                let words = line.split(separator: " ")
                guard words.count > 3, words[3] == "0A", let border = words[1].lastIndex(of: ":") else { continue }
                if let port = Int(words[1][words[1].index(after: border)...], radix: 16) { ports.insert(port) }
            }
        }
        return ports
    }

    /// Resident memory of a process in bytes; nil when there is none.
    static func memory(of pid: Int32) -> Int64? {
        guard let bytes = try? FileAccess.contents(of: "/proc/\(pid)/statm", limit: 4096) else { return nil }
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        guard words.count > 1, let pages = Int64(words[1]) else { return nil }
        return pages * Int64(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// `1.5 GB`, in powers of 1024.
    static func text(bytes: Int64) -> String {
        let units = ["B", "KB", "MB", "GB", "TB", "PB"]
        var value = Double(bytes)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        let tenths = Int((value * 10).rounded())
        return unit == 0 || tenths >= 1000 ? "\(tenths / 10) \(units[unit])" : "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}
