internal import Bytes
internal import Vocabulary

// Names, flags and dates.
extension Scanner {
    // RFC 9051 9:  mailbox = "INBOX" / astring
    /// UTF-8 NFC with INBOX in capitals. Empty only where `mayBeEmpty`.
    mutating func mailbox(mayBeEmpty: Bool = false) throws(GrammarFault) -> String {
        let bytes = try self.astring()
        guard let name = MailboxName.decoded(bytes, isUTF8: self.isUTF8), mayBeEmpty || !name.isEmpty else {
            throw GrammarFault(.badMailboxName, code: "CANNOT", isNO: true)
        }
        let written = String(decoding: bytes, as: UTF8.self)
        let isAsWritten = !self.isUTF8 || MailboxName.withCanonicalInbox(written).utf8.elementsEqual(name.utf8)
        self.writtenName = isAsWritten ? nil : written
        return name
    }

    // RFC 9051 9:  list-mailbox = 1*list-char / string
    mutating func listMailbox() throws(GrammarFault) -> String {
        let isBare = self.peek().map { $0.isAStringCharacter || $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "*") } ?? false
        let bytes =
            isBare
            ? Array(self.takeWhile { $0.isAStringCharacter || $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "*") }) : try self.string()
        guard let name = MailboxName.decoded(bytes, isUTF8: self.isUTF8) else {
            throw GrammarFault(.badMailboxName, code: "CANNOT", isNO: true)
        }
        return name
    }

    // RFC 9051 9:  flag = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword
    mutating func flag(_ flags: inout Flags, _ keywords: inout [String]) throws(GrammarFault) {
        guard self.take("\\") else {
            let name = try self.atom()
            guard name.utf8.count <= 255 else { throw GrammarFault(.limitExceeded, code: "LIMIT", isNO: true) }
            if !keywords.contains(where: { $0.asciiLowercased == name.asciiLowercased }) { keywords.append(name) }
            return
        }
        let name = try self.atom().asciiLowercased
        switch name {
        case "seen": flags.insert(.seen)
        case "answered": flags.insert(.answered)
        case "flagged": flags.insert(.flagged)
        case "deleted": flags.insert(.deleted)
        case "draft": flags.insert(.draft)
        default: throw GrammarFault(.unknownFlag)  // \Recent cannot be set, others do not exist [RFC3501-2.3.2]
        }
    }

    // RFC 9051 9:  flag-list = "(" [flag *(SP flag)] ")"
    mutating func flagList() throws(GrammarFault) -> (flags: Flags, keywords: [String]) {
        var flags: Flags = []
        var keywords: [String] = []
        _ = try self.list(mayBeEmpty: true) { (scanner: inout Scanner) throws(GrammarFault) in try scanner.flag(&flags, &keywords) }
        return (flags, keywords)
    }

    // RFC 9051 9:  date = date-text / DQUOTE date-text DQUOTE
    mutating func date() throws(GrammarFault) -> CalendarDay {
        let isQuoted = self.take("\"")
        let day = try self.calendarDay()
        if isQuoted { try self.expect("\"") }
        return day
    }

    /// `date-day "-" date-month "-" date-year`, a day that exists.
    private mutating func calendarDay() throws(GrammarFault) -> CalendarDay {
        let day = Int(try self.number())
        try self.expect("-")
        let name = String(decoding: self.takeWhile(\.isASCIILetter), as: UTF8.self).asciiLowercased
        guard let month = Self.months.firstIndex(of: name) else { throw GrammarFault() }
        try self.expect("-")
        let digits = self.takeWhile(\.isASCIIDigit)
        guard digits.count == 4, let year = Int(String(decoding: digits, as: UTF8.self)) else { throw GrammarFault() }
        guard let found = CalendarDay(year: year, month: month + 1, day: day) else { throw GrammarFault() }
        return found
    }

    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

    // RFC 9051 9:  date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
    /// Unix seconds.
    mutating func dateTime() throws(GrammarFault) -> Int64 {
        try self.expect("\"")
        _ = self.take(" ")  // before a day of one digit
        let day = try self.calendarDay()
        try self.expectSpace()
        let hour = try self.twoDigits(below: 24)
        try self.expect(":")
        let minute = try self.twoDigits(below: 60)
        try self.expect(":")
        let second = try self.twoDigits(below: 61)
        try self.expectSpace()
        let isWest = self.take("-")
        if !isWest { try self.expect("+") }
        let east = (try self.twoDigits(below: 24)) * 60 + (try self.twoDigits(below: 60))
        try self.expect("\"")
        let seconds = Int64(day.number) * 86_400 + hour * 3600 + minute * 60 + second
        return seconds - (isWest ? -east : east) * 60
    }

    private mutating func twoDigits(below limit: Int64) throws(GrammarFault) -> Int64 {
        guard let high = self.peek(), let low = self.peek(after: 1), high.isASCIIDigit, low.isASCIIDigit else { throw GrammarFault() }
        _ = (self.takeOne(), self.takeOne())
        let value = Int64(high - 0x30) * 10 + Int64(low - 0x30)
        guard value < limit else { throw GrammarFault() }
        return value
    }
}
