import Forms
import Vocabulary

/// Numbers of a running server that `status` shows. One line on the control socket: `connections=3 harvesters=0 guessers=1 unwritten=0`.
package struct ServerCounts: Sendable, Equatable {
    /// Connections that stand.
    package var connections: Int
    /// Addresses shut out for now because they asked for too many unknown recipients.
    package var harvesters: Int
    /// Addresses shut out for now because of too many failed logins.
    package var guessers: Int
    /// Events of the log that could not be written since the start.
    package var unwritten: Int

    package init(connections: Int, harvesters: Int, guessers: Int, unwritten: Int = 0) {
        self.connections = connections
        self.harvesters = harvesters
        self.guessers = guessers
        self.unwritten = unwritten
    }

    package var line: String {
        "connections=\(self.connections) harvesters=\(self.harvesters) guessers=\(self.guessers) unwritten=\(self.unwritten)"
    }

    /// nil for anything else, as from a server of another version.
    package init?(line: String) {
        var found: [Substring: Int] = [:]
        for word in line.split(separator: " ") {
            let parts = word.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let number = Int(parts[1]) else { return nil }
            found[parts[0]] = number
        }
        guard let connections = found["connections"], let harvesters = found["harvesters"], let guessers = found["guessers"] else {
            return nil
        }
        self.init(connections: connections, harvesters: harvesters, guessers: guessers, unwritten: found["unwritten"] ?? 0)
    }

    /// For people; nothing is said of what is not.
    func lines(_ language: Language) -> [String] {
        var out = [Localized(en: "\(self.connections) connections", ja: "接続数 \(self.connections)")]
        if self.harvesters > 0 {
            out.append(
                Localized(
                    en: "\(self.harvesters) addresses shut out for now: too many unknown recipients",
                    ja: "一時的に拒否中のアドレス \(self.harvesters) 個（不明な受信者が多すぎます）"))
        }
        if self.guessers > 0 {
            out.append(
                Localized(
                    en: "\(self.guessers) addresses shut out for now: too many failed logins",
                    ja: "一時的に拒否中のアドレス \(self.guessers) 個（ログインの失敗が多すぎます）"))
        }
        return out.map { $0.text(language) }
    }

    var json: JSONValue {
        .object([
            ("connections", .number(self.connections)), ("harvesters", .number(self.harvesters)), ("guessers", .number(self.guessers)),
            ("unwritten-events", .number(self.unwritten)),
        ])
    }
}
