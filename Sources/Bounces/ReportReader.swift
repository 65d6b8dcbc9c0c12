internal import Bytes
internal import MIME
package import NIOCore
package import Vocabulary

/// Reads a delivery status notification, ours or another's: for lists, which must know whose address failed. It believes nothing: whatever
/// is no such report gives nil, and what is odd in one is passed over. [RFC3464-2]
package struct ReportReader: Sendable {
    package struct Recipient: Sendable, Hashable {
        /// `Final-Recipient` without its type.
        package var finalRecipient: String
        /// `Original-Recipient` without its type.
        package var originalRecipient: String?
        package var action: DeliveryReport.Action
        package var status: EnhancedStatus
        package var diagnostic: String?
        package var remoteMTA: String?
    }

    package let envelopeID: String?
    package let reportingMTA: String?
    package let recipients: [Recipient]
    /// Content types of the parts, in lower case, in order.
    package let partTypes: [String]

    /// So much of a message is looked at; the status stands before the original.
    package static let wanted = 256 << 10
    private static let mostParts = 20
    private static let mostRecipients = 10_000

    /// - Parameter message: a message or its beginning.
    package init?(_ message: ByteBuffer) {
        let bytes = Array(message.readableBytesView.prefix(Self.wanted))
        let header = Self.fields(bytes[...])
        guard let type = header.values["content-type"], Self.mediaType(type) == "multipart/report", let boundary = Self.boundary(type)
        else {
            return nil
        }
        let parts = Self.parts(bytes[header.end...], boundary)
        self.partTypes = parts.map { Self.mediaType(Self.fields($0).values["content-type"] ?? "text/plain") }
        guard let index = self.partTypes.firstIndex(where: { $0 == "message/delivery-status" || $0 == "message/global-delivery-status" })
        else { return nil }
        let part = parts[index]
        let groups = Self.groups(part[Self.fields(part).end...])
        guard let first = groups.first else { return nil }
        self.envelopeID = first["original-envelope-id"]
        self.reportingMTA = first["reporting-mta"].map(Self.behindType)
        self.recipients = groups.dropFirst().prefix(Self.mostRecipients).compactMap(Self.recipient)
    }

    private static func recipient(_ fields: [String: String]) -> Recipient? {
        guard let final = fields["final-recipient"],
            let action = fields["action"].flatMap({ word in
                DeliveryReport.Action(rawValue: String(word.prefix { $0 != " " && $0 != "(" }).asciiLowercased)
            }), let status = fields["status"].flatMap(Self.status)
        else { return nil }
        return Recipient(
            finalRecipient: self.behindType(final), originalRecipient: fields["original-recipient"].map(self.behindType), action: action,
            status: status, diagnostic: fields["diagnostic-code"].map(self.behindType), remoteMTA: fields["remote-mta"].map(self.behindType)
        )
    }

    // RFC 3464 2.3.4: status-code = DIGIT "." 1*3DIGIT "." 1*3DIGIT, perhaps with a comment behind
    private static func status(_ text: String) -> EnhancedStatus? {
        let code = text.utf8.prefix { $0.isASCIIDigit || $0 == UInt8(ascii: ".") }
        let parts = code.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].count == 1, parts.allSatisfy({ (1...3).contains($0.count) }),
            let digit = String(parts[0]).flatMap({ UInt8($0) }), let subject = String(parts[1]).flatMap({ UInt16($0) }),
            let detail = String(parts[2]).flatMap({ UInt16($0) })
        else { return nil }
        return EnhancedStatus(digit, subject, detail)
    }

    /// `rfc822; jane@example.com` -> `jane@example.com`. [RFC3464-2.1.2]
    private static func behindType(_ value: String) -> String {
        guard let semicolon = value.utf8.firstIndex(of: UInt8(ascii: ";")) else { return value }
        return self.trimmed(value.utf8[value.utf8.index(after: semicolon)...])
    }

    // MARK: Lines and fields

    /// Fields by name in lower case, the first of each; `end` is behind the empty line, or where what is no field begins.
    private static func fields(_ bytes: ArraySlice<UInt8>) -> (values: [String: String], end: Int) {
        let buffer = ByteBuffer(bytes: bytes)
        var reader = HeaderReader(buffer)
        var values: [String: String] = [:]
        var end = 0
        while let field = reader.next() {
            end = field.end
            guard let name = buffer.getString(at: field.start, length: field.nameEnd - field.start)?.asciiLowercased, values[name] == nil
            else { continue }
            values[name] = String(decoding: buffer.unfolded(field), as: UTF8.self)
        }
        if case .blankLine(let start) = reader.end { end = start }
        return (values, bytes.startIndex + min(end, bytes.count))
    }

    /// Groups of fields between empty lines. A group at the end of what was given, unfinished, counts with the fields that are whole.
    private static func groups(_ bytes: ArraySlice<UInt8>) -> [[String: String]] {
        var groups: [[String: String]] = []
        // A line end at the end, so that the last field of the part is a whole one.
        var rest = (Array(bytes) + [.cr, .lf, .cr, .lf])[...]
        while !rest.isEmpty, groups.count <= self.mostRecipients {
            if rest.starts(with: [.cr, .lf]) {
                rest = rest.dropFirst(2)
                continue
            }
            let (values, end) = self.fields(rest)
            guard end > rest.startIndex, !values.isEmpty else { break }
            groups.append(values)
            rest = rest[end...]
        }
        return groups
    }

    // MARK: Multipart

    /// The parts between the boundary lines; the last one may be cut off by the end of what was given. [RFC2046-5.1.1]
    private static func parts(_ bytes: ArraySlice<UInt8>, _ boundary: [UInt8]) -> [ArraySlice<UInt8>] {
        let marker = [UInt8(ascii: "-"), UInt8(ascii: "-")] + boundary
        var parts: [ArraySlice<UInt8>] = []
        var start: Int?
        var lineStart = bytes.startIndex
        while lineStart < bytes.endIndex, parts.count < self.mostParts {
            let lineEnd = bytes[lineStart...].firstIndex(of: .lf).map { $0 + 1 } ?? bytes.endIndex
            let line = bytes[lineStart..<lineEnd]
            if line.starts(with: marker) {
                // The line end before a boundary belongs to the boundary.
                if let start { parts.append(bytes[start..<max(start, lineStart - 2)]) }
                start = lineEnd
                if line.dropFirst(marker.count).starts(with: [UInt8(ascii: "-"), UInt8(ascii: "-")]) { return parts }
            }
            lineStart = lineEnd
        }
        if let start, parts.count < self.mostParts { parts.append(bytes[start...]) }
        return parts
    }

    private static func mediaType(_ value: String) -> String {
        self.trimmed(value.utf8.prefix { $0 != UInt8(ascii: ";") }).asciiLowercased
    }

    /// The parameter `boundary`, quoted or not; at most 70 characters. [RFC2046-5.1.1]
    private static func boundary(_ value: String) -> [UInt8]? {
        var rest = value.utf8[...]
        while let semicolon = rest.firstIndex(of: UInt8(ascii: ";")) {
            rest = rest[rest.index(after: semicolon)...].drop { $0 == .space || $0 == .tab }
            guard rest.count > 9, equalIgnoringASCIICase(Array(rest.prefix(9)), Array("boundary=".utf8)) else { continue }
            let text = rest.dropFirst(9)
            let found =
                text.first == UInt8(ascii: "\"")
                ? Array(text.dropFirst().prefix { $0 != UInt8(ascii: "\"") })
                : Array(text.prefix { $0 != UInt8(ascii: ";") && $0 != .space && $0 != .tab })
            return (1...70).contains(found.count) ? found : nil
        }
        return nil
    }

    private static func trimmed(_ text: Substring.UTF8View) -> String {
        let inner = text.drop { $0 == .space || $0 == .tab }
        guard let last = inner.lastIndex(where: { $0 != .space && $0 != .tab }) else { return "" }
        return String(Substring(inner[...last]))
    }
}
