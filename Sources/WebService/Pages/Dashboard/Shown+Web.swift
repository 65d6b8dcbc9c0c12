internal import Bytes
internal import Directory
internal import Vocabulary
internal import WebPages

// Facts as pages show them.

extension WebHost {
    /// `2026-11-22 18:40:05`, by this host's clock.
    func time(_ seconds: Int64) -> String {
        let time = CivilTime(unixSeconds: seconds, offsetMinutes: self.offset(seconds))
        return String(time.rfc3339.prefix(19).map { $0 == "T" ? " " : $0 })
    }

    /// A command in the name of who asks.
    func perform(_ command: WebCommand, for request: WebRequest) -> WebCommandResult {
        var command = command
        command.actor = request.actor(self)
        // Commands note what they do, with more than the desk could know.
        if !request.method.isSafe { request.auditNote.isTold = true }
        return self.perform(command)
    }
}

extension WebRequest {
    /// For the history: who has logged in, and from where.
    func actor(_ host: WebHost) -> Actor {
        Actor(name: self.session?.who(host) ?? "unknown", interface: "web", origin: "\(self.client)")
    }

    func say(_ english: String, _ japanese: String) -> String { Localized(en: english, ja: japanese).text(self.language) }
}

enum Amounts {
    /// `1.5 GB`, in powers of 1024.
    static func bytes(_ bytes: Int64) -> String {
        let units = ["B", "KB", "MB", "GB", "TB", "PB"]
        var value = Double(bytes)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        let tenths = Int((value * 10).rounded())
        return unit == 0 || tenths >= 1000 ? "\(tenths / 10) \(units[unit])" : "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }

    /// `3 h 20 min`.
    static func duration(_ seconds: Int64, _ language: Language) -> String {
        func say(_ english: String, _ japanese: String) -> String { Localized(en: english, ja: japanese).text(language) }
        let (days, hours, minutes) = (seconds / 86_400, seconds % 86_400 / 3600, seconds % 3600 / 60)
        if days > 0 { return say("\(days) d \(hours) h", "\(days) 日 \(hours) 時間") }
        if hours > 0 { return say("\(hours) h \(minutes) min", "\(hours) 時間 \(minutes) 分") }
        return minutes > 0 ? say("\(minutes) min", "\(minutes) 分") : say("\(seconds) s", "\(seconds) 秒")
    }

    static func count(_ number: Int64) -> String { Chart.grouped(Int(clamping: number)) }
}
