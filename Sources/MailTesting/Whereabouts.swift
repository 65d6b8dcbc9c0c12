package import Glibc

/// What every thread of process `id` and of its children is doing, as far as the kernel tells: for the text of a failure.
package func whereabouts(of id: pid_t, depth: Int = 2) -> String {
    let threads = directoryEntries("/proc/\(id)/task")
    guard !threads.isEmpty else { return "process \(id) is gone" }
    let lines = threads.prefix(40).map { thread in
        let place = "/proc/\(id)/task/\(thread)"
        let name = ChildProcess.text(of: "\(place)/comm").prefix { $0 != "\n" }
        let call = ChildProcess.text(of: "\(place)/syscall").prefix { $0 != "\n" }
        return "process \(id) thread \(thread) \(name): waits in \(ChildProcess.text(of: "\(place)/wchan")), system call \(call)"
    }
    let stacks = depth > 0 && access(stackProgram, X_OK) == 0 ? stacksText(of: id) : ""
    guard depth > 0 else { return lines.joined(separator: "\n") }
    let children = ChildProcess.text(of: "/proc/\(id)/task/\(id)/children").split(separator: " ").compactMap { pid_t($0) }
    return (lines + [stacks] + children.map { whereabouts(of: $0, depth: depth - 1) }).joined(separator: "\n")
}

private let stackProgram = "/usr/bin/eu-stack"

/// The functions that each thread is in.
private func stacksText(of id: pid_t) -> String {
    (try? ChildProcess.run(stackProgram, ["-n", "16", "-p", "\(id)"], seconds: 30).output) ?? ""
}

/// Names in a directory, without `.` and `..`, sorted; none when it cannot be read.
package func directoryEntries(_ path: String) -> [String] {
    guard let stream = opendir(path) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self) }
        if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
}
