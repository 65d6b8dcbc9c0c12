internal import IMAPWire
internal import MessageStore
internal import NIOCore
internal import Vocabulary

// Annotations. [RFC5464-4]
extension IMAPBackend {
    func getMetadata(_ request: MetadataRequest, _ mode: WireMode, _ answer: Answer) {
        self.onWorker(answer) { () throws(IMAPRefusal) in
            let identity = try self.identity()
            let found = request.mailbox.isEmpty ? nil : try self.find(request.mailbox, needing: [.lookup, .read])
            let all = try self.annotations(of: found, identity.account)
            var (chosen, longest): ([WireEntry], Int) = ([], 0)
            for entry in all where request.entries.contains(where: { Self.covers($0.lowercased(), entry.name, request.depth) }) {
                if let maximum = request.maximumSize, entry.value.count > maximum {
                    longest = max(longest, entry.value.count)
                } else {
                    chosen.append(WireEntry(name: entry.name, value: entry.value))
                }
            }
            if request.depth == .zero { chosen += Self.absent(request.entries, among: all) }
            var out = ByteBuffer()
            if !chosen.isEmpty { out.writeMetadataLine(found?.name.clientName ?? "", chosen, mode: mode) }
            return .account(out, code: longest > 0 ? "METADATA LONGENTRIES \(longest)" : nil)  // [RFC5464-4.2.1]
        }
    }

    /// Those that were written, and those that the server says of itself. [RFC5464-6.2]
    private func annotations(of found: FoundMailbox?, _ account: AccountID) throws(IMAPRefusal) -> [StoredEntry] {
        let written = try self.reading { () throws(StoreError) in try self.reads.metadata(of: found?.id, account: account) }.filter {
            $0.name != URLKeys.name
        }
        guard let found else {
            let postmaster = "mailto:postmaster@\(self.environment.configuration().mainDomain)"
            return written + [StoredEntry(name: "/shared/admin", value: Array(postmaster.utf8))]
        }
        return written + StandardFolders.names(of: found.facts)
    }

    private static func covers(_ wanted: String, _ name: String, _ depth: MetadataRequest.Depth) -> Bool {
        if name == wanted { return true }
        guard depth != .zero, name.hasPrefix(wanted + "/") else { return false }
        return depth == .infinity || !name.dropFirst(wanted.count + 1).contains("/")
    }

    /// What was asked for by name and is not there is NIL.
    private static func absent(_ wanted: [String], among all: [StoredEntry]) -> [WireEntry] {
        wanted.filter { name in !all.contains { $0.name == name.lowercased() } }.map { WireEntry(name: $0, value: nil) }
    }

    /// METADATA behind a LIST line. [RFC9590-4]
    func writeMetadata(_ found: FoundMailbox, _ entries: [String], _ mode: WireMode, _ out: inout ByteBuffer) throws(IMAPRefusal) {
        guard found.rights.contains(.read) else { return }
        let identity = try self.identity()
        let all = try self.annotations(of: found, identity.account)
        let chosen = entries.map { name in WireEntry(name: name, value: all.first { $0.name == name.lowercased() }?.value) }
        out.writeMetadataLine(found.name.clientName, chosen, mode: mode)
    }

    func setMetadata(_ name: String, _ entries: [WireEntry], _ answer: Answer) {
        self.startOnWorker(answer) { () throws(IMAPRefusal) in
            let identity = try self.identity()
            let isShared = entries.contains { $0.name.lowercased().hasPrefix("/shared/") }
            // What the server says to all is not for users to write. [RFC5464-3]
            if name.isEmpty, isShared { throw .notPermitted }
            let isOurs = entries.contains { $0.name.lowercased().hasPrefix(StandardFolders.prefix) || $0.name.lowercased() == URLKeys.name }
            if isOurs { throw .notPermitted }
            let found = name.isEmpty ? nil : try self.find(name, needing: isShared ? [.lookup, .read, .write] : [.lookup, .read])
            let limit = MessageStore.metadataLimits.bytes
            if entries.contains(where: { ($0.value?.count ?? 0) > limit }) {
                throw IMAPRefusal(.metadataTooLarge, code: "METADATA MAXSIZE \(limit)")  // [RFC5464-4.3]
            }
            let all = entries.filter { $0.name.lowercased().hasPrefix("/shared/") }
            let own = entries.filter { !$0.name.lowercased().hasPrefix("/shared/") }
            self.set(all, of: found?.id, StoreReads.nobody, answer) {
                self.set(own, of: found?.id, identity.account, answer) { answer(.account(ByteBuffer())) }
            }
        }
    }

    private func set(
        _ entries: [WireEntry], of mailbox: MailboxID?, _ account: AccountID, _ answer: Answer, then: @escaping @Sendable () -> Void
    ) {
        guard !entries.isEmpty else { return then() }
        let values = entries.map { (name: $0.name.lowercased(), value: $0.value) }
        self.environment.store.setMetadata(values, of: mailbox, account: account) { result in
            switch result {
            case .success: then()
            case .failure(.tooLarge): answer(.refused(IMAPRefusal(.metadataTooMany, code: "METADATA TOOMANY")))
            case .failure(let error): answer(.refused(self.refusal(error)))
            }
        }
    }
}
