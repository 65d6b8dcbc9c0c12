internal import Bytes
internal import Database
internal import Glibc
internal import NIOCore

/// A segment file held open. Counted: its bytes stay readable until the last holder lets go, even after it was unlinked.
final class SegmentHandle: Sendable {
    let header: SegmentHeader
    let keys: RecordKeys
    let path: String
    let descriptor: Int32
    private let files: Files

    init(header: SegmentHeader, path: String, descriptor: Int32, files: Files) {
        self.header = header
        self.keys = header.keys
        self.path = path
        self.descriptor = descriptor
        self.files = files
    }

    deinit { self.files.close(self.descriptor) }
}

/// The directory of segment files: names, handles that are open, pins.
final class SegmentDirectory: Sendable {
    let path: String
    let files: Files
    /// Handles of log segments kept open for the next reader; large ones are opened a read at a time.
    private let open: Monitor<[UInt32: SegmentHandle]>
    private let pins = Monitor(0)
    private static let keptOpen = 64

    init(path: String, files: Files) {
        self.path = path
        self.files = files
        self.open = Monitor([:])
    }

    func path(of number: UInt32) -> String {
        let digits = String(number)
        return self.path + "/" + String(repeating: "0", count: max(0, 8 - digits.utf8.count)) + digits + ".seg"
    }

    /// The number in a segment's file name; nil for other files.
    static func number(ofName name: String) -> UInt32? {
        guard name.hasSuffix(".seg") else { return nil }
        let digits = name.utf8.dropLast(4)
        guard digits.count >= 8, digits.allSatisfy({ $0.isASCIIDigit }) else { return nil }
        return UInt32(String(decoding: digits, as: UTF8.self))
    }

    /// Numbers of all segment files, ascending.
    func numbers() throws(StoreError) -> [UInt32] {
        let names = try StoreError.wrap { () throws(IOFailure) in try self.files.names(self.path) }
        return names.compactMap(Self.number(ofName:)).sorted()
    }

    /// A counted handle. Throws `.io` with ENOENT when the file is gone.
    func handle(_ number: UInt32) throws(StoreError) -> SegmentHandle {
        if let found = self.open.withLock({ $0[number] }) { return found }
        let handle = try self.openFile(number)
        guard handle.header.kind == .log else { return handle }
        return self.open.withLock { open in
            if let other = open[number] { return other }
            // Any one may go: whoever reads it now keeps it open.
            if open.count >= Self.keptOpen, let some = open.first(where: { $0.key != number })?.key { open[some] = nil }
            open[number] = handle
            return handle
        }
    }

    /// The bytes of a log segment's header, if they can be read.
    func storedHeader(_ number: UInt32) -> [UInt8]? {
        guard let header = (try? self.handle(number))?.header, header.kind == .log else { return nil }
        return Array(header.encoded().readableBytesView)
    }

    private func openFile(_ number: UInt32) throws(StoreError) -> SegmentHandle {
        let path = self.path(of: number)
        let files = self.files
        let descriptor = try StoreError.wrap { () throws(IOFailure) in try files.open(path, writing: false) }
        var isHandedOver = false
        defer { if !isHandedOver { files.close(descriptor) } }
        let bytes = try StoreError.wrap { () throws(IOFailure) in try files.readBytes(descriptor, path, SegmentHeader.size, at: 0) }
        do throws(SegmentHeader.Failure) {
            guard let bytes else { throw .tooShort }
            let header = try SegmentHeader(decoding: bytes)
            guard header.number == number else { throw .checksum }
            isHandedOver = true
            return SegmentHandle(header: header, path: path, descriptor: descriptor, files: files)
        } catch { throw Self.translate(error, path) }
    }

    private static func translate(_ failure: SegmentHeader.Failure, _ path: String) -> StoreError {
        switch failure {
        case .newer(let version): .newerFormat("\(path) has segment format \(version), this version knows \(SegmentHeader.version)")
        case .tooShort, .notASegment, .checksum: .damaged("\(path): the header of the segment is damaged")
        }
    }

    func forget(_ number: UInt32) { self.open.withLock { $0[number] = nil } }

    /// While any pin is held no segment is unlinked: for backups that link files.
    func pin() { self.pins.withLock { $0 += 1 } }
    func unpin() { self.pins.withLock { $0 -= 1 } }
    var isPinned: Bool { self.pins.withLock { $0 > 0 } }

    /// Writes header and name of a new segment to stable storage.
    func create(_ header: SegmentHeader) throws(IOFailure) -> Int32 {
        let path = self.path(of: header.number)
        let descriptor = try self.files.create(path)
        do throws(IOFailure) {
            try self.writeHeader(header, descriptor, path)
            try self.files.sync(descriptor, path)
            try self.files.syncDirectory(self.path)
            return descriptor
        } catch {
            self.files.close(descriptor)
            try? self.files.unlink(path)
            throw error
        }
    }

    /// Over a header that is damaged, on stable storage at once.
    func restore(_ header: SegmentHeader) throws(StoreError) {
        let path = self.path(of: header.number)
        try StoreError.wrap { () throws(IOFailure) in
            let descriptor = try self.files.open(path, writing: true)
            defer { self.files.close(descriptor) }
            try self.writeHeader(header, descriptor, path)
            try self.files.sync(descriptor, path)
        }
    }

    func writeHeader(_ header: SegmentHeader, _ descriptor: Int32, _ path: String) throws(IOFailure) {
        try self.files.write(descriptor, path, header.encoded(), at: 0)
    }
}
