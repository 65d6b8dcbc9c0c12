import Vocabulary

/// What a `.forward` file or an alias of sendmail's leads to. Programs, files and lists of addresses in files are told, and never carried out: they
/// ran with rights that nothing here has.
package struct ForwardTargets: Sendable, Equatable {
    package var addresses: [String] = []
    /// `\user`: a copy stays in the user's own mailbox.
    package var keepsCopy = false
    /// `|program`, `/file`, `:include:file`, and what cannot be read.
    package var others: [String] = []

    /// - Parameter user: whose own name, with or without a backslash, is his own mailbox.
    package init(_ lines: [String], user: String, domain: String) {
        for line in lines where !line.hasPrefix("#") {
            for target in Self.split(line) {
                let plain = target.first == "\\" ? String(target.dropFirst()) : target
                if plain == user {
                    self.keepsCopy = true
                } else if let first = plain.first, first == "|" || first == "/" || first == ":" {
                    self.others.append(target)
                } else {
                    let full = plain.contains("@") ? plain : "\(plain)@\(domain)"
                    if let address = try? Address(parsing: full) { self.addresses.append("\(address)") } else { self.others.append(target) }
                }
            }
        }
    }

    /// At commas outside quotes; the quotes around a program are left out.
    private static func split(_ line: String) -> [String] {
        var out: [String] = []
        var current = ""
        var isQuoted = false
        for character in line {
            switch character {
            case "\"": isQuoted.toggle()
            case "," where !isQuoted:
                out.append(current)
                current = ""
            default: current.append(character)
            }
        }
        out.append(current)
        return out.map { text in
            var text = Substring(text)
            while let first = text.first, first.isWhitespace { text.removeFirst() }
            while let last = text.last, last.isWhitespace { text.removeLast() }
            return String(text)
        }.filter { !$0.isEmpty }
    }

    /// `/etc/aliases`: names with their targets, continuation lines joined.
    package static func aliases(_ text: String, domain: String) -> [(name: String, targets: ForwardTargets)] {
        var joined: [String] = []
        for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
            if let first = line.first, first == " " || first == "\t", !joined.isEmpty {
                joined[joined.count - 1] += line
            } else {
                joined.append(String(line))
            }
        }
        return joined.compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let name = line[..<colon].filter { !$0.isWhitespace && $0 != "\"" }
            guard !name.isEmpty else { return nil }
            return (name.lowercased(), ForwardTargets([String(line[line.index(after: colon)...])], user: "", domain: domain))
        }
    }

    /// Names of which every way leads back to one that was passed: mail for them would reach nobody.
    package static func circles(_ aliases: [(name: String, targets: ForwardTargets)], domain: String) -> Set<String> {
        let next = Dictionary(aliases.compactMap { name, targets in targets.addresses.first.map { ("\(name)@\(domain)", $0) } }) { $1 }
        return Set(
            aliases.map(\.name).filter { name in
                var at = "\(name)@\(domain)"
                var seen: Set<String> = [at]
                while let target = next[at] {
                    guard seen.insert(target).inserted else { return true }
                    at = target
                }
                return false
            })
    }
}
