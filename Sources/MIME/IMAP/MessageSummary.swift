package import Bytes
package import NIOCore

/// What is asked of a message again and again, taken out of its blob once and kept: one buffer with a table of its sections, of which each is
/// read only when it is asked for. A summary is of the blob alone: the trace lines before it belong to one delivery.
///
/// Layout: version, number of sections, the end of each section as 32 bits, CRC-32C of all the rest, the sections.
package struct MessageSummary: Hashable, Sendable {
    /// How a value is written to the client.
    package enum Form: Hashable, Sendable {
        /// IMAP4rev1: ASCII; see `ValueWriter`.
        case ascii
        /// IMAP4rev2 or UTF8=ACCEPT: UTF-8 in quoted strings. [RFC9051-4.3] [RFC6855-3]
        case utf8
    }

    /// A header field as text, several of one name with line ends between; empty without one.
    package enum Text: Int, Hashable, Sendable, CaseIterable {
        case subject, from, to, cc, bcc
        /// Fields with identifiers, as written.
        case messageIDField, inReplyToField, referencesField
        /// Base subject. [RFC5256-2.1]
        case baseSubject
        /// The part before the `@` of the first address. [RFC5256-3]
        case fromMailbox, toMailbox, ccMailbox
        /// What a reader sees of the first address. [RFC5957-3]
        case displayFrom, displayTo
        /// Normalised, without brackets. [RFC5256-3]
        case messageID

        /// All that is in such a field, not taken out of one.
        var isField: Bool { self.rawValue <= Self.referencesField.rawValue }
    }

    /// Raised when what is kept, or how it is made, changes: older ones are made anew.
    /// 2: previews behind headers of any length.
    static let version: UInt8 = 2

    /// Sections behind those of `Text`.
    enum Section: Int, CaseIterable {
        case facts = 15, references, parts, preview, envelope, bodyStructure, body, envelopeUTF8, bodyStructureUTF8, bodyUTF8
    }

    static let sections = Text.allCases.count + Section.allCases.count
    static let tableEnd = 2 + 4 * Self.sections + 4

    private let buffer: ByteBuffer

    init(_ sections: [ByteBuffer]) {
        var out = ByteBuffer()
        out.writeInteger(Self.version)
        out.writeInteger(UInt8(Self.sections))
        var end = 0
        for section in sections {
            end += section.readableBytes
            out.writeInteger(UInt32(clamping: end))
        }
        var content = ByteBuffer()
        content.reserveCapacity(end)
        for section in sections { content.writeImmutableBuffer(section) }
        let table = out.withUnsafeReadableBytes { CRC32C.checksum($0) }
        out.writeInteger(content.withUnsafeReadableBytes { CRC32C.checksum($0, seed: table) })
        out.writeBuffer(&content)
        self.buffer = out
    }

    /// From what `encoded` gave; nil when it is of another version or damaged: make it anew.
    /// - Parameter isChecked: somebody has found the bytes to be those that were kept.
    package init?(decoding buffer: ByteBuffer, isChecked: Bool = false) {
        let isWhole = buffer.withUnsafeReadableBytes { bytes -> Bool in
            guard SummaryBytes(bytes) != nil else { return false }
            if isChecked { return true }
            let sum = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: Self.tableEnd - 4, as: UInt32.self))
            let table = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<(Self.tableEnd - 4)]))
            return CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[Self.tableEnd...]), seed: table) == sum
        }
        guard isWhole else { return nil }
        self.buffer = buffer
    }

    /// For the store to keep.
    package var encoded: ByteBuffer { self.buffer }

    private func section(_ number: Int) -> ByteBuffer {
        let table = self.buffer.readerIndex + 2
        let start = number == 0 ? 0 : self.buffer.getInteger(at: table + 4 * (number - 1), as: UInt32.self) ?? 0
        guard let end = self.buffer.getInteger(at: table + 4 * number, as: UInt32.self), end >= start else { return ByteBuffer() }
        return self.buffer.getSlice(at: self.buffer.readerIndex + Self.tableEnd + Int(start), length: Int(end - start)) ?? ByteBuffer()
    }

    private func section(_ section: Section) -> ByteBuffer { self.section(section.rawValue) }

    // MARK: Values as they go to a client, parentheses and quotes included

    package func envelope(_ form: Form) -> ByteBuffer { self.value(.envelope, .envelopeUTF8, form) }
    package func bodyStructure(_ form: Form) -> ByteBuffer { self.value(.bodyStructure, .bodyStructureUTF8, form) }
    package func body(_ form: Form) -> ByteBuffer { self.value(.body, .bodyUTF8, form) }

    /// The second form is kept only where it differs.
    private func value(_ ascii: Section, _ utf8: Section, _ form: Form) -> ByteBuffer {
        guard form == .utf8 else { return self.section(ascii) }
        let value = self.section(utf8)
        return value.readableBytes > 0 ? value : self.section(ascii)
    }

    /// UTF-8 text of at most 200 characters in one line; empty where nothing can be shown. [RFC8970-3.3]
    package var preview: ByteBuffer { self.section(.preview) }

    /// Where its parts are. Taken apart at each call.
    package var parts: MessageParts {
        var section = self.section(.parts)
        return MessageParts(reading: &section) ?? MessageParts(parts: [], size: 0)
    }

    /// Where the message's own header is in the blob, its empty line included.
    package var headerRange: Range<Int64> {
        var section = self.section(.parts)
        return MessageParts.firstHeader(reading: &section) ?? 0..<0
    }

    // MARK: Decoded text for search, sort and thread

    package func text(_ which: Text) -> String { String(buffer: self.section(which.rawValue)) }

    /// The same as bytes of UTF-8.
    package func bytes(_ which: Text) -> ByteBuffer { self.section(which.rawValue) }

    /// The header has such a field, be it empty; for the texts that are taken out of one, that there is something.
    package func has(_ which: Text) -> Bool {
        if which.isField { return self.facts.present & 1 << UInt16(which.rawValue) != 0 }
        return self.section(which.rawValue).readableBytes > 0
    }

    /// The base subject came by taking something off that replies and forwards have. [RFC5256-3]
    package var isReplyOrForward: Bool { self.facts.flags & 1 != 0 }
    /// The Date field as Unix seconds; nil without a date.
    package var sentDate: Int64? { self.facts.flags & 2 != 0 ? self.facts.sentDate : nil }
    /// The day as the Date field says it. [RFC9051-6.4.4]
    package var sentDay: CalendarDay? { self.facts.flags & 2 != 0 ? CalendarDay(number: Int(self.facts.sentDay)) : nil }
    /// Octets of the blob.
    package var size: Int64 { self.facts.size }

    /// The identifiers that say which thread this is in, oldest first, normalised. [RFC5256-3]
    package var references: [String] {
        let section = self.section(.references)
        return section.readableBytesView.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    /// What has a fixed size.
    struct Facts {
        var size: Int64
        var sentDate: Int64 = 0
        var sentDay: Int32 = 0
        /// 1: reply or forward; 2: has a date.
        var flags: UInt8 = 0
        /// Fields that are there, a bit each, by `Text`.
        var present: UInt16 = 0

        /// Where `present` begins in what is written.
        static let presentStart = 21

        func write(to out: inout ByteBuffer) {
            out.writeMultipleIntegers(self.size, self.sentDate, self.sentDay, self.flags, self.present)
        }
    }

    private var facts: Facts {
        var section = self.section(.facts)
        guard let (size, date, day, flags, present) = section.readMultipleIntegers(as: (Int64, Int64, Int32, UInt8, UInt16).self) else {
            return Facts(size: 0)
        }
        return Facts(size: size, sentDate: date, sentDay: day, flags: flags, present: present)
    }
}
