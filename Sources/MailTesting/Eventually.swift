internal import Glibc

/// Waits until another thread has made something true, at most `seconds`; returns whether it has.
package func eventually(within seconds: Int = 60, _ condition: () -> Bool) -> Bool {
    let deadline = monotonicSeconds() + Double(seconds)
    while monotonicSeconds() < deadline {
        if condition() { return true }
        usleep(2000)
    }
    return condition()
}
