internal import Glibc

/// Waits until another thread has made something true, at most `seconds`; returns whether it has.
package func eventually(within seconds: Int = 20, _ condition: () -> Bool) -> Bool {
    for _ in 0..<seconds * 500 {
        if condition() { return true }
        usleep(2000)
    }
    return condition()
}
