internal import Policy
internal import SMTPWire
internal import Synchronization
internal import Vocabulary

/// Recipients of one run that the host behind us has to know, since anybody may send to their domain.
struct RelayRecipientCheck: Sendable {
    struct Question: Sendable {
        /// Place in the run of recipients.
        var index: Int
        var address: Address
    }

    let rules: RelayRecipients
    let ask: (@Sendable (Address, @escaping @Sendable (RecipientAnswer) -> Void) -> Void)?
    /// One more unknown recipient of this peer's.
    let spend: @Sendable () -> HarvestGuard.Verdict

    private struct Progress: Sendable {
        var open: Int
        var answers: [Int: RecipientAnswer] = [:]
    }
    private final class Shared: Sendable {
        let progress: Mutex<Progress>
        init(_ count: Int) { self.progress = Mutex(Progress(open: count)) }
    }

    /// The completion gets the verdicts with what was learned, and the seconds for which the answer is to be held back; from any thread.
    func run(
        _ questions: [Question], _ verdicts: [RecipientVerdict], _ completion: @escaping @Sendable ([RecipientVerdict], Int64) -> Void
    ) {
        guard self.rules.check == .ask, let ask = self.ask else {
            return completion(self.judged(questions, verdicts, [:]).0, self.judged(questions, verdicts, [:]).1)
        }
        let shared = Shared(questions.count)
        for question in questions {
            ask(question.address) { answer in
                let done = shared.progress.withLock { progress -> [Int: RecipientAnswer]? in
                    progress.answers[question.index] = answer
                    progress.open -= 1
                    return progress.open == 0 ? progress.answers : nil
                }
                guard let done else { return }
                let (verdicts, delay) = self.judged(questions, verdicts, done)
                completion(verdicts, delay)
            }
        }
    }

    private func judged(
        _ questions: [Question], _ given: [RecipientVerdict], _ answers: [Int: RecipientAnswer]
    ) -> ([RecipientVerdict], Int64) {
        var verdicts = given
        var delay: Int64 = 0
        for question in questions where verdicts.indices.contains(question.index) && verdicts[question.index].refusal == nil {
            let answer = answers[question.index] ?? self.listed(question.address)
            switch answer {
            case .taken: break
            case .refused:
                let refusal = self.refusal(&delay)
                verdicts[question.index].refusal = refusal
                verdicts[question.index].reason = refusal.code == 421 ? "unknown-recipient-budget" : "unknown-at-next-host"
            case .unknown(let why) where self.rules.takesUnchecked:
                verdicts[question.index].reason = (verdicts[question.index].reason ?? "") + ", unchecked: \(why)"
            case .unknown(let why):
                verdicts[question.index].refusal = Reply(
                    450, EnhancedStatus(4, 4, 3), "The recipient cannot be checked at this moment, try again later")
                verdicts[question.index].reason = "unchecked: \(why)"
            }
        }
        return (verdicts, delay)
    }

    private func listed(_ address: Address) -> RecipientAnswer {
        let isListed = self.rules.check != .list || self.rules.list.entry(for: address) != nil
        return isListed ? .taken : .refused(Reply(550, EnhancedStatus(5, 1, 1), ""))
    }

    /// It costs the peer what an unknown recipient of ours costs.
    private func refusal(_ delay: inout Int64) -> Reply {
        switch self.spend() {
        case .pass: break
        case .delay(let seconds): delay = max(delay, seconds)
        case .closed: return Reply(421, EnhancedStatus(4, 7, 1), "Too many unknown recipients, closing")
        }
        return Reply(550, EnhancedStatus(5, 1, 1), "No such address at the host that this mail is for")
    }
}
