/// What waits to be looked at, each once, in the order in which it came; no more than a bound.
struct UpkeepQueue<Element: Hashable & Sendable>: Sendable {
    private var order: [Element] = []
    private var first = 0
    private var waiting: Set<Element> = []
    private let bound: Int

    init(bound: Int) { self.bound = bound }

    var isEmpty: Bool { self.waiting.isEmpty }

    /// False when there is no room for it.
    mutating func add(_ element: Element) -> Bool {
        if self.waiting.contains(element) { return true }
        guard self.waiting.count < self.bound else { return false }
        self.waiting.insert(element)
        self.order.append(element)
        return true
    }

    mutating func take() -> Element? {
        guard self.first < self.order.count else { return nil }
        let element = self.order[self.first]
        self.first += 1
        self.waiting.remove(element)
        if self.first > 64, self.first * 2 > self.order.count {
            self.order.removeFirst(self.first)
            self.first = 0
        }
        return element
    }
}
