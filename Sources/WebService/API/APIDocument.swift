internal import Directory
internal import Forms

/// The OpenAPI document, made from the operations and from the table of fields. OpenAPI 3.1.0
enum APIDocument {
    static func document(_ version: String) -> JSONValue {
        .object([
            ("openapi", .text("3.1.0")),
            (
                "info",
                .object([
                    ("title", .text("Post.Office")), ("version", .text(version)),
                    (
                        "description",
                        .text(
                            "Administration of a Post.Office server. Keys are made with `postoffice token add`. Errors are told in the language of Accept-Language (en, ja)."
                        )
                    ),
                ])
            ),
            ("servers", .list([.object([("url", .text("/api/v1"))])])),
            ("security", .list([.object([("key", .list([]))])])),
            ("paths", .object(self.paths)),
            (
                "components",
                .object([
                    ("schemas", .object(self.schemas)),
                    ("securitySchemes", .object([("key", .object([("type", .text("http")), ("scheme", .text("bearer"))]))])),
                    (
                        "responses",
                        .object([
                            (
                                "Error",
                                .object([
                                    ("description", .text("What is wrong, and what to do.")), ("content", self.content("Error")),
                                ])
                            )
                        ])
                    ),
                ])
            ),
        ])
    }

    private static var paths: [(key: String, value: JSONValue)] {
        var order: [String] = []
        var byPath: [String: [(key: String, value: JSONValue)]] = [:]
        for operation in APIRoutes.operations {
            if byPath[operation.path] == nil { order.append(operation.path) }
            byPath[operation.path, default: []].append((operation.method.rawValue.lowercased(), self.json(operation)))
        }
        return order.map { ($0, .object(byPath[$0] ?? [])) }
    }

    private static func json(_ operation: APIOperation) -> JSONValue {
        var members: [(key: String, value: JSONValue)] = [
            ("operationId", .text(operation.name)), ("summary", .text(operation.summary)),
            ("description", .text(Self.scope(operation.scope))),
        ]
        let inPath = operation.path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
        let parameters =
            inPath.map { self.parameter($0, "path", isNumber: false, nil) }
            + operation.query.map { self.parameter($0.name, "query", isNumber: $0.isNumber, $0.text) }
        if !parameters.isEmpty { members.append(("parameters", .list(parameters))) }
        if let takes = operation.takes {
            members.append(("requestBody", .object([("required", .bool(takes != "QueueAction")), ("content", self.content(takes))])))
        }
        members.append(("responses", self.responses(operation)))
        return .object(members)
    }

    private static func parameter(_ name: String, _ place: String, isNumber: Bool, _ text: String?) -> JSONValue {
        .object(
            [("name", .text(name)), ("in", .text(place)), ("required", .bool(place == "path"))]
                + (text.map { [("description", .text($0))] } ?? [])
                + [("schema", .object([("type", .text(isNumber ? "integer" : "string"))]))])
    }

    private static func responses(_ operation: APIOperation) -> JSONValue {
        var done: [(key: String, value: JSONValue)] = [("description", .text("Done."))]
        if let gives = operation.gives { done.append(("content", self.content(gives))) }
        if operation.path == "/command" {
            done.append(
                ("content", .object([("application/x-ndjson", .object([("schema", .object([("type", .text("string"))]))]))])))
        }
        return .object([
            ("\(operation.status)", .object(done)), ("default", .object([("$ref", .text("#/components/responses/Error"))])),
        ])
    }

    private static func content(_ schema: String) -> JSONValue {
        .object([("application/json", .object([("schema", .object([("$ref", .text("#/components/schemas/\(schema)"))]))]))])
    }

    // MARK: Schemas

    private static func object(_ properties: [(key: String, value: JSONValue)], required: [String] = []) -> JSONValue {
        .object(
            [("type", .text("object")), ("properties", .object(properties))]
                + (required.isEmpty ? [] : [("required", .list(required.map { .text($0) }))]))
    }

    private static func type(_ name: String) -> JSONValue { .object([("type", .text(name))]) }
    private static func list(of schema: String) -> JSONValue {
        .object([("type", .text("array")), ("items", .object([("$ref", .text("#/components/schemas/\(schema)"))]))])
    }
    private static func orNull(_ name: String) -> JSONValue { .object([("type", .list([.text(name), .text("null")]))]) }

    private static var schemas: [(key: String, value: JSONValue)] {
        let text = self.type("string")
        let account = APIAccounts.fields.filter { $0.key != DeliveryField.loginName.key }.map { (key: $0.key.text, value: $0.schema) }
        let password = AccountDocumentField.password
        return [
            ("Anything", .object([("description", .text("As the command of that name writes it with --json."))])),
            (
                "Error",
                self.object(
                    [
                        (
                            "error",
                            self.object(
                                [
                                    ("message", text),
                                    (
                                        "fields",
                                        .object([
                                            ("type", .text("array")), ("items", self.object([("field", text), ("message", text)])),
                                        ])
                                    ),
                                ], required: ["message"])
                        )
                    ], required: ["error"])
            ),
            (
                "Account",
                self.object(
                    [("id", self.type("integer")), ("login", text)] + account
                        + [("has-password", self.type("boolean")), ("created", text), ("changed", text)], required: ["id", "login"])
            ),
            (
                "NewAccount",
                self.object(
                    APIAccounts.fields.filter { $0.editors != .system }.map { (key: $0.key.text, value: $0.schema) } + [
                        ("password", password)
                    ])
            ),
            (
                "AccountPage",
                self.object([("accounts", self.list(of: "Account")), ("next", self.orNull("integer"))], required: ["accounts"])
            ),
            ("Configuration", self.object(APIConfiguration.fields.map { ($0.key.text, $0.schema) })),
            ("Domains", self.object([("domains", .object([("type", .text("array")), ("items", text)]))], required: ["domains"])),
            (
                "QueueEntry",
                self.object(
                    [
                        ("id", self.type("integer")), ("trace", text), ("from", text), ("to", text), ("channel", text), ("route", text),
                        ("size", self.type("integer")), ("accepted", text), ("due", self.orNull("string")), ("held", self.type("boolean")),
                        ("being-delivered", self.type("boolean")), ("attempts", self.type("integer")), ("reason", text),
                    ], required: ["id", "trace", "to"])
            ),
            ("QueuePage", self.object([("entries", self.list(of: "QueueEntry")), ("next", self.orNull("string"))], required: ["entries"])),
            ("QueueAction", self.object([("to", text), ("reason", text)])),
            ("Done", self.object([("done", self.type("boolean")), ("words", .object([("type", .text("array")), ("items", text)]))])),
            (
                "NewToken",
                self.object(
                    [
                        ("label", text), ("scopes", .object([("type", .text("array")), ("items", text)])),
                        ("last-day", self.orNull("string")),
                    ],
                    required: ["label", "scopes"])
            ),
            (
                "Command",
                self.object(
                    [
                        ("verb", text), ("operands", .object([("type", .text("array")), ("items", text)])),
                        (
                            "options",
                            .object([
                                ("type", .text("object")), ("additionalProperties", .object([("type", .text("array")), ("items", text)])),
                            ])
                        ),
                        ("input", self.orNull("string")), ("language", text), ("json", self.type("boolean")),
                    ], required: ["verb"])
            ),
        ]
    }

    private enum AccountDocumentField {
        static let password = JSONValue.object([
            ("type", .text("string")), ("writeOnly", .bool(true)), ("description", .text("A new password; never given back.")),
        ])
    }

    private static func scope(_ scope: TokenScope?) -> String {
        switch scope {
        case nil: "Scope: depends on the command."
        case .all: "Scope: all."
        case let scope?: "Scope: \(scope.rawValue), or all."
        }
    }
}
