internal import Vocabulary

/// Filters over headers and bodies.
package enum FilterField {
    package static let rules = Field(
        "filters", .filters, Localized("SMTP filters", "SMTP フィルタ"),
        help: Localized(
            "One rule a line, asked in order: NAME: if CONDITION and CONDITION then ACTION. Conditions: from, to, subject, header NAME, headers, body, attachment, type with a /pattern/ or /pattern/i; size > 10M; login; client NETWORK; each with not. Actions: refuse \"text\", hold \"reason\", redirect ADDRESS, tag \"X-Name: value\", drop, accept. Try them with postoffice filter test.",
            "1 行に 1 つの規則を書き、上から順に調べます。名前: if 条件 and 条件 then 動作。条件は from、to、subject、header 名前、headers、body、attachment、type と /パターン/ または /パターン/i、size > 10M、login、client ネットワーク（前に not を付けられます）。動作は refuse \"文\"、hold \"理由\"、redirect アドレス、tag \"X-名前: 値\"、drop、accept。postoffice filter test で試せます。"
        ),
        .paragraph(maximum: 100_000), checks: [.filterRules])

    package static let all: [Field] = [rules]
}
