import IMAPWire
import Testing
import Vocabulary

/// What a peer controls, just within its bound and just beyond.
@Suite struct LimitsTests {
    private let limits = IMAPLimits()

    // MARK: Octets

    @Test("Who has not logged in has literals of 4 KiB: one octet more is refused before it comes")
    func literalBeforeLogin() {
        #expect(self.limits.literalBeforeLogin == 4096)
        var within = Client(FakeOffice())
        #expect(within.session.exchange("a LOGIN {4096}\r\n").hasPrefix("+ "))
        var beyond = Client(FakeOffice())
        #expect(beyond.session.exchange("a LOGIN {4097}\r\n").hasPrefix("a BAD [TOOBIG] "))
        #expect(!beyond.session.isClosed)
    }

    @Test("A line of more than 8 KiB is for who has logged in alone, and has a bound then too")
    func lines() {
        #expect(self.limits.lineBeforeLogin == 8192 && self.limits.line == 65_536)
        // Nobody may search before login: what counts is that the line was read.
        var stranger = Client(FakeOffice())
        #expect(stranger.command(Self.search(8000)).result.hasPrefix("BAD log in first"))
        let refused = stranger.session.exchange("a \(Self.search(8700))\r\n")
        #expect(refused.contains("BAD [TOOBIG] "), "\(refused)")
        var known = Client.inInbox(FakeOffice())
        #expect(known.command(Self.search(8700)).result.hasPrefix("OK "))
        #expect(known.command(Self.search(65_000)).result.hasPrefix("OK "))
        let long = known.session.exchange("a \(Self.search(66_200))\r\n")
        #expect(long.contains("BAD [TOOBIG] "), "\(long)")
    }

    /// A search of so many octets or a few less, in few enough keys.
    private static func search(_ count: Int) -> String {
        let key = "SUBJECT \"" + String(repeating: "x", count: 200) + "\""
        return "SEARCH" + String(repeating: " " + key, count: count / (key.utf8.count + 1))
    }

    // MARK: Searches

    @Test("Parentheses and NOTs go 39 deep in a search, and no deeper; the session goes on")
    func nesting() {
        #expect(self.limits.nesting == 40)
        var client = Client.inInbox(FakeOffice())
        for (opening, closing) in [("(", ")"), ("NOT ", "")] {
            let search = { (depth: Int) in
                "SEARCH " + String(repeating: opening, count: depth) + "SEEN" + String(repeating: closing, count: depth)
            }
            #expect(client.command(search(39)).result.hasPrefix("OK "))
            #expect(client.command(search(40)).result.hasPrefix("BAD "))
            #expect(client.command(search(5000)).result.hasPrefix("BAD "))
            #expect(client.command("NOOP").result.hasPrefix("OK "))
        }
    }

    @Test("A search has a thousand keys at most")
    func searchKeys() {
        #expect(self.limits.searchKeys == 1000)
        var client = Client.inInbox(FakeOffice())
        let search = { (count: Int) in "SEARCH" + String(repeating: " SEEN", count: count) }
        #expect(client.command(search(1000)).result.hasPrefix("OK "))
        #expect(client.command(search(1001)).result.hasPrefix("NO [LIMIT] "))
        #expect(client.command("NOOP").result.hasPrefix("OK "))
    }

    // MARK: Other lists

    @Test("A FETCH has a hundred items, a URLFETCH a hundred URLs, an APPEND a thousand messages, each at most")
    func lists() {
        var client = Client.inInbox(FakeOffice())
        let fetch = { (count: Int) in "UID FETCH 1 (" + (1...count).map { "BODY.PEEK[\($0)]" }.joined(separator: " ") + ")" }
        #expect(client.command(fetch(100)).result.hasPrefix("OK "))
        #expect(client.command(fetch(101)).result.hasPrefix("NO [LIMIT] "))
        let url = "\"imap://alice@mail.test/INBOX/;UID=1;URLAUTH=anonymous:INTERNAL:00\""
        let open = { (count: Int) in "URLFETCH " + Array(repeating: url, count: count).joined(separator: " ") }
        #expect(!client.command(open(100)).result.hasPrefix("NO [LIMIT] "))
        #expect(client.command(open(101)).result.hasPrefix("NO [LIMIT] "))
        let append = { (count: Int) in "APPEND INBOX" + String(repeating: " {1+}\r\nx", count: count) }
        #expect(client.command(append(1000)).result.hasPrefix("OK "))
        #expect(client.command(append(1001)).result.hasPrefix("NO [LIMIT] "))
        #expect(client.command("NOOP").result.hasPrefix("OK "))
    }

    // MARK: Time

    @Test("Half an hour without a word ends a session that has logged in, and another time where that is set")
    func inactivity() {
        #expect(self.limits.inactivity == .minutes(30))
        var client = Client(FakeOffice()) { $0.limits.inactivity = .minutes(45) }
        _ = client.command("LOGIN alice wonderland")
        #expect(client.session.deadline == .minutes(45))
        client.session.timeOut()
        #expect(client.session.takeOutput().hasPrefix("* BYE ") && client.session.isClosed)
    }
}
