package import Vocabulary

// Invariants of this target:
// 1. The only place where a field is described: a field added once appears in every form, command, export and check.
// 2. Pure: no clock, no file, no database. What a check needs from outside (uniqueness, ports) is named here and asked elsewhere.
// 3. Keys, stored texts and e-mail names are contracts: they are never renamed, only added.

extension Localized {
    /// English, Japanese: short, because the table of fields is made of these.
    package init(_ english: String, _ japanese: String) { self.init(en: english, ja: japanese) }
}
