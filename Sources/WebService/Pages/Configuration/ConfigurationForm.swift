internal import Forms
internal import Vocabulary
internal import WebPages

/// One form of the system configuration: which fields it has, in what sections. Made from the table of fields: a field that is added there
/// appears here by itself, on the form it belongs to.
struct ConfigurationForm: Sendable {
    struct Section: Sendable {
        let title: Localized?
        let advice: [Localized]
        let fields: [Field]

        init(_ fields: [Field]) { self.init(nil, fields) }

        init(_ title: Localized?, advice: [Localized] = [], _ fields: [Field]) {
            self.title = title
            self.advice = advice
            self.fields = fields
        }
    }

    /// Part of the path.
    let name: String
    let title: Localized
    let about: Localized
    let sections: [Section]
    /// Said above the form; looks at the server as it is.
    let advice: @Sendable (WebHost) -> [Notice]
    /// Goes on below the form.
    let below: (@Sendable (WebRequest, WebHost) -> HTML)?

    var fields: [Field] { self.sections.flatMap(\.fields) }
    var link: Link { Link(["configuration", self.name]) }

    /// - Parameters:
    ///   - first: sections with fields in an order of their own.
    ///   - rest: forms of the table whose other fields follow, under `restTitle`.
    init(
        _ name: String, _ title: Localized, _ about: Localized, first: [Section] = [], rest: [Form] = [], restTitle: Localized? = nil,
        without: [Field] = [], advice: @escaping @Sendable (WebHost) -> [Notice] = { _ in [] },
        below: (@Sendable (WebRequest, WebHost) -> HTML)? = nil
    ) {
        self.name = name
        self.title = title
        self.about = about
        self.advice = advice
        self.below = below
        let taken = Set((first.flatMap(\.fields) + without).map(\.key))
        let others = FieldTable.configuration.filter { rest.contains($0.form) && !taken.contains($0.key) && $0.editors >= .postmaster }
        self.sections = first + (others.isEmpty ? [] : [Section(restTitle, others)])
    }
}
