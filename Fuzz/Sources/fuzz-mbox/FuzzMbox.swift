import FuzzKit
import MailFiles
import Vocabulary

/// First byte: where the input is cut. Rest: an mbox file. The cut does not show; each message that is found is written and read back as it is;
/// names of Maildir files too.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzMbox(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let cut = Int(input.byte())
    let bytes = Array(input.remaining())
    let whole = events(bytes, cut: bytes.count)
    expect(events(bytes, cut: min(cut, bytes.count)) == whole, "the cut shows")
    var file: [UInt8] = []
    var written: [FiledMessage] = []
    for case .message(let message, _, _) in whole {
        file += MboxWriter.encoded(message, sender: "a@b", uid: UInt32(written.count + 1))
        written.append(message)
    }
    var read = 0
    for event in events(file, cut: min(cut, file.count)) {
        guard case .message(let message, let uid, _) = event else { continue }
        expect(read < written.count && uid == UInt32(read + 1), "one more, or another number")
        expect(message.flags == written[read].flags && message.date == written[read].date, "flags or date")
        // A header without an empty line behind it gets one.
        let (now, before) = (message.content, written[read].content)
        expect(now == before || now == before + [13, 10], "another content")
        read += 1
    }
    expect(read == written.count, "messages went")
    if let name = MaildirName(String(decoding: bytes.prefix(200), as: UTF8.self)) {
        expect(MaildirName(name.name)?.flags == name.flags, "flags of a name")
    }
    return 0
}

private func events(_ bytes: [UInt8], cut: Int) -> [MboxReader.Event] {
    var reader = MboxReader(limit: 4096)
    return bytes.withUnsafeBytes { raw in
        reader.read(UnsafeRawBufferPointer(rebasing: raw[..<cut])) + reader.read(UnsafeRawBufferPointer(rebasing: raw[cut...]))
            + reader.finish()
    }
}
