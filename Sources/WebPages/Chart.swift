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

    /// Of several points together.
    package enum Telling: Sendable {
        case sum, highest
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
    /// What a row of the table says of its points.
    package var rowTells = Telling.sum
    /// Points that a row of the table stands for: the curve has them all, and a page of rows is heavier than all its curves.
    package var pointsOfARow: Int

    package init(_ title: Localized, _ kind: Kind, times: [String], series: [Series]) {
        self.title = title
        self.kind = kind
        self.times = times
        self.series = series
        self.pointsOfARow = max(1, (times.count + Self.mostRows - 1) / Self.mostRows)
    }

    private static let mostRows = 16

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
            [DataTable.Column(self.timeHeading, headsRow: true)] + self.series.map { DataTable.Column($0.label, isNumber: true) })
        table.hidesCaption = true
        let step = max(1, self.pointsOfARow)
        table.rows = stride(from: 0, to: self.times.count, by: step).reversed().map { start in
            let end = min(start + step, self.times.count)
            return [HTML(text: self.times[start])] + self.series.map { HTML(text: self.told($0.values, start, end)) }
        }
        return table
    }

    private var timeHeading: Localized {
        guard self.pointsOfARow > 1 else { return Localized(en: "Time", ja: "時刻") }
        return switch self.rowTells {
        case .sum: Localized(en: "From (sums)", ja: "開始時刻（合計）")
        case .highest: Localized(en: "From (highest)", ja: "開始時刻（最大）")
        }
    }

    private func told(_ values: [Double?], _ start: Int, _ end: Int) -> String {
        guard start < min(end, values.count) else { return "-" }
        let known = values[start..<min(end, values.count)].compactMap { $0 }
        let told: Double? =
            switch self.rowTells {
            case .sum: known.isEmpty ? nil : known.reduce(0, +)
            case .highest: known.max()
            }
        return told.map(self.format) ?? "-"
    }
}
