package import WebPages

/// What a browser sends of a form that nobody touched: enough of HTML's rules for the markup of ours.
package enum Browser {
    /// With what a person types in place of what stands there; `nil` takes a name off.
    package static func submit(_ markup: String, typing: [String: String?] = [:]) -> PostedForm {
        var pairs: [(name: String, value: String)] = []
        var rest = Substring(markup)
        var select: String?
        var first: String?
        var chosen: String?
        while let start = rest.firstIndex(of: "<"), let end = rest[start...].firstIndex(of: ">") {
            let tag = rest[rest.index(after: start)..<end]
            rest = rest[rest.index(after: end)...]
            let kind = tag.prefix { $0 != " " }
            guard !tag.hasSuffix(" disabled"), !tag.contains(" disabled ") else { continue }
            switch kind {
            case "input":
                guard let name = self.attribute("name", tag) else { continue }
                let type = self.attribute("type", tag) ?? "text"
                if ["file", "submit", "reset"].contains(type) { continue }
                if ["checkbox", "radio"].contains(type), !self.has("checked", tag) { continue }
                pairs.append((name, self.attribute("value", tag) ?? ""))
            case "textarea":
                let body = rest[..<(rest.firstIndex(of: "<") ?? rest.endIndex)]
                let content = self.decoded(body)
                // One line end in front belongs to the markup. [HTML 4.10.11] On the way line ends become CRLF.
                let value = content.hasPrefix("\n") ? String(content.dropFirst()) : content
                pairs.append(
                    (
                        self.attribute("name", tag) ?? "",
                        value.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
                    ))
            case "select": (select, first, chosen) = (self.attribute("name", tag), nil, nil)
            case "option":
                let value = self.attribute("value", tag) ?? ""
                if first == nil { first = value }
                if self.has("selected", tag) { chosen = value }
            case "/select": if let select { pairs.append((select, chosen ?? first ?? "")) }
            default: break
            }
        }
        for (name, value) in typing {
            pairs.removeAll { $0.name == name }
            if let value { pairs.append((name, value)) }
        }
        return PostedForm(pairs)
    }

    private static func has(_ name: String, _ tag: Substring) -> Bool { tag.hasSuffix(" \(name)") || tag.contains(" \(name) ") }

    private static func attribute(_ name: String, _ tag: Substring) -> String? {
        guard let start = tag.firstRange(of: " \(name)=\"") else { return nil }
        return self.decoded(tag[start.upperBound...].prefix { $0 != "\"" })
    }

    package static func decoded(_ text: Substring) -> String {
        var out = String(text)
        for (reference, sign) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#10;", "\r"), ("&amp;", "&")] {
            out = out.split(separator: reference, omittingEmptySubsequences: false).joined(separator: sign)
        }
        return out
    }
}
