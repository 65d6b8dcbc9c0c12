internal import CPlatform
internal import Database
package import Directory
internal import Glibc
internal import NIOCore
internal import Synchronization

/// The mta's end of the pair whose other end `postoffice-deliver` holds, which alone may act as users of the operating system.
/// Calls block, and any number of threads may call.
package final class SystemHelper: Sendable {
    package enum Answer: Sendable, Hashable {
        /// Carried out. `code` is the exit status of a program (128 + signal where one ended it), else 0.
        case done(code: Int32, text: [UInt8])
        /// Not now, in the helper's words; 124 is the code of a program that took too long.
        case notNow(code: Int32, text: [UInt8])
        /// Refused for good: no such user, or not one whom mail may be delivered to; a wrong password.
        case never(code: Int32, text: [UInt8])
        /// No answer came: its process was killed, or the server ends.
        case lost
    }

    private let socket: Int32
    /// What it was started for.
    private let services: Set<SystemDelivery.Service>
    private let hasEnded = Atomic<Bool>(false)
    private let ended = Mutex<@Sendable () -> Void>({})
    /// Becomes readable when the server ends, for all calls under way.
    private let ending: Int32
    /// Passwords under way; the rest waits here.
    private let passwords = Monitor(0)
    private static let mostPasswords = 8

    /// Takes the socket over.
    package init(socket: Int32, services: Set<SystemDelivery.Service>) {
        self.socket = socket
        self.services = services
        self.ending = po_eventfd()
    }

    deinit {
        close(self.socket)
        close(self.ending)
    }

    package var state: SystemDelivery {
        self.hasEnded.load(ordering: .relaxed)
            ? SystemDelivery(services: [], absence: .failed("ended")) : SystemDelivery(services: self.services)
    }

    /// `body` is called once, when it is found to have ended.
    package func whenEnded(_ body: @escaping @Sendable () -> Void) { self.ended.withLock { $0 = body } }

    /// Calls under way come back with `.lost`, and programs are ended.
    package func stop() {
        var one: UInt64 = 1
        _ = write(self.ending, &one, 8)
    }

    /// One of a bounded number at a time. `user` is the operating system's.
    package func password(user: String, password: [UInt8]) -> Answer {
        let isFree = self.passwords.wait(milliseconds: 10_000, until: { $0 < Self.mostPasswords }) { count in
            guard count < Self.mostPasswords else { return false }
            count += 1
            return true
        }
        guard isFree else { return .lost }
        defer {
            self.passwords.withLock { $0 -= 1 }
            self.passwords.signal()
        }
        return self.call(HelperRequest(password, of: user), message: nil)
    }

    /// - Parameter message: a file whose whole content is the message; stays the caller's.
    func call(_ request: HelperRequest, message: Int32?) -> Answer {
        guard let bytes = request.encoded() else { return .never(code: 0, text: Array("too long".utf8)) }
        var ends: [Int32] = [-1, -1]
        guard po_packet_pair(&ends) == 0 else { return .lost }
        defer { close(ends[0]) }
        let isSent = self.send(bytes, [ends[1]] + (message.map { [$0] } ?? []))
        close(ends[1])
        guard isSent else { return .lost }
        // The helper keeps the time; what is added is for a machine that is very busy.
        guard self.wait(for: ends[0], Int16(POLLIN), milliseconds: (Int64(request.time) + 180) * 1000) else { return .lost }
        var packet = [UInt8](repeating: 0, count: 40_000)
        var none = Int32(0)
        let length = po_receive_packet(ends[0], &packet, packet.count, nil, &none)
        return length > 0 ? HelperAnswer.read(packet[..<length]) ?? .lost : .lost
    }

    private func send(_ bytes: [UInt8], _ descriptors: [Int32]) -> Bool {
        for _ in 0..<600 {
            if po_send_packet(self.socket, bytes, bytes.count, descriptors, Int32(descriptors.count)) >= 0 { return true }
            guard errno == EAGAIN || errno == EINTR || errno == ENOBUFS else {
                let isOver = errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN || errno == ECONNREFUSED
                if isOver, !self.hasEnded.exchange(true, ordering: .relaxed) { self.ended.withLock { $0 }() }
                return false
            }
            // It has as much in hand as it takes at a time.
            guard self.wait(for: self.socket, Int16(POLLOUT), milliseconds: 100) || !self.isEnding else { return false }
        }
        return false
    }

    private var isEnding: Bool {
        var polled = pollfd(fd: self.ending, events: Int16(POLLIN), revents: 0)
        return poll(&polled, 1, 0) > 0
    }

    /// False when the time is over, or the server ends.
    private func wait(for descriptor: Int32, _ events: Int16, milliseconds: Int64) -> Bool {
        var polled = [
            pollfd(fd: descriptor, events: events, revents: 0), pollfd(fd: self.ending, events: Int16(POLLIN), revents: 0),
        ]
        let deadline = NIODeadline.now() + .milliseconds(milliseconds)
        while true {
            let left = (deadline - .now()).nanoseconds / 1_000_000
            guard left > 0 else { return false }
            let count = poll(&polled, 2, Int32(clamping: left))
            if count < 0 && errno == EINTR { continue }
            guard count > 0, polled[1].revents == 0 else { return false }
            return true
        }
    }
}
