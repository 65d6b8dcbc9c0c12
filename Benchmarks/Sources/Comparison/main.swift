import LoadKit

let sink = try SinkThread()
for (s, m, size, p) in [
    (1, 100, 1024, false), (10, 100, 1024, false), (10, 2000, 1024, false), (100, 100, 1024, false), (100, 100, 1024, true),
    (10, 100, 10240, false), (10, 100, 102400, false), (10, 50, 1 << 20, false),
] {
    var load = SMTPLoad(server: Endpoint(port: sink.port), sessions: s, messagesPerSession: m, size: size, recipients: ["a@example.test"])
    load.pipelining = p
    let r = try load.run()
    print(
        s, m, size, p, r.accepted, r.firstFailure ?? "", Int(Double(r.accepted) / r.seconds), "msg/s client cpu share",
        Double(r.clientCPU) / Double(r.answered - r.started), r.transaction.summary())
}
sink.stop()
