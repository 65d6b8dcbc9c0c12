internal import Bytes
internal import Policy
internal import Vocabulary

/// One message on its way: what is known of each recipient, and how far the body is.
struct SMTPClientTransaction: Sendable {
    let message: SMTPClientMessage
    let isInternational: Bool
    let usesChunking: Bool
    /// The replies of RCPT; nil while none came.
    var recipients: [Reply?]
    /// Final results; nil while open.
    private(set) var results: [SMTPClientReport.Result?]
    /// No reply has come to anything of it.
    var isUnanswered = true
    var mailReply: Reply?
    /// Recipients named so far; without pipelining it is one at a time.
    var named = 0
    var lines = LineEndFixer()
    var dots = DotEncoder()
    /// Chunks that were announced and not answered.
    var openChunks = 0
    /// The body is on its way; no command may be written in between.
    var isSending = false
    /// The end of the body was sent.
    var isSent = false

    init(_ message: SMTPClientMessage, isInternational: Bool, usesChunking: Bool) {
        self.message = message
        self.isInternational = isInternational
        self.usesChunking = usesChunking
        self.recipients = Array(repeating: nil, count: message.envelope.recipients.count)
        self.results = Array(repeating: nil, count: message.envelope.recipients.count)
    }

    var isAccepted: Bool { self.mailReply.map { $0.code / 100 == 2 } ?? false }
    var count: Int { self.recipients.count }
    /// Somebody was taken.
    var hasTaken: Bool { self.recipients.contains { $0?.isPositive ?? false } }
    /// Somebody was taken whose fate is open.
    var isOpen: Bool { self.results.contains { $0 == nil } }

    mutating func fail(_ index: Int, _ cause: DeliveryFailure.Cause) {
        guard self.results.indices.contains(index), self.results[index] == nil else { return }
        self.results[index] = .failed(cause)
    }

    /// Whoever has no result gets this one.
    mutating func failRest(_ cause: DeliveryFailure.Cause) {
        for index in self.results.indices where self.results[index] == nil { self.results[index] = .failed(cause) }
    }

    mutating func deliver(_ index: Int, _ reply: Reply) {
        guard self.results.indices.contains(index), self.results[index] == nil else { return }
        self.results[index] = .delivered(reply)
    }

    mutating func deliverRest(_ reply: Reply) {
        for index in self.results.indices where self.results[index] == nil { self.results[index] = .delivered(reply) }
    }

    var report: [SMTPClientReport.Result] { self.results.map { $0 ?? .failed(.connectionLost(.message)) } }
}
