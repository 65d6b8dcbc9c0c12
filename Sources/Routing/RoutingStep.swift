package import Vocabulary

/// One step of a resolution: the rule that was asked and what it answered.
package struct RoutingStep: Sendable, Hashable {
    package enum Rule: String, Sendable, Hashable {
        case completion, domain, postmaster, address, alias, handler, bangPath = "bang-path", detail, catchAll = "catch-all", refusal,
            remote, returnAddress = "return-address", route, sourceRoute = "source-route", forwarding, delivery
    }
    package let rule: Rule
    /// True for the step that decided.
    package let decides: Bool
    package let text: Localized

    package init(_ rule: Rule, decides: Bool = false, _ english: String, _ japanese: String) {
        self.rule = rule
        self.decides = decides
        self.text = Localized(en: english, ja: japanese)
    }
}

/// Takes the steps of a resolution. The silent one costs nothing: the texts are never made.
protocol StepSink {
    mutating func note(_ step: @autoclosure () -> RoutingStep)
}

struct NoSteps: StepSink {
    mutating func note(_ step: @autoclosure () -> RoutingStep) {}
}

struct KeptSteps: StepSink {
    var steps: [RoutingStep] = []
    mutating func note(_ step: @autoclosure () -> RoutingStep) { self.steps.append(step()) }
}
