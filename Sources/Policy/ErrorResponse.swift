package import Vocabulary

/// What happens to messages of one class of failure: a line of the Error Response Parameters form.
package struct ErrorResponse: Sendable, Hashable {
    package enum Action: String, Sendable, Hashable, CaseIterable {
        /// Back to the sender, with a report.
        case giveBack = "return"
        /// Kept until the postmaster has answered an action message.
        case hold
    }

    /// How much the postmaster is told, when the message went back.
    package enum Notice: String, Sendable, Hashable, CaseIterable { case none, headers, whole }

    package var action: Action
    package var notice: Notice
    /// To whom notification and action messages go; empty is the postmaster.
    package var people: [Address]

    package init(_ action: Action = .giveBack, notice: Notice = .none, people: [Address] = []) {
        self.action = action
        self.notice = notice
        self.people = people
    }
}

/// The whole form, with what concerns all classes.
package struct ErrorResponses: Sendable, Hashable {
    private var byClass: [FailureClass: ErrorResponse]
    /// How much of a message is returned where its sender did not say.
    package var returnsWhole: Bool
    /// Messages above so many bytes are returned as headers only, whatever the sender asked for. [RFC3461-6.2]
    package var wholeLimit: Int64
    /// How much the postmaster is told of a notification that could not be delivered itself.
    package var doubleBounceNotice: ErrorResponse.Notice

    package init(
        _ byClass: [FailureClass: ErrorResponse] = [:], returnsWhole: Bool = true, wholeLimit: Int64 = 1 << 20,
        doubleBounceNotice: ErrorResponse.Notice = .headers
    ) {
        self.byClass = byClass
        self.returnsWhole = returnsWhole
        self.wholeLimit = wholeLimit
        self.doubleBounceNotice = doubleBounceNotice
    }

    package subscript(_ failure: FailureClass) -> ErrorResponse { self.byClass[failure] ?? ErrorResponse() }
}
