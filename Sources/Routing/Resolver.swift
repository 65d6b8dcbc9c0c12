internal import Text
package import Vocabulary

/// Finds out what an address leads to, in the fixed order: completion, exact address, handlers, `+detail` stripped and all that again,
/// catch-all, unknown; for other domains the refusal switches, then remote.
package struct Resolver<Table: RoutingTable>: Sendable {
    package let table: Table

    package init(_ table: Table) { self.table = table }

    package func resolve(_ address: Address) -> Resolution {
        var silent = NoSteps()
        return self.resolve(address, &silent)
    }

    /// The same, with every step that was taken, for a person to read.
    package func explain(_ address: Address) -> (resolution: Resolution, steps: [RoutingStep]) {
        var steps = KeptSteps()
        let resolution = self.resolve(address, &steps)
        return (resolution, steps.steps)
    }

    private func resolve(_ address: Address, _ steps: inout some StepSink) -> Resolution { .unknown(.noSuchAddress) }
}

protocol StepSink {
    mutating func note(_ step: @autoclosure () -> RoutingStep)
}

private struct NoSteps: StepSink {
    mutating func note(_ step: @autoclosure () -> RoutingStep) {}
}

private struct KeptSteps: StepSink {
    var steps: [RoutingStep] = []
    mutating func note(_ step: @autoclosure () -> RoutingStep) { self.steps.append(step()) }
}

/// One step of a resolution: the rule that was asked and what it answered.
package struct RoutingStep: Sendable, Hashable {
    package enum Rule: String, Sendable, Hashable {
        case completion, domain, postmaster, account, handler, detail, catchAll = "catch-all", refusal, remote
    }
    package let rule: Rule
    /// True for the step that decided.
    package let decides: Bool
    package let text: Localized

    package init(_ rule: Rule, decides: Bool = false, _ text: Localized) {
        self.rule = rule
        self.decides = decides
        self.text = text
    }
}
