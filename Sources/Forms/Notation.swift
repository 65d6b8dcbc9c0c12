internal import Bytes

/// How people write sizes and lengths of time, and how we write them back.
package enum Notation {
    /// `52428800`, `50 MiB`, `50M`, `2g` -> bytes; units are powers of 1024. nil for anything else.
    package static func parseBytes(_ text: String) -> Int64? {
        guard let (number, unit) = self.split(text) else { return nil }
        let shift: Int64
        switch unit {
        case "", "b", "byte", "bytes": shift = 0
        case "k", "kb", "kib": shift = 10
        case "m", "mb", "mib": shift = 20
        case "g", "gb", "gib": shift = 30
        case "t", "tb", "tib": shift = 40
        default: return nil
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
        return overflow ? nil : bytes
    }

    /// The largest unit that says it exactly.
    package static func bytes(_ count: Int64) -> String {
        for (shift, unit) in [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")] as [(Int64, String)]
        where count != 0 && count % (1 << shift) == 0 { return "\(count >> shift) \(unit)" }
        return "\(count)"
    }

    /// For people: one digit behind the point, `1.4 MiB`.
    package static func rounded(_ count: Int64) -> String {
        for (shift, unit) in [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")] as [(Int64, String)] where count >= 1 << shift {
            let tenths = (count >> (shift - 10)) * 10 / 1024
            return "\(tenths / 10).\(tenths % 10) \(unit)"
        }
        return "\(count) B"
    }

    /// `90`, `90 s`, `5 min`, `2h`, `1 d`, `2 weeks` -> seconds; nil for anything else.
    package static func parseDuration(_ text: String) -> Int64? {
        guard let (number, unit) = self.split(text) else { return nil }
        let factor: Int64
        switch unit {
        case "", "s", "sec", "second", "seconds", "秒": factor = 1
        case "m", "min", "minute", "minutes", "分": factor = 60
        case "h", "hour", "hours", "時間": factor = 3600
        case "d", "day", "days", "日": factor = 86_400
        case "w", "week", "weeks", "週間": factor = 604_800
        default: return nil
        }
        let (seconds, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : seconds
    }

    package static func duration(_ seconds: Int64) -> String {
        for (factor, unit) in [(86_400, "d"), (3600, "h"), (60, "min")] as [(Int64, String)] where seconds != 0 && seconds % factor == 0 {
            return "\(seconds / factor) \(unit)"
        }
        return "\(seconds) s"
    }

    /// `2026-11-21` when it is a day that exists, from year 1 on.
    package static func isDate(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].count == 4, parts[1].count == 2, parts[2].count == 2,
            parts.allSatisfy({ $0.allSatisfy(\.isASCIIDigit) }), let year = Int(String(parts[0]) ?? ""),
            let month = Int(String(parts[1]) ?? ""),
            let day = Int(String(parts[2]) ?? ""), year >= 1, (1...12).contains(month), day >= 1
        else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return day <= lengths[month - 1]
    }

    /// Number and unit in lower case. At most 18 digits, so that nothing overflows here.
    private static func split(_ text: String) -> (Int64, String)? {
        let digits = text.utf8.prefix(while: \.isASCIIDigit)
        guard !digits.isEmpty, digits.count <= 18, let number = Int64(String(Substring(digits))) else { return nil }
        let unit = String(text.unicodeScalars.dropFirst(digits.count).drop { $0 == " " }.map(Character.init))
        return (number, unit.asciiLowercased)
    }
}
