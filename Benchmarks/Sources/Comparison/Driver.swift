import Glibc
import LoadKit

/// Runs a workload against each server in turn, round after round (A B A B …), so that what disturbs the machine disturbs all.
struct Driver {
    var servers: [any Server]
    /// Measured rounds; one more goes before them and does not count.
    var rounds: Int
    var say: (String) -> Void

    func run(_ workload: Workload) throws -> [Measurement] {
        defer { for server in self.servers { server.stop() } }
        if case .relay(let sessions, let messages, let destinations) = workload.kind {
            return try self.relay(sessions, messages, destinations)
        }
        for server in self.servers {
            if case .prefilled(_, _, let index, let mailboxes) = workload.kind {
                guard let ours = server as? PostOffice else { continue }
                ours.index = Prefill(messages: index, mailboxes: mailboxes)
            }
            try server.start(accounts: workload.accounts)
        }
        switch workload.kind {
        case .smtp(let sessions, let messages, let size, let pipelining):
            return self.interleaved(perRound: sessions * messages) { server, measurement in
                var load = SMTPLoad(
                    server: server.smtp, sessions: sessions, messagesPerSession: messages, size: size,
                    recipients: (0..<min(sessions, workload.accounts)).map(Accounts.address))
                load.pipelining = pipelining
                load.sources = sessions
                try self.deliver(load, Array(0..<min(sessions, workload.accounts)), server, &measurement)
            }
        case .prefilled(let sessions, let messages, _, _):
            let driver = Driver(servers: self.servers.filter { $0 is PostOffice }, rounds: self.rounds, say: self.say)
            return driver.interleaved(perRound: sessions * messages) { server, measurement in
                let accounts = Array(0..<workload.accounts)
                let load = SMTPLoad(
                    server: server.smtp, sessions: sessions, messagesPerSession: messages, size: 1 << 10,
                    recipients: accounts.map(Accounts.address))
                try driver.deliver(load, accounts, server, &measurement)
            }
        case .fanOut(let recipients, let size):
            return self.interleaved(perRound: 1) { server, measurement in
                try self.fanOut(recipients, size, server, &measurement)
            }
        case .retrieve(let sessions, let messages, let size):
            return try self.retrieve(sessions, messages, size)
        case .list(let messages): return try self.list(messages)
        case .idle(let connections, let tls): return self.idle(connections, tls)
        case .imap: return []  // has rows of its own: `imap`
        case .imapIdle(let connections, let tls): return self.imapIdle(connections, tls)
        case .imapNotify(let probes, let others):
            let driver = Driver(servers: self.servers.filter { $0.imap != nil }, rounds: self.rounds, say: self.say)
            return driver.interleaved(perRound: probes) { try NotifyWork(probes: probes, others: others).run($0, &$1) }
        case .relay(let sessions, let messages, let destinations): return try self.relay(sessions, messages, destinations)
        }
    }

    /// In by SMTP, through the queue, out to one `smtp-sink`; "visible" is what the sink has taken. Servers that take no mail for other hosts
    /// from this client fail.
    private func relay(_ sessions: Int, _ messages: Int, _ destinations: Int) throws -> [Measurement] {
        let servers = self.servers.filter { !$0.name.contains("Dovecot") }
        guard let directory = servers.first?.directory else { return [] }
        let sink = try SinkProcess(log: "\(directory).sink.log")
        defer { sink.stop() }
        for server in servers {
            server.relay = Relay(port: sink.port, destinations: destinations)
            try server.start(accounts: 10)
        }
        let driver = Driver(servers: servers, rounds: self.rounds, say: self.say)
        return driver.interleaved(perRound: sessions * messages) { server, measurement in
            var load = SMTPLoad(
                server: server.smtp, sessions: sessions, messagesPerSession: messages, size: 1 << 10,
                recipients: (0..<destinations).map { "r@\(Relay.domain($0))" })
            load.sources = sessions
            let before = sink.taken
            let disk = diskUse(server.directory)
            let used = Resources.of(server.processes)
            let result = try load.run()
            guard result.failed == 0, result.accepted == load.messages else {
                throw BenchError("\(result.accepted) of \(load.messages) accepted: \(result.firstFailure ?? "")")
            }
            let takenAt = try sink.wait(for: before + load.messages, seconds: 120)
            self.settle()
            guard sink.taken == before + load.messages else { throw BenchError("\(sink.taken - before) of \(load.messages) arrived") }
            measurement.add(used, Resources.of(server.processes))
            measurement.disk.append(Double(diskUse(server.directory) - disk))
            measurement.answered.append(result.seconds)
            measurement.visible.append(Double(takenAt - result.started) / 1e9)
            measurement.afterData.merge(result.afterData)
            measurement.transaction.merge(result.transaction)
            measurement.clientShare.append(Double(result.clientCPU) / 1e9 / max(result.seconds, 1e-9))
        }
    }

    /// The first round warms up (processes started, files made, logins cached) and is thrown away.
    private func interleaved(perRound: Int, _ body: (any Server, inout Measurement) throws -> Void) -> [Measurement] {
        var result = self.servers.map { Measurement($0, perRound: perRound) }
        for round in 0...self.rounds {
            for (index, server) in self.servers.enumerated() where result[index].failure == nil {
                if round == 1 { result[index] = Measurement(server, perRound: perRound) }
                do { try body(server, &result[index]) } catch {
                    result[index].failure = "\(error)"
                    self.say("  \(server.name): \(error)")
                }
            }
            self.say("  round \(round) of \(self.rounds)")
        }
        return result
    }

    private func deliver(_ load: SMTPLoad, _ accounts: [Int], _ server: any Server, _ measurement: inout Measurement) throws {
        let arrivals = try server.expect(accounts)
        let disk = diskUse(server.directory)
        let before = Resources.of(server.processes)
        let result = try load.run()
        guard result.failed == 0, result.accepted == load.messages else {
            throw BenchError("\(result.accepted) of \(load.messages) accepted: \(result.firstFailure ?? "")")
        }
        let visibleAt = try arrivals.wait(for: load.messages, seconds: 120)
        self.settle()
        measurement.add(before, Resources.of(server.processes))
        measurement.disk.append(Double(diskUse(server.directory) - disk))
        measurement.answered.append(result.seconds)
        measurement.visible.append(Double(max(visibleAt, result.answered) - result.started) / 1e9)
        measurement.afterData.merge(result.afterData)
        measurement.transaction.merge(result.transaction)
        measurement.clientShare.append(Double(result.clientCPU) / 1e9 / max(result.seconds, 1e-9))
    }

    /// Lets work go on that was put off until after the answer, so that its cost is counted.
    private func settle() { sleepMilliseconds(300) }

    private func fanOut(_ recipients: Int, _ size: Int, _ server: any Server, _ measurement: inout Measurement) throws {
        var load = SMTPLoad(
            server: server.smtp, sessions: 1, messagesPerSession: 1, size: size, recipients: (0..<recipients).map(Accounts.address))
        load.recipientsPerMessage = recipients
        load.timeLimit = 120_000_000_000
        let all = Array(0..<recipients)
        let before = try server.visible(all)
        // Maildirs are all watched; ours is asked for a sample, the last recipient among them, and counted whole afterwards.
        let watched = server is PostOffice ? all.filter { $0 % 50 == 49 || $0 == 0 } : all
        let arrivals = try server.expect(watched)
        let disk = diskUse(server.directory)
        let used = Resources.of(server.processes)
        let result = try load.run()
        guard result.accepted == 1 else { throw BenchError(result.firstFailure ?? "not accepted") }
        let visibleAt = try arrivals.wait(for: watched.count, seconds: 120)
        self.settle()
        measurement.add(used, Resources.of(server.processes))
        measurement.disk.append(Double(diskUse(server.directory) - disk))
        let now = try server.visible(all)
        guard now - before == recipients else { throw BenchError("\(now - before) of \(recipients) recipients have it") }
        measurement.answered.append(result.seconds)
        measurement.visible.append(Double(max(visibleAt, result.answered) - result.started) / 1e9)
        measurement.afterData.merge(result.afterData)
        measurement.transaction.merge(result.transaction)
    }

    /// Puts messages into mailboxes over SMTP, before what is measured.
    private func fill(_ server: any Server, accounts: Int, messages: Int, size: Int) throws {
        let arrivals = try server.expect(Array(0..<accounts))
        var load = SMTPLoad(
            server: server.smtp, sessions: accounts, messagesPerSession: messages, size: size,
            recipients: (0..<accounts).map(Accounts.address))
        load.timeLimit = 300_000_000_000
        let result = try load.run()
        guard result.accepted == load.messages else { throw BenchError("filling: \(result.firstFailure ?? "")") }
        _ = try arrivals.wait(for: load.messages, seconds: 300)
    }

    private var popServers: [any Server] { self.servers.filter { $0.pop3 != nil } }

    private func retrieve(_ sessions: Int, _ messages: Int, _ size: Int) throws -> [Measurement] {
        for server in self.popServers { try self.fill(server, accounts: 10, messages: messages, size: size) }
        return self.overPOP3(sessions: sessions, accounts: 10, .retrieve(messages), atLeast: messages * size)
    }

    private func list(_ messages: Int) throws -> [Measurement] {
        for server in self.popServers { try self.fill(server, accounts: 10, messages: messages / 10, size: 1 << 10) }
        // One mailbox holds them all: nine tenths go to account 0 in a second step.
        for server in self.popServers {
            let arrivals = try server.expect([0])
            let load = SMTPLoad(
                server: server.smtp, sessions: 9, messagesPerSession: messages / 10, size: 1 << 10, recipients: [Accounts.address(0)])
            guard try load.run().accepted == load.messages else { throw BenchError("filling failed") }
            _ = try arrivals.wait(for: load.messages, seconds: 300)
        }
        return self.overPOP3(sessions: 20, accounts: 1, .list, atLeast: messages * 10)
    }

    private func overPOP3(sessions: Int, accounts: Int, _ script: POP3Load.Script, atLeast bytes: Int) -> [Measurement] {
        let driver = Driver(servers: self.popServers, rounds: self.rounds, say: self.say)
        return driver.interleaved(perRound: sessions) { server, measurement in
            guard let pop3 = server.pop3 else { return }
            let load = POP3Load(
                server: pop3, accounts: (0..<accounts).map(Accounts.address), password: Accounts.password, sessions: sessions, parallel: 10,
                script: script)
            let before = Resources.of(server.processes)
            let result = try load.run()
            guard result.completed == sessions else { throw BenchError("\(result.completed) sessions: \(result.firstFailure ?? "")") }
            guard result.bytes >= bytes * sessions else { throw BenchError("answers are too short: \(result.bytes) bytes") }
            measurement.add(before, Resources.of(server.processes))
            measurement.answered.append(result.seconds)
            measurement.visible.append(result.seconds)
            measurement.afterData.merge(result.work)
            measurement.transaction.merge(result.session)
            measurement.clientShare.append(Double(result.clientCPU) / 1e9 / max(result.seconds, 1e-9))
        }
    }

    func imap(_ work: IMAPWork) throws -> [IMAPWork.Row] {
        defer { for server in self.servers { server.stop() } }
        for server in self.servers { try server.start(accounts: 11) }
        return try work.run(self.servers, say: self.say)
    }

    /// Memory for each session that has logged in, selected its inbox and waits; then one delivery to each tells that they are awake.
    private func imapIdle(_ connections: Int, _ tls: Bool) -> [Measurement] {
        let driver = Driver(servers: self.servers, rounds: 0, say: self.say)
        return driver.interleaved(perRound: connections) { server, measurement in
            guard let imap = tls ? server.imaps : server.imap else { return }
            let warm = try IMAPClient(imap, tls: tls)
            try warm.login(Accounts.address(0), Accounts.password)
            try warm.run("SELECT INBOX")
            self.settle()
            let before = Resources.of(server.processes)
            let started = monotonicNow()
            let clients = try (0..<connections).map { number in
                let client = try IMAPClient(imap, source: number, tls: tls)
                try client.login(Accounts.address(number % 1000), Accounts.password)
                try client.run("SELECT INBOX")
                try client.idle()
                return client
            }
            measurement.answered.append(Double(monotonicNow() - started) / 1e9)
            self.settle()
            let after = Resources.of(server.processes)
            measurement.add(before, after)
            measurement.pss = after.pss - before.pss
            measurement.visible = measurement.answered
            withExtendedLifetime(clients) {}
        }
    }

    /// Memory for each connection: what the server's processes grew by, over the number of connections.
    private func idle(_ connections: Int, _ tls: Bool) -> [Measurement] {
        let driver = Driver(servers: self.servers.filter { !tls || $0.smtps != nil }, rounds: 0, say: self.say)
        return driver.interleaved(perRound: connections) { server, measurement in
            guard let endpoint = tls ? server.smtps : server.smtp else { return }
            let warm = IdleLoad()
            try warm.open(20, to: endpoint, tls: tls, sources: 20)
            warm.close()
            self.settle()
            let before = Resources.of(server.processes)
            let load = IdleLoad()
            defer { load.close() }
            let started = monotonicNow()
            try load.open(connections, to: endpoint, tls: tls, sources: 1000)
            measurement.answered.append(Double(monotonicNow() - started) / 1e9)
            self.settle()
            let after = Resources.of(server.processes)
            measurement.add(before, after)
            measurement.pss = after.pss - before.pss
            measurement.visible = measurement.answered
        }
    }
}
