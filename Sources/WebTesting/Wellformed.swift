/// Checks that markup of ours is well-formed: each element closed where it must be, attributes quoted, each id given once, and what labels and
/// descriptions point at is there. Knows the HTML that the builder writes, not all of HTML.
package struct Wellformed {
    package private(set) var faults: [String] = []
    package private(set) var ids: Set<String> = []
    private var pointers: [String] = []

    private static let void: Set<String> = ["input", "br", "hr", "img", "meta", "link"]

    package init(_ markup: [UInt8]) {
        let text = String(decoding: markup, as: UTF8.self)
        var rest = Substring(text)
        var open: [String] = []
        while let start = rest.firstIndex(of: "<") {
            let body = rest[..<start]
            if body.contains(">") || body.contains("\"") { self.faults.append("bare sign in text: \(body.prefix(60))") }
            rest = rest[rest.index(after: start)...]
            guard let end = rest.firstIndex(of: ">") else {
                self.faults.append("tag without end")
                return
            }
            let tag = String(rest[..<end])
            rest = rest[rest.index(after: end)...]
            if tag.hasPrefix("!") { continue }
            if tag.hasPrefix("/") {
                let name = String(tag.dropFirst())
                if open.last == name { open.removeLast() } else { self.faults.append("</\(name)> closes \(open.last ?? "nothing")") }
                continue
            }
            let name = String(tag.prefix { $0 != " " })
            self.attributes(tag.dropFirst(name.count))
            if !Self.void.contains(name) { open.append(name) }
        }
        if !open.isEmpty { self.faults.append("left open: \(open)") }
        for pointer in self.pointers where !self.ids.contains(pointer) { self.faults.append("nothing has the id \(pointer)") }
    }

    private mutating func attributes(_ text: Substring) {
        var rest = text
        while true {
            rest = rest.drop { $0 == " " }
            guard !rest.isEmpty else { return }
            let name = rest.prefix { $0 != "=" && $0 != " " }
            rest = rest.dropFirst(name.count)
            guard rest.hasPrefix("=") else { continue }
            guard rest.hasPrefix("=\""), let end = rest.dropFirst(2).firstIndex(of: "\"") else {
                self.faults.append("attribute \(name) without quotes")
                return
            }
            let value = String(rest[rest.index(rest.startIndex, offsetBy: 2)..<end])
            rest = rest[rest.index(after: end)...]
            if name.hasPrefix("on") || name == "style" { self.faults.append("attribute \(name)") }
            switch name {
            case "id": if !self.ids.insert(value).inserted { self.faults.append("id \(value) twice") }
            case "for", "aria-describedby", "aria-labelledby": self.pointers += value.split(separator: " ").map(String.init)
            case "href" where value.hasPrefix("#"): self.pointers.append(String(value.dropFirst()))
            default: break
            }
        }
    }
}

package func text(_ markup: [UInt8]) -> String { String(decoding: markup, as: UTF8.self) }
