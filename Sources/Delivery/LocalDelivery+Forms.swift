internal import Bounces
internal import Bytes
internal import Database
internal import Directory
internal import MIME
internal import MessageStore
internal import NIOCore
internal import Policy
internal import Routing
internal import Text
internal import Vocabulary

// Forms that come back by mail to the address of the configuration handler: answers to action messages.
extension LocalDelivery {
    /// A form is short; more of a message is not looked at.
    private static let longestForm = 256 << 10
    /// Explanations an hour, to all senders together.
    private static let mostReplies = 100

    /// What was found in a message to the handler.
    private struct Form {
        var content: Result<ActionForm.Answer, ActionForm.Problem>
        /// A program wrote it, which must get no answer.
        var isAutomatic: Bool
    }

    /// Carries out what a form says, and ends its entry. False when it has to wait.
    func answerForm(_ entry: StoredQueueEntry, _ remote: RemoteDelivery) -> Bool {
        guard !remote.isBlamed(entry) else {
            remote.holdBlamed([entry])
            return false
        }
        guard let form = self.form(entry, remote) else { return self.putOff(entry, Reason("not-readable", nil)) }
        switch form.content {
        case .failure(let problem):
            self.note("form-refused", entry, [("reason", problem.rawValue)])
            return self.end(entry, remote, form, self.explanation(of: problem), isProven: false)
        case .success(let answer):
            let outcome = HeldAnswers(remote).answer(answer)
            if outcome == .notNow { return self.putOff(entry, Reason("held-mail-busy", nil)) }
            self.note("form-answered", entry, [("entry", "\(answer.entry)"), ("result", "\(outcome.word)")])
            let isProven = if case .done = outcome { true } else { false }
            return self.end(entry, remote, form, self.explanation(of: outcome, answer), isProven: isProven)
        }
    }

    /// nil when it cannot be read now.
    private func form(_ entry: StoredQueueEntry, _ remote: RemoteDelivery) -> Form? {
        var message = ByteBuffer()
        do throws(StoreError) {
            let reader = try self.store.queueReader(entry.id, prefix: ByteBuffer())
            while message.readableBytes < Self.longestForm, var piece = try reader.nextNow() { message.writeBuffer(&piece) }
        } catch {
            return nil
        }
        return remote.environment.crashGuard.handling(.sending, message, named: ContentHash(entry.blob)) { _ in Self.read(message) }
    }

    private static func read(_ message: ByteBuffer) -> Form {
        var parser = MIMEParser()
        parser.read(message)
        var problem = ActionForm.Problem.noEntry
        var answer: ActionForm.Answer?
        for entity in parser.finish().entities where entity.content == .leaf && entity.type.type == "text" && answer == nil {
            let text = PartText.text(of: entity, in: message, limit: self.longestForm)
            do throws(ActionForm.Problem) {
                answer = try ActionForm.read(entity.type.subtype == "html" ? HTMLText.visible(text) : text)
            } catch {
                // What got furthest is what the sender meant.
                if problem == .noEntry { problem = error }
            }
        }
        return Form(content: answer.map { .success($0) } ?? .failure(problem), isAutomatic: self.isAutomatic(message))
    }

    private static func isAutomatic(_ message: ByteBuffer) -> Bool {
        var reader = HeaderReader(message)
        while let field = reader.next() {
            let value = String(decoding: message.unfolded(field), as: UTF8.self).asciiLowercased
            if message.isField(field, named: "Auto-Submitted"), value != "no" { return true }
            if message.isField(field, named: "Precedence"), ["bulk", "junk", "list"].contains(value) { return true }
        }
        return false
    }

    // MARK: Words

    private func explanation(of problem: ActionForm.Problem) -> [Localized] {
        [
            Localized(en: "Your form could not be carried out, and nothing was changed:", ja: "フォームを処理できませんでした。何も変更していません。"), problem.text,
            Localized(
                en:
                    "Answer the action message once more: leave Queue-Entry and Secret as they came, and fill in the brackets behind Action.",
                ja: "Queue-Entry と Secret は届いたままにして Action の [ ] の中に記入し、もう一度返信してください。"),
        ]
    }

    private func explanation(of outcome: HeldAnswers.Outcome, _ answer: ActionForm.Answer) -> [Localized] {
        let entry = "\(answer.entry)"
        return switch outcome {
        case .done(let count):
            [
                Localized(
                    en: "Queue entry \(entry): \(answer.answer.word) was carried out for \(count) recipients.",
                    ja: "キュー \(entry): \(answer.answer.word) を受信者 \(count) 件について実行しました。")
            ]
        case .notHeld:
            [
                Localized(
                    en: "Queue entry \(entry) is not held any more: it was answered before, or has been dealt with. Nothing was changed.",
                    ja: "キュー \(entry) はもう保留されていません。すでに回答または処理されています。何も変更していません。")
            ]
        case .wrongSecret:
            [
                Localized(
                    en: "The secret is not that of queue entry \(entry), or belongs to an earlier question about it. Nothing was changed.",
                    ja: "Secret がキュー \(entry) のものではないか、以前の問い合わせのものです。何も変更していません。")
            ]
        case .notNow: []
        }
    }

    // MARK: End

    /// With a reply where somebody may get one: who has proved that he read the question, or who is of this site.
    private func end(_ entry: StoredQueueEntry, _ remote: RemoteDelivery, _ form: Form, _ lines: [Localized], isProven: Bool) -> Bool {
        let returner = Returner(remote.environment, remote.environment.settings())
        let now = self.now()
        if let sender = entry.envelope.sender, !form.isAutomatic, isProven || self.isOfThisSite(sender),
            self.replies.withLock({ $0.add(at: now) }) <= Self.mostReplies
        {
            let composed = returner.teller.writer.reply(to: sender, lines, now: now, random: remote.environment.random(32))
            switch returner.message(composed, about: entry, finishing: [entry.id]) {
            case .message(let item):
                guard self.accept(item) else { return self.putOff(entry, Reason("reply-not-accepted", nil)) }
                // Its row goes when the reply is filed; that it goes now keeps it from being answered again.
                _ = try? self.store.changeQueue([.finish(entry.id)])
                return true
            case .notNow: return self.putOff(entry, Reason("reply-not-accepted", nil))
            case .nobody: break
            }
        }
        return (try? self.store.changeQueue([.finish(entry.id)])) != nil || self.putOff(entry, Reason("not-written", nil))
    }

    private func accept(_ item: AcceptItem) -> Bool {
        let answer = Monitor<Bool?>(nil)
        self.store.accept(item) { result in
            answer.withLock { $0 = (try? result.get()) != nil }
            answer.signal()
        }
        return answer.wait(until: { $0 != nil }, then: { $0 ?? false })
    }

    /// Nobody elsewhere gets mail from us because somebody used his name.
    private func isOfThisSite(_ sender: Address) -> Bool {
        let snapshot = self.directory.snapshot
        if snapshot.postmasters.contains(sender) { return true }
        switch snapshot.resolveTarget(sender) {
        case .account, .postmaster: return true
        case .handler, .remote, .redirected, .bangPath, .refused, .unknown: return false
        }
    }

    private func note(_ event: String, _ entry: StoredQueueEntry, _ facts: [(key: String, value: String)]) {
        let from = ("from", entry.envelope.sender.map { "\($0)" } ?? "<>")
        self.events.record(TrailEvent(.mailboxDeliver, event, trace: entry.trace, [from] + facts), switchedBy: nil)
    }
}

extension HeldAnswer {
    fileprivate var word: String {
        switch self {
        case .giveBack: "return"
        case .retry: "retry"
        case .delete: "delete"
        case .redirect(let address): "redirect to \(address)"
        }
    }
}

extension HeldAnswers.Outcome {
    /// For the trail.
    fileprivate var word: String {
        switch self {
        case .done(let count): "done \(count)"
        case .notHeld: "not-held"
        case .wrongSecret: "wrong-secret"
        case .notNow: "not-now"
        }
    }
}
