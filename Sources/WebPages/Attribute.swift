internal import Bytes

/// One attribute of an element, its value encoded when it is written. Only the kinds below exist: no handler of events and no style.
package struct Attribute: Sendable {
    private let name: String
    private let value: String?

    private init(_ name: String, _ value: String? = nil) {
        self.name = name
        self.value = value
    }

    func write(to out: inout [UInt8]) {
        out.append(UInt8(ascii: " "))
        out.append(contentsOf: self.name.utf8)
        guard let value else { return }
        out.append(contentsOf: "=\"".utf8)
        HTML.encode(value, into: &out)
        out.append(UInt8(ascii: "\""))
    }

    package static func id(_ id: String) -> Self { Self("id", id) }
    package static func `class`(_ names: String) -> Self { Self("class", names) }
    package static func name(_ name: String) -> Self { Self("name", name) }
    package static func value(_ value: String) -> Self { Self("value", value) }
    package static func type(_ type: InputType) -> Self { Self("type", type.rawValue) }
    package static func `for`(_ id: String) -> Self { Self("for", id) }
    package static func lang(_ code: String) -> Self { Self("lang", code) }
    package static func title(_ text: String) -> Self { Self("title", text) }
    package static func alt(_ text: String) -> Self { Self("alt", text) }
    package static func datetime(_ text: String) -> Self { Self("datetime", text) }
    package static func label(_ text: String) -> Self { Self("label", text) }
    package static func accept(_ kinds: String) -> Self { Self("accept", kinds) }
    package static func autocomplete(_ what: Autocomplete) -> Self { Self("autocomplete", what.rawValue) }
    package static func inputMode(_ mode: InputMode) -> Self { Self("inputmode", mode.rawValue) }
    package static func rows(_ count: Int) -> Self { Self("rows", "\(count)") }
    package static func colspan(_ count: Int) -> Self { Self("colspan", "\(count)") }
    package static func size(_ count: Int) -> Self { Self("size", "\(count)") }
    package static func maxlength(_ count: Int) -> Self { Self("maxlength", "\(count)") }
    package static func tabindex(_ index: Int) -> Self { Self("tabindex", "\(index)") }
    package static func scope(_ scope: Scope) -> Self { Self("scope", scope.rawValue) }
    package static func role(_ role: Role) -> Self { Self("role", role.rawValue) }
    package static func aria(_ name: ARIA, _ value: String) -> Self { Self(name.rawValue, value) }
    package static func data(_ name: DataName, _ value: String) -> Self { Self("data-\(name.rawValue)", value) }

    package static func href(_ link: Link) -> Self { Self("href", link.text) }
    package static func action(_ link: Link) -> Self { Self("action", link.text) }
    package static func formAction(_ link: Link) -> Self { Self("formaction", link.text) }
    package static let post = Self("method", "post")
    package static let get = Self("method", "get")
    /// Forms with files.
    package static let multipart = Self("enctype", "multipart/form-data")
    /// A picture within the page itself; `base64` must be what `Base64.encode` wrote.
    package static func picture(base64: String, isPNG: Bool) -> Self {
        let isPlain = base64.utf8.allSatisfy {
            $0.isASCIILetter || $0.isASCIIDigit || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "=")
        }
        return Self("src", isPlain ? "data:image/\(isPNG ? "png" : "jpeg");base64,\(base64)" : "data:,")
    }

    package static let checked = Self("checked")
    package static let selected = Self("selected")
    package static let disabled = Self("disabled")
    package static let readonly = Self("readonly")
    package static let required = Self("required")
    package static let open = Self("open")
    package static let novalidate = Self("novalidate")
    package static let autofocus = Self("autofocus")
    package static let hidden = Self("hidden")

    /// Of a drawing.
    package static func drawing(_ name: Drawing, _ value: String) -> Self { Self(name.rawValue, value) }
}

package enum InputType: String, Sendable { case text, password, hidden, checkbox, radio, submit, reset, button, file, date, search, email }
package enum InputMode: String, Sendable { case numeric, email, url, tel, text }
package enum Autocomplete: String, Sendable {
    case off, on, username, newPassword = "new-password", currentPassword = "current-password", oneTimeCode = "one-time-code"
}
package enum Scope: String, Sendable { case row, col, rowgroup, colgroup }
package enum Role: String, Sendable { case alert, status, group, img, list, presentation, region, search }
package enum ARIA: String, Sendable {
    case label = "aria-label", labelledBy = "aria-labelledby", describedBy = "aria-describedby", invalid = "aria-invalid"
    case current = "aria-current", live = "aria-live", hidden = "aria-hidden", required = "aria-required", sort = "aria-sort"
}
/// What the script looks for.
package enum DataName: String, Sendable { case live, rows, row, confirm, href, dirty, warn, copy, passkey, word }
package enum Drawing: String, Sendable {
    case viewBox, d, x, y, x1, x2, y1, y2, width, height, cx, cy, r, textAnchor = "text-anchor", preserveAspectRatio
}
