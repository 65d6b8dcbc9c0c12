package import Vocabulary

/// One administrative verb. The same handler runs inside the server (called over the control socket) and, when no server runs,
/// inside the command, which then holds the server's lock.
package struct AdminHandler: Sendable {
    package typealias Body = @Sendable (AdminRequest, AdminContext, AdminOutput) throws(AdminFailure) -> AdminStatus
    package let verb: String
    package let run: Body

    package init(_ verb: String, _ run: @escaping Body) {
        self.verb = verb
        self.run = run
    }
}

/// A handler's way out with one sentence for the person.
package struct AdminFailure: Error, Sendable {
    package let text: Localized
    package let status: AdminStatus

    package init(_ text: Localized, _ status: AdminStatus = .failed) {
        self.text = text
        self.status = status
    }
}

/// All verbs, by name.
package struct AdminRegistry: Sendable {
    private let handlers: [String: AdminHandler]

    package init(_ handlers: [AdminHandler]) {
        var table: [String: AdminHandler] = [:]
        for handler in handlers { table[handler.verb] = handler }
        self.handlers = table
    }

    package var verbs: [String] { self.handlers.keys.sorted() }

    /// Never throws: what goes wrong is told through `output`.
    package func perform(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) -> AdminStatus {
        guard let handler = self.handlers[request.verb] else {
            output.problem(
                Localized(
                    en: "`\(request.verb)` is unknown to the running server; restart it after an upgrade",
                    ja: "動作中のサーバは「\(request.verb)」を知りません。更新後は再起動してください"))
            return .misuse
        }
        let status: AdminStatus
        do {
            status = try handler.run(request, context, output)
        } catch {
            output.problem(error.text)
            status = error.status
        }
        AdminVerbs.note(request, status, output.facts, context, output)
        return status
    }
}
