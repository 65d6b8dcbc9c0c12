internal import Bytes

/// Gathers of an entity's fields those that say what it is, line by line, within bounds.
struct HeaderCollector: Sendable {
    enum Line { case field, blank, body }

    /// Fields that matter; others are only counted.
    private enum Name: Sendable { case type, encoding, disposition, identifier, description, language, location, md5 }

    /// Few: a search from the front is faster than a table.
    private var bodies: [(name: Name, body: [UInt8])] = []
    /// The field that a continuation belongs to.
    private var current: Name?
    private var hasField = false

    /// - Parameter line: with its line end, or the beginning of a long one.
    mutating func take(_ line: [UInt8], _ limits: MIMELimits) -> Line {
        guard let first = line.first else { return .blank }
        if first == .lf || (first == .cr && (line.count == 1 || line[1] == .lf)) { return .blank }
        if first == .space || first == .tab {
            guard self.hasField else { return .body }
            if let current { self.append(line[...], to: current, limits) }
            return .field
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { return .body }
        let name = line[..<colon]
        let end = name.lastIndex { $0 != .space && $0 != .tab }.map { $0 + 1 } ?? 0
        guard end > 0, name[..<end].allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return .body }
        self.hasField = true
        self.current = Self.name(name[..<end])
        if let current {
            // Of two fields of one name the first counts: what is added behind it must not change what a checker has seen.
            if self.bodies.contains(where: { $0.name == current }) {
                self.current = nil
            } else {
                self.append(line[(colon + 1)...], to: current, limits)
            }
        }
        return .field
    }

    func apply(to entity: inout MIMEEntity, _ limits: MIMELimits) {
        if let body = self.body(.type) {
            let type = ContentFields.mediaType(body, limits)
            entity.type = type ?? .plain
            if type != nil { entity.typeField = body }
        }
        if let body = self.body(.encoding) { entity.encoding = ContentFields.encoding(body, limits) }
        entity.dispositionField = self.body(.disposition)
        entity.disposition = entity.dispositionField.flatMap { ContentFields.disposition($0, limits) }
        entity.contentID = self.body(.identifier)
        entity.description = self.body(.description)
        entity.language = self.body(.language)
        entity.location = self.body(.location)
        entity.md5 = self.body(.md5)
    }

    private mutating func append(_ bytes: ArraySlice<UInt8>, to name: Name, _ limits: MIMELimits) {
        let place = self.bodies.firstIndex { $0.name == name } ?? self.bodies.count
        if place == self.bodies.count { self.bodies.append((name, [])) }
        let room = limits.fieldBody - self.bodies[place].body.count
        self.bodies[place].body.append(contentsOf: bytes.filter { $0 != .cr && $0 != .lf }.prefix(max(0, room)))
    }

    /// Without blanks at both ends.
    private func body(_ name: Name) -> [UInt8]? {
        guard let body = self.bodies.first(where: { $0.name == name })?.body else { return nil }
        let isText = { (byte: UInt8) in byte != .space && byte != .tab }
        guard let first = body.firstIndex(where: isText), let last = body.lastIndex(where: isText) else { return [] }
        return Array(body[first...last])
    }

    private static func name(_ name: ArraySlice<UInt8>) -> Name? {
        // Nearly all fields are told apart from ours by the first letter.
        guard name.count >= 10, let first = name.first, first | 0x20 == UInt8(ascii: "c") else { return nil }
        func isNamed(_ wanted: StaticString) -> Bool {
            name.count == wanted.utf8CodeUnitCount
                && wanted.withUTF8Buffer { zip(name, $0).allSatisfy { $0.asciiLowercased == $1 } }
        }
        if isNamed("content-type") { return .type }
        if isNamed("content-transfer-encoding") { return .encoding }
        if isNamed("content-disposition") { return .disposition }
        if isNamed("content-id") { return .identifier }
        if isNamed("content-language") { return .language }
        if isNamed("content-location") { return .location }
        if isNamed("content-md5") { return .md5 }
        return isNamed("content-description") ? .description : nil
    }
}
