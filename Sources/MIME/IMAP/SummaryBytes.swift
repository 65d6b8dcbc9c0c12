/// A kept summary read where it lies, without a copy, by who wants one text of very many of them. Not to be kept longer than the bytes are
/// there. What has written them down is `MessageSummary`.
package struct SummaryBytes {
    private let bytes: UnsafeRawBufferPointer

    /// nil when it is of another version or damaged in its table; somebody else has compared its checksum.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= MessageSummary.tableEnd, bytes[0] == MessageSummary.version, bytes[1] == UInt8(MessageSummary.sections) else {
            return nil
        }
        self.bytes = bytes
        var last = 0
        for section in 0..<MessageSummary.sections {
            let end = self.end(section)
            guard end >= last else { return nil }
            last = end
        }
        guard last == bytes.count - MessageSummary.tableEnd else { return nil }
    }

    private func end(_ section: Int) -> Int {
        Int(UInt32(bigEndian: self.bytes.loadUnaligned(fromByteOffset: 2 + 4 * section, as: UInt32.self)))
    }

    private func section(_ number: Int) -> UnsafeRawBufferPointer {
        let start = MessageSummary.tableEnd + (number == 0 ? 0 : self.end(number - 1))
        return UnsafeRawBufferPointer(rebasing: self.bytes[start..<(MessageSummary.tableEnd + self.end(number))])
    }

    /// The field's value as UTF-8; nil where the header has no such field. As `MessageSummary.has` and `bytes`.
    package func text(_ which: MessageSummary.Text) -> UnsafeRawBufferPointer? {
        let value = self.section(which.rawValue)
        guard which.isField else { return value.isEmpty ? nil : value }
        let facts = self.section(MessageSummary.Section.facts.rawValue)
        guard facts.count >= MessageSummary.Facts.presentStart + 2 else { return nil }
        let present = UInt16(bigEndian: facts.loadUnaligned(fromByteOffset: MessageSummary.Facts.presentStart, as: UInt16.self))
        return present & 1 << UInt16(which.rawValue) != 0 ? value : nil
    }
}
