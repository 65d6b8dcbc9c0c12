internal import Bytes
internal import NIOCore
internal import Vocabulary

extension IMAPMachine {
    /// A line that is no command: of an AUTHENTICATE exchange, or DONE. One that is too long, or ends with LF alone, ends the command in
    /// hand; nil when more is needed.
    mutating func plainLine(_ input: inout ByteBuffer, limit: Int, _ out: inout Output) -> ByteBufferView? {
        guard let end = input.withUnsafeReadableBytes({ $0.firstOffset(of: .lf) }) else {
            if input.readableBytes >= limit { self.sayBye(.lineTooLong, &out) }
            return nil
        }
        guard end < limit, let line = input.readSlice(length: end + 1)?.readableBytesView else {
            self.sayBye(.lineTooLong, &out)
            return nil
        }
        guard line.count >= 2, line[line.endIndex - 2] == .cr else {
            self.bad(.badLineEnd, &out)
            return line[line.startIndex..<line.startIndex]
        }
        return line.dropLast(2)
    }
}
