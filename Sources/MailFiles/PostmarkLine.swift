internal import Bytes

/// The line that begins a message in an mbox file: `From SENDER DATE`, with the date as asctime(3) writes it, a zone somewhere in it
/// perhaps. [RFC4155-A]
package struct PostmarkLine: Hashable, Sendable {
    /// As it stands there; empty, or `MAILER-DAEMON`, for none.
    package var sender: String
    /// Unix seconds.
    package var date: Int64

    package init(sender: String, date: Int64) {
        self.sender = sender
        self.date = date
    }

    private static let months: [String] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    private static let days: [String] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    /// Octets of a line that is looked at.
    private static let longest = 1000

    /// nil for a line that begins with "From " and is text: a date must stand in it.
    package init?(_ line: some Collection<UInt8>) {
        guard line.count <= Self.longest, line.starts(with: "From ".utf8) else { return nil }
        let words = line.dropFirst(5).split { $0 == 32 || $0 == 9 || $0 == 13 }.map { String(decoding: $0, as: UTF8.self) }
        // From behind: a sender may be anything, also a date.
        guard let month = words.lastIndex(where: { Self.months.contains($0.lowercased()) }), month + 2 < words.count,
            let number = Self.months.firstIndex(of: words[month].lowercased()), let day = Int(words[month + 1])
        else { return nil }
        let rest = words[(month + 2)...]
        guard let time = rest.lazy.compactMap(Self.time).first, let year = rest.lazy.compactMap(Self.year).first,
            let date = CalendarDay(year: year, month: number + 1, day: day)
        else { return nil }
        let zone = rest.lazy.compactMap(Self.zone).first ?? 0
        self.date = Int64(date.number) * 86_400 + Int64(time) - Int64(zone) * 60
        let isWeekday = month > 0 && Self.days.contains { words[month - 1].lowercased().hasPrefix($0.lowercased()) }
        self.sender = words[..<(isWeekday ? month - 1 : month)].joined(separator: " ")
    }

    /// Seconds of a day.
    private static func time(_ word: String) -> Int? {
        let parts = word.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
        guard (2...3).contains(parts.count), let hour = parts[0], let minute = parts[1] else { return nil }
        guard let second = parts.count == 3 ? parts[2] : 0 else { return nil }
        guard (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second) else { return nil }
        return hour * 3600 + minute * 60 + min(second, 59)
    }

    private static func year(_ word: String) -> Int? {
        guard word.utf8.count == 4, let year = Int(word), (1970...9999).contains(year) else { return nil }
        return year
    }

    /// Minutes east of UTC. Names of zones but those of Greenwich are not believed: most stand for several.
    private static func zone(_ word: String) -> Int? {
        guard word.utf8.count == 5, let sign = word.first, sign == "+" || sign == "-", let number = Int(word.dropFirst()) else {
            return nil
        }
        let minutes = number / 100 * 60 + number % 100
        return sign == "-" ? -minutes : minutes
    }

    /// The line without its end. A sender with blanks in it would be read as something else, so that they are left out.
    package var line: String {
        let time = CivilTime(unixSeconds: self.date)
        let sender = self.sender.filter { !$0.isWhitespace && !$0.isNewline }
        let month = Self.months[(time.month + 11) % 12].capitalizedFirst
        let clock = [time.hour, time.minute, time.second].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
        let day = time.day < 10 ? " \(time.day)" : "\(time.day)"
        return "From \(sender.isEmpty ? "MAILER-DAEMON" : sender) \(Self.days[time.weekday % 7]) \(month) \(day) \(clock) \(time.year)"
    }
}

extension String {
    fileprivate var capitalizedFirst: String { self.prefix(1).uppercased() + self.dropFirst() }
}
