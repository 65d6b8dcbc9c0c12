import FuzzKit
import IMAPWire
import NIOCore
import SASL
import Search
import Vocabulary

/// First byte: circumstances. Second: where the input is cut. Third: what the backend answers. Rest: what the client sends; an octet 0xFF
/// is an event from outside instead (of four kinds, by the octet behind it).
///
/// Beside the absence of traps this holds: the cuts do not show in the answers, numbers follow from what was told, nothing is told as gone
/// during FETCH, STORE and SEARCH, calls speak only of UIDs that the client was told of, and no login succeeds without the password.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzIMAP(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let circumstances = input.byte()
    let cut = Int(input.byte() % 61) + 1
    let answers = input.byte()
    let bytes = input.remaining()
    let whole = converse(circumstances, answers, bytes, cut: bytes.count + 1)
    let pieces = converse(circumstances, answers, bytes, cut: cut)
    // Behind STARTTLS the driver drops what has come: there the cuts decide what that is. STOREs, COPYs and APPENDs that have come together are made
    // together, so that news are told behind the last of them.
    if !whole.maySplit && !pieces.maySplit { expect(whole.output == pieces.output, "the cuts show") }
    return 0
}

private func converse(_ circumstances: UInt8, _ answers: UInt8, _ bytes: [UInt8], cut: Int) -> (output: [UInt8], maySplit: Bool) {
    var settings = IMAPSettings(greeting: "ready", hostName: "host", makeNonce: { "nonce" })
    settings.offersTLS = circumstances & 1 != 0
    settings.allowsPlaintextLogin = circumstances & 2 != 0 || circumstances & 32 != 0
    settings.limits.errors = 1000
    settings.limits.messageSize = 500
    settings.limits.literal = 3000
    if circumstances & 4 != 0 { settings.features.subtract([.multiAppend, .eSearch, .listExtended, .condStore, .partial]) }
    let office = Office(seed: answers)
    var session = PureSession(IMAPMachine(settings: settings), answer: office.perform)
    session.connect(tls: circumstances & 16 != 0 ? TLSFacts(version: "TLSv1.3", cipher: "x", serverName: nil) : nil)
    if circumstances & 32 != 0 {
        session.send("0 LOGIN a pass\r\n")
        if circumstances & 64 != 0 { session.send("0 SELECT INBOX\r\n") }
        if circumstances & 128 != 0 { session.send("0 ENABLE QRESYNC\r\n") }
    }
    var hasTLS = false
    var output: [UInt8] = []
    // Events come between commands' bytes at the same places however these are cut.
    for (index, part) in bytes.split(separator: 0xFF, omittingEmptySubsequences: false).enumerated() {
        var rest = part
        if index > 0, let kind = rest.popFirst() { office.event(kind, &session) }
        while !rest.isEmpty {
            session.send(Array(rest.prefix(cut)))
            rest = rest.dropFirst(cut)
            if session.wantsTLS {
                hasTLS = true
                session.establishTLS()
            }
            expect(session.input.readableBytes <= 200_000, "unread input grows")
        }
        office.listen(session.output)
        output += Array(session.takeOutput().utf8)
    }
    if circumstances & 8 != 0 { session.timeOut() } else { session.shutDown() }
    office.listen(session.output)
    return (output + Array(session.takeOutput().utf8), hasTLS || office.hasRuns)
}

/// An account, `a` with password `pass`, and a mailbox that changes by itself between calls.
private final class Office {
    private var state: UInt64
    private var knowsPassword = false
    /// What is there.
    private var present: [UInt32] = [1, 2, 5, 6, 9]
    private var next: UInt32 = 10
    private var modSeq: Int64 = 20
    private var selected: [UInt32] = []
    private var gone: [(UInt32, Int64)] = []
    private var came: [(UInt32, Int64)] = []
    private var flagged: [UInt32: (Flags, Int64)] = [:]
    private var pieces = 0
    private var steps = 0
    /// STOREs, COPYs or APPENDs came together.
    private(set) var hasRuns = false
    private static let verifier = SCRAMVerifier(password: Secret("pass"), salt: [1, 2, 3], iterations: 4096)

    init(seed: UInt8) { self.state = UInt64(seed) &* 7919 &+ 1 }

    private func roll(_ sides: UInt64) -> UInt64 {
        self.state = self.state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (self.state >> 33) % sides
    }

    /// Something happens in the mailbox.
    private func live() {
        self.modSeq += 1
        switch self.roll(4) {
        case 0:
            self.present.append(self.next)
            self.came.append((self.next, self.modSeq))
            self.next += UInt32(self.roll(3) + 1)
        case 1 where !self.present.isEmpty:
            let uid = self.present.remove(at: Int(self.roll(UInt64(self.present.count))))
            self.gone.append((uid, self.modSeq))
        case 2 where !self.present.isEmpty:
            self.flagged[self.present[Int(self.roll(UInt64(self.present.count)))]] = (
                Flags(rawValue: Flags.RawValue(self.roll(64))), self.modSeq
            )
        default: break
        }
    }

    func event(_ kind: UInt8, _ session: inout PureSession<IMAPMachine>) {
        switch kind % 8 {
        case 0, 1, 2, 3:
            self.live()
            session.notify(.mailboxChanged)
        case 4, 5: session.notify(.noticesWait)
        case 6: session.timeOut()
        default: session.notify(kind & 8 == 0 ? .mailboxGone : .accountClosed)
        }
    }

    private func set(_ uids: some Sequence<UInt32>) -> UIDSet { UIDSet(ranges: uids.map { $0...$0 }) }

    func perform(_ call: IMAPCall) -> IMAPOutcome {
        switch call {
        case .authenticate(let request, _, _): return .auth(self.authenticate(request))
        case .messageBytes, .pause, .close, .dropAppend, .forgetLogin, .readView, .readNotices: break
        default:
            expect(self.knowsPassword, "a call without login")
            // Also where they are refused together.
            switch call {
            case .stores, .copies, .finishAppends: self.hasRuns = true
            default: break
            }
            if self.roll(5) == 0 { self.live() }
            if self.roll(12) == 0, !Self.mustAnswer(call) { return .refused(IMAPRefusal(.unavailable, code: "UNAVAILABLE")) }
        }
        switch call {
        case .authenticate, .forgetLogin, .dropAppend, .beginAppend, .beginMessage, .messageBytes, .messageURL, .watch, .close, .searchOn:
            if case .searchOn = call { return .found(SearchAnswer(.found([.init(uids: UIDSet())]))) }
            return .done
        case .account, .readNotices: return .account(ByteBuffer(string: "* X\r\n"), code: nil)
        case .select(let request):
            self.selected = self.present
            var mailbox = SelectedMailbox(
                mailbox: MailboxID(rawValue: 1), name: request.mailbox, validity: UIDValidity(rawValue: 7),
                uidNext: UID(rawValue: self.next),
                highestModSeq: ModSeq(rawValue: self.modSeq), messages: self.present.count, objectID: "M1", keywords: ["kw"], rights: .all,
                isReadOnly: request.isReadOnly)
            if request.resync != nil { mailbox.resync = self.changes(ModSeq(rawValue: 0)) }
            return .selected(mailbox)
        case .readView: return .view(self.set(self.selected))
        case .readChanges(let since): return .changes(self.changes(since))
        case .fetch(let request):
            self.check(request.uids)
            self.pieces = Int(self.roll(3))
            return self.piece(request.uids)
        case .readOn: return self.piece(UIDSet())
        case .pause: return .resumed
        case .store(let request): return self.store(request)
        case .stores(let requests): return .ran(requests.map { self.store($0) })
        case .copy(let request): return self.copy(request)
        case .copies(let requests):
            expect(requests.count > 1 && !requests.contains(where: \.isMove), "a run of copies")
            return .ran(requests.map { self.roll(8) == 0 ? .refused(IMAPRefusal(.overQuota, code: "OVERQUOTA")) : self.copy($0) })
        case .expunge(let uids):
            if let uids { self.check(uids) }
            let there = (uids ?? self.set(self.present.prefix(2))).intersection(self.set(self.present))
            self.remove(there)
            return .expunged(there, ModSeq(rawValue: self.modSeq))
        case .search(let request): return self.search(request)
        case .finishAppend: return self.appended()
        case .finishAppends(let more):
            for added in more {
                expect(added.message.size == Int64(added.text.readableBytes) && added.text.readableBytes <= 500, "a message of a run")
            }
            // Of the one in hand it was asked before whether its mailbox is there.
            return .ran(
                [self.appended()]
                    + more.map { _ in
                        self.roll(8) == 0 ? .refused(IMAPRefusal(.noSuchMailbox, code: "TRYCREATE")) : self.appended()
                    })
        }
    }

    private static func mustAnswer(_ call: IMAPCall) -> Bool { if case .readChanges = call { true } else { false } }

    /// UIDs of calls are those that were there at some time.
    private func check(_ uids: UIDSet) { expect(uids.last.map { $0.rawValue < self.next } ?? true, "a UID that never was") }

    private func remove(_ uids: UIDSet) {
        self.modSeq += 1
        for uid in uids { self.gone.append((uid.rawValue, self.modSeq)) }
        self.present.removeAll { uids.contains(UID(rawValue: $0)) }
    }

    private func changes(_ since: ModSeq) -> MailboxChanges {
        MailboxChanges(
            modSeq: ModSeq(rawValue: self.modSeq), uidNext: UID(rawValue: self.next),
            arrived: self.set(self.came.filter { $0.1 > since.rawValue }.map(\.0)).intersection(self.set(self.present)),
            expunged: self.set(self.gone.filter { $0.1 > since.rawValue }.map(\.0)),
            flagged: self.flagged.filter { $0.value.1 > since.rawValue && self.present.contains($0.key) }.map {
                MailboxChanges.Flagged(uid: UID(rawValue: $0.key), flags: $0.value.0, modSeq: ModSeq(rawValue: $0.value.1))
            }.sorted { $0.uid < $1.uid })
    }

    private func piece(_ uids: UIDSet) -> IMAPOutcome {
        self.pieces -= 1
        if self.pieces == 0, self.roll(20) == 0 { return .broken }
        return .piece(
            ByteBuffer(string: "* Y\r\n"), isLast: self.pieces <= 0, own: [OwnChange(modSeq: ModSeq(rawValue: self.modSeq + 1), uids: uids)]
        )
    }

    private func appended() -> IMAPOutcome {
        self.live()
        return .appended(validity: UIDValidity(rawValue: 7), uids: UIDSet(3...3))
    }

    private func copy(_ request: CopyRequest) -> IMAPOutcome {
        self.check(request.uids)
        let there = request.uids.intersection(self.set(self.present))
        if request.isMove { self.remove(there) }
        return .copied(CopiedMessages(validity: UIDValidity(rawValue: 8), sources: there, destinations: there))
    }

    private func store(_ request: StoreRequest) -> IMAPOutcome {
        self.check(request.uids)
        let there = request.uids.intersection(self.set(self.present))
        self.modSeq += 1
        for uid in there { self.flagged[uid.rawValue] = (request.flags, self.modSeq) }
        let changed = there.map { MailboxChanges.Flagged(uid: $0, flags: request.flags, modSeq: ModSeq(rawValue: self.modSeq)) }
        return .stored(StoredFlags(flagged: changed, modified: request.unchangedSince == nil ? UIDSet() : there.slice(0..<1)))
    }

    private func search(_ request: SearchRequest) -> IMAPOutcome {
        self.check(request.view)
        if self.roll(6) == 0 { return .progress(done: 1, of: 2) }
        switch request.kind {
        case .search: return .found(SearchAnswer(.found([.init(uids: request.view)]), modSeq: ModSeq(rawValue: 3)))
        case .sort: return .found(SearchAnswer(.sorted(request.view.reversed())))
        case .thread: return .found(SearchAnswer(.threads(MessageThreads(items: request.view.flatMap { [.open, .message($0), .close] }))))
        }
    }

    private func authenticate(_ request: AuthRequest) -> AuthOutcome {
        let identity = Identity(
            account: AccountID(rawValue: 1), login: "a", primaryAddress: Address(localPart: "a", domain: "example.test"))
        switch request {
        case .password("a", let secret) where secret == Secret("pass"):
            self.knowsPassword = true
            return .accepted(identity)
        case .password: return .refused(.badCredentials)
        case .verifier: return .verifier(Self.verifier)
        case .proof(_, _, let isValid):
            self.knowsPassword = self.knowsPassword || isValid
            return isValid ? .accepted(identity) : .refused(.badCredentials)
        }
    }

    // MARK: The client's ear

    private var count = 0

    /// EXISTS never falls by itself, EXPUNGE names a message that is there. VANISHED lowers the count without numbers: what follows is not
    /// looked at then.
    func listen(_ output: ByteBuffer) {
        guard self.count >= 0 else { return }
        for line in output.readableBytesView.split(separator: UInt8(ascii: "\n")) {
            let words = String(decoding: line, as: UTF8.self).split(separator: " ", maxSplits: 3)
            guard words.count >= 3, words[0] == "*" else { continue }
            if words[1] == "FLAGS" { self.count = 0 }  // SELECT begins: our keywords never change
            if words[1] == "VANISHED" {
                self.count = -1
                return
            }
            guard let number = Int(words[1]) else { continue }
            if words[2].hasPrefix("EXISTS") {
                expect(number >= self.count, "fewer messages than told")
                self.count = number
            }
            if words[2].hasPrefix("EXPUNGE") {
                expect((1...max(1, self.count)).contains(number), "a message that is not there is gone")
                self.count -= 1
            }
        }
    }
}
