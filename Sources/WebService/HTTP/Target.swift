internal import Bytes
internal import Vocabulary

/// What a request asks for: a path with its query, or a whole URL as proxies write it. [RFC9112-3.2]
struct Target {
    let path: String
    let query: Substring.UTF8View.SubSequence
    /// The host of a whole URL.
    let authority: String?

    /// nil for what is no path, not UTF-8, or climbs out of its place.
    init?(_ text: String) {
        var rest = Substring(text)
        var authority: String?
        if let scheme = ["http://", "https://"].first(where: { text.asciiLowercased.hasPrefix($0) }) {
            rest = rest.dropFirst(scheme.count)
            let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
            authority = String(rest[..<end])
            rest = rest[end...]
            if rest.isEmpty { rest = "/" }
        }
        let bytes = rest.utf8
        guard bytes.first == UInt8(ascii: "/") else { return nil }
        let border = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
        guard let path = WebFields.decoded(bytes[..<border], plusIsSpace: false) else { return nil }
        guard !path.split(separator: "/").contains(where: { $0 == ".." || $0 == "." }) else { return nil }
        self.path = path
        self.query = border < bytes.endIndex ? bytes[bytes.index(after: border)...] : bytes[bytes.endIndex...]
        self.authority = authority
    }
}

/// The name in a Host field, without its port. [RFC9110-7.2]
struct HostName {
    /// In lower case; an IPv6 address without brackets; empty where the field is.
    let text: String

    init?(_ field: String) {
        var name = Substring(field)
        if name.hasPrefix("[") {
            guard let end = name.firstIndex(of: "]"), IPAddress(String(name[name.index(after: name.startIndex)..<end])) != nil,
                Self.isPort(name[name.index(after: end)...])
            else { return nil }
            self.text = String(name[name.index(after: name.startIndex)..<end]).asciiLowercased
            return
        }
        if let colon = name.firstIndex(of: ":") {
            guard Self.isPort(name[colon...]) else { return nil }
            name = name[..<colon]
        }
        // One dot at the end stands for the root; a label is never empty.
        if name.hasSuffix(".") { name = name.dropLast() }
        guard !name.hasPrefix("."), !name.hasSuffix("."), !name.contains("..") else { return nil }
        let isPlain = name.utf8.allSatisfy {
            $0.isASCIILetter || $0.isASCIIDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_")
        }
        guard isPlain, name.utf8.count <= 255 else { return nil }
        self.text = String(name).asciiLowercased
    }

    /// Nothing, or a colon and what may follow it. [RFC3986-3.2.3]
    private static func isPort(_ text: Substring) -> Bool {
        text.isEmpty || text.first == ":" && text.dropFirst().utf8.allSatisfy(\.isASCIIDigit)
    }
}

enum AcceptedLanguages {
    /// The first of ours in an Accept-Language field, by weight and then by place. [RFC9110-12.5.4]
    static func first(_ field: String) -> Language? {
        var best: (language: Language, weight: Double)?
        for part in field.split(separator: ",").prefix(20) {
            let words = part.split(separator: ";")
            guard let tag = words.first.map({ String($0.drop { $0 == " " }).asciiLowercased }) else { continue }
            let language: Language? = tag.hasPrefix("ja") ? .japanese : tag.hasPrefix("en") ? .english : nil
            let weight =
                words.dropFirst().compactMap { word -> Double? in
                    let word = word.filter { $0 != " " }
                    return word.hasPrefix("q=") ? Double(word.dropFirst(2)) : nil
                }.first ?? 1
            guard let language, weight > 0, weight > best?.weight ?? 0 else { continue }
            best = (language, weight)
        }
        return best?.language
    }
}

extension CivilTime {
    /// `Sun, 06 Nov 1994 08:49:37 GMT` [RFC9110-5.6.7]
    var httpDate: String {
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let date = "\(days[self.weekday]), \(two(self.day)) \(months[self.month - 1]) \(self.year)"
        return "\(date) \(two(self.hour)):\(two(self.minute)):\(two(self.second)) GMT"
    }
}
