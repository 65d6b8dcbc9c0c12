import Policy
import Testing
import Vocabulary

@Suite("Classes of failures")
struct DeliveryFailureTests {
    private static func reply(_ code: UInt16, _ status: (UInt8, UInt16, UInt16)?, _ stage: DeliveryFailure.Stage) -> DeliveryFailure {
        DeliveryFailure(.reply(Reply(code, status.map { EnhancedStatus($0.0, $0.1, $0.2) }, "x"), stage))
    }

    @Test(
        "replies are classed by enhanced status, else by code and stage",
        arguments: [
            (550, (5, 1, 1), .rcpt, .unknownUser), (550, nil, .rcpt, .unknownUser), (551, nil, .rcpt, .unknownUser),
            (550, nil, .message, .refused), (550, (5, 7, 1), .rcpt, .refused), (554, nil, .mail, .refused), (554, nil, .data, .refused),
            (553, nil, .rcpt, .badAddress), (501, nil, .rcpt, .badAddress), (553, (5, 1, 3), .rcpt, .badAddress),
            (552, nil, .rcpt, .overQuota), (552, (5, 2, 2), .message, .overQuota), (550, (5, 2, 2), .rcpt, .overQuota),
            (552, nil, .mail, .tooLarge), (552, nil, .message, .tooLarge), (552, (5, 3, 4), .mail, .tooLarge),
            (550, (5, 2, 3), .message, .tooLarge),
            (556, (5, 1, 10), .rcpt, .hostNotFound), (550, (5, 1, 2), .rcpt, .hostNotFound), (554, (5, 4, 6), .message, .tooManyHops),
            (550, (5, 0, 0), .rcpt, .unknownUser), (550, (5, 1, 0), .rcpt, .unknownUser), (550, (5, 6, 0), .message, .refused),
            (550, (5, 1, 8), .mail, .refused),
        ] as [(UInt16, (UInt8, UInt16, UInt16)?, DeliveryFailure.Stage, FailureClass)])
    func replies(_ code: UInt16, _ status: (UInt8, UInt16, UInt16)?, _ stage: DeliveryFailure.Stage, _ wanted: FailureClass) {
        let failure = Self.reply(code, status, stage)
        #expect(failure.isPermanent)
        #expect(failure.failureClass == wanted)
    }

    @Test(
        "4xx, and 5xx before MAIL, are tried again; when time is over they are Too long in the queue",
        arguments: DeliveryFailure.Stage.allCases)
    func transient(_ stage: DeliveryFailure.Stage) {
        let later = Self.reply(451, (4, 7, 1), stage)
        #expect(!later.isPermanent)
        #expect(later.failureClass == .queueTimeOver)
        let early: Set<DeliveryFailure.Stage> = [.connect, .hello, .tls, .auth]
        #expect(Self.reply(554, nil, stage).isPermanent == !early.contains(stage))
    }

    @Test("552 5.5.3, too many recipients, is tried again")
    func tooManyRecipients() {
        #expect(!Self.reply(552, (5, 5, 3), .rcpt).isPermanent)
    }

    @Test("a status that contradicts its reply code does not mislead")
    func contradiction() {
        #expect(Self.reply(550, (4, 1, 1), .rcpt).status == EnhancedStatus(5, 1, 1))
        #expect(Self.reply(450, (5, 1, 1), .rcpt).status == EnhancedStatus(4, 1, 1))
        #expect(Self.reply(450, nil, .rcpt).status == EnhancedStatus(4, 0, 0))
    }

    @Test("every cause has a class, a status whose digit fits, a name and words")
    func complete() {
        let causes: [DeliveryFailure.Cause] = [
            .noSuchDomain, .noMailHost, .nullMX, .dnsFailed, .mxLoop, .unreachable("x"), .connectionLost(.data), .tlsRequired("x"),
            .loginFailed(nil), .tooManyHops, .tooLarge(limit: 5), .needsEightBit, .needsInternational, .needsRequireTLS,
            .needsEncryption(.name), .badAddress("x"), .unknownHere, .overQuota, .program(status: 69, isTransient: false, text: ""),
            .program(status: 75, isTransient: true, text: "x"),
            .local("x"),
        ]
        for cause in causes {
            let failure = DeliveryFailure(cause)
            #expect(failure.status.classDigit == (failure.isPermanent ? 5 : 4), "\(cause)")
            #expect(!failure.words.english.isEmpty && failure.words.english != "failed", "\(cause)")
            #expect(!failure.words.japanese.isEmpty)
            #expect(failure.diagnosticName(as: failure.failureClass).contains(":"))
        }
        #expect(DeliveryFailure(.unreachable("")).diagnosticName(as: .queueTimeOver) == "SMTP-Deliver:QueuedTooLong")
        #expect(FailureClass.allCases.count == 10)
    }
}
