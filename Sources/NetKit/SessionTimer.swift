internal import NIOCore

/// One scheduled callback for all deadlines of a session. A deadline that moves away costs nothing: the callback finds that it came too early and sets itself again.
struct SessionTimer {
    /// What the phase or the machine asked for.
    var deadline = NIODeadline.distantFuture
    /// End of the whole session.
    var sessionEnd = NIODeadline.distantFuture
    /// Bytes thrown away while lingering.
    var discarded = 0
    private var callback: NIOScheduledCallback?
    private var callbackAt = NIODeadline.distantFuture

    var isSet: Bool { self.callback != nil }
    private var due: NIODeadline { min(self.deadline, self.sessionEnd) }

    mutating func set(_ deadline: NIODeadline, on loop: some EventLoop, for handler: some NIOScheduledCallbackHandler & Sendable) {
        self.deadline = deadline
        if self.callback == nil || self.due < self.callbackAt { self.schedule(on: loop, for: handler) }
    }

    /// The callback came. True when the deadline has really passed.
    mutating func fired(on loop: some EventLoop, for handler: some NIOScheduledCallbackHandler & Sendable) -> Bool {
        self.callback = nil
        self.callbackAt = .distantFuture
        if self.due == .distantFuture { return false }
        if loop.now < self.due {
            self.schedule(on: loop, for: handler)
            return false
        }
        if loop.now >= self.sessionEnd { self.sessionEnd = .distantFuture }
        self.deadline = .distantFuture
        return true
    }

    mutating func cancel() {
        self.callback?.cancel()
        self.callback = nil
        self.callbackAt = .distantFuture
        self.deadline = .distantFuture
        self.sessionEnd = .distantFuture
    }

    private mutating func schedule(on loop: some EventLoop, for handler: some NIOScheduledCallbackHandler & Sendable) {
        self.callback?.cancel()
        self.callbackAt = self.due
        // Fails only when the loop is shutting down, and then the session ends with it.
        self.callback = try? loop.scheduleCallback(at: self.due, handler: handler)
    }
}
