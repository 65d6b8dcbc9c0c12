internal import Bytes
internal import NIOCore
internal import Vocabulary

// GETMETADATA and SETMETADATA. [RFC5464-4]
extension IMAPRule {
    static let annotations: [IMAPRule] = [
        IMAPRule(name: "GETMETADATA", states: .loggedIn, feature: .metadata) { machine, arguments, out throws(GrammarFault) in
            let request = try arguments.metadataRequest()
            try arguments.expectEnd()
            machine.askAccount(.getMetadata(request), &out)
        },
        IMAPRule(name: "SETMETADATA", states: .loggedIn, feature: .metadata) { machine, arguments, out throws(GrammarFault) in
            try arguments.expectSpace()
            let mailbox = try arguments.mailbox(mayBeEmpty: true)
            try arguments.expectSpace()
            // RFC 5464 5:  entry-values = "(" entry-value *(SP entry-value) ")" ; entry-value = entry SP value
            let entries = try arguments.list { (scanner: inout Scanner) throws(GrammarFault) in
                let name = try scanner.entryName()
                try scanner.expectSpace()
                return MetadataEntry(name: name, value: try scanner.nstring())
            }
            try arguments.expectEnd()
            guard entries.count <= 100 else { throw GrammarFault(.limitExceeded, code: "METADATA TOOMANY", isNO: true) }
            machine.askAccount(.setMetadata(mailbox: mailbox, entries), &out)
        },
    ]
}

extension Scanner {
    // RFC 5464 5:  getmetadata = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries
    /// The options may also stand behind the mailbox, as the text of the RFC shows them.
    fileprivate mutating func metadataRequest() throws(GrammarFault) -> MetadataRequest {
        try self.expectSpace()
        var request = MetadataRequest(mailbox: "", entries: [])
        var hasOptions = false
        if self.peek("(") {
            try self.metadataOptions(&request)
            hasOptions = true
            try self.expectSpace()
        }
        request.mailbox = try self.mailbox(mayBeEmpty: true)
        try self.expectSpace()
        if !hasOptions, self.peek("("), self.peek(after: 1) != UInt8(ascii: "/"), self.peek(after: 1) != UInt8(ascii: "\"") {
            try self.metadataOptions(&request)
            try self.expectSpace()
        }
        if self.peek("(") {
            request.entries = try self.list { (scanner: inout Scanner) throws(GrammarFault) in try scanner.entryName() }
        } else {
            request.entries = [try self.entryName()]
        }
        guard request.entries.count <= 1000 else { throw GrammarFault(.limitExceeded, code: "LIMIT", isNO: true) }
        return request
    }

    private mutating func metadataOptions(_ request: inout MetadataRequest) throws(GrammarFault) {
        var found = request
        _ = try self.list { (scanner: inout Scanner) throws(GrammarFault) in
            switch scanner.keyword() {
            case "MAXSIZE":
                try scanner.expectSpace()
                found.maximumSize = Int(clamping: try scanner.number64())  // [RFC5464-4.2.1]
            case "DEPTH":
                try scanner.expectSpace()
                switch scanner.keyword() {
                case "0": found.depth = .zero
                case "1": found.depth = .one
                case "INFINITY": found.depth = .infinity
                default: throw GrammarFault()
                }
            default: throw GrammarFault()
            }
        }
        request = found
    }

    /// In small letters, as names are compared. [RFC5464-3.2]
    mutating func entryName() throws(GrammarFault) -> String {
        let name = String(decoding: try self.astring(), as: UTF8.self).asciiLowercased
        let isPlain = name.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "*") && $0 != UInt8(ascii: "%") }
        let hasScope = name == "/private" || name == "/shared" || name.hasPrefix("/private/") || name.hasPrefix("/shared/")
        guard isPlain, hasScope, name.utf8.count <= 1000, !name.contains("//"), !name.hasSuffix("/") else { throw GrammarFault() }
        return name
    }
}
