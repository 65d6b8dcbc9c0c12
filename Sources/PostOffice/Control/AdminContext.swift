/// What handlers work on: the parts of the running server, or the same parts opened by the command under the server's lock.
package final class AdminContext: Sendable {
    package let start: StartConfiguration

    package init(start: StartConfiguration) { self.start = start }
}
