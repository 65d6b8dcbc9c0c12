internal import Bytes

/// A place within this service. There is no way to make one that leads to another host, or that runs something.
package struct Link: Sendable, Hashable, ExpressibleByStringLiteral {
    /// Path, query and fragment, percent-encoded; ASCII.
    package let text: String

    /// A path of ours, as written in the source.
    package init(stringLiteral path: StaticString) {
        let text = "\(path)"
        self.text = Self.isOwn(text) ? text : "/"
    }

    private init(checked text: String) { self.text = text }

    /// Segments below the root; each is encoded whole, so that a slash in one is no separator.
    package init(_ segments: [String], query: [(String, String)] = [], fragment: String? = nil) {
        let path = segments.map { "/" + Self.encoded($0) }.joined()
        self.init(checked: (path.isEmpty ? "/" : path) + Self.query(query) + (fragment.map { "#" + Self.encoded($0) } ?? ""))
    }

    /// A place on the page itself.
    package init(fragment: String) { self.init(checked: "#" + Self.encoded(fragment)) }

    /// A path that came from outside (where somebody wanted to go before logging in); nil for what could lead elsewhere.
    package init?(untrusted path: String) {
        guard path.utf8.count <= 2000, Self.isOwn(path) else { return nil }
        self.init(checked: path)
    }

    /// The same place with further pairs in its query.
    package func adding(_ query: [(String, String)]) -> Link {
        let parts = self.text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let base = String(parts.first ?? "/")
        let more = Self.query(query)
        let joined = base.contains("?") ? base + "&" + more.dropFirst() : base + more
        return Link(checked: joined + (parts.count > 1 ? "#" + parts[1] : ""))
    }

    /// One slash in front and no second one, no backslash (browsers read it as a slash), visible ASCII only.
    private static func isOwn(_ path: String) -> Bool {
        let bytes = Array(path.utf8)
        guard bytes.first == UInt8(ascii: "/"), bytes.count < 2 || bytes[1] != UInt8(ascii: "/") else { return false }
        return bytes.allSatisfy {
            $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "<")
        }
    }

    private static func query(_ pairs: [(String, String)]) -> String {
        pairs.isEmpty ? "" : "?" + pairs.map { self.encoded($0.0) + "=" + self.encoded($0.1) }.joined(separator: "&")
    }

    /// Everything but the unreserved characters. [RFC3986-2.3]
    package static func encoded(_ text: String) -> String {
        var out: [UInt8] = []
        for byte in text.utf8 {
            if byte.isASCIILetter || byte.isASCIIDigit || "-._~".utf8.contains(byte) {
                out.append(byte)
            } else {
                out.append(contentsOf: [UInt8(ascii: "%"), self.hex(byte >> 4), self.hex(byte & 15)])
            }
        }
        // A segment of dots alone would be taken for a step upward.
        let result = String(decoding: out, as: UTF8.self)
        return result == "." ? "%2E" : result == ".." ? "%2E%2E" : result
    }

    private static func hex(_ digit: UInt8) -> UInt8 { digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "A") + digit - 10 }
}
