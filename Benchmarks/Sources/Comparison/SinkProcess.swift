import Glibc
import LoadKit

/// Postfix's `smtp-sink` on all addresses of loopback, which counts what it takes.
final class SinkProcess {
    let port: UInt16
    private let log: String
    private let process: ChildProcess

    init(log: String) throws {
        self.port = try freePort()
        self.log = log
        try makeDirectory(String(log[..<(log.lastIndex(of: "/") ?? log.startIndex)]))
        // It does not want to run as root.
        let user = geteuid() == 0 ? ["-u", "postfix"] : []
        self.process = try ChildProcess("/usr/sbin/smtp-sink", user + ["-4", "-c", "0.0.0.0:\(self.port)", "1000"], log: log)
        let process = self.process
        try waitForGreeting(Endpoint(port: self.port), seconds: 10) { process.poll() == nil }
    }

    func stop() { self.process.stop() }

    /// Messages so far. The counter is written anew for each, behind a carriage return.
    var taken: Int {
        let descriptor = open(self.log, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 400)
        let count = pread(descriptor, &bytes, bytes.count, max(0, lseek(descriptor, 0, SEEK_END) - off_t(bytes.count)))
        let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        for piece in text.split(separator: "\r").reversed() {
            for word in piece.split(separator: " ") where word.hasPrefix("mesg=") {
                if let number = Int(word.dropFirst(5)) { return number }
            }
        }
        return 0
    }

    /// Monotonic nanoseconds when so many had been taken.
    func wait(for count: Int, seconds: Double) throws -> Int64 {
        let deadline = monotonicNow() + Int64(seconds * 1e9)
        while self.taken < count {
            guard monotonicNow() < deadline else { throw BenchError("only \(self.taken) of \(count) messages reached the sink") }
            usleep(2000)
        }
        return monotonicNow()
    }
}
