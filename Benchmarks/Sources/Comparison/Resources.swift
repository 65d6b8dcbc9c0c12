import Glibc
import LoadKit

/// What a server's processes have used until now.
struct Resources {
    /// Seconds of user and system time, of ended children too.
    var cpu = 0.0
    /// Proportional share of memory now, summed (bytes).
    var pss: Int64 = 0
    /// The highest resident size of each process that lives, summed (bytes; counts shared pages for each process).
    var peakRSS: Int64 = 0
    /// Bytes handed to the disk.
    var written: Int64 = 0
    var processes = 0
    /// Voluntary and involuntary, of living threads.
    var contextSwitches = 0

    /// Adds up a process and all its descendants. Times of children that have ended are in their parents' totals.
    static func of(_ roots: [pid_t]) -> Resources {
        var result = Resources()
        for pid in self.tree(roots) { result.add(pid) }
        return result
    }

    private static func tree(_ roots: [pid_t]) -> Set<pid_t> {
        var children: [pid_t: [pid_t]] = [:]
        for name in entries("/proc") {
            guard let pid = pid_t(name), let fields = self.statFields(pid), let parent = pid_t(fields[1]) else { continue }
            children[parent, default: []].append(pid)
        }
        var found: Set<pid_t> = []
        var waiting = roots
        while let pid = waiting.popLast() {
            if found.insert(pid).inserted { waiting += children[pid] ?? [] }
        }
        return found
    }

    /// The fields of /proc/PID/stat after the command's name: state, parent, …
    private static func statFields(_ pid: pid_t) -> [Substring]? {
        guard let text = readFile("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 14 ? fields : nil
    }

    private mutating func add(_ pid: pid_t) {
        guard let fields = Self.statFields(pid) else { return }
        // utime, stime, cutime, cstime: fields 14 to 17 of proc(5).
        let ticks = fields[11...14].reduce(0) { $0 + (Double($1) ?? 0) }
        self.cpu += ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
        self.processes += 1
        self.pss += Self.value("Pss:", in: "/proc/\(pid)/smaps_rollup") * 1024
        self.peakRSS += Self.value("VmHWM:", in: "/proc/\(pid)/status") * 1024
        self.written += Self.value("write_bytes:", in: "/proc/\(pid)/io")
        for thread in entries("/proc/\(pid)/task") {
            let status = "/proc/\(pid)/task/\(thread)/status"
            self.contextSwitches += Int(Self.value("voluntary_ctxt_switches:", in: status))
            self.contextSwitches += Int(Self.value("nonvoluntary_ctxt_switches:", in: status))
        }
    }

    private static func value(_ label: String, in path: String) -> Int64 {
        for line in (readFile(path) ?? "").split(separator: "\n") where line.hasPrefix(label) {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            return words.count > 1 ? Int64(words[1]) ?? 0 : 0
        }
        return 0
    }
}
