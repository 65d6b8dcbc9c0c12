import Glibc
import LoadKit

/// What the disk gives: appends to one file with an fdatasync after each group. The ceiling of everything that is durable.
func measureDisk() throws {
    for (size, group) in [
        (1 << 10, 1), (1 << 10, 10), (1 << 10, 100), (10 << 10, 1), (10 << 10, 10), (100 << 10, 10), (1 << 20, 1), (1 << 20, 10),
    ] {
        let rates = try (0..<3).map { _ in try appendRate(size: size, group: group) }
        let rate = median(rates)
        let perSync = rate / Double(group)
        print(
            "\(size >> 10) KiB x \(group) a sync: \(Int(rate)) messages/s, \(Int(rate * Double(size) / 1e6)) MB/s, \(Int(perSync)) syncs/s")
    }
}

private func appendRate(size: Int, group: Int) throws -> Double {
    var template = Array("/tmp/po-bench-disk-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { throw BenchError.system("mkstemp") }
    unlink(template)
    defer { close(descriptor) }
    let bytes = [UInt8](repeating: 120, count: size * group)
    let started = monotonicNow()
    var groups = 0
    while monotonicNow() - started < 500_000_000 {
        guard write(descriptor, bytes, bytes.count) == bytes.count, fdatasync(descriptor) == 0 else { throw BenchError.system("append") }
        groups += 1
    }
    return Double(groups * group) / (Double(monotonicNow() - started) / 1e9)
}
