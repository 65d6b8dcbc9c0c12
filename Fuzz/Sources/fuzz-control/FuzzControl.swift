import ControlFrames
import FuzzKit
import Glibc
import Vocabulary

/// What a client of the control socket sends: frames until the end or the first that is none.
///
/// Beside the absence of traps this holds: what was taken for a request comes out the same when it is sent again, and no frame is
/// longer than was allowed.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzControl(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let isAnswer = input.byte() & 1 != 0
    let bytes = input.remaining()
    guard let ends = pair() else { return 0 }
    defer { close(ends.reading) }
    feed(bytes, ends.writing)
    if isAnswer { read(AdminFrame.self, ends.reading, bytes.count) } else { read(AdminRequest.self, ends.reading, bytes.count) }
    return 0
}

private func read<Value: Codable & Equatable>(_: Value.Type, _ fd: CInt, _ most: Int) {
    var frames = 0
    while let value = try? AdminWire.receive(Value.self, from: fd, limit: 4096) {
        frames += 1
        expect(frames * 5 <= most, "more frames than bytes for them")
        guard let again = pair() else { return }
        defer { close(again.reading) }
        let isSent = (try? AdminWire.send(value, to: again.writing)) != nil
        close(again.writing)
        guard isSent else { continue }
        let back = try? AdminWire.receive(Value.self, from: again.reading, limit: AdminWire.maximumRequest)
        expect(back == value, "a frame is another one the second time")
    }
}

/// Room for every input without anybody reading.
private func pair() -> (reading: CInt, writing: CInt)? {
    var ends: [CInt] = [-1, -1]
    guard socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else { return nil }
    for end in ends {
        var room: CInt = 1 << 20
        setsockopt(end, SOL_SOCKET, CInt(SO_SNDBUF), &room, socklen_t(MemoryLayout<CInt>.size))
        var patience = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(end, SOL_SOCKET, CInt(SO_SNDTIMEO), &patience, socklen_t(MemoryLayout<timeval>.size))
    }
    return (ends[0], ends[1])
}

private func feed(_ bytes: [UInt8], _ fd: CInt) {
    _ = bytes.withUnsafeBytes { send(fd, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)) }
    close(fd)
}
