internal import NetKit
internal import Queue
internal import SMTPWire
internal import Vocabulary

// What is remembered of sessions and their encryption: for the next session, and for the domain's daily report.
extension Courier {
    /// A session stands and can take messages.
    func sessionReady(_ peer: SMTPPeer, host: String, address: IPAddress?, _ check: PeerCheck?) {
        let environment = self.delivery.environment
        self.delivery.troubles.forget(self.name)
        let security = self.security
        let verdict = check?.verdict?.resultType ?? ""
        if peer.isEncrypted {
            self.count(security.policyType, security.policyType == "sts" ? verdict : "", host, address)
            if environment.transport?.noteEncrypted(self.name, now: environment.now()) == true { self.delivery.saveTransport() }
            return
        }
        self.count(security.policyType, "starttls-not-supported", host, address)
        guard let transport = environment.transport else { return }
        if transport.expectsTLS(self.name, patience: .max, now: environment.now()) {
            // It has gone on for longer than anybody's attack would: the domain gave it up.
            transport.forget(self.name)
            self.delivery.saveTransport()
            self.delivery.record("tls-given-up", nil, [("domain", self.name), ("host", host)])
        }
    }

    /// A session came to nothing for want of TLS.
    func noteTLSFailure(_ host: String, _ address: IPAddress?, _ note: String, _ check: PeerCheck?) {
        let isOffered = !note.contains("not offered")
        let verdict = check?.verdict?.resultType ?? ""
        let result = !isOffered ? "starttls-not-supported" : verdict.isEmpty ? "validation-failure" : verdict
        self.count(self.security.policyType, result, host, address, reason: check?.verdict?.words ?? note)
        let environment = self.delivery.environment
        if environment.transport?.noteWeaker(self.name, now: environment.now()) == true {
            self.delivery.saveTransport()
            self.delivery.record("tls-missing", nil, [("domain", self.name), ("host", host)])
        }
    }

    /// One more session for the daily report to the domain.
    func count(_ policyType: String, _ result: String, _ host: String = "", _ address: IPAddress? = nil, reason: String = "") {
        guard let transport = self.delivery.environment.transport, self.settings.sendsTransportReports, let domain = self.domain else {
            return
        }
        transport.count(
            TransportMemory.SessionKey(
                day: self.delivery.environment.now() / 86_400, domain: domain, policyType: policyType, policy: self.policyText(policyType),
                result: result, host: host, address: address.map { "\($0)" } ?? "", reason: String(reason.prefix(200))))
    }
}
