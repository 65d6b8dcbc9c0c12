internal import Directory
internal import Forms
internal import Vocabulary

/// Settings and local mail domains as resources.
enum APIConfiguration {
    static let operations: [APIOperation] = [
        APIOperation(
            method: .get, path: "/configuration", name: "showConfiguration", summary: "All settings, as they are in effect.", scope: .read,
            gives: "Configuration", respond: Self.show),
        APIOperation(
            method: .patch, path: "/configuration", name: "changeConfiguration",
            summary: "Change settings, all or none; null is the default.", scope: .configuration, takes: "Configuration",
            gives: "Configuration", respond: Self.change),
        APIOperation(
            method: .get, path: "/configuration/history", name: "configurationHistory", summary: "Who changed what and when.", scope: .read,
            query: [("limit", true, "At most so many.")], gives: "Anything", respond: Self.history),
        APIOperation(
            method: .get, path: "/domains", name: "listDomains", summary: "Local mail domains.", scope: .read, gives: "Domains",
            respond: Self.domains),
        APIOperation(
            method: .put, path: "/domains/{domain}", name: "addDomain", summary: "Make a domain local.", scope: .configuration,
            gives: "Domains"
        ) { Self.edit($0, adding: true) },
        APIOperation(
            method: .delete, path: "/domains/{domain}", name: "deleteDomain", summary: "A domain is not local any more.",
            scope: .configuration,
            gives: "Domains"
        ) { Self.edit($0, adding: false) },
    ]

    static let fields = FieldTable.configuration.filter { !$0.isSecret }

    private static func show(_ call: APICall) -> WebReply {
        let configuration = call.host.directory.configuration
        return APIReply.json(.object(self.fields.map { ($0.key.text, $0.json(configuration.value($0))) }))
    }

    private static func change(_ call: APICall) -> WebReply {
        guard let members = call.members() else { return call.problem(400, APIWords.unreadable) }
        var values: [FieldKey: FieldValue] = [:]
        var problems: [FieldProblem] = []
        for (name, json) in members {
            guard let field = FieldTable.configuration(named: name), field.editors != .system else {
                problems.append(.unknown(name, in: FieldTable.configuration))
                continue
            }
            do throws(FieldProblem) { values[field.key] = try field.parse(json: json) } catch { problems.append(error) }
        }
        guard problems.isEmpty else { return APIReply.error(DirectoryError(problems), call.language) }
        do {
            try call.host.directory.configure(values, by: call.actor, note: "api")
            return self.show(call)
        } catch { return APIReply.error(error, call.language) }
    }

    private static func history(_ call: APICall) -> WebReply {
        let limit = call.number("limit", 50, 1...1000)
        return APIRunning.passed(call.perform("config history", options: ["limit": ["\(limit)"]]), call)
    }

    private static func domains(_ call: APICall) -> WebReply {
        let domains = call.host.directory.configuration.value(RoutingField.localMailDomains).list
        return APIReply.json(.object([("domains", .list(domains.map { .text($0) }))]))
    }

    private static func edit(_ call: APICall, adding: Bool) -> WebReply {
        let field = RoutingField.localMailDomains
        guard let name = call.request.parameters["domain"] else { return call.problem(404, APIWords.noResource) }
        do throws(FieldProblem) {
            let wanted = try field.parse([name]).list
            let now = call.host.directory.configuration.value(field).list
            if !adding, !wanted.allSatisfy(now.contains) { return call.problem(404, APIWords.noResource) }
            let domains = adding ? now + wanted.filter { !now.contains($0) } : now.filter { !wanted.contains($0) }
            do throws(DirectoryError) {
                try call.host.directory.configure([field.key: domains.isEmpty ? .none : .list(domains)], by: call.actor, note: "api")
            } catch { return APIReply.error(error, call.language) }
        } catch { return APIReply.error(DirectoryError([error]), call.language) }
        return self.domains(call)
    }
}
