/// A day without a time or zone, counted from 1970-01-01: what SEARCH compares. [RFC9051-6.4.4]
package struct CalendarDay: Hashable, Sendable, Comparable {
    /// Days since 1970-01-01.
    package let number: Int

    package init(number: Int) { self.number = number }

    /// nil for a day that does not exist; proleptic Gregorian, years 1...9999.
    package init?(year: Int, month: Int, day: Int) {
        guard (1...9999).contains(year), (1...12).contains(month), day >= 1, day <= Self.days(in: month, of: year) else { return nil }
        self.number = Self.count(year, month, day)
    }

    package init(_ time: CivilTime) { self.number = Self.count(time.year, time.month, time.day) }

    package static func < (a: Self, b: Self) -> Bool { a.number < b.number }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Civil date to days, by Howard Hinnant's published method (eras of 400 years from 0000-03-01).
    private static func count(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
