package import Vocabulary

// Invariants of this target:
// 1. Pure: values in, markup out. No IO, no clock, no session; whoever asks for a page says who is logged in and in what language.
// 2. Text from outside gets into a page through `HTML.text`, an `Attribute` or a `Link` only, and all three encode it. No function takes markup.
// 3. No inline script, no inline style, no address of another host: the page works under a content security policy of `default-src 'none'`.
// 4. Everything works without the script; the script only makes it more convenient.

/// A piece of a page: markup whose every value from outside has been encoded. Only this type can be put into a page, so nothing gets there
/// unencoded. A literal is text too.
package struct HTML: Sendable, Equatable, ExpressibleByStringLiteral {
    /// UTF-8.
    package private(set) var markup: [UInt8] = []

    package init() {}

    /// Text as it is to be read.
    package init(text: String) { self.text(text) }
    package init(stringLiteral text: StaticString) { self.text("\(text)") }

    /// A piece built in place.
    package static func build(_ content: (inout HTML) -> Void) -> HTML {
        var html = HTML()
        content(&html)
        return html
    }

    package var isEmpty: Bool { self.markup.isEmpty }

    package mutating func text(_ text: String) { Self.encode(text, into: &self.markup) }
    package mutating func text(_ text: Localized, _ language: Language) { self.text(text.text(language)) }
    package mutating func number(_ number: Int) { self.markup.append(contentsOf: "\(number)".utf8) }
    package mutating func add(_ piece: HTML) { self.markup.append(contentsOf: piece.markup) }

    /// An element with what the closure puts into it.
    package mutating func add(_ tag: Tag, _ attributes: [Attribute] = [], _ content: (inout HTML) -> Void) {
        self.open(tag, attributes)
        content(&self)
        self.markup.append(contentsOf: "</".utf8)
        self.markup.append(contentsOf: tag.rawValue.utf8)
        self.markup.append(UInt8(ascii: ">"))
    }

    package mutating func add(_ tag: Tag, _ attributes: [Attribute] = [], _ text: String) {
        self.add(tag, attributes) { $0.text(text) }
    }

    /// An element with nothing in it: `input`, `br`, or an empty cell.
    package mutating func add(_ tag: Tag, _ attributes: [Attribute] = []) {
        if tag.isVoid { self.open(tag, attributes) } else { self.add(tag, attributes) { _ in } }
    }

    package mutating func link(_ link: Link, _ attributes: [Attribute] = [], _ text: String) {
        self.add(.a, [.href(link)] + attributes, text)
    }

    /// What somebody outside wrote: what would turn the direction of writing or cannot be seen is made visible, and it cannot turn its
    /// surroundings.
    package mutating func foreign(_ text: String) { self.add(.bdi) { $0.text(Visible.text(text)) } }

    /// Markup of the page's frame, which is written in this target's source.
    mutating func raw(_ markup: [UInt8]) { self.markup.append(contentsOf: markup) }

    private mutating func open(_ tag: Tag, _ attributes: [Attribute]) {
        self.markup.append(UInt8(ascii: "<"))
        self.markup.append(contentsOf: tag.rawValue.utf8)
        for attribute in attributes { attribute.write(to: &self.markup) }
        self.markup.append(UInt8(ascii: ">"))
    }

    /// `&`, `<`, `>` and both quotes as references, so that a text is safe between tags and between quotes alike. Control characters, which
    /// HTML forbids, become U+FFFD; a CR becomes LF.
    static func encode(_ text: String, into out: inout [UInt8]) {
        var text = text
        text.withUTF8 { bytes in
            out.reserveCapacity(out.count + bytes.count)
            for (index, byte) in bytes.enumerated() {
                switch byte {
                case UInt8(ascii: "&"): out.append(contentsOf: "&amp;".utf8)
                case UInt8(ascii: "<"): out.append(contentsOf: "&lt;".utf8)
                case UInt8(ascii: ">"): out.append(contentsOf: "&gt;".utf8)
                case UInt8(ascii: "\""): out.append(contentsOf: "&quot;".utf8)
                case UInt8(ascii: "'"): out.append(contentsOf: "&#39;".utf8)
                // Browsers send CRLF for a line end, and would show two for what stands here as CR and LF.
                case 0x0D: if index + 1 == bytes.count || bytes[index + 1] != 0x0A { out.append(0x0A) }
                case 0x00..<0x09, 0x0B..<0x20, 0x7F: out.append(contentsOf: "\u{FFFD}".utf8)
                default: out.append(byte)
                }
            }
        }
    }
}
