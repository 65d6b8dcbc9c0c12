internal import Bytes
internal import Forms

/// Days as numbers, in UTC.
enum Day {
    /// Days since 1970-01-01 of `2026-11-21`; nil when it is none.
    static func number(_ text: String) -> Int32? {
        guard Notation.isDate(text) else { return nil }
        let parts = text.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3 else { return nil }
        // Civil date to days, by Howard Hinnant's published method (eras of 400 years from 0000-03-01).
        let year = parts[1] <= 2 ? parts[0] - 1 : parts[0]
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (parts[1] > 2 ? parts[1] - 3 : parts[1] + 9) + 2) / 5 + parts[2] - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Int32(era * 146_097 + dayOfEra - 719_468)
    }

    /// `2026-11-21`.
    static func text(_ number: Int32) -> String {
        let time = CivilTime(unixSeconds: Int64(number) * 86_400)
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(time.year)-\(two(time.month))-\(two(time.day))"
    }

    static func number(at unixSeconds: Int64) -> Int32 {
        Int32(clamping: unixSeconds >= 0 ? unixSeconds / 86_400 : (unixSeconds - 86_399) / 86_400)
    }
}
