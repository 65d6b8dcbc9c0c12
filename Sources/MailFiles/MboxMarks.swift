internal import Bytes
package import Vocabulary

/// Fields in which mail programs keep in an mbox file what they know of a message: they are no part of it.
package struct MboxMarks: Hashable, Sendable {
    package var flags: Flags = []
    package var keywords: [String] = []
    /// The message's UID where it was written from.
    package var uid: UInt32?
    /// `X-IMAP`: what some servers put before all others; no message.
    package var isFolderData = false

    package init() {}

    private static let names = ["status", "x-status", "x-keywords", "x-uid", "x-imap", "x-imapbase", "content-length"]

    /// Takes a header line, unfolded; false when it is the message's own.
    package mutating func take(_ line: some Collection<UInt8>) -> Bool {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), line.distance(from: line.startIndex, to: colon) <= 20 else {
            return false
        }
        let name = String(decoding: line[..<colon], as: UTF8.self).asciiLowercased
        guard Self.names.contains(name) else { return false }
        let value = String(decoding: line[line.index(after: colon)...], as: UTF8.self)
        switch name {
        case "status": if value.contains("R") { self.flags.insert(.seen) }
        case "x-status":
            if value.contains("A") { self.flags.insert(.answered) }
            if value.contains("F") { self.flags.insert(.flagged) }
            if value.contains("D") { self.flags.insert(.deleted) }
            if value.contains("T") { self.flags.insert(.draft) }
        case "x-keywords": self.keywords += value.split { $0 == " " || $0 == "," || $0.isNewline }.map(String.init)
        case "x-uid": self.uid = UInt32(value.filter { !$0.isWhitespace })
        case "x-imap": self.isFolderData = true
        default: break
        }
        return true
    }

    /// The lines of a message in a file that we write.
    package static func lines(_ message: FiledMessage, uid: UInt32?) -> String {
        var status = ""
        if message.flags.contains(.answered) { status += "A" }
        if message.flags.contains(.flagged) { status += "F" }
        if message.flags.contains(.deleted) { status += "D" }
        if message.flags.contains(.draft) { status += "T" }
        var out = "Status: \(message.flags.contains(.seen) ? "RO" : "O")\n"
        if !status.isEmpty { out += "X-Status: \(status)\n" }
        if !message.keywords.isEmpty { out += "X-Keywords: \(message.keywords.joined(separator: " "))\n" }
        if let uid { out += "X-UID: \(uid)\n" }
        return out
    }
}
