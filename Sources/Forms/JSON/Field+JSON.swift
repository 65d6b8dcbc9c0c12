// Fields as JSON: values for programs, what is taken back from them, and the schema of both.
extension Field {
    /// Numbers and flags as such, lists as lists; a table as its rows in brackets, as commands write them.
    package func json(_ value: FieldValue) -> JSONValue {
        switch value {
        case .none: .null
        case .text(let text): .text(text)
        case .integer(let number): .int(number)
        case .flag(let flag): .bool(flag)
        case .list(let entries): .list(entries.map { .text($0) })
        case .rows: .list(self.written(value).map { .text($0) })
        }
    }

    /// The value of what a program sent: as `json` writes it, or a text as a person writes it. null is the default.
    package func parse(json: JSONValue) throws(FieldProblem) -> FieldValue { try self.parse(try self.texts(json: json)) }

    /// The same as the texts of a command.
    package func texts(json: JSONValue) throws(FieldProblem) -> [String] {
        switch json {
        case .null: return []
        case .text(let text): return [text]
        case .int(let number): return ["\(number)"]
        case .bool(let flag): return [flag ? "yes" : "no"]
        case .list(let items):
            var texts: [String] = []
            for item in items {
                guard let text = item.text ?? item.number.map({ "\($0)" }) else { throw self.problem(.oneValue) }
                texts.append(text)
            }
            return texts
        case .object: throw self.problem(.oneValue)
        }
    }

    /// JSON Schema 2020-12, as OpenAPI 3.1 takes it; title and description in English.
    package var schema: JSONValue {
        var members: [(key: String, value: JSONValue)] = [
            ("title", .text(self.label.english)), ("description", .text(self.help.english)),
        ]
        let base = self.base
        let isNullable = !self.checks.contains(.required)
        members.append(("type", isNullable ? .list([.text(base.type), .text("null")]) : .text(base.type)))
        members += base.more
        if !self.defaultValue.isNone { members.append(("default", self.json(self.defaultValue))) }
        if self.isSecret { members.append(("writeOnly", .bool(true))) }
        if self.editors == .system { members.append(("readOnly", .bool(true))) }
        return .object(members)
    }

    private var base: (type: String, more: [(key: String, value: JSONValue)]) {
        func strings(_ most: Int, _ items: [(key: String, value: JSONValue)] = []) -> (String, [(key: String, value: JSONValue)]) {
            ("array", [("items", .object([("type", .text("string"))] + items)), ("maxItems", .number(most))])
        }
        func range(_ bounds: ClosedRange<Int64>) -> [(key: String, value: JSONValue)] {
            [("minimum", .int(bounds.lowerBound)), ("maximum", .int(bounds.upperBound))]
        }
        func names(_ choices: [Choice]) -> JSONValue { .list(choices.map { .text($0.name) }) }
        switch self.type {
        case .text(let most), .paragraph(let most): return ("string", [("maxLength", .number(most))])
        // null is one of the values where it is one of the types.
        case .choice(let choices):
            let null: [JSONValue] = self.checks.contains(.required) ? [] : [.null]
            return ("string", [("enum", .list(choices.map { .text($0.name) } + null))])
        case .integer(let bounds), .bytes(let bounds), .duration(let bounds): return ("integer", range(bounds))
        case .flag: return ("boolean", [])
        case .date: return ("string", [("format", .text("date"))])
        case .addresses(let most), .domains(let most), .accessList(let most), .networks(let most), .domainPatterns(let most),
            .mailPatterns(let most), .servers(let most):
            return strings(most)
        case .words(let choices): return strings(choices.count, [("enum", names(choices))])
        case .table(let table): return strings(table.maximumRows)
        case .picture: return ("string", [("contentEncoding", .text("base64"))])
        case .address, .loginName, .domain, .url, .telephone, .password: return ("string", [])
        }
    }
}
