internal import NIOCore
internal import Vocabulary

// ENABLE and COMPRESS. [RFC9051-6.3.1] [RFC5161-3] [RFC4978-3]
extension IMAPRule {
    static let session: [IMAPRule] = [
        IMAPRule(name: "ENABLE", states: .loggedIn) { machine, arguments, out throws(GrammarFault) in try machine.enable(&arguments, &out)
        },
        IMAPRule(name: "COMPRESS", states: .loggedIn, feature: .compress) { machine, arguments, out throws(GrammarFault) in
            try machine.compress(&arguments, &out)
        },
    ]
}

extension IMAPMachine {
    // RFC 5161 4:  enable = "ENABLE" 1*(SP capability)
    fileprivate mutating func enable(_ arguments: inout Scanner, _ out: inout Output) throws(GrammarFault) {
        var names: [String] = []
        while arguments.take(" ") { names.append(try arguments.atom().asciiUppercasedWord) }
        try arguments.expectEnd()
        guard !names.isEmpty else { throw GrammarFault() }
        var enabled: [String] = []
        for name in names where self.turnOn(name) && !enabled.contains(name) { enabled.append(name) }
        out.replies.writeString("* ENABLED\(enabled.map { $0 == "IMAP4REV2" ? " IMAP4rev2" : " " + $0 }.joined())\r\n")
        if enabled.contains(where: { $0 == "CONDSTORE" || $0 == "QRESYNC" }) { self.tellHighestModSeq(&out) }
        self.finish(.ok(), &out)
    }

    /// True where the name is one that can be enabled, and is on now.
    private mutating func turnOn(_ name: String) -> Bool {
        let features = self.settings.features
        switch name {
        case "IMAP4REV2" where features.contains(.rev2):
            self.mode.isRev2 = true
            self.mode.isUTF8 = true  // [RFC9051-5.1]
        case "UTF8=ACCEPT" where features.contains(.utf8Accept):
            self.mode.isUTF8 = true  // [RFC6855-3]
        case "CONDSTORE" where features.contains(.condStore):
            self.mode.isCondStore = true
        case "QRESYNC" where features.contains([.condStore, .qResync]):
            self.mode.isCondStore = true  // [RFC7162-3.2.3]
            self.mode.isQResync = true
        case "UIDONLY" where features.contains(.uidOnly):
            self.mode.isUIDOnly = true
        default: return false
        }
        return true
    }

    /// The client has just learned of modseqs: where does its mailbox stand. [RFC7162-3.1]
    func tellHighestModSeq(_ out: inout Output) {
        guard let selected = self.selected else { return }
        self.writeUntaggedOK("HIGHESTMODSEQ \(selected.toldModSeq)", .selected, &out)
    }

    /// A command that shows that the client knows of modseqs. [RFC7162-3.1]
    mutating func turnOnCondStore(_ out: inout Output) throws(GrammarFault) {
        guard self.settings.features.contains(.condStore) else { throw GrammarFault() }
        guard !self.mode.isCondStore else { return }
        self.mode.isCondStore = true
        self.tellHighestModSeq(&out)
    }

    // RFC 4978 4:  compress = "COMPRESS" SP algorithm
    fileprivate mutating func compress(_ arguments: inout Scanner, _ out: inout Output) throws(GrammarFault) {
        try arguments.expectSpace()
        guard arguments.takeKeyword("DEFLATE") else { throw GrammarFault() }
        try arguments.expectEnd()
        guard !self.isCompressed else { return self.finish(.no(.alreadyOn, code: "COMPRESSIONACTIVE"), &out) }
        self.isCompressed = true
        self.writeTagged(.ok(.compressing), &out)
        out.startCompression()
    }
}

extension String {
    /// ASCII letters in capitals.
    var asciiUppercasedWord: String { String(decoding: self.utf8.map(\.asciiUppercased), as: UTF8.self) }
}
