internal import Bytes
package import NIOCore

/// Reads the structure of a message from its bytes, in pieces of any size: what comes out does not depend on how they were cut. Memory is
/// bounded by `MIMELimits`, time is linear in the bytes, nothing recurses and nothing is refused: what is no MIME is a part without parts.
/// [RFC2046-5.1]
///
///     var parser = MIMEParser()
///     parser.read(piece) …
///     let structure = parser.finish()
package struct MIMEParser: Sendable {
    private enum State: Sendable {
        /// In the fields of the entity on top.
        case header
        /// In a body, a preamble or an epilogue: only boundaries matter.
        case body
    }

    /// An entity that is not at its end.
    private struct Open: Sendable {
        var index: Int
        /// `--boundary`; empty for what is no multipart or is not looked into.
        var delimiter: [UInt8] = []
        /// The closing delimiter was met: what follows up to the next outer one is epilogue.
        var isClosed = false
        /// Line ends of the message before the body began.
        var linesBefore: Int64 = 0
    }

    private let limits: MIMELimits
    private var entities: [MIMEEntity] = []
    private var open: [Open] = []
    private var state = State.header
    private var isTruncated = false
    /// Octets so far, and line ends.
    private(set) var position: Int64 = 0
    private var lines: Int64 = 0

    // The line at hand: its beginning, as far as anything could be made of it.
    private var line: [UInt8] = []
    private(set) var lineStart: Int64 = 0
    private var lastByte: UInt8 = 0
    /// Octets of the line end before the line at hand: they belong to the boundary that the line may be. [RFC2046-5.1.1]
    private var endBefore: Int64 = 0

    /// Of the entity on top: its fields so far.
    private var header = HeaderCollector()

    /// Headers of messages are kept as they stand.
    private let keepsHeaders: Bool
    private var headers: [Int: [UInt8]] = [:]
    private var headerRoom = 1 << 20
    /// Those of the entity on top, if it is a message.
    private var rawHeader: [UInt8] = []
    private var isKept = false

    package init(_ limits: MIMELimits = MIMELimits()) { self.init(limits, keepsHeaders: false) }

    init(_ limits: MIMELimits, keepsHeaders: Bool) {
        self.limits = limits
        self.keepsHeaders = keepsHeaders
        self.begin(parent: nil, depth: 0, type: .plain, at: 0)
    }

    /// Where the body of the message begins; nil as long as its header goes on.
    private(set) var bodyStart: Int64?

    // MARK: Input

    package mutating func read(_ piece: ByteBuffer) { piece.withUnsafeReadableBytes { self.read($0) } }

    package mutating func read(_ bytes: UnsafeRawBufferPointer) {
        var start = 0
        while start < bytes.count {
            let newline = bytes.firstOffset(of: .lf, from: start)
            let end = newline.map { $0 + 1 } ?? bytes.count
            self.keep(bytes[start..<end])
            if let newline {
                let before = newline > 0 ? bytes[newline - 1] : self.lastByte
                let isAlone = self.position + Int64(newline - start) == self.lineStart
                self.endLine(at: self.position + Int64(end - start), isReturn: before == .cr && !isAlone)
            }
            self.position += Int64(end - start)
            if newline != nil { self.lineStart = self.position }
            self.lastByte = bytes[end - 1]
            start = end
        }
    }

    /// The message is over.
    package mutating func finish() -> MIMEStructure {
        if !self.line.isEmpty { self.takeLine(until: self.position) }
        if self.state == .header { self.endHeader(at: self.position, bodyAt: self.position) }
        self.close(downTo: 0, at: self.position, lines: self.lines)
        return MIMEStructure(entities: self.entities, size: self.position, isTruncated: self.isTruncated, headers: self.headers)
    }

    /// Of a body only lines that begin like a boundary are looked at.
    private mutating func keep(_ bytes: Slice<UnsafeRawBufferPointer>) {
        guard self.state == .header || !self.line.isEmpty || (self.position == self.lineStart && bytes.first == UInt8(ascii: "-")) else {
            return
        }
        let room = self.lineLimit - self.line.count
        if room > 0 { self.line.append(contentsOf: bytes.prefix(room)) }
    }

    /// What is kept of a line: so much as a boundary can have with its dashes, blanks and line end; in a header what a field may have.
    private var lineLimit: Int { self.state == .header ? max(self.limits.boundary, self.limits.fieldBody) + 16 : self.limits.boundary + 16 }

    private mutating func endLine(at end: Int64, isReturn: Bool) {
        self.takeLine(until: end)
        self.lines += 1
        self.endBefore = isReturn ? 2 : 1
        self.line.removeAll(keepingCapacity: true)
    }

    /// - Parameter end: behind the line end.
    private mutating func takeLine(until end: Int64) {
        if self.line.count > 2, self.line[0] == UInt8(ascii: "-"), self.line[1] == UInt8(ascii: "-"), let (level, isLast) = self.boundary()
        {
            return self.meet(level, isLast: isLast, until: end)
        }
        guard self.state == .header else { return }
        switch self.header.take(self.line, self.limits) {
        case .field: if self.isKept { self.keepHeader() }
        case .blank: self.endHeader(at: end, bodyAt: end)
        case .body: self.endHeader(at: self.lineStart, bodyAt: self.lineStart)
        }
    }

    private mutating func keepHeader() {
        guard self.rawHeader.count + self.line.count + 2 <= min(self.headerRoom, Self.longestHeader) else { return }
        self.rawHeader += self.line
        if self.line.last != .lf { self.rawHeader += [.cr, .lf] }
    }

    /// Octets of one header that are kept.
    private static let longestHeader = 256 << 10

    // MARK: Boundaries

    /// Which open multipart the line belongs to, the innermost first, and whether it is its last one. A line that begins with the delimiter and
    /// goes on with something else is none. [RFC2046-5.1.1]
    private func boundary() -> (level: Int, isLast: Bool)? {
        for level in self.open.indices.reversed() where !self.open[level].delimiter.isEmpty {
            let delimiter = self.open[level].delimiter
            guard self.line.starts(with: delimiter) else { continue }
            var rest = self.line[delimiter.count...]
            let isLast = rest.starts(with: [UInt8(ascii: "-"), UInt8(ascii: "-")])
            if isLast { rest = rest.dropFirst(2) }
            guard rest.allSatisfy({ $0 == .space || $0 == .tab || $0 == .cr || $0 == .lf }) else { continue }
            // In an epilogue nothing of the same multipart begins any more.
            return self.open[level].isClosed ? nil : (level, isLast)
        }
        return nil
    }

    private mutating func meet(_ level: Int, isLast: Bool, until end: Int64) {
        let bodyEnd = max(self.lineStart - self.endBefore, 0)
        let bodyLines = self.lines - (self.endBefore > 0 ? 1 : 0)
        if self.state == .header { self.endHeader(at: self.lineStart, bodyAt: self.lineStart, isLooked: false) }
        self.close(downTo: level + 1, at: bodyEnd, lines: bodyLines)
        self.state = .body
        guard !isLast else {
            self.open[level].isClosed = true
            return
        }
        guard self.entities.count < self.limits.parts else {
            self.isTruncated = true
            return
        }
        let parent = self.open[level].index
        let isDigest = self.entities[parent].type.subtype == "digest"
        self.begin(parent: parent, depth: self.entities[parent].depth + 1, type: isDigest ? .message : .plain, at: end)
    }

    // MARK: Entities

    private mutating func begin(parent: Int?, depth: Int, type: MediaType, at offset: Int64) {
        let index = self.entities.count
        self.entities.append(MIMEEntity(at: offset, parent: parent, depth: depth, type: type))
        if let parent {
            if case .parts(let parts) = self.entities[parent].content {
                self.entities[parent].content = .leaf  // the list has one owner while it grows
                self.entities[parent].content = .parts(parts + [index])
            } else if self.entities[parent].type.isMessage {
                self.entities[parent].content = .message(index)
            }
        }
        self.open.append(Open(index: index))
        self.header = HeaderCollector()
        self.isKept = self.keepsHeaders && (parent.map { self.entities[$0].content == .message(index) } ?? true)
        self.state = .header
    }

    /// The entity on top has all its fields.
    /// - Parameter isLooked: false where its body is over with the header.
    private mutating func endHeader(at end: Int64, bodyAt body: Int64, isLooked: Bool = true) {
        self.state = .body
        guard let top = self.open.last else { return }
        if self.isKept {
            self.headerRoom -= self.rawHeader.count
            self.headers[top.index] = self.rawHeader
            self.rawHeader = []
            self.isKept = false
        }
        let level = self.open.count - 1
        var entity = self.entities[top.index]
        entity.header = entity.header.lowerBound..<max(end, entity.header.lowerBound)
        entity.body = body..<body
        if top.index == 0 { self.bodyStart = body }
        self.header.apply(to: &entity, self.limits)
        self.open[level].linesBefore = self.lines + (body > self.lineStart ? 1 : 0)
        let mayGoDeeper = entity.depth < self.limits.depth
        if entity.type.isMultipart {
            if let boundary = entity.type["boundary"], !boundary.isEmpty, boundary.utf8.count <= self.limits.boundary, mayGoDeeper {
                self.open[level].delimiter = Array("--\(boundary)".utf8)
                entity.content = .parts([])
            } else {
                self.isTruncated = true
            }
            self.entities[top.index] = entity
        } else if entity.type.isMessage, entity.encoding.isIdentity, isLooked {
            self.entities[top.index] = entity
            if mayGoDeeper, self.entities.count < self.limits.parts {
                self.begin(parent: top.index, depth: entity.depth + 1, type: .plain, at: body)
            } else {
                self.isTruncated = true
            }
        } else {
            self.entities[top.index] = entity
        }
    }

    /// Ends what is open from a level on. A part that is over with its header keeps the line end before the boundary, which its parents then have too.
    private mutating func close(downTo level: Int, at end: Int64, lines: Int64) {
        var (end, lines) = (end, lines)
        while self.open.count > level, let last = self.open.popLast() {
            let start = self.entities[last.index].body.lowerBound
            if start > end { (end, lines) = (start, self.lines) }
            self.entities[last.index].body = start..<end
            self.entities[last.index].lines = max(0, lines - last.linesBefore)
        }
    }
}
