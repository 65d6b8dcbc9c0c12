internal import Bytes
internal import NIOCore
internal import Vocabulary

// GETQUOTA, GETQUOTAROOT, SETQUOTA. [RFC9208-4.1]
extension IMAPRule {
    static let quotas: [IMAPRule] = [
        IMAPRule(name: "GETQUOTA", states: .loggedIn, feature: .quota) { machine, arguments, out throws(GrammarFault) in
            try arguments.expectSpace()
            let root = try arguments.text()
            try arguments.expectEnd()
            machine.askAccount(.quota(root: root), &out)
        },
        IMAPRule(name: "GETQUOTAROOT", states: .loggedIn, feature: .quota) { machine, arguments, out throws(GrammarFault) in
            machine.askAccount(.quotaRoot(mailbox: try arguments.lastMailbox()), &out)
        },
        IMAPRule(name: "SETQUOTA", states: .loggedIn, feature: [.quota, .quotaSet]) { machine, arguments, out throws(GrammarFault) in
            try arguments.expectSpace()
            let root = try arguments.text()
            try arguments.expectSpace()
            let limits = try arguments.list(mayBeEmpty: true) { (scanner: inout Scanner) throws(GrammarFault) in
                let resource = try scanner.atom().asciiUppercasedWord
                try scanner.expectSpace()
                return QuotaLimit(resource: resource, limit: try scanner.number64())
            }
            try arguments.expectEnd()
            guard limits.count <= 20 else { throw GrammarFault(.limitExceeded) }
            machine.askAccount(.setQuota(root: root, limits), &out)
        },
    ]
}
