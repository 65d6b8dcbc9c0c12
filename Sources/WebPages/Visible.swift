internal import Forms

/// Foreign text on its way into a page.
enum Visible {
    static func text(_ text: String) -> String { Shown.visible(text) }
}
