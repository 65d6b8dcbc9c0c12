import Bytes
import MIME
import Testing

@Suite("Base subjects, dates and identifiers")
struct SubjectAndDateTests {
    @Test(
        "base subjects by RFC 5256 2.1",
        arguments: [
            ("", "", false), ("Hello", "Hello", false), ("Re: Hello", "Hello", true), ("RE:Hello", "Hello", true),
            ("re  : Hello", "Hello", true),
            ("Fw: Hello", "Hello", true), ("FWD: Hello", "Hello", true), ("Re: Fwd: Re: Hello", "Hello", true),
            ("Reply: Hello", "Reply: Hello", false),
            ("[list] Hello", "Hello", false), ("[list] Re: Hello", "Hello", true), ("Re: [list] Hello", "Hello", true),
            ("Re[2]: Hello", "Hello", true), ("Re [list] : Hello", "Hello", true), ("[a][b] [c] Re: Hello", "Hello", true),
            ("[only]", "[only]", false), ("Re: [only]", "[only]", true), ("[a] [b]", "[b]", false),
            ("Hello (fwd)", "Hello", true), ("Hello (FWD) (fwd) ", "Hello", true), ("(fwd)", "", true),
            ("[fwd: Hello]", "Hello", true), ("[Fwd: Re: Hello (fwd)]", "Hello", true), ("[fwd: [fwd: Hello]]", "Hello", true),
            ("Re: [fwd: [list] Hello] (fwd)", "Hello", true), ("[fwd: Hello", "[fwd: Hello", false), ("[fwd: Hello] there", "there", false),
            ("  a \t b  ", "a b", false), ("Re:", "", true), ("Re: Re:", "", true), ("会議 Re: x", "会議 Re: x", false), ("Re: 会議", "会議", true),
            ("[a]b[c]", "b[c]", false), ("[[a]] b", "[[a]] b", false), ("[fwd:]", "", true),
        ])
    func baseSubjects(_ subject: String, _ base: String, _ isReply: Bool) {
        let found = BaseSubject(subject)
        #expect(found.text == base)
        #expect(found.isReplyOrForward == isReply)
    }

    @Test(
        "dates as programs write them",
        arguments: [
            ("Thu, 13 Feb 1969 23:32:54 -0330", -27_723_426), ("Thu, 13\r\n Feb\t1969 23:32 -0330 (Newfoundland Time)", -27_723_480),
            ("Fri, 21 Nov 1997 09:55:06 -0600", 880_127_706), ("21 Nov 97 09:55:06 GMT", 880_106_106),
            ("1 Jan 100 00:00:00 +0000", 946_684_800),
            ("Thu Feb 13 23:32:54 1969 -0330", -27_723_426), ("31 Dec 2000 16:01:33 -0800", 978_307_293),
            ("13-Feb-1969 00:00:00 +0000", -27_820_800),
            ("1 Jan 2026 99:99 +0900", 1_767_193_200), ("1 Jan 2026 12:00 +99", 1_767_268_800), ("1 Jan 2026", 1_767_225_600),
            ("1 Jan 2026 09:00 JST", 1_767_225_600), ("29 Feb 2028 23:59:60 +0000", 1_835_481_599),
        ])
    func dates(_ field: String, _ seconds: Int64) { #expect(SentDate(field.utf8)?.unixSeconds == seconds) }

    @Test(
        "what is no date",
        arguments: ["", "tomorrow", "31 Feb 2026 00:00:00 +0000", "1 Jan", "Jan 2026", "0 Jan 2026", "1 Foo 2026", "((("])
    func noDates(_ field: String) { #expect(SentDate(field.utf8) == nil) }

    @Test("the day is the one that stands there")
    func days() {
        #expect(SentDate("31 Dec 2000 16:01:33 -0800".utf8)?.day == CalendarDay(year: 2000, month: 12, day: 31))
    }

    @Test("days count from 1970 and exist")
    func calendar() {
        #expect(CalendarDay(year: 1970, month: 1, day: 1)?.number == 0)
        #expect(CalendarDay(year: 2000, month: 2, day: 29)?.number == 11016)
        #expect(CalendarDay(year: 1900, month: 2, day: 29) == nil)
        #expect(CalendarDay(year: 2026, month: 13, day: 1) == nil)
        for number in stride(from: -700_000, through: 2_900_000, by: 9973) {
            #expect(CalendarDay(CivilTime(unixSeconds: Int64(number) * 86_400)).number == number)
        }
    }

    @Test("identifiers are the same whatever their quotes [RFC5256-3]")
    func identifiers() {
        #expect(MessageIdentifiers.all(in: "<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>".utf8) == ["01KF8JCEOCBS0045PS@xxx.yyy.com"])
        #expect(MessageIdentifiers.all(in: "a <b@c> (d) <e\r\n @f> <> <<g@h> <i".utf8) == ["b@c", "e@f", "g@h"])
    }
}
