internal import CPlatform
internal import Glibc

/// A thread that runs `body` to its end. Nobody waits for it.
func startThread(_ name: StaticString, _ body: @escaping @Sendable () -> Void) {
    let box = Unmanaged.passRetained(ThreadBody(name, body))
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
    let failed = pthread_create(
        &thread, &attributes,
        { raw in
            guard let raw else { return nil }
            let body = Unmanaged<ThreadBody>.fromOpaque(raw).takeRetainedValue()
            body.name.utf8Start.withMemoryRebound(to: CChar.self, capacity: 1) { po_name_thread($0) }
            body.run()
            return nil
        }, box.toOpaque())
    pthread_attr_destroy(&attributes)
    if failed != 0 { box.release() }
}

private final class ThreadBody: Sendable {
    let name: StaticString
    let run: @Sendable () -> Void
    init(_ name: StaticString, _ run: @escaping @Sendable () -> Void) {
        self.name = name
        self.run = run
    }
}
