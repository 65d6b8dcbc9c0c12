import Bytes
import Vocabulary

/// A message on its way from the `sendmail` command to the server, as a file: what SMTP would have said, then the message with CRLF.
package struct DropFile: Sendable, Equatable {
    /// nil is `<>`.
    package var sender: String?
    package var recipients: [String]
    package var notify: Set<String>?
    package var returnsWhole: Bool?
    package var envelopeID: String?
    /// Octets of the message.
    package var size: Int64

    package init(
        sender: String?, recipients: [String], notify: Set<String>? = nil, returnsWhole: Bool? = nil, envelopeID: String? = nil,
        size: Int64
    ) {
        self.sender = sender
        self.recipients = recipients
        self.notify = notify
        self.returnsWhole = returnsWhole
        self.envelopeID = envelopeID
        self.size = size
    }

    /// First line: what it is, and in which form. [strangers are not read]
    private static let magic = "post.office drop 1"
    /// Octets of what stands before the message.
    package static let longestHead = 2 << 20
    package static let mostRecipients = 10_000

    /// Names of files that are whole begin with this; all else is still being written.
    package static let prefix = "m-"
    package static let draftPrefix = "t-"

    /// What stands before the message. Lines `key value`, the last one empty.
    package var head: [UInt8] {
        var lines = [Self.magic, "from \(self.sender ?? "")"]
        lines += self.recipients.map { "to \($0)" }
        if let notify = self.notify { lines.append("notify \(notify.sorted().joined(separator: ","))") }
        if let whole = self.returnsWhole { lines.append("return \(whole ? "full" : "hdrs")") }
        if let id = self.envelopeID { lines.append("envid \(id)") }
        lines.append("size \(self.size)")
        return Array((lines.joined(separator: "\n") + "\n\n").utf8)
    }

    /// From the beginning of a file; with the number of octets that it takes. nil for what is none, or is not whole.
    package static func read(_ bytes: [UInt8]) -> (file: DropFile, length: Int)? {
        guard let end = bytes.indices.first(where: { bytes[$0] == 0x0A && bytes[$0...].dropFirst().first == 0x0A }) else { return nil }
        let lines = bytes[..<end].split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
        guard lines.first == Self.magic else { return nil }
        var file = DropFile(sender: nil, recipients: [], size: -1)
        var hasSender = false
        for line in lines.dropFirst() {
            let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2 else { return nil }
            switch parts[0] {
            case "from": (file.sender, hasSender) = (parts[1].isEmpty ? nil : parts[1], true)
            case "to": file.recipients.append(parts[1])
            case "notify": file.notify = Set(parts[1].split(separator: ",").map(String.init))
            case "return": file.returnsWhole = parts[1] == "full"
            case "envid": file.envelopeID = parts[1]
            case "size": file.size = Int64(parts[1]) ?? -1
            default: return nil
            }
        }
        guard hasSender, file.size >= 0, (1...Self.mostRecipients).contains(file.recipients.count) else { return nil }
        return (file, end + 2)
    }
}
