/// A curve as the text of a path, in few bytes: whole units, steps relative to the last place, one step for a stretch of the same height.
struct ChartPath {
    private var written = ""
    private var place: (x: Int, y: Int)?
    /// Units to the right that are not written yet.
    private var flat = 0
    private var isAlone = false

    var isEmpty: Bool { self.written.isEmpty }
    /// With what has not been written yet; a place of its own becomes a dot.
    var text: String { self.written + (self.isAlone ? "h1" : self.step) }
    private var step: String { self.flat > 0 ? "h\(self.flat)" : "" }

    mutating func go(to x: Double, _ y: Double) {
        let (x, y) = (Int(x.rounded()), Int(y.rounded()))
        defer { self.place = (x, y) }
        guard let place = self.place else {
            self.written += "M\(x) \(y)"
            self.isAlone = true
            return
        }
        self.isAlone = false
        guard y != place.y else {
            self.flat += x - place.x
            return
        }
        self.written += self.step
        self.flat = 0
        self.written += x == place.x ? "v\(y - place.y)" : "l\(x - place.x)\(y < place.y ? "" : " ")\(y - place.y)"
    }

    /// A gap: what comes next begins anew.
    mutating func lift() {
        self.written = self.text
        self.place = nil
        self.flat = 0
        self.isAlone = false
    }
}
