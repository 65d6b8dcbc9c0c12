internal import Bytes

/// A file that pages refer to, held in the program. Its path has a checksum of its bytes, so that browsers may keep it for a year.
package struct Asset: Sendable {
    package let link: Link
    package let contentType: String
    package let bytes: [UInt8]
    /// Says that a browser has these bytes already.
    package let tag: String

    private init(_ name: String, _ ending: String, _ contentType: String, _ text: String) {
        self.bytes = Array(text.utf8)
        self.contentType = contentType
        let sum = String(CRC32C.checksum(self.bytes), radix: 16)
        self.tag = "\"\(sum)\""
        self.link = Link(["assets", "\(name)-\(sum).\(ending)"])
    }

    package static let stylesheet = Asset("style", "css", "text/css; charset=utf-8", Stylesheet.text)
    package static let script = Asset("script", "js", "text/javascript; charset=utf-8", Script.text)
    package static let passkeys = Asset("passkeys", "js", "text/javascript; charset=utf-8", PasskeyScript.text)
    package static let all = [stylesheet, script, passkeys]

    package static func at(_ path: String) -> Asset? { self.all.first { $0.link.text == path } }
}
