import NIOCore
import Vocabulary

final class MTA {
    let loops: [any EventLoop] = []
    let drained: Int32 = -1
    init(_ start: StartConfiguration, _ sockets: ListeningSockets, crashGuard: any CrashGuard, loginKey: [UInt8]) throws(AdminFailure) {}
    func serve() throws(AdminFailure) {}
    func reload() -> Localized? { nil }
    func drain() {}
    func hurry() {}
    func stop() {}
}
