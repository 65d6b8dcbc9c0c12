/// The elements that pages are made of. What runs, embeds or loads something is not among them.
package enum Tag: String, Sendable {
    case a, abbr, bdi, br, button, caption, code, dd, details, div, dl, dt, em, fieldset, figcaption, figure, footer, form
    case h1, h2, h3, h4, header, hr, img, input, label, legend, li, main, nav, ol, optgroup, option, p, pre, section, select, small, span
    case strong, summary, table, tbody, td, textarea, tfoot, th, thead, time, tr, ul
    case svg, g, path, rect, line, circle, title, desc
    /// Text of a drawing.
    case svgText = "text"

    var isVoid: Bool {
        switch self {
        case .br, .hr, .img, .input: true
        default: false
        }
    }
}
