internal import Vocabulary

/// Listeners that a start file of an earlier version does not have. They are added to its text; everything else in it stays as it is, comments
/// and access lists too.
package struct StartFileAdditions {
    /// Services of this version for which the file has no listener at all. Who has one of a service has decided about it.
    package static func missing(in start: StartConfiguration) -> [InstancePort] {
        let served = Set(start.listeners.map(\.role.service))
        return InstancePort.allCases.filter { port in
            guard let role = port.role, !port.isOptional else { return false }
            return !served.contains(role.service)
        }
    }

    /// Listeners for what is missing: where and for whom those of POP3 listen, or the first.
    package static func listeners(for start: StartConfiguration, port: (InstancePort) -> Int) -> [StartConfiguration.Listener] {
        Self.missing(in: start).compactMap { missing in
            guard var role = missing.role else { return nil }
            let others = start.listeners.filter { $0.role.service != .lmtp && $0.role.service != .password }
            let model =
                others.first { $0.role.service == .pop3 && $0.role.implicitTLS == role.implicitTLS }
                ?? others.first { $0.role.service == .pop3 } ?? others.first
            role.isInside = model?.role.isInside ?? false
            if missing.isLoopbackOnly, let here = IPAddress(bytes: [127, 0, 0, 1]) {
                return StartConfiguration.Listener(role: role, address: .address(here), port: port(missing), allow: [], deny: [])
            }
            return StartConfiguration.Listener(
                role: role, address: model?.address ?? .any, port: port(missing), allow: model?.allow ?? [], deny: model?.deny ?? [])
        }
    }

    /// Names of their listeners: `imap, imaps`.
    package static func names(_ ports: [InstancePort]) -> String { ports.compactMap { $0.role?.name }.joined(separator: ", ") }

    /// The text with these listeners behind the others; nil where that place cannot be found, so that a person must do it.
    package static func text(_ old: String, adding listeners: [StartConfiguration.Listener], file: String) -> String? {
        guard let before = try? StartConfiguration.read(text: old, file: file) else { return nil }
        guard !listeners.isEmpty else { return old }
        var lines = old.split(separator: "\n", omittingEmptySubsequences: false)
        guard let key = lines.firstIndex(where: { $0.hasPrefix("listeners:") }) else { return nil }
        guard let item = lines[(key + 1)...].first(where: { Self.isItem($0) }) else { return nil }
        let indent = String(item.prefix { $0 == " " })
        let end = lines[(key + 1)...].firstIndex { Self.isNextKey($0) } ?? lines.endIndex
        // Blank lines and comments in front of the next key are its own.
        let last = lines[(key + 1)..<end].lastIndex { !Self.isBlankOrComment($0) } ?? key
        let entries = listeners.map { Self.entry($0, indent: indent) }.joined(separator: "\n")
        lines.insert(contentsOf: entries.split(separator: "\n"), at: last + 1)
        let text = lines.joined(separator: "\n")
        // Whatever the file looked like: it must mean what it meant, and the new listeners.
        var wanted = before
        wanted.listeners += listeners
        guard let after = try? StartConfiguration.read(text: text, file: file), after == wanted else { return nil }
        return text
    }

    /// One entry as setup writes it.
    package static func entry(_ listener: StartConfiguration.Listener, indent: String) -> String {
        var out = "\(indent)- name: \(listener.role.name)\n\(indent)  service: \(listener.role.service.rawValue)\n"
        out += "\(indent)  address: \(SetupPlan.quoted(listener.address.description))\n\(indent)  port: \(listener.port)\n"
        if listener.role.implicitTLS { out += "\(indent)  tls: true\n" }
        if listener.role.isInside { out += "\(indent)  side: inside\n" }
        for (key, entries) in [("allow", listener.allow), ("deny", listener.deny)] where !entries.isEmpty {
            out += "\(indent)  \(key): [\(entries.map(SetupPlan.quoted).joined(separator: ", "))]\n"
        }
        return out
    }

    private static func isItem(_ line: Substring) -> Bool { line.drop { $0 == " " }.hasPrefix("-") }
    private static func isBlankOrComment(_ line: Substring) -> Bool {
        let text = line.drop { $0 == " " || $0 == "\t" || $0 == "\r" }
        return text.isEmpty || text.hasPrefix("#")
    }
    private static func isNextKey(_ line: Substring) -> Bool {
        guard let first = line.first else { return false }
        return first != " " && first != "-" && first != "#" && first != "\r"
    }
}
