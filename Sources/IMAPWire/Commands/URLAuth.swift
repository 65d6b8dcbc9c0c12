internal import Bytes
internal import NIOCore

// GENURLAUTH, URLFETCH, RESETKEY: URLs with which a message, or a part of one, is read by whom its reader says. [RFC4467-7]
extension IMAPRule {
    static let urls: [IMAPRule] = [
        IMAPRule(name: "GENURLAUTH", states: .loggedIn, feature: .urlAuth) { machine, arguments, out throws(GrammarFault) in
            // RFC 4467 9:  genurlauth = "GENURLAUTH" 1*(SP url-rump SP mechanism)
            var wanted: [(url: String, mechanism: String)] = []
            repeat {
                try arguments.expectSpace()
                let url = try arguments.text()
                try arguments.expectSpace()
                wanted.append((url, try arguments.text()))
                try Self.checkURLs(wanted.count)
            } while !arguments.isAtEnd
            machine.askAccount(.makeURLs(wanted), &out)
        },
        IMAPRule(name: "URLFETCH", states: .loggedIn, feature: .urlAuth) { machine, arguments, out throws(GrammarFault) in
            // RFC 5524 5:  urlfetch = "URLFETCH" 1*(SP url-fetch-arg)
            var wanted: [FetchedURL] = []
            repeat {
                try arguments.expectSpace()
                wanted.append(try arguments.fetchedURL())
                try Self.checkURLs(wanted.count)
            } while !arguments.isAtEnd
            machine.askAccount(.fetchURLs(wanted), &out)
        },
        IMAPRule(name: "RESETKEY", states: .loggedIn, feature: .urlAuth) { machine, arguments, out throws(GrammarFault) in
            // RFC 4467 9:  resetkey = "RESETKEY" [SP mailbox *(SP mechanism)]
            guard arguments.take(" ") else {
                try arguments.expectEnd()
                return machine.askAccount(.resetKey(mailbox: nil, mechanisms: []), &out)
            }
            let mailbox = try arguments.mailbox()
            var mechanisms: [String] = []
            while arguments.take(" ") { mechanisms.append(try arguments.text()) }
            try arguments.expectEnd()
            machine.askAccount(.resetKey(mailbox: mailbox, mechanisms: mechanisms), &out)
        },
    ]

    /// URLs of one command.
    private static let mostURLs = 100

    private static func checkURLs(_ count: Int) throws(GrammarFault) {
        guard count <= Self.mostURLs else { throw GrammarFault(.limitExceeded, code: "LIMIT", isNO: true) }
    }
}

extension Scanner {
    // RFC 5524 5:  url-fetch-arg = url-full / "(" url-full *(SP url-fetch-param) ")"
    fileprivate mutating func fetchedURL() throws(GrammarFault) -> FetchedURL {
        guard self.take("(") else { return FetchedURL(try self.text()) }
        var wanted = FetchedURL(try self.text())
        while self.take(" ") {
            // None twice, and one kind of content. [RFC5524-3.1]
            switch self.keyword() {
            case "BODYPARTSTRUCTURE" where !wanted.wantsStructure: wanted.wantsStructure = true
            case "BODY" where wanted.content == nil: wanted.content = .body
            case "BINARY" where wanted.content == nil: wanted.content = .binary
            default: throw GrammarFault()
            }
        }
        try self.expect(")")
        return wanted
    }
}

extension ByteBuffer {
    /// `* GENURLAUTH url url`. [RFC4467-8]
    package mutating func writeURLsLine(_ urls: [String]) {
        self.writeStaticString("* GENURLAUTH")
        for url in urls {
            self.writeInteger(UInt8.space)
            self.writeIMAPString(url)
        }
        self.writeStaticString("\r\n")
    }

    /// `* URLFETCH url `, and then an nstring. [RFC4467-8]
    package mutating func beginURLFetch(_ url: String) {
        self.writeStaticString("* URLFETCH ")
        self.writeIMAPString(url)
        self.writeInteger(UInt8.space)
    }
}
