import FoundationEssentials
import Glibc

/// Frames on the control socket: four bytes of length, most significant first, then JSON.
/// The peer is root or the service user, but gets the same care as any other: lengths are checked before memory is taken.
package enum AdminWire {
    /// A whole bulk import of accounts travels in one request, and so does a message of 64 MiB in base64.
    package static let maximumRequest = 100 << 20
    static let maximumFrame = 4 << 20

    package static func send(_ value: some Encodable, to fd: Int32) throws(SystemFailure) {
        guard let data = try? JSONEncoder().encode(value), let length = UInt32(exactly: data.count) else {
            throw SystemFailure("encode", EINVAL)
        }
        let head = withUnsafeBytes(of: length.bigEndian) { Array($0) }
        try Self.sendAll(head + Array(data), to: fd)
    }

    /// nil when the other side has closed between two frames.
    package static func receive<Value: Decodable>(_: Value.Type, from fd: Int32, limit: Int) throws(SystemFailure) -> Value? {
        guard let head = try Self.receive(count: 4, from: fd) else { return nil }
        let length = head.reduce(0) { $0 << 8 | Int($1) }
        guard length > 0, length <= limit else { throw SystemFailure("frame length", EMSGSIZE) }
        guard let body = try Self.receive(count: length, from: fd) else { throw SystemFailure("frame", ECONNRESET) }
        guard let value = try? JSONDecoder().decode(Value.self, from: Data(body)) else { throw SystemFailure("frame", EBADMSG) }
        return value
    }

    private static func sendAll(_ bytes: [UInt8], to fd: Int32) throws(SystemFailure) {
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes { Glibc.send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0 {
                if errno == EINTR { continue }
                throw SystemFailure("send")
            }
            done += count
        }
    }

    /// nil at an orderly end before the first byte. Memory grows with what arrives, not with what was announced.
    private static func receive(count: Int, from fd: Int32) throws(SystemFailure) -> [UInt8]? {
        var out: [UInt8] = []
        var block = [UInt8](repeating: 0, count: min(count, 64 << 10))
        while out.count < count {
            let got = recv(fd, &block, min(block.count, count - out.count), 0)
            if got < 0 {
                if errno == EINTR { continue }
                throw SystemFailure("receive")
            }
            if got == 0 {
                if out.isEmpty { return nil }
                throw SystemFailure("receive", ECONNRESET)
            }
            out.append(contentsOf: block[..<got])
        }
        return out
    }
}
