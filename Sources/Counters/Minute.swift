/// A minute of the clock, counted from 1 January 1970 UTC.
package struct Minute: Sendable, Hashable, Comparable {
    package let number: Int64

    package init(number: Int64) { self.number = number }
    package init(unixSeconds: Int64) { self.number = Self.floor(unixSeconds, 60) }
    package init(milliseconds: Int64) { self.number = Self.floor(milliseconds, 60_000) }

    /// Unix seconds of its beginning.
    package var unixSeconds: Int64 { self.number &* 60 }

    /// Hours since 1970.
    var hour: Int64 { Self.floor(self.number, 60) }

    package static func < (a: Self, b: Self) -> Bool { a.number < b.number }
    package static func + (a: Self, minutes: Int64) -> Self { Self(number: a.number &+ minutes) }
    package static func - (a: Self, minutes: Int64) -> Self { Self(number: a.number &- minutes) }

    private static func floor(_ value: Int64, _ unit: Int64) -> Int64 { (value >= 0 ? value : value - unit + 1) / unit }
}
