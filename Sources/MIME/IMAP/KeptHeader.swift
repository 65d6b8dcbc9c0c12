internal import Bytes
package import NIOCore

/// The header of a body, kept so that a client that asks for fields is answered, octet by octet as the message has them, without opening it.
/// A short header is kept whole; of a longer one the fields that mail programs ask for, and of all others that they are there.
///
/// Layout: version, what is kept, octets of the trace lines before and behind those of each delivery, number of names that are left out, these
/// trace lines, the names as hashes, the fields. [docs/decisions: 0024]
package struct KeptHeader: Sendable, Hashable {
    private enum Kind: UInt8 {
        /// The message must be read: the header is like nobody's.
        case nothing
        case whole
        case some
    }

    /// Raised when what is kept changes: older ones are made anew.
    private static let version: UInt8 = 1
    /// Octets of a header that is kept as it is.
    package static let longestWhole = 3 << 10
    /// Octets of a header that is looked through.
    package static let longest: Int64 = 64 << 10
    /// Octets of one field, and names that are left out.
    private static let longestField = 4 << 10
    private static let mostLeftOut = 200

    private let buffer: ByteBuffer
    private let kind: Kind
    /// Offsets in the buffer: behind the fixed part, behind each of the two trace lines, behind the names.
    private let headEnd: Int
    private let tailEnd: Int
    private let namesEnd: Int

    private static let fixed = 8

    /// - Parameters:
    ///   - header: of the body, its empty line included; nil where it is too long to be looked through.
    ///   - head: trace lines that come before those of each delivery.
    ///   - tail: and those behind them; nil where nobody knows.
    package init(_ header: ByteBuffer?, head: ByteBuffer?, tail: ByteBuffer?) {
        var kept: (kind: Kind, leftOut: [UInt32], fields: ByteBuffer) = (.nothing, [], ByteBuffer())
        if let header, let head, let tail, max(head.readableBytes, tail.readableBytes) <= Self.longestWhole {
            if header.readableBytes <= Self.longestWhole { kept = (.whole, [], header) } else { kept = Self.some(of: header) }
        }
        let isKept = kept.kind != .nothing
        let ends = isKept ? (head ?? ByteBuffer(), tail ?? ByteBuffer()) : (ByteBuffer(), ByteBuffer())
        var out = ByteBuffer()
        out.writeMultipleIntegers(
            Self.version, kept.kind.rawValue, UInt16(clamping: ends.0.readableBytes), UInt16(clamping: ends.1.readableBytes),
            UInt16(clamping: kept.leftOut.count))
        out.writeImmutableBuffer(ends.0)
        out.writeImmutableBuffer(ends.1)
        for hash in kept.leftOut { out.writeInteger(hash) }
        out.writeImmutableBuffer(kept.fields)
        self.buffer = out
        self.kind = kept.kind
        self.headEnd = Self.fixed + ends.0.readableBytes
        self.tailEnd = self.headEnd + ends.1.readableBytes
        self.namesEnd = self.tailEnd + 4 * kept.leftOut.count
    }

    /// From what `encoded` gave; nil for what is of another version, or cut short.
    package init?(decoding buffer: ByteBuffer) {
        var rest = buffer
        guard
            let (version, kind, head, tail, names) = rest.readMultipleIntegers(as: (UInt8, UInt8, UInt16, UInt16, UInt16).self),
            version == Self.version, let kind = Kind(rawValue: kind)
        else { return nil }
        self.buffer = buffer
        self.kind = kind
        self.headEnd = Self.fixed + Int(head)
        self.tailEnd = self.headEnd + Int(tail)
        self.namesEnd = self.tailEnd + 4 * Int(names)
        guard self.namesEnd <= buffer.readableBytes else { return nil }
    }

    /// Bytes from one offset to another.
    private func part(_ start: Int, _ end: Int) -> ByteBuffer {
        self.buffer.getSlice(at: self.buffer.readerIndex + start, length: end - start) ?? ByteBuffer()
    }

    private func isLeftOut(_ hash: UInt32) -> Bool {
        var at = self.buffer.readerIndex + self.tailEnd
        while at < self.buffer.readerIndex + self.namesEnd {
            if self.buffer.getInteger(at: at, as: UInt32.self) == hash { return true }
            at += 4
        }
        return false
    }

    /// For the store to keep.
    package var encoded: ByteBuffer { self.buffer }

    private static func some(of header: ByteBuffer) -> (Kind, [UInt32], ByteBuffer) {
        header.withUnsafeReadableBytes { bytes in
            // A first line that goes on would belong to the last trace line.
            guard let first = bytes.first, first != .space, first != .tab else { return (.nothing, [], ByteBuffer()) }
            var out = ByteBuffer()
            var leftOut: Set<UInt32> = []
            HeaderFieldFilter.walk(bytes) { range, name in
                guard let name else {
                    // The empty line; a line that is no field is in no answer but that of the whole header.
                    if HeaderFieldFilter.isBlank(bytes, range.lowerBound) { out.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[range])) }
                    return
                }
                let word = UnsafeRawBufferPointer(rebasing: bytes[name])
                if range.count <= self.longestField, self.usual.has(word) {
                    out.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[range]))
                } else {
                    leftOut.insert(FieldNameHash.of(word))
                }
            }
            // A field of which one is left out must not be told by another of its name.
            guard leftOut.count <= self.mostLeftOut else { return (.nothing, [], ByteBuffer()) }
            return (.some, leftOut.sorted(), out)
        }
    }

    // MARK: Answers

    /// The message must be read whatever is asked.
    package var answersNothing: Bool { self.kind == .nothing }

    /// The whole header; nil where the message must be read.
    /// - Parameters:
    ///   - trace: trace lines of this delivery.
    ///   - isWhole: they stand alone.
    package func header(_ trace: ByteBuffer, isWhole: Bool) -> ByteBuffer? {
        self.kind == .whole ? self.behind(trace, isWhole) : nil
    }

    /// What the filter leaves of it; nil as above.
    package func subset(_ filter: HeaderFieldFilter, _ trace: ByteBuffer, isWhole: Bool) -> ByteBuffer? {
        switch self.kind {
        case .nothing: return nil
        case .whole: break
        case .some:
            if filter.isExcluding || filter.hashes.contains(where: self.isLeftOut) { return nil }
        }
        return filter.subset(of: self.behind(trace, isWhole))
    }

    private func behind(_ trace: ByteBuffer, _ isWhole: Bool) -> ByteBuffer {
        let fields = self.part(self.namesEnd, self.buffer.readableBytes)
        if trace.readableBytes == 0, isWhole || self.tailEnd == Self.fixed { return fields }
        var out = ByteBuffer()
        out.reserveCapacity(trace.readableBytes + self.tailEnd + fields.readableBytes)
        if !isWhole { out.writeImmutableBuffer(self.part(Self.fixed, self.headEnd)) }
        out.writeImmutableBuffer(trace)
        if !isWhole { out.writeImmutableBuffer(self.part(self.headEnd, self.tailEnd)) }
        out.writeImmutableBuffer(fields)
        return out
    }

    /// What mail programs ask for when they list messages. The rest (trace fields of other servers, signatures, notes of filters) is most of a
    /// long header.
    private static let usual = HeaderFieldFilter(
        [
            "from", "to", "cc", "bcc", "subject", "date", "message-id", "in-reply-to", "references", "reply-to", "sender",
            "content-type", "content-transfer-encoding", "content-description", "content-disposition", "content-language", "mime-version",
            "list-id", "list-post", "list-unsubscribe", "list-unsubscribe-post", "list-help", "list-archive", "list-subscribe",
            "list-owner", "x-mailing-list", "mailing-list", "x-priority", "priority", "importance", "x-msmail-priority", "precedence",
            "auto-submitted", "delivered-to", "x-original-to", "original-to", "envelope-to", "return-path", "newsgroups", "followup-to",
            "disposition-notification-to", "return-receipt-to", "x-confirm-reading-to", "mail-followup-to", "mail-reply-to", "resent-from",
            "resent-to", "resent-cc", "resent-date", "resent-message-id", "resent-sender", "x-label", "x-keywords", "keywords", "x-spam",
            "x-spam-flag", "x-spam-level", "x-spam-score", "x-mailer", "user-agent", "organization", "lines", "status", "x-status",
            "content-class", "original-message-id", "thread-topic", "x-forwarded-message-id", "x-tuid", "x-uniform-type-identifier",
            "x-universally-unique-identifier", "x-mozilla-draft-info", "x-mozilla-keys", "supersedes", "expires", "autocrypt",
        ], isExcluding: false)
}
