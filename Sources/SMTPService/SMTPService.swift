internal import Bytes
internal import Directory
package import NetKit
package import SMTPWire
internal import Synchronization
package import Vocabulary

/// Makes an SMTP session for each connection: ports 25, 587 and 465, told apart by the role of the listener.
package final class SMTPService: SessionService {
    private let environment: SMTPEnvironment
    /// STARTTLS has a certificate to work with.
    private let offersStartTLS: Bool
    /// Made anew when the configuration changes.
    private let profiles = Mutex<(version: Int64, profiles: [ListenerRole: SMTPProfile])>((-1, [:]))

    package init(_ environment: SMTPEnvironment, offersStartTLS: Bool) {
        self.environment = environment
        self.offersStartTLS = offersStartTLS
    }

    package func makeSession(
        _ facts: ConnectionFacts, _ link: SessionLink<SMTPEvent>
    ) -> (machine: SMTPSession, backend: any SessionBackend<SMTPSession>) {
        let profile = self.profile(for: facts.listener)
        let backend = SMTPBackend(self.environment, facts, link)
        let (directory, events) = (self.environment.directory, self.environment.events)
        let session = SMTPSession(
            profile, allowsClearAuth: directory.configuration.security.takesPlaintextLogin(from: facts.peer),
            repairsNewlines: directory.configuration.security.repairsNewlines(from: facts.peer),
            mayStay: { identity in
                if directory.snapshot.mayUse(facts.listener.service, identity) { return true }
                let event = TrailEvent(.smtpAccept, "login-ended", trace: facts.trace, [("login", identity.login)])
                events.record(event, switchedBy: .auth)
                return false
            })
        return (session, backend)
    }

    private func profile(for role: ListenerRole) -> SMTPProfile {
        let snapshot = self.environment.directory.snapshot
        return self.profiles.withLock { known in
            if known.version != snapshot.version { known = (snapshot.version, [:]) }
            if let profile = known.profiles[role] { return profile }
            let random = self.environment.random
            let profile = SMTPProfile(
                hostName: snapshot.configuration.routing.hostName, isSubmission: role.service == .submission, isLMTP: role.service == .lmtp,
                offersStartTLS: self.offersStartTLS && !role.implicitTLS,
                offersQueueRelease: self.environment.releaseQueue != nil && role.service == .smtp,
                resolvesURLs: self.environment.openURL != nil, limits: snapshot.configuration.smtp,
                listsSCRAM: snapshot.configuration.security.listsSCRAM,
                bodyInMemory: self.environment.store.options.inlineLimit, makeNonce: { Base64.encode(random(18)) })
            known.profiles[role] = profile
            return profile
        }
    }
}
