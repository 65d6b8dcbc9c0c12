internal import Bytes
internal import NIOCore
internal import Vocabulary

// SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS. [RFC4314-3]
extension IMAPRule {
    static let rights: [IMAPRule] = [
        IMAPRule(name: "GETACL", states: .loggedIn, feature: .acl) { machine, arguments, out throws(GrammarFault) in
            machine.askAccount(.getACL(mailbox: try arguments.lastMailbox()), &out)
        },
        IMAPRule(name: "MYRIGHTS", states: .loggedIn, feature: .acl) { machine, arguments, out throws(GrammarFault) in
            machine.askAccount(.myRights(mailbox: try arguments.lastMailbox()), &out)
        },
        IMAPRule(name: "SETACL", states: .loggedIn, feature: .acl) { machine, arguments, out throws(GrammarFault) in
            let (mailbox, identifier) = try arguments.mailboxAndIdentifier()
            try arguments.expectSpace()
            let change = try arguments.aclChange()
            try arguments.expectEnd()
            machine.askAccount(.setACL(mailbox: mailbox, identifier: identifier, change), &out)
        },
        IMAPRule(name: "DELETEACL", states: .loggedIn, feature: .acl) { machine, arguments, out throws(GrammarFault) in
            let (mailbox, identifier) = try arguments.mailboxAndIdentifier()
            try arguments.expectEnd()
            machine.askAccount(.deleteACL(mailbox: mailbox, identifier: identifier), &out)
        },
        IMAPRule(name: "LISTRIGHTS", states: .loggedIn, feature: .acl) { machine, arguments, out throws(GrammarFault) in
            let (mailbox, identifier) = try arguments.mailboxAndIdentifier()
            try arguments.expectEnd()
            machine.askAccount(.listRights(mailbox: mailbox, identifier: identifier), &out)
        },
    ]
}

extension Scanner {
    /// A blank, one mailbox, the end.
    mutating func lastMailbox() throws(GrammarFault) -> String {
        try self.expectSpace()
        let mailbox = try self.mailbox()
        try self.expectEnd()
        return mailbox
    }

    fileprivate mutating func mailboxAndIdentifier() throws(GrammarFault) -> (mailbox: String, identifier: String) {
        try self.expectSpace()
        let mailbox = try self.mailbox()
        try self.expectSpace()
        let identifier = try self.text()
        guard !identifier.isEmpty, identifier.utf8.count <= 320 else { throw GrammarFault() }
        return (mailbox, identifier)
    }

    // RFC 4314 7:  mod-rights = astring ; +rights to add, -rights to remove, rights to replace
    fileprivate mutating func aclChange() throws(GrammarFault) -> ACLChange {
        let text = try self.text()
        let letters = text.hasPrefix("+") || text.hasPrefix("-") ? String(text.dropFirst()) : text
        guard let rights = MailboxRights(wireLetters: letters) else { throw GrammarFault(.badRights) }  // [RFC4314-3.1]
        return text.hasPrefix("+") ? .add(rights) : text.hasPrefix("-") ? .remove(rights) : .replace(rights)
    }
}

extension MailboxRights {
    /// nil for a letter that is no right. `c` and `d` are those of RFC 2086. [RFC4314-2.1.1]
    package init?(wireLetters text: String) {
        var rights: MailboxRights = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "l"): rights.insert(.lookup)
            case UInt8(ascii: "r"): rights.insert(.read)
            case UInt8(ascii: "s"): rights.insert(.seen)
            case UInt8(ascii: "w"): rights.insert(.write)
            case UInt8(ascii: "i"): rights.insert(.insert)
            case UInt8(ascii: "p"): rights.insert(.post)
            case UInt8(ascii: "k"), UInt8(ascii: "c"): rights.insert(.createChildren)
            case UInt8(ascii: "x"): rights.insert(.deleteMailbox)
            case UInt8(ascii: "t"): rights.insert(.deleteMessages)
            case UInt8(ascii: "e"): rights.insert(.expunge)
            case UInt8(ascii: "d"): rights.formUnion([.deleteMailbox, .deleteMessages, .expunge])
            case UInt8(ascii: "a"): rights.insert(.administer)
            default: return nil
            }
        }
        self = rights
    }
}
