import Glibc

/// A non-blocking client or server connection with an output queue of at most two pieces, one of which is borrowed.
class Connection: Source {
    private var pending: [UInt8] = []
    private var sent = 0
    /// Follows `pending`; shared by all sessions, never copied.
    private var tail: SharedBytes?
    private var tailSent = 0

    /// Input arrived. The bytes are gone after the call.
    func received(_ bytes: UnsafeRawBufferPointer) {}
    /// The peer closed, or the connection broke.
    func ended(_ reason: String) {}

    final override func writable() {
        if !self.pending.isEmpty || self.tail != nil { self.flush() }
    }

    final override func readable() {
        let scratch = self.reactor.scratch
        while !self.closed {
            let count = recv(self.descriptor, scratch.baseAddress, scratch.count, 0)
            if count > 0 {
                self.received(UnsafeRawBufferPointer(rebasing: scratch[..<count]))
                if count < scratch.count && !self.hungUp { return }
            } else if count == 0 {
                return self.ended("closed by the server")
            } else if errno == EAGAIN {
                return
            } else if errno != EINTR {
                return self.ended(String(cString: strerror(errno)))
            }
        }
    }

    /// Sends `head` and then `tail`. Only one such pair may be under way, except that heads may be added while no tail waits.
    final func send(_ head: some Collection<UInt8>, _ tail: SharedBytes? = nil) {
        self.pending.append(contentsOf: head)
        self.tail = tail
        self.tailSent = 0
        self.flush()
    }

    private func flush() {
        while !self.closed {
            let headLeft = self.pending.count - self.sent
            let tailLeft = (self.tail?.count ?? 0) - self.tailSent
            if headLeft + tailLeft == 0 { break }
            let written = self.writePieces(headLeft, tailLeft)
            if written < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN { return }
                return self.ended(String(cString: strerror(errno)))
            }
            self.sent += min(written, headLeft)
            self.tailSent += max(0, written - headLeft)
        }
        self.pending.removeAll(keepingCapacity: true)
        self.sent = 0
        self.tail = nil
    }

    private func writePieces(_ headLeft: Int, _ tailLeft: Int) -> Int {
        self.pending.withUnsafeMutableBytes { head in
            var pieces = (
                iovec(iov_base: head.baseAddress.map { $0 + self.sent }, iov_len: headLeft),
                iovec(iov_base: self.tail.map { $0.base + self.tailSent }, iov_len: tailLeft)
            )
            return withUnsafeMutableBytes(of: &pieces) { raw in
                var message = msghdr()
                message.msg_iov = raw.baseAddress?.assumingMemoryBound(to: iovec.self)
                message.msg_iovlen = tailLeft > 0 ? 2 : 1
                return sendmsg(self.descriptor, &message, CInt(MSG_NOSIGNAL))
            }
        }
    }
}

/// Bytes that many sessions send: the body of all messages of a run.
package final class SharedBytes {
    package let base: UnsafeMutableRawPointer
    package let count: Int

    package init(_ bytes: [UInt8]) {
        self.count = bytes.count
        self.base = .allocate(byteCount: max(1, bytes.count), alignment: 64)
        bytes.withUnsafeBytes { if let source = $0.baseAddress { self.base.copyMemory(from: source, byteCount: bytes.count) } }
    }

    deinit { self.base.deallocate() }
}
