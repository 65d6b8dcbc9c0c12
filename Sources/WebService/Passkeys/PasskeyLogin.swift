internal import Directory
internal import SASL
internal import Vocabulary
internal import WebPages

/// Logging in with a passkey: beside the password, or in its place. What a stranger hears is the same whatever is wrong; the log says what it was.
enum PasskeyLogin {
    static let routes = [
        // The form may carry a whole other form.
        WebRoute(.post, "/login/passkey", .anyone, bodyLimit: 1 << 20) { request, host in Self.logIn(request, host) }
    ]

    /// What a proof was, or why there is none.
    private struct Refused: Error {
        var cause: String
        var account: AccountID?
        var told: AuthRefusal = .badCredentials
    }

    // MARK: Forms

    /// Below the form for the password; for whom it may be is the device's to know.
    static func offer(
        _ body: inout HTML, _ token: (cookie: String, form: String), _ errand: LoginPages.Errand, _ request: WebRequest, _ host: WebHost
    ) {
        guard let place = PasskeyPlace(request) else { return }
        let options = place.proving(token.cookie, by: nil, host)
        PasskeyForm.prove(&body, options, "/login/passkey", PasskeyForm.Words.logIn, request) { form in
            form.hidden(Page.csrfName, token.form)
            errand.write(to: &form)
        }
    }

    /// Above the form for a code.
    static func offerStep(
        _ body: inout HTML, _ step: SecondStep, _ token: (cookie: String, form: String), _ errand: LoginPages.Errand, _ request: WebRequest,
        _ host: WebHost
    ) {
        guard !step.passkeys.isEmpty else { return }
        let place = PasskeyPlace(request)
        let here = step.passkeys.filter { $0.host == place?.host }
        guard let place, !here.isEmpty else {
            let names = Set(step.passkeys.map(\.host)).sorted()
            body.add(.p, [.class("advice")], PasskeyForm.Words.elsewhere.text(request.language) + names.joined(separator: ", "))
            return
        }
        let options = place.proving("\(token.cookie) \(step.account.rawValue)", by: here, host)
        PasskeyForm.prove(&body, options, "/login/passkey", PasskeyForm.Words.step, request) { form in
            form.hidden(Page.csrfName, token.form)
            form.hidden("step", step.sealed)
            errand.write(to: &form)
        }
        PasskeyForm.advice(&body, PasskeyForm.Words.needsScript, request)
    }

    // MARK: What comes back

    private static func logIn(_ request: WebRequest, _ host: WebHost) -> WebReply {
        let errand = LoginPages.Errand(request)
        guard let sealed = request.form.last("step") else { return self.withoutPassword(request, host, errand) }
        guard let step = SecondStep(sealed, request, host) else { return LoginPages.authentication(request, host, errand) }
        guard host.guesses.mayTry(step.account, at: host.now()) else {
            return LoginPages.code(request, host, errand, step: sealed, notice: Notice(.failure, LoginPages.Words.manyCodes))
        }
        do {
            let account = try self.proved(request, host, step: step)
            host.guesses.succeeded(account)
            guard host.directory.snapshot.mayUse(.http, account) else { return LoginPages.authentication(request, host, errand) }
            return LoginActions.admit(account, request, host, errand, how: "password-and-passkey", by: .passkey)
        } catch let refused as Refused {
            host.guesses.failed(step.account, at: host.now())
            LoginActions.refused(step.account, refused.cause, .passkey, request, host)
            return LoginPages.code(request, host, errand, step: sealed, notice: Notice(.failure, PasskeyForm.Words.refusedStep))
        } catch {
            return LoginActions.unavailable(request, host, errand)
        }
    }

    private static func withoutPassword(_ request: WebRequest, _ host: WebHost, _ errand: LoginPages.Errand) -> WebReply {
        guard let authenticator = host.authenticator else { return LoginActions.unavailable(request, host, errand) }
        let context = LoginActions.context(request)
        do {
            if let refusal = authenticator.refusalOfTry(context) { throw Refused(cause: "over-budget", told: refusal) }
            let account = try self.proved(request, host, step: nil)
            if let refusal = authenticator.refusalOfProved(account, context) {
                throw Refused(cause: "\(refusal)", account: account, told: refusal)
            }
            return LoginActions.admit(account, request, host, errand, how: "passkey", by: .passkey)
        } catch let refused as Refused {
            // Whoever is told more than "wrong" has shown that he has the passkey, or cannot even try.
            let isWrong = refused.told == .badCredentials
            if isWrong { authenticator.failedTry(of: refused.account, context) }
            LoginActions.refused(refused.account, refused.cause, .passkey, request, host)
            let notice = isWrong ? Notice(.failure, PasskeyForm.Words.refused) : LoginPages.refusal(refused.told, request)
            return LoginPages.authentication(request, host, errand, notice: notice, status: 401)
        } catch {
            return LoginActions.unavailable(request, host, errand)
        }
    }

    /// Who has shown that he has a passkey, and that device, count and challenge are right. Then the challenge is spent.
    private static func proved(_ request: WebRequest, _ host: WebHost, step: SecondStep?) throws -> AccountID {
        func bytes(_ name: String, _ most: Int) -> [UInt8]? {
            guard let text = request.form.last(name), text.utf8.count <= most * 2 else { return nil }
            return Base64URL.decode(text)
        }
        guard let place = PasskeyPlace(request), let cookie = LoginToken.value(request),
            let id = bytes("credential", PasskeyLimits.credentialID),
            !id.isEmpty, let client = bytes("client-data", PasskeyLimits.clientData),
            let data = bytes("device-data", PasskeyLimits.authenticatorData),
            let signature = bytes("signature", PasskeyLimits.signature), let handle = request.form.last("user-handle")
        else { throw Refused(cause: PasskeyProblem.malformed.rawValue) }
        guard let passkey = try host.directory.passkey(id), step == nil || passkey.account == step?.account else {
            throw Refused(cause: PasskeyProblem.unknown.rawValue)
        }
        let account = passkey.account
        func refused(_ problem: PasskeyProblem) -> Refused { Refused(cause: problem.rawValue, account: account) }
        // Beside a password a device need not know whose the passkey is; alone it must. [WebAuthn-7.2]
        let own = PasskeyPlace.handle(account, host)
        guard constantTimeEqual(Array(handle.utf8), Array(own.utf8)) || (step != nil && handle.isEmpty) else { throw refused(.unknown) }
        let known = KnownPasskey(
            key: passkey.key, host: passkey.host, signCount: passkey.signCount, isBackupEligible: passkey.isBackupEligible)
        let check = place.check(step == nil ? .login : .step, step == nil ? cookie : "\(cookie) \(account.rawValue)", host)
        let proof: PasskeyProof
        do throws(PasskeyProblem) {
            proof = try check.proved(clientData: client, data: data, signature: signature, by: known, needsVerification: step == nil)
        } catch {
            throw refused(error)
        }
        guard let challenge = PasskeyCheck.challenge(in: client),
            host.sessions?.challenges.spend(challenge, of: account, at: host.now()) ?? false
        else { throw refused(.challenge) }
        guard try host.directory.usePasskey(passkey, signCount: proof.signCount, isBackedUp: proof.isBackedUp) else {
            throw refused(.copied)
        }
        return account
    }
}

/// Somebody whose password was right, and who has five minutes for the rest.
struct SecondStep {
    let account: AccountID
    let sealed: String
    let factor: SecondFactor?
    let passkeys: [Passkey]

    static let life: Int64 = 300

    /// nil for what was not sealed here, lately, for this client.
    init?(_ sealed: String, _ request: WebRequest, _ host: WebHost) {
        let parts = host.sessions?.keys.open(.step, sealed)?.split(separator: " ") ?? []
        guard parts.count == 3, let number = Int64(parts[0]), let time = Int64(parts[1]), host.now() - time <= Self.life,
            parts[2] == WebSessions.network(request.client)
        else { return nil }
        self.account = AccountID(rawValue: number)
        self.sealed = sealed
        self.factor = (try? host.directory.secondFactor(of: self.account)) ?? nil
        self.passkeys = (try? host.directory.passkeys(of: self.account)) ?? []
    }
}
