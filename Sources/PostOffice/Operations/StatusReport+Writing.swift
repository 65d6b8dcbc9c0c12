import Bytes
import Forms
import Vocabulary

extension StatusReport {
    /// For people.
    func lines(_ language: Language) -> [String] {
        func say(_ english: String, _ japanese: String) -> String { Localized(en: english, ja: japanese).text(language) }
        var out = [say("Post.Office \(ProductVersion.text), \(self.start.file)", "Post.Office \(ProductVersion.text)、\(self.start.file)")]
        out.append(say("Processes", "プロセス"))
        out.append("  dispatcher  " + Self.process(self.dispatcher, say("not running", "停止中")))
        out.append("  mta         " + Self.process(self.mta, say("not running", "停止中")))
        if let counts = self.counts { out += counts.lines(language).map { "  " + $0 } }
        out.append(say("Directories", "ディレクトリ"))
        for directory in self.directories {
            let space = directory.space.map { space in
                say(
                    "\(SystemFacts.text(bytes: space.free)) free of \(SystemFacts.text(bytes: space.total))",
                    "空き \(SystemFacts.text(bytes: space.free)) / \(SystemFacts.text(bytes: space.total))")
            }
            out.append("  \(directory.name.text(language))  \(directory.path)  \(space ?? say("missing", "なし"))")
        }
        out.append(say("Ports", "ポート"))
        for port in self.ports {
            let tls = port.listener.role.implicitTLS ? " TLS" : ""
            let state = port.isListening ? say("listening", "待受中") : say("closed", "閉")
            out.append("  \(port.listener.role.name)  \(port.listener.address):\(port.listener.port)\(tls)  \(state)")
        }
        out.append(say("Certificates", "証明書"))
        for certificate in self.certificates { out += certificate.lines(language).map { "  " + $0 } }
        if !self.notes.isEmpty {
            out.append(say("To know", "注意"))
            for note in self.notes { out.append("  - \(note.what.text(language))\n    \(note.cure.text(language))") }
        }
        if self.troubles.isEmpty {
            out.append(say("All is well.", "異常はありません。"))
        } else {
            out.append(say("What is wrong, and what to do", "異常と対処"))
            for trouble in self.troubles { out.append("  - \(trouble.what.text(language))\n    \(trouble.cure.text(language))") }
        }
        return out
    }

    private static func json(_ troubles: [Trouble], _ language: Language) -> JSONValue {
        .list(troubles.map { .object([("what", .text($0.what.text(language))), ("cure", .text($0.cure.text(language)))]) })
    }

    private static func process(_ pid: Int32?, _ none: String) -> String {
        guard let pid else { return none }
        return SystemFacts.memory(of: pid).map { "\(pid)  \(SystemFacts.text(bytes: $0))" } ?? "\(pid)"
    }

    func json(_ language: Language) -> JSONValue {
        .object([
            ("version", .text(ProductVersion.text)), ("configuration", .text(self.start.file)), ("running", .bool(self.isRunning)),
            (
                "processes",
                .object([
                    ("dispatcher", self.dispatcher.map { .number($0) } ?? .null), ("mta", self.mta.map { .number($0) } ?? .null),
                ])
            ),
            ("counts", self.counts?.json ?? .null), ("queue", self.queue?.json ?? .null),
            (
                "directories",
                .list(
                    self.directories.map { directory in
                        .object([
                            ("name", .text(directory.name.english)), ("path", .text(directory.path)),
                            ("free", directory.space.map { .int($0.free) } ?? .null),
                            ("total", directory.space.map { .int($0.total) } ?? .null),
                        ])
                    })
            ),
            (
                "ports",
                .list(
                    self.ports.map { port in
                        .object([
                            ("name", .text(port.listener.role.name)), ("service", .text(port.listener.role.service.rawValue)),
                            ("address", .text(port.listener.address.description)), ("port", .number(port.listener.port)),
                            ("tls", .bool(port.listener.role.implicitTLS)), ("listening", .bool(port.isListening)),
                        ])
                    })
            ),
            (
                "certificates",
                .list(self.certificates.map(\.json))
            ),
            ("notes", Self.json(self.notes, language)), ("troubles", Self.json(self.troubles, language)),
        ])
    }
}

extension StatusReport.Certificate {
    func lines(_ language: Language) -> [String] {
        guard let facts = self.facts else { return ["\(self.file)"] }
        let end = CivilTime(unixSeconds: facts.notAfter).rfc3339.prefix(10)
        let own = facts.isSelfSigned ? Localized(en: ", self-signed", ja: "、自己署名").text(language) : ""
        let until = Localized(en: "until \(end)\(own)", ja: "\(end) まで\(own)").text(language)
        return ["\(facts.names.joined(separator: " "))  \(until)", "  \(self.file)", "  SHA-256 \(facts.fingerprint)"]
    }

    var json: JSONValue {
        .object([
            ("file", .text(self.file)), ("names", .list((self.facts?.names ?? []).map { .text($0) })),
            ("issuer", .optional(self.facts?.issuer)), ("fingerprint", .optional(self.facts?.fingerprint)),
            ("notAfter", self.facts.map { .text(CivilTime(unixSeconds: $0.notAfter).rfc3339) } ?? .null),
            ("selfSigned", self.facts.map { .bool($0.isSelfSigned) } ?? .null),
        ])
    }
}
