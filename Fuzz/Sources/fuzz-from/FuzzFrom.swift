import Bounces
import Bytes
import FuzzKit
import MIME
import NIOCore
import Vocabulary

/// How From is rewritten, a real name, and a header. The result has one From, which says the primary address and nobody else's; done again nothing
/// changes; the body is never touched; and whatever the header says, asking whether it is to be answered, and the answer, end.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzFrom(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let bytes = input.remaining()
    guard let kind = bytes.first, bytes.count >= 2 else { return 0 }
    let parts = bytes.dropFirst().split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    let name = parts.count == 2 ? String(decoding: parts[0], as: UTF8.self) : ""
    let message = ByteBuffer(bytes: parts.last ?? [])
    rewrite(kind, name, message)
    answer(kind, name, message)
    return 0
}

private let primary = Address(localPart: "jane", domain: "example.test")

private func rewrite(_ kind: UInt8, _ name: String, _ message: ByteBuffer) {
    var fixer = SubmissionFixer(
        completionDomain: "example.test", date: CivilTime(unixSeconds: 0), messageID: "<x@y>", from: primary)
    fixer.author = SubmissionAuthor(
        style: kind % 3 == 0 ? nil : kind % 3 == 1 ? .quoted : .comment, address: primary, name: name,
        mayUse: { "\($0)".lowercased() == "jane@example.test" }, isOfThisSite: { $0.domain == "example.test" })
    guard let fixed = try? fixer.fixed(message, isWhole: true) else { return }
    expect((try? fixer.fixed(fixed, isWhole: true)) == fixed, "rewritten twice")
    var reader = HeaderReader(message)
    while reader.next() != nil {}
    if case .blankLine(let start)? = reader.end {
        let body = message.getSlice(at: start, length: message.readableBytes - start) ?? ByteBuffer()
        expect(fixed.readableBytesView.suffix(body.readableBytes).elementsEqual(body.readableBytesView), "the body changed")
    }
    var fields: [[UInt8]] = []
    var isResent = false
    var after = HeaderReader(fixed)
    while let field = after.next() {
        if fixed.isField(field, named: "From") { fields.append(fixed.unfolded(field)) }
        if fixed.isField(field, named: "Resent-From") { isResent = true }
    }
    guard !isResent else { return }
    expect(fields.count == 1, "more or less than one From")
    let found = fields.first.flatMap { FromField.mailboxes(in: $0, completing: "example.test") }
    expect(
        found?.isEmpty == false && found?.allSatisfy { "\($0.address)".lowercased() == "jane@example.test" } == true,
        "somebody else's address")
    let others = fields.first.flatMap { FromField.everyAddress(in: $0) }
    expect(others?.allSatisfy { "\($0)".lowercased() == "jane@example.test" } == true, "an address beside it")
}

private func answer(_ kind: UInt8, _ name: String, _ message: ByteBuffer) {
    let sender = Address(localPart: "stranger", domain: "elsewhere.test")
    let mode: AutoReply.Mode = kind % 3 == 0 ? .vacation : kind % 3 == 1 ? .reply : .echo
    let refusal = AutoReply.refusal(message, sender: sender, mode: mode, hostName: "mail.example.test", isOwn: { $0.localPart == "jane" })
    guard refusal == nil else { return }
    let composer = AutoReplyComposer(
        hostName: "mail.example.test", address: primary, name: name, mode: mode, subject: kind & 64 == 0 ? "" : name, text: name,
        language: kind & 128 == 0 ? .english : .japanese)
    let original = AutoReplyComposer.Original(envelope: Envelope(sender: sender), bytes: message, isWhole: true)
    let (envelope, reply) = composer.compose(original, to: sender, now: 1_800_000_000, offset: 540, random: Array(UInt8(0)..<32))
    expect(envelope.sender == nil && envelope.recipients.count == 1, "a sender")
    // What others wrote is in no field of ours but those that repeat it.
    var reader = HeaderReader(reply)
    var names: [String] = []
    while let field = reader.next() {
        names.append(reply.getString(at: field.start, length: field.nameEnd - field.start) ?? "")
        expect(field.end - field.start < 8000, "an endless field")
    }
    let known: Set = [
        "Date", "From", "To", "Subject", "Message-ID", "In-Reply-To", "References", "Auto-Submitted", "Precedence",
        "X-Auto-Response-Suppress",
        "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
    ]
    expect(names.allSatisfy(known.contains) && Set(names).count == names.count, "a field that nobody wrote")
    let again = AutoReply.refusal(reply, sender: sender, mode: .reply, hostName: "x", isOwn: { _ in false })
    expect(again != nil, "a reply that would be answered: \(String(buffer: reply).debugDescription)")
}
