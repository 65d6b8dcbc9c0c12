import FuzzKit
import IMAPWire
import NIOCore
import SASL
import Search
import Vocabulary

/// The input as a mailbox name, a pattern, a URL, and as the arguments of each command of a session that is logged in and has a mailbox.
///
/// A name that can be read is written and read again as the same; a pattern matches as the plainest matcher says; nothing that is answered
/// OK was asked of the backend with a UID that is not there.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzIMAPGrammar(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let choice = input.byte()
    let bytes = input.remaining()
    names(bytes)
    patterns(bytes)
    if let url = String(validating: bytes, as: UTF8.self).flatMap(IMAPURL.init(parsing:)) {
        expect(url.uid.rawValue > 0 && !url.mailbox.isEmpty, "a URL of nothing")
    }
    if let text = String(validating: bytes, as: UTF8.self), let url = AuthorizedURL(parsing: text) {
        expect(text.hasPrefix(url.rump) && !url.user.isEmpty, "a URL that is not what its code is made of")
    }
    command(commands[Int(choice) % commands.count], bytes)
    return 0
}

private func names(_ bytes: [UInt8]) {
    for isUTF8 in [false, true] {
        guard let name = MailboxName.decoded(bytes, isUTF8: isUTF8) else { continue }
        let again = MailboxName.encoded(name, isUTF8: isUTF8)
        expect(MailboxName.decoded(again.utf8, isUTF8: isUTF8) == name, "a name is not read as it was written")
        if !isUTF8 { expect(again.utf8.allSatisfy { (0x20...0x7E).contains($0) }, "no ASCII") }
    }
}

private func patterns(_ bytes: [UInt8]) {
    let half = bytes.count / 2
    guard bytes.count <= 24, let text = String(validating: bytes[..<half], as: UTF8.self),
        let name = String(validating: bytes[half...], as: UTF8.self), text.utf8.allSatisfy({ $0 != 0x49 && $0 != 0x69 })
    else { return }
    let found = ListPattern(text).matches(name)
    expect(found == matches(Array(text.utf8)[...], Array(name.utf8)[...]), "a pattern matches otherwise")
}

/// As the RFC says it, by trying.
private func matches(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
    guard let first = pattern.first else { return name.isEmpty }
    switch first {
    case UInt8(ascii: "*"): return matches(pattern.dropFirst(), name) || (!name.isEmpty && matches(pattern, name.dropFirst()))
    case UInt8(ascii: "%"):
        return matches(pattern.dropFirst(), name)
            || (name.first.map { $0 != UInt8(ascii: "/") } ?? false) && matches(pattern, name.dropFirst())
    default: return name.first == first && matches(pattern.dropFirst(), name.dropFirst())
    }
}

private let commands = [
    "FETCH", "UID FETCH", "STORE", "UID STORE", "SEARCH", "UID SEARCH", "SORT", "UID SORT", "THREAD", "ESEARCH", "COPY", "UID MOVE", "LIST",
    "LSUB", "STATUS", "SELECT", "EXAMINE", "CREATE", "RENAME", "APPEND", "UID REPLACE", "GETMETADATA", "SETMETADATA", "SETACL", "SETQUOTA",
    "NOTIFY", "ENABLE", "ID", "LANGUAGE", "UID EXPUNGE", "COMPRESS",
    "GENURLAUTH", "URLFETCH", "RESETKEY", "UIDBATCHES",
]

private func command(_ name: String, _ bytes: [UInt8]) {
    var settings = IMAPSettings(greeting: "ready", hostName: "host", makeNonce: { "nonce" })
    settings.allowsPlaintextLogin = true
    var session = PureSession(IMAPMachine(settings: settings), answer: answer)
    session.connect()
    session.send("0 LOGIN a b\r\n1 ENABLE QRESYNC IMAP4rev2\r\n2 SELECT INBOX\r\n")
    session.send("3 \(name) ")
    session.send(bytes)
    session.send("\r\n4 LOGOUT\r\n")
    let output = session.takeOutput()
    expect(output.hasPrefix("* OK ["), "no greeting")
}

private let view = UIDSet(ranges: [1...50, 100...120])

private func answer(_ call: IMAPCall) -> IMAPOutcome {
    switch call {
    case .authenticate:
        .auth(
            .accepted(
                Identity(account: AccountID(rawValue: 1), login: "a", primaryAddress: Address(localPart: "a", domain: "example.test"))))
    case .account, .readNotices: .account(ByteBuffer())
    case .select:
        .selected(
            SelectedMailbox(
                mailbox: MailboxID(rawValue: 1), name: "INBOX", validity: UIDValidity(rawValue: 7), uidNext: UID(rawValue: 121),
                highestModSeq: ModSeq(rawValue: 5), messages: view.count, objectID: "M1", keywords: [], rights: .all, isReadOnly: false))
    case .readView: .view(view)
    case .readChanges: .changes(MailboxChanges(modSeq: ModSeq(rawValue: 5), uidNext: UID(rawValue: 121)))
    case .fetch(let request): checked(request.uids, .piece(ByteBuffer(), isLast: true))
    case .readOn: .piece(ByteBuffer(), isLast: true)
    case .store(let request): checked(request.uids, .stored(StoredFlags(flagged: [])))
    case .stores(let requests): .ran(requests.map { checked($0.uids, .stored(StoredFlags(flagged: []))) })
    case .copy(let request):
        checked(request.uids, .copied(CopiedMessages(validity: UIDValidity(rawValue: 1), sources: UIDSet(), destinations: UIDSet())))
    case .copies(let requests):
        .ran(
            requests.map {
                checked($0.uids, .copied(CopiedMessages(validity: UIDValidity(rawValue: 1), sources: UIDSet(), destinations: UIDSet())))
            })
    case .finishAppends(let more):
        .ran((0...more.count).map { _ in .appended(validity: UIDValidity(rawValue: 7), uids: UIDSet(121...121)) })
    case .expunge(let uids): checked(uids ?? UIDSet(), .expunged(UIDSet(), ModSeq(rawValue: 5)))
    case .search(let request):
        checked(request.program, .found(SearchAnswer(.found([.init(uids: request.view)]))), request)
    case .pause: .resumed
    case .finishAppend: .appended(validity: UIDValidity(rawValue: 7), uids: UIDSet(121...121))
    default: .done
    }
}

private func checked(_ uids: UIDSet, _ outcome: IMAPOutcome) -> IMAPOutcome {
    expect(uids.subtracting(view).isEmpty, "UIDs that are not there")
    return outcome
}

private func checked(_ program: SearchProgram, _ outcome: IMAPOutcome, _ request: SearchRequest) -> IMAPOutcome {
    expect(!program.contains { if case .messages = $0 { true } else { false } }, "numbers are left in a search")
    switch request.kind {
    case .search: return outcome
    case .sort: return .found(SearchAnswer(.sorted([UID(rawValue: 3), UID(rawValue: 1)])))
    case .thread: return .found(SearchAnswer(.threads(MessageThreads(items: [.open, .message(UID(rawValue: 1)), .close]))))
    }
}
