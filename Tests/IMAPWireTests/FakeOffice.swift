import IMAPWire
import MailTesting
import NIOCore
import SASL
import Search
import Vocabulary

/// Mailboxes in memory, shared by the sessions of a test: what the store keeps, without disk and threads.
final class FakeOffice {
    struct Message: Equatable {
        var uid: UInt32
        var flags: Flags
        var modSeq: Int64
        var date: Int64 = 0
        var bytes: [UInt8]
    }

    final class Box {
        var name: String
        let validity: UInt32
        var uidNext: UInt32 = 1
        var modSeq: Int64 = 1
        var messages: [Message] = []
        var expunged: [(uid: UInt32, modSeq: Int64)] = []
        var keywords: [String] = []
        var uses: [SpecialUse] = []
        /// UIDs with the modseq at which they came.
        var arrivals: [(uid: UInt32, modSeq: Int64)] = []

        init(_ name: String, validity: UInt32) {
            self.name = name
            self.validity = validity
        }

        func add(_ text: String, flags: Flags = [], date: Int64 = 0) {
            self.modSeq += 1
            self.messages.append(Message(uid: self.uidNext, flags: flags, modSeq: self.modSeq, date: date, bytes: Array(text.utf8)))
            self.arrivals.append((self.uidNext, self.modSeq))
            self.uidNext += 1
        }

        func expunge(_ uids: UIDSet) {
            guard !uids.isEmpty else { return }
            self.modSeq += 1
            for message in self.messages where uids.contains(UID(rawValue: message.uid)) {
                self.expunged.append((message.uid, self.modSeq))
            }
            self.messages.removeAll { uids.contains(UID(rawValue: $0.uid)) }
        }

        func setFlags(_ uid: UInt32, _ flags: Flags) {
            self.modSeq += 1
            guard let at = self.messages.firstIndex(where: { $0.uid == uid }) else { return }
            self.messages[at].flags = flags
            self.messages[at].modSeq = self.modSeq
        }

        var uids: UIDSet { UIDSet(ascending: self.messages.map(\.uid)) }

        /// The bit of a keyword, made where it is new; nil where there is no room.
        func bit(_ name: String) -> Flags? {
            if let at = self.keywords.firstIndex(where: { $0.lowercased() == name.lowercased() }) { return Self.flag(at) }
            guard self.keywords.count < 20 else { return nil }
            self.keywords.append(name)
            return Self.flag(self.keywords.count - 1)
        }

        static func flag(_ at: Int) -> Flags { Flags(rawValue: 1 << (5 + Flags.RawValue(at))) }
    }

    var passwords = ["alice": "wonderland", "bob": "builder"]
    var refusal: AuthRefusal?
    var boxes: [String: Box] = ["INBOX": Box("INBOX", validity: 77)]
    var subscribed: Set<String> = ["INBOX"]
    /// Pieces in which FETCH answers come.
    var pieceSize = 64 << 10
    /// The next call is refused with this.
    var nextRefusal: IMAPRefusal?
    var nextValidity: UInt32 = 78

    var inbox: Box { self.boxes["INBOX"] ?? Box("INBOX", validity: 77) }

    static func identity(_ login: String) -> Identity {
        Identity(account: AccountID(rawValue: 1), login: login, primaryAddress: Address(localPart: login, domain: "example.test"))
    }

    func create(_ name: String) -> Box {
        let box = Box(name, validity: self.nextValidity)
        self.nextValidity += 1
        self.boxes[name] = box
        return box
    }

    func authenticate(_ request: AuthRequest) -> AuthOutcome {
        if let refusal = self.refusal { return .refused(refusal) }
        switch request {
        case .password(let login, let secret):
            return self.passwords[login].map { Secret($0) } == secret ? .accepted(Self.identity(login)) : .refused(.badCredentials)
        case .verifier(let login):
            guard let password = self.passwords[login] else { return .verifier(.decoy(login: login, key: Secret("k"), iterations: 4096)) }
            return .verifier(SCRAMVerifier(password: Secret(password), salt: Array(0..<16), iterations: 4096))
        case .proof(let login, _, let isValid): return isValid ? .accepted(Self.identity(login)) : .refused(.badCredentials)
        }
    }
}

/// What one session asks of the office.
final class FakeBackend {
    let office: FakeOffice
    private var box: FakeOffice.Box?
    private var selectedAt: UIDSet = UIDSet()
    private var pieces: [ByteBuffer] = []
    private var append: (box: FakeOffice.Box, drafts: [(AppendMessage, [UInt8])], replacing: UID?)?
    var watches: [String] = []
    /// Lines that `readNotices` gives.
    var notices = ""

    init(_ office: FakeOffice) { self.office = office }

    func perform(_ call: IMAPCall) -> IMAPOutcome {
        if let refusal = self.office.nextRefusal, !Self.isHarmless(call) {
            self.office.nextRefusal = nil
            return .refused(refusal)
        }
        switch call {
        case .authenticate(let request, _, _): return .auth(self.office.authenticate(request))
        case .forgetLogin, .dropAppend: return .done
        case .account(let request, let mode): return self.account(request, mode)
        case .select(let request): return self.select(request)
        case .readView: return .view(self.selectedAt)
        case .readChanges(let since): return self.changes(since)
        case .readNotices: return .account(ByteBuffer(string: self.notices))
        case .close(let expunging):
            if expunging, let box = self.box { box.expunge(self.deleted(box)) }
            self.box = nil
            return .done
        case .fetch(let request): return self.fetch(request)
        case .readOn: return self.nextPiece()
        case .store(let request):
            self.made = []
            return self.store(request)
        case .stores(let requests):
            self.made = []
            self.runs.append(requests.count)
            return .ran(requests.map { self.store($0) })
        case .copy(let request): return self.copy(request)
        case .copies(let requests):
            self.runs.append(requests.count)
            return .ran(requests.map { self.copy($0) })
        case .expunge(let uids): return self.expunge(uids)
        case .search(let request): return self.search(request)
        case .searchOn: return .done
        case .beginAppend(let request):
            guard let box = self.office.boxes[request.mailbox] else { return .refused(IMAPRefusal(.noSuchMailbox, code: "TRYCREATE")) }
            self.append = (box, [], request.replacing)
            return .done
        case .beginMessage(let message):
            self.append?.drafts.append((message, []))
            return .done
        case .messageBytes(let bytes): return self.extend(Array(bytes.readableBytesView))
        case .messageURL(let url):
            guard let box = self.office.boxes[url.mailbox], let message = box.messages.first(where: { $0.uid == url.uid.rawValue }) else {
                return .refused(IMAPRefusal(.badURL, code: "BADURL \(url.text)"))
            }
            return self.extend(message.bytes)
        case .finishAppend: return self.finishAppend()
        case .finishAppends(let more):
            self.runs.append(more.count + 1)
            return .ran([self.finishAppend()] + more.map { self.add($0) })
        case .watch(let request):
            self.watches.append("\(request)")
            return .done
        case .pause: return .resumed
        }
    }

    private static func isHarmless(_ call: IMAPCall) -> Bool {
        switch call {
        case .authenticate, .readView, .readChanges, .pause, .close, .dropAppend, .select: true
        default: false
        }
    }

    // MARK: The selected mailbox

    private func select(_ request: SelectRequest) -> IMAPOutcome {
        guard let box = self.office.boxes[request.mailbox] else { return .refused(IMAPRefusal(.noSuchMailbox, code: "NONEXISTENT")) }
        self.box = box
        self.selectedAt = box.uids
        var resync: MailboxChanges?
        if let known = request.resync, known.validity.rawValue == box.validity {
            var changes = self.changes(of: box, since: known.modSeq)
            if let uids = known.known { changes.expunged = changes.expunged.intersection(uids) }
            resync = changes
        }
        return .selected(
            SelectedMailbox(
                mailbox: MailboxID(rawValue: Int64(box.validity)), name: box.name, validity: UIDValidity(rawValue: box.validity),
                uidNext: UID(rawValue: box.uidNext), highestModSeq: ModSeq(rawValue: box.modSeq), messages: box.messages.count,
                objectID: "M\(box.validity)", keywords: box.keywords, rights: .all, isReadOnly: request.isReadOnly, resync: resync))
    }

    private func changes(_ since: ModSeq) -> IMAPOutcome {
        guard let box = self.box else { return .refused(IMAPRefusal(.mailboxGone)) }
        return .changes(self.changes(of: box, since: since))
    }

    private func changes(of box: FakeOffice.Box, since: ModSeq) -> MailboxChanges {
        let flagged = box.messages.filter { $0.modSeq > since.rawValue }.map(Self.flagged)
        return MailboxChanges(
            modSeq: ModSeq(rawValue: box.modSeq), uidNext: UID(rawValue: box.uidNext),
            arrived: UIDSet(ascending: box.arrivals.filter { $0.modSeq > since.rawValue }.map(\.uid)).intersection(box.uids),
            expunged: UIDSet(ranges: box.expunged.filter { $0.modSeq > since.rawValue }.map { $0.uid...$0.uid }), flagged: flagged,
            keywords: box.keywords)
    }

    private static func flagged(_ message: FakeOffice.Message) -> MailboxChanges.Flagged {
        MailboxChanges.Flagged(uid: UID(rawValue: message.uid), flags: message.flags, modSeq: ModSeq(rawValue: message.modSeq))
    }

    private func deleted(_ box: FakeOffice.Box) -> UIDSet {
        UIDSet(ascending: box.messages.filter { $0.flags.contains(.deleted) }.map(\.uid))
    }

    private func expunge(_ uids: UIDSet?) -> IMAPOutcome {
        guard let box = self.box else { return .refused(IMAPRefusal(.mailboxGone)) }
        let gone = uids.map { self.deleted(box).intersection($0) } ?? self.deleted(box)
        box.expunge(gone)
        return .expunged(gone, ModSeq(rawValue: box.modSeq))
    }

    // MARK: FETCH

    private func fetch(_ request: FetchRequest) -> IMAPOutcome {
        guard let box = self.box else { return .refused(IMAPRefusal(.mailboxGone)) }
        var out = ByteBuffer()
        if let among = request.vanishedAmong, let since = request.changedSince {
            out.writeVanished(self.changes(of: box, since: since).expunged.intersection(among), isEarlier: true)
        }
        for message in box.messages where request.uids.contains(UID(rawValue: message.uid)) {
            if let since = request.changedSince, message.modSeq <= since.rawValue { continue }
            out.beginFetch(UID(rawValue: message.uid), place: request.view.index(of: UID(rawValue: message.uid)) ?? -1, mode: request.mode)
            for (index, item) in request.items.enumerated() {
                if index > 0 { out.writeFetchBlank() }
                self.write(item, message, box, &out)
            }
            out.endFetch()
        }
        self.pieces = []
        while out.readableBytes > self.office.pieceSize, let piece = out.readSlice(length: self.office.pieceSize) {
            self.pieces.append(piece)
        }
        self.pieces.append(out)
        return self.nextPiece()
    }

    private func nextPiece() -> IMAPOutcome {
        guard !self.pieces.isEmpty else { return .piece(ByteBuffer(), isLast: true) }
        let piece = self.pieces.removeFirst()
        return .piece(piece, isLast: self.pieces.isEmpty)
    }

    private func write(_ item: FetchItem, _ message: FakeOffice.Message, _ box: FakeOffice.Box, _ out: inout ByteBuffer) {
        switch item {
        case .uid: out.writeFetchUID(UID(rawValue: message.uid))
        case .flags: out.writeFetchFlags(message.flags, keywords: box.keywords)
        case .internalDate:
            out.writeString("INTERNALDATE ")
            out.writeIMAPDateTime(message.date)
        case .size: out.writeString("RFC822.SIZE \(message.bytes.count)")
        case .modSeq: out.writeFetchModSeq(ModSeq(rawValue: message.modSeq))
        case .section(let section):
            out.writeFetchSectionName(section)
            out.writeString(" ")
            var bytes = message.bytes[...]
            if let partial = section.partial { bytes = bytes.dropFirst(Int(partial.first)).prefix(Int(partial.count)) }
            out.writeIMAPLiteralHeader(bytes.count)
            out.writeBytes(bytes)
        default: out.writeString("\(item)".prefix { $0 != "(" } + " NIL")
        }
    }

    // MARK: STORE, COPY, SEARCH

    /// How many commands came together, each time.
    private(set) var runs: [Int] = []
    /// Modseqs of the run in hand.
    private var made: Set<Int64> = []

    private func store(_ request: StoreRequest) -> IMAPOutcome {
        guard let box = self.box else { return .refused(IMAPRefusal(.mailboxGone)) }
        var flags = request.flags
        for keyword in request.keywords {
            guard let bit = box.bit(keyword) else { return .refused(IMAPRefusal(.tooManyKeywords, code: "LIMIT")) }
            flags.formUnion(bit)
        }
        var modified = UIDSet()
        var changed: [MailboxChanges.Flagged] = []
        var own = UIDSet()
        let present = box.messages.indices.filter { request.uids.contains(UID(rawValue: box.messages[$0].uid)) }
        if !present.isEmpty { box.modSeq += 1 }
        for index in present {
            if let since = request.unchangedSince, box.messages[index].modSeq > since.rawValue {
                modified.append(box.messages[index].uid)
                continue
            }
            switch request.change {
            case .add: box.messages[index].flags.formUnion(flags)
            case .remove: box.messages[index].flags.subtract(flags)
            case .replace: box.messages[index].flags = flags
            }
            if box.messages[index].modSeq <= request.known.rawValue || self.made.contains(box.messages[index].modSeq) {
                own.append(box.messages[index].uid)
            }
            box.messages[index].modSeq = box.modSeq
            changed.append(Self.flagged(box.messages[index]))
        }
        self.made.insert(box.modSeq)
        let change = OwnChange(modSeq: ModSeq(rawValue: box.modSeq), uids: own)
        return .stored(StoredFlags(flagged: request.isSilent ? [] : changed, modified: modified, keywords: box.keywords, own: [change]))
    }

    private func copy(_ request: CopyRequest) -> IMAPOutcome {
        guard let box = self.box else { return .refused(IMAPRefusal(.mailboxGone)) }
        guard let target = self.office.boxes[request.mailbox] else { return .refused(IMAPRefusal(.noSuchMailbox, code: "TRYCREATE")) }
        let taken = box.messages.filter { request.uids.contains(UID(rawValue: $0.uid)) }
        let first = target.uidNext
        for message in taken { target.add(String(decoding: message.bytes, as: UTF8.self), flags: message.flags, date: message.date) }
        let sources = UIDSet(ascending: taken.map(\.uid))
        if request.isMove { box.expunge(sources) }
        let destinations = taken.isEmpty ? UIDSet() : UIDSet(first...(target.uidNext - 1))
        return .copied(
            CopiedMessages(
                validity: UIDValidity(rawValue: target.validity), sources: sources, destinations: destinations,
                expungedAt: request.isMove ? ModSeq(rawValue: box.modSeq) : nil))
    }

    private func search(_ request: SearchRequest) -> IMAPOutcome {
        guard let box = self.box else { return .refused(IMAPRefusal(.mailboxGone)) }
        let found = box.messages.filter {
            request.view.contains(UID(rawValue: $0.uid)) && Self.matches(request.program.key, $0, box)
        }
        let modSeq = request.program.asksModSeq ? found.map(\.modSeq).max().map { ModSeq(rawValue: $0) } : nil
        switch request.kind {
        case .search: return .found(SearchAnswer(.found([.init(uids: UIDSet(ascending: found.map(\.uid)))]), modSeq: modSeq))
        case .sort: return .found(SearchAnswer(.sorted(found.reversed().map { UID(rawValue: $0.uid) }), modSeq: modSeq))
        case .thread:
            let items = found.flatMap { [MessageThreads.Item.open, .message(UID(rawValue: $0.uid)), .close] }
            return .found(SearchAnswer(.threads(MessageThreads(items: items))))
        }
    }

    private static func matches(_ key: SearchKey, _ message: FakeOffice.Message, _ box: FakeOffice.Box) -> Bool {
        switch key {
        case .all: true
        case .and(let keys): keys.allSatisfy { Self.matches($0, message, box) }
        case .or(let a, let b): Self.matches(a, message, box) || Self.matches(b, message, box)
        case .not(let key): !Self.matches(key, message, box)
        case .fuzzy(let key): Self.matches(key, message, box)
        case .uids(let uids): uids.contains(UID(rawValue: message.uid))
        case .flags(let flags): message.flags.isSuperset(of: flags)
        case .keyword(let name):
            box.keywords.firstIndex { $0.lowercased() == name.lowercased() }.map { message.flags.contains(FakeOffice.Box.flag($0)) }
                ?? false
        case .text(let text), .body(let text), .subject(let text), .from(let text):
            String(decoding: message.bytes, as: UTF8.self).lowercased().contains(text.lowercased())
        case .larger(let size): message.bytes.count > size
        case .smaller(let size): message.bytes.count < size
        case .modSeq(let modSeq): message.modSeq >= modSeq.rawValue
        default: false
        }
    }

    // MARK: APPEND

    private func extend(_ bytes: [UInt8]) -> IMAPOutcome {
        guard let append = self.append, let last = append.drafts.indices.last else { return .refused(IMAPRefusal(.unavailable)) }
        self.append?.drafts[last].1 += bytes
        return .done
    }

    private func add(_ added: AddedMessage) -> IMAPOutcome {
        guard let box = self.office.boxes[added.mailbox] else { return .refused(IMAPRefusal(.noSuchMailbox, code: "TRYCREATE")) }
        self.append = (box, [(added.message, Array(added.text.readableBytesView))], nil)
        return self.finishAppend()
    }

    private func finishAppend() -> IMAPOutcome {
        guard let (box, drafts, replacing) = self.append else { return .refused(IMAPRefusal(.unavailable)) }
        self.append = nil
        let first = box.uidNext
        for (message, bytes) in drafts {
            var flags = message.flags
            for keyword in message.keywords { if let bit = box.bit(keyword) { flags.formUnion(bit) } }
            box.add(String(decoding: bytes, as: UTF8.self), flags: flags, date: message.date ?? 0)
        }
        var replaced: OwnChange?
        if let replacing, let selected = self.box {
            selected.expunge(UIDSet(replacing.rawValue...replacing.rawValue))
            replaced = OwnChange(modSeq: ModSeq(rawValue: selected.modSeq), uids: UIDSet(replacing.rawValue...replacing.rawValue))
        }
        return .appended(
            validity: UIDValidity(rawValue: box.validity), uids: UIDSet(first...(box.uidNext - 1)), replaced: replaced)
    }

    // MARK: Names

    private func account(_ request: AccountRequest, _ mode: WireMode) -> IMAPOutcome {
        var out = ByteBuffer()
        switch request {
        case .create(let name, let uses):
            guard self.office.boxes[name] == nil else { return .refused(IMAPRefusal(.mailboxExists, code: "ALREADYEXISTS")) }
            self.office.create(name).uses = uses
        case .delete(let name):
            guard let gone = self.office.boxes.removeValue(forKey: name) else {
                return .refused(IMAPRefusal(.noSuchMailbox, code: "NONEXISTENT"))
            }
            guard gone !== self.box else {
                self.box = nil
                return .deletedSelected
            }
        case .rename(let old, let new):
            guard let box = self.office.boxes.removeValue(forKey: old) else {
                return .refused(IMAPRefusal(.noSuchMailbox, code: "NONEXISTENT"))
            }
            box.name = new
            self.office.boxes[new] = box
        case .subscribe(let name, let isOn):
            if isOn { self.office.subscribed.insert(name) } else { self.office.subscribed.remove(name) }
        case .list(let list):
            if list.asksForSeparator {
                out.writeSeparatorLine(isLSUB: list.isLSUB)
                break
            }
            for name in self.office.boxes.keys.sorted() where list.patterns.contains(where: { $0.matches(name) }) {
                if list.selection.contains(.subscribed), !self.office.subscribed.contains(name) { continue }
                var line = ListLine(name: name, specialUses: self.office.boxes[name]?.uses ?? [])
                if list.returns.contains(.subscribed), self.office.subscribed.contains(name) { line.attributes.insert(.subscribed) }
                out.writeListLine(line, mode: mode, isLSUB: list.isLSUB)
                if !list.status.isEmpty { self.writeStatus(name, list.status, mode, &out) }
            }
        case .status(let name, let items):
            guard self.office.boxes[name] != nil else { return .refused(IMAPRefusal(.noSuchMailbox, code: "NONEXISTENT")) }
            self.writeStatus(name, items, mode, &out)
        case .namespace: out.writeNamespaceLine(personal: [""], others: [], shared: [], mode: mode)
        case .quota(let root): out.writeQuotaLine(root: root, [("STORAGE", 10, 512)], mode: mode)
        case .quotaRoot(let mailbox):
            out.writeQuotaRootLine(mailbox, roots: [""], mode: mode)
            out.writeQuotaLine(root: "", [("STORAGE", 10, 512)], mode: mode)
        case .setQuota(let root, let limits):
            out.writeQuotaLine(root: root, limits.map { ($0.resource, 0, $0.limit) }, mode: mode)
        case .getACL(let mailbox): out.writeACLLine(mailbox, [("alice", "lrswipkxtea"), ("anyone", "l")], mode: mode)
        case .setACL(let mailbox, let identifier, let change): out.writeString("* X \(mailbox) \(identifier) \(change)\r\n")
        case .deleteACL: break
        case .listRights(let mailbox, let identifier):
            out.writeListRightsLine(mailbox, identifier: identifier, required: "", optional: ["l", "r"], mode: mode)
        case .myRights(let mailbox): out.writeMyRightsLine(mailbox, "lrs", mode: mode)
        case .getMetadata(let request):
            out.writeMetadataLine(
                request.mailbox, request.entries.map { MetadataEntry(name: $0, value: Array("v".utf8)) }, mode: mode)
        case .setMetadata(let mailbox, let entries):
            out.writeString(
                "* X \(mailbox) \(entries.map { "\($0.name)=\($0.value.map { String(decoding: $0, as: UTF8.self) } ?? "NIL")" })\r\n")
        case .makeURLs(let wanted): out.writeURLsLine(wanted.map { "\($0.url):\($0.mechanism.lowercased()):01" })
        case .fetchURLs(let urls):
            for url in urls {
                out.beginURLFetch(url.url)
                let content = url.content.map { " (\($0) NIL)" } ?? ""
                out.writeString(url.isExtended ? "(structure \(url.wantsStructure))\(content)\r\n" : "NIL\r\n")
            }
        case .resetKey(let mailbox, let mechanisms):
            return .account(out, code: "URLMECH \(mailbox ?? "all") \(mechanisms.joined(separator: ","))")
        }
        return .account(out)
    }

    private func writeStatus(_ name: String, _ items: StatusItems, _ mode: WireMode, _ out: inout ByteBuffer) {
        guard let box = self.office.boxes[name] else { return }
        var values = StatusValues()
        values.messages = box.messages.count
        values.uidNext = UID(rawValue: box.uidNext)
        values.validity = UIDValidity(rawValue: box.validity)
        values.unseen = box.messages.filter { !$0.flags.contains(.seen) }.count
        values.highestModSeq = ModSeq(rawValue: box.modSeq)
        values.mailboxID = "M\(box.validity)"
        values.size = Int64(box.messages.reduce(0) { $0 + $1.bytes.count })
        out.writeStatusLine(name, values, items, mode: mode)
    }
}
