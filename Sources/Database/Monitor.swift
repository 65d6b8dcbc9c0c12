internal import CPlatform
internal import Glibc

/// State behind a lock, with waiting: what `Mutex` lacks is the condition variable.
package final class Monitor<State>: @unchecked Sendable {
    // SAFETY: `state` is touched only between lock and unlock of `mutex`; both C objects live at fixed addresses until deinit.
    private var state: State
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<po_condition>

    package init(_ state: consuming sending State) {
        self.state = state
        self.mutex = .allocate(capacity: 1)
        self.condition = .allocate(capacity: 1)
        self.mutex.initialize(to: pthread_mutex_t())
        self.condition.initialize(to: po_condition())
        pthread_mutex_init(self.mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(self.mutex)
        self.condition.deallocate()
        self.mutex.deallocate()
    }

    package func withLock<T, E: Error>(_ body: (inout State) throws(E) -> T) throws(E) -> T {
        pthread_mutex_lock(self.mutex)
        defer { pthread_mutex_unlock(self.mutex) }
        return try body(&self.state)
    }

    /// Waits until `ready` holds, then runs the body under the same lock.
    package func wait<T>(until ready: (State) -> Bool, then body: (inout State) -> T) -> T {
        pthread_mutex_lock(self.mutex)
        defer { pthread_mutex_unlock(self.mutex) }
        while !ready(self.state) { po_condition_wait(self.condition, self.mutex, -1) }
        return body(&self.state)
    }

    /// As `wait(until:then:)`, but goes on after `milliseconds` whether it holds or not.
    package func wait<T>(milliseconds: Int, until ready: (State) -> Bool, then body: (inout State) -> T) -> T {
        // The monotonic clock: deadlines must not jump with the wall clock.
        let deadline = po_monotonic() + Int64(milliseconds) * 1_000_000
        pthread_mutex_lock(self.mutex)
        defer { pthread_mutex_unlock(self.mutex) }
        while !ready(self.state) {
            if po_condition_wait(self.condition, self.mutex, deadline) != 0 { break }
        }
        return body(&self.state)
    }

    package func signal() { po_condition_wake(self.condition, 0) }
    package func broadcast() { po_condition_wake(self.condition, 1) }
}
