internal import IMAPWire
internal import MessageStore
internal import NIOCore
internal import NetKit
internal import Synchronization
internal import Vocabulary

/// One LIST or LSUB: the names that match, written a part at a time.
final class ListWork: PartWork {
    private struct Line: Sendable {
        var line: ListLine
        var found: FoundMailbox?
    }

    private let request: ListRequest
    private let mode: WireMode
    private let backend: IMAPBackend
    private let lines: [Line]
    private let next = Mutex(0)

    init(_ request: ListRequest, _ mode: WireMode, _ backend: IMAPBackend) throws(IMAPRefusal) {
        self.request = request
        self.mode = mode
        self.backend = backend
        let finder = try backend.finder()
        let mayMatchOthers = request.patterns.contains { pattern in
            let first = pattern.text.prefix { $0 != "*" && $0 != "%" }
            return FolderName.othersPrefix.hasPrefix(first) || first.hasPrefix(FolderName.othersRoot)
        }
        let table = try backend.reading { () throws(StoreError) in
            // Counters come with the names.
            if !request.status.isEmpty { try finder.reads.waitForFiling() }
            return try FolderTable(finder, sharing: mayMatchOthers)
        }
        let asksForParents = request.isLSUB || request.selection.isSuperset(of: [.subscribed, .recursiveMatch])
        let hiding = asksForParents ? table.parentsOfUnmatched(request.patterns) : []
        self.lines = table.entries.compactMap { Self.line($0, table, hiding, request) }
    }

    // MARK: What matches

    /// - Parameter hiding: names below which are subscriptions that are not told of.
    private static func line(_ entry: FolderTable.Entry, _ table: FolderTable, _ hiding: Set<String>, _ request: ListRequest) -> Line? {
        guard request.patterns.contains(where: { $0.matches(entry.name) }) else { return nil }
        if request.isLSUB { return self.subscribedLine(entry, hiding) }
        let selection = request.selection
        let wantsSubscribed = selection.contains(.subscribed)
        let wantsUse = selection.contains(.specialUse)
        let use = entry.found?.facts.specialUse ?? []
        let isChosen = (!wantsSubscribed || entry.isSubscribed) && (!wantsUse || !use.isEmpty)
        var line = ListLine(name: entry.name)
        if selection.contains(.recursiveMatch) {
            // Of a level that is not there only where its children are not told of themselves. [RFC5258-3.5]
            let parents = entry.found == nil && !entry.isSubscribed ? hiding : table.parentsOfSubscribed
            line.hasSubscribedChildren = wantsSubscribed && parents.contains(entry.name)
            line.hasSpecialUseChildren = wantsUse && table.parentsOfUses.contains(entry.name)
        }
        guard isChosen || line.hasSubscribedChildren || line.hasSpecialUseChildren else { return nil }
        // What is not there is told as a level above others, or to who asks for subscriptions.
        guard entry.found != nil || wantsSubscribed || table.hasChildren(entry.name) else { return nil }
        if entry.found == nil { line.attributes.formUnion(request.isExtended ? .nonExistent : [.nonExistent, .noSelect]) }
        if entry.isSubscribed, wantsSubscribed || request.returns.contains(.subscribed) { line.attributes.insert(.subscribed) }
        line.attributes.insert(table.hasChildren(entry.name) ? .hasChildren : .hasNoChildren)
        if entry.found?.rights.contains(.read) == false { line.attributes.insert(.noSelect) }
        if !request.isExtended || wantsUse || request.returns.contains(.specialUse) { line.specialUses = use.forWire }
        return Line(line: line, found: entry.found)
    }

    /// LSUB tells of a level above subscribed names as `\Noselect`, where the pattern stops there; else of subscribed names alone.
    /// [RFC3501-6.3.9]
    private static func subscribedLine(_ entry: FolderTable.Entry, _ hiding: Set<String>) -> Line? {
        if entry.isSubscribed { return Line(line: ListLine(name: entry.name), found: nil) }
        guard hiding.contains(entry.name) else { return nil }
        return Line(line: ListLine(name: entry.name, attributes: .noSelect), found: nil)
    }

    // MARK: Writing

    func goOn(_ answer: SessionAnswer<IMAPOutcome>) {
        var out = ByteBuffer()
        var at = self.next.withLock { $0 }
        do throws(IMAPRefusal) {
            while at < self.lines.count, out.readableBytes < FetchWork.partSize {
                try self.write(self.lines[at], &out)
                at += 1
            }
        } catch {
            self.backend.partDone()
            return answer(.refused(error))
        }
        self.next.withLock { [at] in $0 = at }
        if at < self.lines.count { return answer(.piece(out, isLast: false)) }
        self.backend.partDone()
        answer(.account(out))
    }

    private func write(_ line: Line, _ out: inout ByteBuffer) throws(IMAPRefusal) {
        out.writeListLine(line.line, mode: self.mode, isLSUB: self.request.isLSUB)
        guard let found = line.found else { return }
        if !self.request.status.isEmpty, found.rights.contains(.read) {
            try self.backend.writeStatus(found, self.request.status, self.mode, &out)
        }
        if self.request.returns.contains(.myRights) {
            out.writeMyRightsLine(found.name.clientName, found.rights.text(withOld: true), mode: self.mode)
        }
        if !self.request.metadata.isEmpty {
            try self.backend.writeMetadata(found, self.request.metadata, self.mode, &out)
        }
    }
}

extension StoredUse {
    private static let pairs: [(StoredUse, WireUse)] = [
        (.all, .all), (.archive, .archive), (.drafts, .drafts), (.flagged, .flagged), (.junk, .junk), (.sent, .sent), (.trash, .trash),
        (.important, .important),
    ]

    var forWire: [WireUse] { Self.pairs.filter { self.contains($0.0) }.map(\.1) }

    init(_ uses: [WireUse]) { self = Self.pairs.filter { uses.contains($0.1) }.reduce(into: []) { $0.formUnion($1.0) } }
}
