package import Directory
package import NetKit
internal import Vocabulary

// Invariants of this target:
// 1. Nothing blocks an event loop or Swift's shared threads: pages are made on `WebService`'s own threads, clients in turn.
// 2. What decides whether a request may be answered (host, session, audience, CSRF token) is `WebDesk`, in one place, before any page sees it.
// 3. Deadlines and sizes are enforced by `HTTPGuard`, below Hummingbird: what is behind it sees whole requests, one at a time.
// 4. No secret in a URL, a log line or an event.

/// Pages and the API over HTTP: puts HTTP on each connection of the listeners `http`.
package struct WebService: Sendable {
    /// Requests of one client and of all that may wait for a thread.
    package static let waitingPerPeer = 64
    package static let waiting = 1024
    /// Threads that make pages.
    package static let threads = 4

    private let desk: WebDesk
    private let queue: FairQueue
    private let streams: FairQueue
    private let limits: HTTPLimits

    /// - Parameters:
    ///   - queue: where requests wait for a thread; stopped by who made it.
    ///   - streams: where bodies wait for one that are made while they are read; nil: there too.
    package init(
        _ host: WebHost, routes: [WebRoute] = Routes.all, queue: FairQueue, streams: FairQueue? = nil, limits: HTTPLimits = HTTPLimits()
    ) {
        self.desk = WebDesk(host, RouteTable(routes))
        self.queue = queue
        self.streams = streams ?? queue
        self.limits = limits
    }

    /// What a request is answered, on this thread or, where a login comes in between, another.
    package func answer(_ input: HTTPInput, _ completion: @escaping @Sendable (WebReply) -> Void) { self.desk.answer(input, completion) }

    package func binding(tls: TLSStore?) -> ServiceBinding {
        let (desk, queue, streams, limits) = (self.desk, self.queue, self.streams, self.limits)
        return ServiceBinding(
            tls: tls,
            install: { channel, facts, observer in
                desk.host.events.record(
                    TrailEvent(
                        .webServer, "opened", trace: facts.trace, [("peer", "\(facts.peer)"), ("listener", facts.listener.name)]),
                    switchedBy: nil)
                return try HTTPSession.install(on: channel, facts, observer, limits) { request, completion in
                    desk.host.lookUpName(facts.peer) { name in
                        let isTaken = queue.submit(from: PeerBlock(facts.peer)) {
                            var request = request
                            request.hostName = name
                            observer.enter()
                            desk.answer(request) { reply in
                                guard let stream = reply.stream else { return completion(reply) }
                                // Before its first byte it may wait for those of others, but not long.
                                let isTaken = streams.submit(from: PeerBlock(facts.peer)) { stream.run() }
                                completion(isTaken ? reply : .busy)
                            }
                            observer.leave()
                        }
                        if !isTaken { completion(.busy) }
                    }
                } bodyLimit: {
                    desk.bodyLimit($0, $1)
                }
            })
    }
}
