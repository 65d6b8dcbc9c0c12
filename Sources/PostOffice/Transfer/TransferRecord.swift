import Bytes
import MailFiles
import Vocabulary

/// Messages between a command that reads or writes files and the server that has the mailbox: two lines each, facts and base64.
enum TransferRecord {
    /// Octets of a message that fit into a request.
    static let longest = 64 << 20

    static func encoded(_ message: FiledMessage) -> String {
        "\(Self.facts(message))\n\(Base64.encode(message.content))\n"
    }

    /// `DATE FLAGS KEYWORDS`, each `-` for none. Keywords have no blanks.
    static func facts(_ message: FiledMessage) -> String {
        let keywords = message.keywords.isEmpty ? "-" : message.keywords.joined(separator: ",")
        return "\(message.date.map { "\($0)" } ?? "-") \(message.flags.intersection(.system).rawValue) \(keywords)"
    }

    /// A message without its content; nil for a line that is none such.
    static func message(facts line: Substring) -> FiledMessage? {
        let parts = line.split(separator: " ")
        guard parts.count == 3, let flags = UInt64(parts[1]) else { return nil }
        let keywords = parts[2] == "-" ? [] : parts[2].split(separator: ",").map(String.init)
        return FiledMessage(content: [], flags: Flags(rawValue: flags).intersection(.system), keywords: keywords, date: Int64(parts[0]))
    }

    /// nil where something else stands in the text.
    static func decoded(_ text: String) -> [FiledMessage]? {
        var out: [FiledMessage] = []
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
        if lines.last?.isEmpty == true { lines.removeLast() }
        while let facts = lines.popFirst() {
            guard var message = Self.message(facts: facts), let content = lines.popFirst(), let bytes = Base64.decode(content.utf8) else {
                return nil
            }
            message.content = bytes
            out.append(message)
        }
        return out
    }
}
