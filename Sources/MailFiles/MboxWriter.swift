/// Messages as an mbox file has them: a `From ` line, the message with LF as line end and a `>` before every line that begins with `From ` or
/// `>From `, and an empty line. [RFC4155-A]
package enum MboxWriter {
    /// One message.
    /// - Parameter uid: kept in the message's marks, so that who reads it knows where it came from.
    package static func encoded(_ message: FiledMessage, sender: String, uid: UInt32? = nil) -> [UInt8] {
        var out = Array((PostmarkLine(sender: sender, date: message.date ?? 0).line + "\n").utf8)
        out.reserveCapacity(message.content.count + 256)
        var isInHeader = true
        var rest = message.content[...]
        while !rest.isEmpty {
            let end = rest.firstIndex(of: 10) ?? rest.endIndex
            var line = rest[..<end]
            if line.last == 13 { line.removeLast() }
            rest = end == rest.endIndex ? [] : rest[(end + 1)...]
            if line.isEmpty, isInHeader {
                out += MboxMarks.lines(message, uid: uid).utf8
                isInHeader = false
            }
            if line.drop(while: { $0 == UInt8(ascii: ">") }).starts(with: "From ".utf8) { out.append(UInt8(ascii: ">")) }
            out += line
            out.append(10)
        }
        // A message of a header alone.
        if isInHeader { out += (MboxMarks.lines(message, uid: uid) + "\n").utf8 }
        out.append(10)
        return out
    }
}
