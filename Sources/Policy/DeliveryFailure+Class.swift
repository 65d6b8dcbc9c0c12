internal import Vocabulary

// The class of a failure: what the Error Response Parameters form is asked with.
extension DeliveryFailure {
    /// The class, when it is final. A failure for now becomes final when there is no time left; it then keeps its class only where the
    /// postmaster wants to know it by that (a full mailbox, a program).
    package var failureClass: FailureClass {
        switch self.cause {
        case .reply(let reply, let stage): self.isPermanent ? Self.failureClass(reply, stage) : .queueTimeOver
        case .noSuchDomain, .noMailHost, .nullMX: .hostNotFound
        case .mxLoop: .mxLoop
        case .tooManyHops: .tooManyHops
        case .tooLarge: .tooLarge
        case .badAddress: .badAddress
        case .unknownHere: .unknownUser
        case .overQuota: .overQuota
        case .program: .programFailed
        case .needsEightBit, .needsInternational, .needsRequireTLS, .needsEncryption, .returnedByHand: .refused
        case .dnsFailed, .unreachable, .connectionLost, .tlsRequired, .loginFailed, .routeLogin, .local: .queueTimeOver
        }
    }

    /// By the enhanced status, which says what is meant; without one by code and stage, whose meaning is wider.
    private static func failureClass(_ reply: Reply, _ stage: Stage) -> FailureClass {
        if let status = reply.status, let found = self.failureClass(status) { return found }
        return self.failureClass(code: reply.code, stage)
    }

    /// nil for codes that say nothing by themselves. [RFC3463-3]
    private static func failureClass(_ status: EnhancedStatus) -> FailureClass? {
        switch (status.subject, status.detail) {
        case (0, _), (1, 0): nil
        case (1, 1), (1, 6): .unknownUser
        case (1, 2), (1, 10), (4, 4): .hostNotFound
        case (1, 3), (1, 4), (6, 7): .badAddress
        case (1, _): .refused
        case (2, 2): .overQuota
        case (2, 3), (3, 4): .tooLarge
        case (4, 6): .tooManyHops
        case (4, 7): .queueTimeOver
        default: .refused
        }
    }

    // RFC 5321 4.2.3: 550 mailbox unavailable, 551 user not local, 552 storage exceeded, 553 mailbox name not allowed
    private static func failureClass(code: UInt16, _ stage: Stage) -> FailureClass {
        switch (code, stage) {
        case (550, .rcpt), (551, .rcpt): .unknownUser
        case (552, .rcpt): .overQuota
        case (552, _): .tooLarge
        case (553, .rcpt), (501, .rcpt): .badAddress
        default: .refused
        }
    }
}
