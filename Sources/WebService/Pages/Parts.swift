internal import Vocabulary
internal import WebPages

/// Inputs of forms that are no settings and so have no fields in the table.
enum Parts {
    static func line(
        _ form: inout HTML, _ name: String, _ label: Localized, _ value: String, problem: Localized? = nil, _ language: Language
    ) {
        self.field(&form, name, label, problem, language) { right, described in
            right.add(.input, [.type(.text), .id("p-\(name)"), .name(name), .value(value)] + described)
        }
    }

    static func area(
        _ form: inout HTML, _ name: String, _ label: Localized, _ value: String, rows: Int, problem: Localized? = nil, _ language: Language
    ) {
        self.field(&form, name, label, problem, language) { right, described in
            right.add(.textarea, [.rows(rows), .id("p-\(name)"), .name(name)] + described) { $0.text("\n" + value) }
        }
    }

    static func tick(_ form: inout HTML, _ name: String, _ label: Localized, isOn: Bool, _ language: Language) {
        self.field(&form, name, label, nil, language) { right, _ in
            right.add(.input, [.type(.checkbox), .id("p-\(name)"), .name(name), .value("yes")] + (isOn ? [.checked] : []))
        }
    }

    /// Never given back.
    static func password(
        _ form: inout HTML, _ name: String, _ label: Localized, _ filling: Autocomplete, problem: Localized? = nil, _ language: Language
    ) {
        self.field(&form, name, label, problem, language) { right, described in
            right.add(
                .input, [.type(.password), .id("p-\(name)"), .name(name), .autocomplete(filling), .maxlength(1000)] + described)
        }
    }

    /// Boxes of which several may be ticked, sent under one name.
    static func ticks(
        _ form: inout HTML, _ name: String, _ label: Localized, _ choices: [(name: String, label: Localized)], on: [String],
        problem: Localized? = nil, _ language: Language
    ) {
        let described: [Attribute] = problem == nil ? [] : [.aria(.describedBy, "p-\(name)-problem")]
        form.add(.fieldset, [.class(problem == nil ? "field" : "field wrong")] + described) { box in
            box.add(.legend, [.class("name")], label.text(language))
            box.add(.div) { right in
                if let problem { right.add(.p, [.class("problem"), .id("p-\(name)-problem")], problem.text(language)) }
                for choice in choices {
                    right.add(.p) { line in
                        line.add(.label) { label in
                            let attributes: [Attribute] =
                                (on.contains(choice.name) ? [.checked] : []) + (problem == nil ? [] : [.aria(.invalid, "true")])
                            label.add(.input, [.type(.checkbox), .name(name), .value(choice.name)] + attributes)
                            label.text(choice.label, language)
                        }
                    }
                }
            }
        }
    }

    static func date(
        _ form: inout HTML, _ name: String, _ label: Localized, _ value: String, problem: Localized? = nil, _ language: Language
    ) {
        self.field(&form, name, label, problem, language) { right, described in
            right.add(.input, [.type(.date), .id("p-\(name)"), .name(name), .value(value), .class("short")] + described)
        }
    }

    static func file(
        _ form: inout HTML, _ name: String, _ label: Localized, accept: String, problem: Localized? = nil, _ language: Language
    ) {
        self.field(&form, name, label, problem, language) { right, described in
            right.add(.input, [.type(.file), .id("p-\(name)"), .name(name), .accept(accept)] + described)
        }
    }

    private static func field(
        _ form: inout HTML, _ name: String, _ label: Localized, _ problem: Localized?, _ language: Language,
        _ input: (inout HTML, [Attribute]) -> Void
    ) {
        form.add(.div, [.class(problem == nil ? "field" : "field wrong")]) { box in
            box.add(.label, [.class("name"), .for("p-\(name)")], label.text(language))
            box.add(.div) { right in
                if let problem { right.add(.p, [.class("problem"), .id("p-\(name)-problem")], problem.text(language)) }
                input(&right, problem == nil ? [] : [.aria(.invalid, "true"), .aria(.describedBy, "p-\(name)-problem")])
            }
        }
    }

    static func buttons(_ form: inout HTML, _ language: Language, submit: Localized = PageWords.submit, isDangerous: Bool = false) {
        form.add(.p, [.class("buttons")]) { line in
            line.add(.button, [.type(.submit)] + (isDangerous ? [.class("danger")] : []), submit.text(language))
            line.add(.button, [.type(.reset)], PageWords.reset.text(language))
        }
    }

    /// A form of one button.
    static func button(
        _ out: inout HTML, _ action: Link, _ label: Localized, _ request: WebRequest, hidden: [(String, String)] = [],
        isDangerous: Bool = false
    ) {
        out.add(.form, [.post, .action(action)]) { form in
            form.hidden(Page.csrfName, request.session?.formToken ?? "")
            for (name, value) in hidden { form.hidden(name, value) }
            form.add(.p, [.class("buttons")]) { line in
                line.add(.button, [.type(.submit)] + (isDangerous ? [.class("danger")] : []), label.text(request.language))
            }
        }
    }
}
