package import Forms
package import Vocabulary

/// A field on a form: what it holds, what was typed, what is wrong with that, and whether this person may change it.
package struct FieldEntry: Sendable {
    package enum Access: Sendable {
        case edit
        /// Shown as text.
        case readOnly
        /// Shown, but nothing can be done with it for now: why, and the cure.
        case off(Localized)
        /// Too much to be shown: a sentence in its place.
        case hidden(Localized)
    }

    package let field: Field
    package var value: FieldValue
    /// What came with the form; shown instead of the value, so that nothing typed is lost.
    package var typed: TypedText?
    package var problem: Localized?
    /// Of a table: the row that the problem is about.
    package var wrongRow: Int?
    package var access: Access
    /// Said under the field, always visible.
    package var advice: Localized?
    /// Asked for twice, as passwords are.
    package var asksTwice: Bool
    package var isRequired: Bool
    /// Stands in place of the field's own label, as on the wrap-up form.
    package var label: Localized?

    package init(_ field: Field, _ value: FieldValue, access: Access = .edit, advice: Localized? = nil, label: Localized? = nil) {
        self.field = field
        self.value = value
        self.access = access
        self.advice = advice
        self.label = label
        self.asksTwice = field.isSecret
        self.isRequired = field.checks.contains(.required)
    }

    package var title: Localized { self.label ?? self.field.label }

    /// Identifier of the input, which labels, problems and the summary of problems point at.
    package static func id(_ key: FieldKey) -> String { "f-\(key)" }
}

/// What somebody typed into a field, as it came.
package enum TypedText: Sendable, Hashable {
    case texts([String])
    /// Cells of a table with their row's number on the form.
    case rows([[String]])
}
