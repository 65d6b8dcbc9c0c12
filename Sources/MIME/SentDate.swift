package import Bytes

/// The Date field of a message: the moment, and the day as its writer saw it. [RFC5322-3.3]
package struct SentDate: Hashable, Sendable {
    /// Unix seconds.
    package var unixSeconds: Int64
    /// In the zone that the field names: what SENTBEFORE and its kin compare. [RFC9051-6.4.4]
    package var day: CalendarDay

    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    /// Zones with names, in minutes; the military ones say nothing. [RFC5322-4.3]
    private static let zones = [
        "edt": -240, "est": -300, "cdt": -300, "cst": -360, "mdt": -360, "mst": -420, "pdt": -420, "pst": -480, "jst": 540,
    ]
    /// Longest field that is looked at.
    private static let longest = 200

    /// Day, month and year in any order in which programs write them; nil without these three. A time that is none is midnight, a zone that is
    /// none is UTC. [RFC5256-2.2]
    package init?(_ field: some Sequence<UInt8>) {
        var parts = Parts()
        for word in Self.words(field) { parts.take(word) }
        guard let day = parts.day, let month = parts.month, let year = parts.year,
            let date = CalendarDay(year: year, month: month, day: day)
        else { return nil }
        self.day = date
        self.unixSeconds = Int64(date.number) * 86_400 + Int64(parts.time - parts.zone * 60)
    }

    private struct Parts {
        var day: Int?
        var month: Int?
        var year: Int?
        /// Seconds of the day.
        var time = 0
        var hasTime = false
        /// Minutes east of UTC.
        var zone = 0

        mutating func take(_ word: [UInt8]) {
            guard let first = word.first else { return }
            if word.contains(UInt8(ascii: ":")) {
                if !self.hasTime { self.takeTime(word) }
            } else if first == UInt8(ascii: "+") || first == UInt8(ascii: "-") {
                self.takeZone(word)
            } else if first.isASCIIDigit {
                self.takeNumber(word)
            } else {
                self.takeName(word)
            }
        }

        private mutating func takeNumber(_ word: [UInt8]) {
            // `13-Feb-1969` occurs.
            if let dash = word.firstIndex(of: UInt8(ascii: "-")) {
                for part in word.split(separator: UInt8(ascii: "-")).prefix(3) { self.take(Array(part)) }
                _ = dash
                return
            }
            guard let number = SentDate.number(word) else { return }
            if self.day == nil, word.count <= 2 {
                self.day = number
            } else if self.year == nil, self.day != nil {
                self.year = SentDate.year(number, word.count)
            }
        }

        private mutating func takeName(_ word: [UInt8]) {
            let name = String(decoding: word.prefix(3).map(\.asciiLowercased), as: UTF8.self)
            if self.month == nil, word.count >= 3, let month = SentDate.months.firstIndex(of: name) {
                self.month = month + 1
            } else if self.hasTime, word.count == 3, let zone = SentDate.zones[name] {
                self.zone = zone
            }
        }

        // RFC 5322 3.3:  time-of-day = hour ":" minute [ ":" second ]
        private mutating func takeTime(_ word: [UInt8]) {
            self.hasTime = true
            let parts = word.split(separator: UInt8(ascii: ":"), maxSplits: 3, omittingEmptySubsequences: false).map {
                SentDate.number(Array($0))
            }
            guard parts.count == 2 || parts.count == 3, let hour = parts[0], hour < 24, let minute = parts[1], minute < 60,
                let second = parts.count == 3 ? parts[2] : 0, second <= 60
            else { return }
            self.time = hour * 3600 + minute * 60 + min(second, 59)
        }

        private mutating func takeZone(_ word: [UInt8]) {
            guard self.hasTime, word.count == 5, let number = SentDate.number(Array(word.dropFirst())), number % 100 < 60, number < 2400
            else {
                return
            }
            let minutes = number / 100 * 60 + number % 100
            self.zone = word.first == UInt8(ascii: "-") ? -minutes : minutes
        }
    }

    // RFC 5322 4.3:  two digits below 50 are of this century, three digits and others count from 1900
    private static func year(_ number: Int, _ digits: Int) -> Int? {
        switch digits {
        case 2: number < 50 ? 2000 + number : 1900 + number
        case 3: 1900 + number
        case 4: number
        default: nil
        }
    }

    private static func number(_ word: [UInt8]) -> Int? {
        guard !word.isEmpty, word.count <= 4, word.allSatisfy(\.isASCIIDigit) else { return nil }
        return word.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    /// Cut at blanks and commas, comments left out.
    private static func words(_ field: some Sequence<UInt8>) -> [[UInt8]] {
        var words: [[UInt8]] = []
        var word: [UInt8] = []
        var depth = 0
        for byte in field.prefix(self.longest) {
            switch byte {
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"): depth = max(0, depth - 1)
            case _ where depth > 0: continue
            case .space, .tab, .cr, .lf, UInt8(ascii: ","): break
            default:
                word.append(byte)
                continue
            }
            if !word.isEmpty { words.append(word) }
            word = []
        }
        if !word.isEmpty { words.append(word) }
        return words
    }
}
