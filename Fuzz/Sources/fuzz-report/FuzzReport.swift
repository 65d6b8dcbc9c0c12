internal import Bounces
internal import Bytes
internal import FuzzKit
internal import NIOCore
internal import Policy
internal import Text
internal import Vocabulary

private let key: [UInt8] = Array(0..<32)
private let now: Int64 = 1_800_000_000

/// Everything that reads what others wrote about undeliverable mail, and the writer of reports: whatever stands in replies, addresses and
/// original messages, what we write can be read back, is ASCII where it must be, and no line is too long.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzReport(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let kind = input.byte()
    switch kind % 6 {
    case 0: _ = ReportReader(ByteBuffer(bytes: input.remaining()))
    case 1: fuzzForm(String(decoding: input.remaining(), as: UTF8.self))
    case 2: fuzzHeld(input.remaining())
    case 3: fuzzReturn(String(decoding: input.remaining(), as: UTF8.self))
    case 4: _ = LoopGuard.check(ByteBuffer(bytes: input.remaining()), forwardingFor: nil, hopLimit: 30)
    default: fuzzWriter(&input)
    }
    return 0
}

private func fuzzForm(_ text: String) {
    guard let answer = try? ActionForm.read(text) else { return }
    expect(answer.entry.rawValue > 0, "entry \(answer.entry)")
    expect(!ActionSecret(key: key).isRight(answer.secret, QueueID(rawValue: 0), heldAt: now), "a secret was guessed")
}

private func fuzzHeld(_ bytes: [UInt8]) {
    guard let held = HeldCase(decoding: bytes) else { return }
    expect(HeldCase(decoding: held.encoded()) == held, "\(held) was not read back")
}

private func fuzzReturn(_ text: String) {
    let here = ReturnAddresses(key: key, domain: "here.test")
    if let decoded = Xtext.decode(text) { expect(Xtext.decode(Xtext.encode(decoded)) == decoded, "xtext of \(decoded)") }
    if let decoded = Xtext.decodeUnitext(text) { expect(Xtext.decodeUnitext(Xtext.unitext(decoded)) == decoded, "unitext of \(decoded)") }
    if case .forwarded(let sender)? = here.found(text, now: now) { expect(false, "\(text) was forged for \(sender)") }
    _ = here.member(detail: text, ofList: Address(localPart: "owner-x", domain: "here.test"), now: now)
    guard let sender = try? Address(parsing: text), let made = here.forwarding(sender, now: now) else { return }
    expect(made.localPart.utf8.count <= 64, "\(made) is too long")
    expect((try? Address(parsing: made.description)) == made, "\(made) is no address")
    guard case .forwarded(let back)? = here.found(made.localPart, now: now) else { fatalError("\(made) is not known") }
    expect(made.localPart.hasPrefix("SRS1") || AddressKey(back) == AddressKey(sender), "\(sender) came back as \(back)")
}

private func fuzzWriter(_ input: inout FuzzInput) {
    let flags = input.byte()
    let parts = input.remaining().split(separator: 0, maxSplits: 4, omittingEmptySubsequences: false).map {
        String(decoding: $0, as: UTF8.self)
    }
    let text = { (index: Int) in index < parts.count ? parts[index] : "" }
    let sender = (try? Address(parsing: text(0))) ?? Address(localPart: "a", domain: "x.test")
    let reply = Reply(550, flags & 1 == 0 ? nil : EnhancedStatus(5, 1, 1), text(1))
    var envelope = Envelope(sender: sender)
    envelope.envelopeID = text(2)
    envelope.isInternationalized = flags & 2 != 0
    let address = (try? Address(parsing: text(3))) ?? Address(localPart: text(3), domain: "y.test")
    let failure = DeliveryFailure(.reply(reply, .rcpt), remoteHost: text(2))
    let recipient = DeliveryReport.Recipient(
        Envelope.Recipient(address, originalRecipient: text(2)), flags & 4 == 0 ? .failed : .delayed, status: failure.status,
        failure: failure,
        lastAttempt: now, willRetryUntil: now)
    let report = DeliveryReport(envelope: envelope, arrivedAt: now, trace: nil, size: 10, recipients: [recipient])
    let composer = ReportComposer(
        hostName: "mail.test", postmaster: Address(localPart: "postmaster", domain: "mail.test"),
        languages: flags & 8 == 0 ? [.english] : [.japanese, .english])
    let original = OriginalBeginning(ByteBuffer(string: text(4)))
    guard let composed = composer.compose(report, original: original, now: now, random: key) else { fatalError("no report") }
    check(composed, original: text(4), isGlobal: sender.isInternationalized)
}

private func check(_ composed: ComposedReport, original: String, isGlobal: Bool) {
    for line in composed.head.readableBytesView.split(separator: .lf) {
        expect(line.count <= 1000 || original.utf8.count > 900, "a line of \(line.count)")
        expect(!line.contains(0) || original.utf8.contains(0), "a NUL")
    }
    if !isGlobal && composed.original != .whole {
        expect(composed.head.readableBytesView.allSatisfy { $0 < 0x80 }, "an octet beyond ASCII in a 7-bit report")
    }
    guard let read = ReportReader(composed.head) else { fatalError("a report that cannot be read") }
    expect(read.recipients.count == 1, "\(read.recipients.count) recipients")
}
