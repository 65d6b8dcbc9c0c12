package import Vocabulary

/// A drawing of numbers over time, made by the server. Whoever cannot see it gets the same numbers as a table.
package struct Chart: Sendable {
    package enum Kind: Sendable {
        /// A curve a series.
        case line
        /// One series upon the other.
        case stacked
        /// Bars beside each other, one a point; for few points.
        case bars
    }

    package struct Series: Sendable {
        package let label: Localized
        /// nil where nothing was counted: a gap.
        package let values: [Double?]

        package init(_ label: Localized, _ values: [Double?]) {
            self.label = label
            self.values = values
        }
    }

    package let title: Localized
    package let kind: Kind
    /// One a point, as they stand in the table; a few of them stand under the drawing.
    package let times: [String]
    package let series: [Series]
    /// How a number is written.
    package var format: @Sendable (Double) -> String = Chart.plain

    package init(_ title: Localized, _ kind: Kind, times: [String], series: [Series]) {
        self.title = title
        self.kind = kind
        self.times = times
        self.series = series
    }

    /// Whole numbers with groups of three, others with one digit behind the point.
    package static let plain: @Sendable (Double) -> String = { number in
        guard number.isFinite, abs(number) < 1e15 else { return "-" }
        if number != number.rounded(), abs(number) < 100 {
            let tenths = Int((number * 10).rounded())
            return "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
        }
        return Chart.grouped(Int(number.rounded()))
    }

    package static func grouped(_ number: Int) -> String {
        var digits = "\(number.magnitude)"
        var out = ""
        while digits.utf8.count > 3 {
            out = "," + digits.suffix(3) + out
            digits = String(digits.dropLast(3))
        }
        return (number < 0 ? "-" : "") + digits + out
    }

    package func html(_ language: Language) -> HTML {
        HTML.build { out in
            out.add(.figure, [.class("chart")]) { figure in
                figure.add(.figcaption, [], self.title.text(language))
                ChartDrawing(self).write(to: &figure, language)
                self.legend(&figure, language)
                figure.add(.details) { details in
                    details.add(.summary, [], PageWords.figures.text(language))
                    details.add(self.table.html(language))
                }
            }
        }
    }

    private func legend(_ figure: inout HTML, _ language: Language) {
        guard self.series.count > 1 else { return }
        figure.add(.ul, [.class("legend")]) { list in
            for (index, series) in self.series.enumerated() {
                list.add(.li) { item in
                    item.add(.svg, [.drawing(.viewBox, "0 0 24 10"), .aria(.hidden, "true")]) { key in
                        ChartDrawing.key(self.kind, index, &key)
                    }
                    item.text(" ")
                    item.text(series.label, language)
                }
            }
        }
    }

    /// Newest first, as people look for it.
    private var table: DataTable {
        var table = DataTable(
            self.title,
            [DataTable.Column(Localized(en: "Time", ja: "時刻"), headsRow: true)]
                + self.series.map { DataTable.Column($0.label, isNumber: true) })
        table.hidesCaption = true
        table.rows = self.times.indices.reversed().map { index in
            [HTML(text: self.times[index])]
                + self.series.map { series in
                    HTML(text: index < series.values.count ? series.values[index].map(self.format) ?? "-" : "-")
                }
        }
        return table
    }
}
