internal import Bytes
package import NIOCore

/// A LIST or LSUB response. [RFC9051-7.3.1]
package struct ListLine: Hashable, Sendable {
    package struct Attributes: OptionSet, Hashable, Sendable {
        package let rawValue: UInt16
        package init(rawValue: UInt16) { self.rawValue = rawValue }
        package static let noSelect = Attributes(rawValue: 1 << 0)
        package static let nonExistent = Attributes(rawValue: 1 << 1)
        package static let noInferiors = Attributes(rawValue: 1 << 2)
        package static let hasChildren = Attributes(rawValue: 1 << 3)
        package static let hasNoChildren = Attributes(rawValue: 1 << 4)
        package static let subscribed = Attributes(rawValue: 1 << 5)
        package static let marked = Attributes(rawValue: 1 << 6)
        package static let unmarked = Attributes(rawValue: 1 << 7)
        package static let noAccess = Attributes(rawValue: 1 << 8)  // [RFC5465-5.9]

        static let names: [(Attributes, StaticString)] = [
            (.nonExistent, "\\NonExistent"), (.noSelect, "\\Noselect"), (.noInferiors, "\\Noinferiors"), (.hasChildren, "\\HasChildren"),
            (.hasNoChildren, "\\HasNoChildren"), (.subscribed, "\\Subscribed"), (.marked, "\\Marked"), (.unmarked, "\\Unmarked"),
            (.noAccess, "\\NoAccess"),
        ]
    }

    package var name: String
    package var attributes: Attributes
    package var specialUses: [SpecialUse]
    /// CHILDINFO: which selection options children satisfy. [RFC9051-6.3.9.6]
    package var hasSubscribedChildren = false
    package var hasSpecialUseChildren = false
    /// OLDNAME: what the mailbox was called when it was renamed, or how the client wrote it. [RFC9051-6.3.9.7]
    package var oldName: String?

    package init(name: String, attributes: Attributes = [], specialUses: [SpecialUse] = []) {
        self.name = name
        self.attributes = attributes
        self.specialUses = specialUses
    }
}

extension ByteBuffer {
    /// A whole line.
    package mutating func writeListLine(_ line: ListLine, mode: WireMode, isLSUB: Bool = false) {
        self.writeStaticString(isLSUB ? "* LSUB (" : "* LIST (")
        var isFirst = true
        for (attribute, name) in ListLine.Attributes.names where line.attributes.contains(attribute) {
            if !isFirst { self.writeInteger(UInt8.space) }
            isFirst = false
            self.writeStaticString(name)
        }
        for use in line.specialUses {
            if !isFirst { self.writeInteger(UInt8.space) }
            isFirst = false
            self.writeString(use.rawValue)
        }
        self.writeStaticString(") \"/\" ")
        self.writeMailboxName(line.name, isUTF8: mode.isUTF8)
        self.writeListExtension(line, mode)
        self.writeStaticString("\r\n")
    }

    private mutating func writeListExtension(_ line: ListLine, _ mode: WireMode) {
        var items = ByteBuffer()
        if line.hasSubscribedChildren || line.hasSpecialUseChildren {
            let options = (line.hasSubscribedChildren ? ["\"SUBSCRIBED\""] : []) + (line.hasSpecialUseChildren ? ["\"SPECIAL-USE\""] : [])
            items.writeString("\"CHILDINFO\" (\(options.joined(separator: " ")))")
        }
        if let oldName = line.oldName {
            if items.readableBytes > 0 { items.writeInteger(UInt8.space) }
            items.writeStaticString("\"OLDNAME\" (")
            items.writeMailboxName(oldName, isUTF8: mode.isUTF8)
            items.writeInteger(UInt8(ascii: ")"))
        }
        guard items.readableBytes > 0 else { return }
        self.writeStaticString(" (")
        self.writeBuffer(&items)
        self.writeInteger(UInt8(ascii: ")"))
    }

    /// The answer to LIST "" "". [RFC9051-6.3.9]
    package mutating func writeSeparatorLine(isLSUB: Bool = false) {
        self.writeStaticString(isLSUB ? "* LSUB (\\Noselect) \"/\" \"\"\r\n" : "* LIST (\\Noselect) \"/\" \"\"\r\n")
    }
}
