internal import Bytes
internal import Glibc
internal import Vocabulary

/// Lines on their way to the disk, cut by day, so that each goes into the file of its own day.
struct TrailBatch {
    fileprivate(set) var chunks: [(day: String, bytes: [UInt8])] = []
    /// Events that were dropped before these.
    fileprivate(set) var dropped = 0

    var isEmpty: Bool { self.chunks.isEmpty }

    /// What waits for the writer; guarded by its monitor.
    struct Waiting {
        private var batch = TrailBatch()
        private var stamp = TrailStamp()
        private(set) var size = 0
        var isClosed = false
        var wantsFlush = false
        /// Batches taken and batches finished: `flush` waits until they meet.
        private(set) var taken = 0
        private(set) var finished = 0

        /// Adds one line, or counts it as dropped when `limit` bytes wait already.
        mutating func add(_ line: [UInt8], milliseconds: Int64, limit: Int) {
            guard self.size + line.count <= limit else {
                self.batch.dropped += 1
                return
            }
            self.stamp.set(milliseconds: milliseconds)
            if self.batch.chunks.last?.day != self.stamp.day { self.batch.chunks.append((self.stamp.day, [])) }
            let last = self.batch.chunks.count - 1
            let before = self.batch.chunks[last].bytes.count
            self.stamp.append(milliseconds: milliseconds, to: &self.batch.chunks[last].bytes)
            self.batch.chunks[last].bytes.append(contentsOf: line)
            self.size += self.batch.chunks[last].bytes.count - before
        }

        mutating func take() -> TrailBatch {
            defer {
                self.batch = TrailBatch()
                self.size = 0
            }
            self.wantsFlush = false
            self.taken += 1
            return self.batch
        }

        mutating func finish(lost: Int) {
            self.finished = self.taken
            self.batch.dropped += lost
        }
    }
}

/// The open file of the day. Used by the writer's thread only.
struct TrailOutput {
    let files: TrailFiles
    var days: Int
    private var fd: Int32 = -1
    private var day = ""
    /// The file ends in half a line: the disk was full.
    private var isTorn = false
    /// Lost events that the log has a line about.
    private(set) var reported = 0
    /// Why the newest write did not succeed.
    private(set) var failure: String?

    init(files: TrailFiles, days: Int) {
        self.files = files
        self.days = days
    }

    /// Writes the lines; returns how many events are lost, those dropped before included.
    mutating func write(_ batch: TrailBatch, at milliseconds: Int64) -> Int {
        var lost = 0
        self.failure = nil
        for (index, chunk) in batch.chunks.enumerated() {
            if index == 0, batch.dropped > 0 {
                guard self.write(Self.report(dropped: batch.dropped, milliseconds), day: chunk.day) == 0 else {
                    return batch.dropped + batch.chunks.reduce(0) { $0 + Self.lines(in: $1.bytes[...]) }
                }
                self.reported += batch.dropped
            }
            lost += self.write(chunk.bytes, day: chunk.day)
        }
        return batch.chunks.isEmpty ? batch.dropped : lost
    }

    mutating func close() {
        if self.fd >= 0 { Glibc.close(self.fd) }
        self.fd = -1
    }

    private mutating func write(_ bytes: [UInt8], day: String) -> Int {
        guard self.open(day) else {
            self.noteFailure(errno)
            return Self.lines(in: bytes[...])
        }
        if self.isTorn {
            guard Glibc.write(self.fd, "\n", 1) == 1 else {
                self.noteFailure(errno)
                return Self.lines(in: bytes[...])
            }
            self.isTorn = false
        }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(self.fd, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                self.noteFailure(errno)
                self.isTorn = rest.startIndex > 0 && bytes[rest.startIndex - 1] != .lf
                return Self.lines(in: rest)
            }
            rest = rest.dropFirst(count)
        }
        return 0
    }

    private mutating func noteFailure(_ code: Int32) { self.failure = String(cString: strerror(code)) }

    /// Opens the file of the day, anew when somebody has moved or removed it.
    private mutating func open(_ day: String) -> Bool {
        var status = stat()
        let isThere = self.fd >= 0 && fstat(self.fd, &status) == 0 && status.st_nlink > 0
        if isThere, self.day == day { return true }
        let fresh = Glibc.open(self.files.path(day: day), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        // Without a descriptor or a free inode the new day begins in the old file: better there than nowhere.
        guard fresh >= 0 else { return isThere }
        self.close()
        self.fd = fresh
        if self.day != day { self.files.keep(newest: self.days) }
        self.day = day
        self.isTorn = false
        return true
    }

    private static func report(dropped: Int, _ milliseconds: Int64) -> [UInt8] {
        var stamp = TrailStamp()
        var line: [UInt8] = []
        stamp.append(milliseconds: milliseconds, to: &line)
        TrailLine.append(TrailEvent(.mta, "events-dropped", trace: nil, [("count", "\(dropped)")]), to: &line)
        return line
    }

    private static func lines(in bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $1 == .lf ? $0 + 1 : $0 } }
}
