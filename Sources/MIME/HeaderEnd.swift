internal import Bytes
package import NIOCore

// Trace fields are put directly before a message. Where it does not begin with a field of its own, its first line would go on ours, and where
// a line within its header is no field, one reader would see a header after it and another a body. Both are settled here.
extension ByteBuffer {
    /// The message with a first line as mailbox files have them ("From a@b.test Mon Nov 23 …") made a field: what stands after it is a header.
    /// - Returns: itself for any other message.
    package func withMailboxLineAsField() -> ByteBuffer {
        let hasLine = self.withUnsafeReadableBytes { bytes in
            let quote = bytes.prefix { $0 == UInt8(ascii: ">") }.count
            guard quote <= 1, bytes.dropFirst(quote).starts(with: "From ".utf8) else { return false }
            // No line may become longer than 998 octets by it. [RFC5322-2.1.1]
            let line = bytes.firstOffset(of: .lf, from: 0) ?? bytes.count
            return line <= 999 - Self.mailboxField.utf8CodeUnitCount
        }
        return hasLine ? self.inserting(Self.mailboxField, at: 0) : self
    }

    private static let mailboxField: StaticString = "X-Mailbox-Line: "

    /// The message with an empty line before the first one that is no field: there its body begins, for every reader alike. [RFC5322-2.1]
    /// - Parameters:
    ///   - end: how its header ends.
    ///   - isWhole: false for the beginning of a message.
    /// - Returns: itself where the empty line is there, or where there is nothing but fields.
    package func withHeaderEnded(_ end: HeaderReader.End, isWhole: Bool) -> ByteBuffer {
        switch end {
        case .blankLine, .tooManyFields: return self
        case .noField(let bodyStart): return self.inserting("\r\n", at: bodyStart)
        case .incomplete:
            // A message may end without a line end [RFC3030-2]: what its last line is shows when it has one.
            guard isWhole, self.withUnsafeReadableBytes({ $0.last }) != .lf else { return self }
            var ended = self
            ended.writeStaticString("\r\n")
            var reader = HeaderReader(ended)
            while reader.next() != nil {}
            if case .noField(let bodyStart)? = reader.end { return self.inserting("\r\n", at: bodyStart) }
            return self
        }
    }

    private func inserting(_ text: StaticString, at offset: Int) -> ByteBuffer {
        self.withUnsafeReadableBytes { bytes in
            let offset = min(max(0, offset), bytes.count)
            var out = ByteBuffer()
            out.reserveCapacity(bytes.count + text.utf8CodeUnitCount)
            out.writeBytes(bytes[..<offset])
            out.writeStaticString(text)
            out.writeBytes(bytes[offset...])
            return out
        }
    }
}
