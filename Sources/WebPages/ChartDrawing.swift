internal import Vocabulary

/// The drawing itself: axes, grid, curves; places in whole and tenth units of a drawing of 720 by 240.
struct ChartDrawing {
    private static let width = 720.0
    private static let height = 240.0
    private static let left = 56.0
    private static let right = 8.0
    private static let top = 8.0
    private static let bottom = 24.0

    private let chart: Chart
    private let most: Double
    private let count: Int

    init(_ chart: Chart) {
        self.chart = chart
        self.count = chart.times.count
        var most = 0.0
        for index in 0..<chart.times.count {
            let values = chart.series.map { index < $0.values.count ? $0.values[index] ?? 0 : 0 }.filter(\.isFinite)
            most = max(most, chart.kind == .stacked ? values.reduce(0, +) : values.max() ?? 0)
        }
        self.most = Self.round(most)
    }

    /// The next of 1, 2, 5 times a power of ten, so that the grid has plain numbers.
    private static func round(_ most: Double) -> Double {
        guard most > 0, most.isFinite else { return 1 }
        var step = 1.0
        while step < most / 10 { step *= 10 }
        while step > most { step /= 10 }
        for factor in [1.0, 2, 5, 10] where factor * step >= most { return factor * step }
        return step * 10
    }

    func write(to figure: inout HTML, _ language: Language) {
        let label = "\(self.chart.title.text(language)). \(self.summary(language))"
        figure.add(.svg, [.drawing(.viewBox, "0 0 720 240"), .role(.img), .aria(.label, label)]) { svg in
            self.grid(&svg)
            switch self.chart.kind {
            case .line: for index in self.chart.series.indices { self.curve(index, &svg) }
            case .stacked: self.stack(&svg)
            case .bars: self.bars(&svg)
            }
            svg.add(
                .line,
                Self.line(Self.left, Self.height - Self.bottom, Self.width - Self.right, Self.height - Self.bottom) + [.class("axis")])
        }
    }

    /// The last and the highest of each series, for who hears the page.
    private func summary(_ language: Language) -> String {
        self.chart.series.map { series in
            let known = series.values.compactMap { $0 }
            let last = known.last.map(self.chart.format) ?? "-"
            let most = known.max().map(self.chart.format) ?? "-"
            let label = series.label.text(language)
            return language == .japanese ? "\(label): 最新 \(last)、最大 \(most)" : "\(label): last \(last), highest \(most)"
        }.joined(separator: "; ")
    }

    // MARK: places

    private func x(_ index: Int) -> Double {
        let wide = Self.width - Self.left - Self.right
        if self.chart.kind == .bars { return Self.left + wide * (Double(index) + 0.5) / Double(max(1, self.count)) }
        return self.count < 2 ? Self.left : Self.left + wide * Double(index) / Double(self.count - 1)
    }

    private func y(_ value: Double) -> Double {
        let high = Self.height - Self.top - Self.bottom
        return Self.top + high * (1 - min(1, max(0, value / self.most)))
    }

    /// With one digit behind the point, and none where it is 0.
    private static func text(_ place: Double) -> String {
        let tenths = Int((place * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }

    private static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> [Attribute] {
        [.drawing(.x1, self.text(x1)), .drawing(.y1, self.text(y1)), .drawing(.x2, self.text(x2)), .drawing(.y2, self.text(y2))]
    }

    // MARK: parts

    private func grid(_ svg: inout HTML) {
        for quarter in 0...4 {
            let value = self.most * Double(quarter) / 4
            let y = self.y(value)
            svg.add(.line, Self.line(Self.left, y, Self.width - Self.right, y) + [.class("grid")])
            svg.add(
                .svgText, [.drawing(.x, Self.text(Self.left - 6)), .drawing(.y, Self.text(y + 4)), .drawing(.textAnchor, "end")],
                self.chart.format(value))
        }
        guard self.count > 0 else { return }
        let shown = min(6, self.count)
        for step in 0..<shown {
            let index = shown == 1 ? 0 : step * (self.count - 1) / (shown - 1)
            let anchor = self.chart.kind == .bars || (step > 0 && step < shown - 1) ? "middle" : step == 0 ? "start" : "end"
            svg.add(
                .svgText,
                [
                    .drawing(.x, Self.text(self.x(index))), .drawing(.y, Self.text(Self.height - 8)), .drawing(.textAnchor, anchor),
                ], self.chart.times[index])
        }
    }

    private func curve(_ number: Int, _ svg: inout HTML) {
        var path = ChartPath()
        for (index, value) in self.chart.series[number].values.prefix(self.count).enumerated() {
            if let value, value.isFinite { path.go(to: self.x(index), self.y(value)) } else { path.lift() }
        }
        guard !path.isEmpty else { return }
        svg.add(.path, [.drawing(.d, path.text), .class("curve \(Self.colour(number)) \(Self.dash(number))")])
    }

    /// The highest sum first: each ground goes down to the axis and the next one covers its lower part, so that no edge is drawn twice.
    private func stack(_ svg: inout HTML) {
        guard self.count > 0 else { return }
        var sums: [[Double]] = []
        var below = [Double](repeating: 0, count: self.count)
        for series in self.chart.series {
            for index in below.indices where index < series.values.count {
                if let value = series.values[index], value.isFinite { below[index] += max(0, value) }
            }
            sums.append(below)
        }
        for (number, sum) in sums.enumerated().reversed() where sum.contains(where: { $0 > 0 }) {
            var path = ChartPath()
            path.go(to: self.x(0), self.y(0))
            for (index, value) in sum.enumerated() { path.go(to: self.x(index), self.y(value)) }
            path.go(to: self.x(self.count - 1), self.y(0))
            svg.add(.path, [.drawing(.d, path.text), .class("ground \(Self.colour(number))")])
        }
    }

    private func bars(_ svg: inout HTML) {
        guard self.count > 0, !self.chart.series.isEmpty else { return }
        let slot = (Self.width - Self.left - Self.right) / Double(self.count)
        let wide = max(1, slot * 0.8 / Double(self.chart.series.count))
        for (number, series) in self.chart.series.enumerated() {
            for (index, value) in series.values.prefix(self.count).enumerated() {
                guard let value, value.isFinite, value > 0 else { continue }
                let x = self.x(index) - slot * 0.4 + wide * Double(number)
                let y = self.y(value)
                svg.add(
                    .rect,
                    [
                        .drawing(.x, Self.text(x)), .drawing(.y, Self.text(y)), .drawing(.width, Self.text(wide)),
                        .drawing(.height, Self.text(Self.height - Self.bottom - y)), .class("ground \(Self.colour(number))"),
                    ])
            }
        }
    }

    static func key(_ kind: Chart.Kind, _ number: Int, _ svg: inout HTML) {
        if kind == .line {
            svg.add(.path, [.drawing(.d, "M0 5L24 5"), .class("curve \(self.colour(number)) \(self.dash(number))")])
        } else {
            svg.add(
                .rect,
                [
                    .drawing(.x, "0"), .drawing(.y, "0"), .drawing(.width, "24"), .drawing(.height, "10"),
                    .class("ground \(self.colour(number))"),
                ])
        }
    }

    private static func colour(_ number: Int) -> String { "c\(number % 8)" }
    /// Curves differ by more than their colour.
    private static func dash(_ number: Int) -> String { "dash\(number % 4)" }
}
