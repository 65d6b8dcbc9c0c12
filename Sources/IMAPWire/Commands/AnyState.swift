internal import Bytes
internal import NIOCore
internal import Vocabulary

// CAPABILITY, NOOP, LOGOUT, ID, LANGUAGE. [RFC9051-6.1] [RFC2971-3] [RFC5255-3]
extension IMAPRule {
    static let anyState: [IMAPRule] = [
        IMAPRule(name: "CAPABILITY", states: .any) { machine, arguments, out throws(GrammarFault) in
            try arguments.expectEnd()
            out.replies.writeString("* CAPABILITY \(machine.capabilities)\r\n")
            machine.finish(.ok(), &out)
        },
        IMAPRule(name: "NOOP", states: .any, readsChanges: true) { machine, arguments, out throws(GrammarFault) in
            try arguments.expectEnd()
            machine.finish(.ok(), &out)
        },
        IMAPRule(name: "LOGOUT", states: .any) { machine, arguments, out throws(GrammarFault) in
            try arguments.expectEnd()
            machine.logout(&out)
        },
        IMAPRule(name: "ID", states: .any) { machine, arguments, out throws(GrammarFault) in try machine.id(&arguments, &out) },
        IMAPRule(name: "LANGUAGE", states: .any, feature: .language) { machine, arguments, out throws(GrammarFault) in
            try machine.changeLanguage(&arguments, &out)
        },
    ]
}

extension IMAPMachine {
    /// [RFC9051-6.1.3]
    mutating func logout(_ out: inout Output) {
        out.replies.writeString("* BYE \(self.settings.hostName) ")
        out.replies.writeStaticString(IMAPPhrase.farewell.text(self.language))
        out.replies.writeStaticString("\r\n")
        self.writeTagged(.ok(), &out)
        self.close(&out)
    }

    // RFC 2971 4:  id = "ID" SPACE id_params_list ; id_params_list = "(" #(string SPACE nstring) ")" / nil
    mutating func id(_ arguments: inout Scanner, _ out: inout Output) throws(GrammarFault) {
        try arguments.expectSpace()
        if !arguments.takeKeyword("NIL") {
            var count = 0
            _ = try arguments.list(mayBeEmpty: true) { (scanner: inout Scanner) throws(GrammarFault) in
                _ = try scanner.string()
                try scanner.expectSpace()
                _ = try scanner.nstring()
                count += 1
                guard count <= 30 else { throw GrammarFault(.limitExceeded) }  // [RFC2971-3.3]
            }
        }
        try arguments.expectEnd()
        if let product = self.settings.product {
            out.replies.writeStaticString("* ID (\"name\" ")
            out.replies.writeIMAPString(product.name)
            out.replies.writeStaticString(" \"version\" ")
            out.replies.writeIMAPString(product.version)
            if let url = self.settings.supportURL {
                out.replies.writeStaticString(" \"support-url\" ")
                out.replies.writeIMAPString(url)
            }
            out.replies.writeStaticString(")\r\n")
        } else {
            out.replies.writeStaticString("* ID NIL\r\n")
        }
        self.finish(.ok(), &out)
    }

    // RFC 5255 3.5:  language-cmd = "LANGUAGE" *(SP lang-range-quoted)
    mutating func changeLanguage(_ arguments: inout Scanner, _ out: inout Output) throws(GrammarFault) {
        var ranges: [String] = []
        while arguments.take(" ") { ranges.append(try arguments.text()) }
        try arguments.expectEnd()
        guard !ranges.isEmpty else {
            let tags = Language.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " ")
            out.replies.writeString("* LANGUAGE (\(tags))\r\n")
            return self.finish(.ok(), &out)
        }
        // The default language is `i-default`, in English. [RFC5255-3.1]
        let found = ranges.compactMap { range -> Language? in
            switch range.asciiLowercased {
            case "*", "default": self.settings.language
            case "i-default": .english
            case let range: Language(rawValue: String(range.prefix { $0 != "-" }))
            }
        }.first
        guard let found else { return self.finish(.no(.languageUnknown), &out) }
        self.language = found
        out.replies.writeString("* LANGUAGE (\"\(found.rawValue)\")\r\n")
        self.finish(.ok(.languageChanged), &out)
    }
}
