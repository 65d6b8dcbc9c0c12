internal import IMAPWire
internal import MessageStore
internal import Search
internal import Vocabulary

extension IMAPBackend {
    func search(_ request: SearchRequest, _ answer: Answer) {
        self.startOnWorker(answer) { () throws(IMAPRefusal) in
            let identity = try self.identity()
            let targets: [SearchTarget]
            if let filters = request.mailboxes {
                targets = try self.targets(filters)
            } else {
                let selection = try self.selection()
                _ = try self.rights(in: selection)
                targets = [
                    SearchTarget(
                        mailbox: selection.id, owner: selection.owner, name: nil, validity: nil, view: request.view, open: selection.mailbox
                    )
                ]
            }
            self.begin(try SearchWork(request, targets, self, account: identity.account), answer)
        }
    }

    /// Mailboxes that a filter means and that this user may read; one that is not there is passed over. [RFC7377-2.2]
    private func targets(_ filters: [MailboxFilter]) throws(IMAPRefusal) -> [SearchTarget] {
        let chosen = try self.mailboxes(of: filters)
        return try self.reading { () throws(StoreError) in
            var out: [SearchTarget] = []
            for found in chosen where found.rights.contains(.read) {
                let facts = try self.reads.openView(found.id)
                let uids = try self.reads.uids(of: found.id, asOf: facts.highestModSeq, uidNext: facts.uidNext)
                out.append(
                    SearchTarget(
                        mailbox: found.id, owner: facts.account, name: found.name.clientName, validity: facts.uidValidity, view: uids))
            }
            return out
        }
    }

    /// Each once, in the order of their names.
    func mailboxes(of filters: [MailboxFilter]) throws(IMAPRefusal) -> [FoundMailbox] {
        let finder = try self.finder()
        return try self.reading { () throws(StoreError) in
            let folders = try FolderTable(finder)
            var chosen: [MailboxID: FoundMailbox] = [:]
            func take(_ isWanted: (String) -> Bool) {
                for entry in folders.entries where isWanted(entry.name) {
                    if let found = entry.found { chosen[found.id] = found }
                }
            }
            for filter in filters {
                switch filter {
                case .selected, .selectedDelayed:
                    let selected = self.state.withLock { $0.selection?.id }
                    for entry in folders.entries { if let found = entry.found, found.id == selected { chosen[found.id] = found } }
                case .inboxes: take { $0 == FolderName.inbox }
                case .personal: take { FolderName(client: $0)?.owner == nil }
                case .subscribed: for entry in folders.entries where entry.isSubscribed { take { $0 == entry.name } }
                case .subtree(let roots): take { name in roots.contains { name == $0 || name.hasPrefix($0 + "/") } }
                case .subtreeOne(let roots):
                    take { name in
                        roots.contains { name == $0 || (name.hasPrefix($0 + "/") && !name.dropFirst($0.count + 1).contains("/")) }
                    }
                case .mailboxes(let names): take { names.contains($0) }
                }
            }
            return chosen.values.sorted { $0.name.clientName < $1.name.clientName }
        }
    }
}

/// Where a search looks.
struct SearchTarget: Sendable {
    var mailbox: MailboxID
    /// Whose index knows it.
    var owner: AccountID?
    /// Of a search over several mailboxes.
    var name: String?
    var validity: UIDValidity?
    var view: UIDSet
    /// The selected mailbox, with what its sessions share.
    var open: OpenMailbox?
}
