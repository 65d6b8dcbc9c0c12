internal import Bytes

/// The base subject: what is left of a subject without what replies and forwards put around it. [RFC5256-2.1]
package struct BaseSubject: Hashable, Sendable {
    package var text: String
    /// Something was taken off that replies and forwards have: a `Re:`, a `(fwd)` at the end, a `[fwd: … ]`. [RFC5256-3]
    package var isReplyOrForward = false

    /// Octets of a subject that are looked at.
    private static let longest = 8 << 10

    /// - Parameter subject: with its encoded words decoded.
    package init(_ subject: String) {
        let subject = Self.singleSpaced(subject)
        var rest = subject[...]
        repeat {
            self.isReplyOrForward = Self.dropTrailers(&rest) || self.isReplyOrForward
            repeat {
                self.isReplyOrForward = Self.dropLeaders(&rest) || self.isReplyOrForward
            } while Self.dropBlob(&rest)
            // (6)  subj-fwd-hdr subject subj-fwd-trl
            guard Self.begins(rest, with: "[fwd:"), rest.last == UInt8(ascii: "]") else { break }
            rest = rest.dropFirst(5).dropLast()
            self.isReplyOrForward = true
        } while true
        self.text = String(decoding: rest, as: UTF8.self)
    }

    /// (1) Tabs and line ends become spaces, runs of spaces one.
    private static func singleSpaced(_ subject: String) -> [UInt8] {
        var out: [UInt8] = []
        for byte in subject.utf8.prefix(self.longest) {
            let isBlank = byte == .space || byte == .tab || byte == .cr || byte == .lf
            if isBlank, out.last == .space { continue }
            out.append(isBlank ? .space : byte)
        }
        return out
    }

    // (2)  subj-trailer = "(fwd)" / WSP
    private static func dropTrailers(_ rest: inout ArraySlice<UInt8>) -> Bool {
        var isForward = false
        while true {
            if rest.last == .space {
                rest = rest.dropLast()
            } else if rest.count >= 5, self.begins(rest.suffix(5), with: "(fwd)") {
                rest = rest.dropLast(5)
                isForward = true
            } else {
                return isForward
            }
        }
    }

    // (3)  subj-leader = (*subj-blob subj-refwd) / WSP
    private static func dropLeaders(_ rest: inout ArraySlice<UInt8>) -> Bool {
        var isReply = false
        while true {
            if rest.first == .space {
                rest = rest.dropFirst()
                continue
            }
            var ahead = rest
            while let behind = self.blob(ahead) { ahead = behind }
            guard let behind = self.mark(ahead) else { return isReply }
            rest = behind
            isReply = true
        }
    }

    // (4)  a blob goes if something is left behind it
    private static func dropBlob(_ rest: inout ArraySlice<UInt8>) -> Bool {
        guard let behind = self.blob(rest), !behind.isEmpty else { return false }
        rest = behind
        return true
    }

    // subj-blob = "[" *BLOBCHAR "]" *WSP
    private static func blob(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard text.first == UInt8(ascii: "["),
            let end = text.dropFirst().firstIndex(where: { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "]") }),
            text[end] == UInt8(ascii: "]")
        else { return nil }
        return text[(end + 1)...].drop { $0 == .space }
    }

    // subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"
    private static func mark(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let length = self.begins(text, with: "re") ? 2 : self.begins(text, with: "fwd") ? 3 : self.begins(text, with: "fw") ? 2 : 0
        guard length > 0 else { return nil }
        var rest = text.dropFirst(length).drop { $0 == .space }
        if let behind = self.blob(rest) { rest = behind }
        return rest.first == UInt8(ascii: ":") ? rest.dropFirst() : nil
    }

    private static func begins(_ text: ArraySlice<UInt8>, with word: StaticString) -> Bool {
        guard text.count >= word.utf8CodeUnitCount else { return false }
        return word.withUTF8Buffer { zip(text, $0).allSatisfy { $0.asciiLowercased == $1 } }
    }
}
