internal import IMAPWire
internal import MessageStore
internal import NIOCore
internal import Vocabulary

// ACL and quotas.
extension IMAPBackend {
    // MARK: ACL [RFC4314-3]

    func getACL(_ name: String, _ mode: WireMode, _ answer: Answer) {
        self.onWorker(answer) { () throws(IMAPRefusal) in
            let found = try self.find(name, needing: .administer)
            let rows = try self.reading { () throws(StoreError) in try self.reads.rights(of: found.id) }
            var entries: [(identifier: String, rights: String)] = []
            if let owner = self.environment.loginName(found.facts.account) { entries.append((owner, Rights.all.text(withOld: true))) }
            for row in rows {
                guard let who = ACLIdentifier(stored: row.identifier), let name = who.name(self.environment.loginName) else { continue }
                entries.append((name, Rights(letters: row.rights)?.text(withOld: true) ?? row.rights))
            }
            var out = ByteBuffer()
            out.writeACLLine(found.name.clientName, entries, mode: mode)
            return .account(out)
        }
    }

    /// `change` nil removes the entry.
    func setACL(_ name: String, _ identifier: String, _ change: ACLChange?, _ answer: Answer) {
        self.startOnWorker(answer) { () throws(IMAPRefusal) in
            let found = try self.find(name, needing: .administer)
            let who = try self.identifier(identifier)
            // The owner's rights are what they are. [RFC4314-2]
            if who.stored == ACLIdentifier(found.facts.account).stored { return answer(.account(ByteBuffer())) }
            let rows = try self.reading { () throws(StoreError) in try self.reads.rights(of: found.id) }
            let before = rows.first { $0.identifier == who.stored }.flatMap { Rights(letters: $0.rights) } ?? []
            let after: Rights =
                switch change {
                case .replace(let rights): rights
                case .add(let rights): before.union(rights)
                case .remove(let rights): before.subtracting(rights)
                case nil: []
                }
            let text = after.isEmpty ? nil : after.text(withOld: false)
            self.environment.store.setRights(text, of: who.stored, on: found.id) { result in
                switch result {
                case .success: answer(.account(ByteBuffer()))
                case .failure(let error): answer(.refused(self.refusal(error)))
                }
            }
        }
    }

    private func identifier(_ text: String) throws(IMAPRefusal) -> ACLIdentifier {
        guard let who = ACLIdentifier(client: text, self.environment.account) else {
            throw IMAPRefusal(.unknownIdentifier, code: "CANNOT")
        }
        return who
    }

    func listRights(_ name: String, _ identifier: String, _ mode: WireMode, _ answer: Answer) {
        self.onWorker(answer) { () throws(IMAPRefusal) in
            let found = try self.find(name, needing: .administer)
            let who = try self.identifier(identifier)
            let isOwner = who.stored == ACLIdentifier(found.facts.account).stored
            var out = ByteBuffer()
            let all = Rights.all.text(withOld: false)
            out.writeListRightsLine(
                found.name.clientName, identifier: identifier, required: isOwner ? all : "",
                optional: isOwner ? [] : all.map { String($0) }, mode: mode)
            return .account(out)
        }
    }

    func myRights(_ name: String, _ mode: WireMode, _ answer: Answer) {
        self.onWorker(answer) { () throws(IMAPRefusal) in
            let found = try self.find(name, needing: [])
            guard !found.rights.isDisjoint(with: [.lookup, .read, .insert, .createChildren, .deleteMailbox, .administer]) else {
                throw .noSuchMailbox
            }
            var out = ByteBuffer()
            out.writeMyRightsLine(found.name.clientName, found.rights.text(withOld: true), mode: mode)
            return .account(out)
        }
    }

    // MARK: Quotas [RFC9208-3.2]

    /// An account has one quota for all its mailboxes; its root is called like the account.
    func quota(root: String, _ mode: WireMode, _ answer: Answer) {
        self.onWorker(answer) { () throws(IMAPRefusal) in
            let identity = try self.identity()
            guard root == self.environment.loginName(identity.account) ?? identity.login else {
                throw IMAPRefusal(.noSuchRoot, code: "NONEXISTENT")
            }
            var out = ByteBuffer()
            try self.writeQuota(root, identity.account, mode, &out)
            return .account(out)
        }
    }

    func quotaRoot(_ name: String, _ mode: WireMode, _ answer: Answer) {
        self.onWorker(answer) { () throws(IMAPRefusal) in
            let found = try self.find(name, needing: .read)
            let owner = found.facts.account
            let root = self.environment.loginName(owner)
            let roots = root.map { [$0] } ?? []
            var out = ByteBuffer()
            out.writeQuotaRootLine(found.name.clientName, roots: self.environment.quota(owner) == nil ? [] : roots, mode: mode)
            if let root, self.environment.quota(owner) != nil { try self.writeQuota(root, owner, mode, &out) }
            return .account(out)
        }
    }

    private func writeQuota(_ root: String, _ account: AccountID, _ mode: WireMode, _ out: inout ByteBuffer) throws(IMAPRefusal) {
        guard let limit = self.environment.quota(account) else { return out.writeQuotaLine(root: root, [], mode: mode) }
        let usage = try self.reading { () throws(StoreError) in try self.reads.usage(of: account) }
        // In units of 1,024 octets: what is used is rounded up, so that nobody is told of room that is not there. [RFC9208-5.1]
        out.writeQuotaLine(root: root, [("STORAGE", (usage.bytes + 1023) / 1024, limit / 1024)], mode: mode)
    }
}
