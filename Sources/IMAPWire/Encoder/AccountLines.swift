internal import Bytes
package import NIOCore

// Whole untagged lines about rights, quotas, annotations and namespaces.
extension ByteBuffer {
    // MARK: Rights [RFC4314-3.6]

    /// `* ACL INBOX fred rwipslxetad`: identifiers with the letters of their rights.
    package mutating func writeACLLine(_ mailbox: String, _ entries: [(identifier: String, rights: String)], mode: WireMode) {
        self.writeStaticString("* ACL ")
        self.writeMailboxName(mailbox, isUTF8: mode.isUTF8)
        for entry in entries {
            self.writeInteger(UInt8.space)
            self.writeIMAPAString(entry.identifier, isUTF8: mode.isUTF8)
            self.writeInteger(UInt8.space)
            self.writeRights(entry.rights)
        }
        self.writeStaticString("\r\n")
    }

    /// `* LISTRIGHTS mailbox fred la r swicdkxte`: what is always granted, then groups that are granted together. [RFC4314-3.7]
    package mutating func writeListRightsLine(
        _ mailbox: String, identifier: String, required: String, optional: [String], mode: WireMode
    ) {
        self.writeStaticString("* LISTRIGHTS ")
        self.writeMailboxName(mailbox, isUTF8: mode.isUTF8)
        self.writeInteger(UInt8.space)
        self.writeIMAPAString(identifier, isUTF8: mode.isUTF8)
        for rights in [required] + optional {
            self.writeInteger(UInt8.space)
            self.writeRights(rights)
        }
        self.writeStaticString("\r\n")
    }

    /// [RFC4314-3.8]
    package mutating func writeMyRightsLine(_ mailbox: String, _ rights: String, mode: WireMode) {
        self.writeStaticString("* MYRIGHTS ")
        self.writeMailboxName(mailbox, isUTF8: mode.isUTF8)
        self.writeInteger(UInt8.space)
        self.writeRights(rights)
        self.writeStaticString("\r\n")
    }

    private mutating func writeRights(_ letters: String) {
        if letters.isEmpty { self.writeStaticString("\"\"") } else { self.writeString(letters) }
    }

    // MARK: Quotas [RFC9208-4.2]

    /// `* QUOTA "" (STORAGE 10 512)`.
    package mutating func writeQuotaLine(root: String, _ resources: [(name: String, usage: Int64, limit: Int64)], mode: WireMode) {
        self.writeStaticString("* QUOTA ")
        self.writeIMAPAString(root, isUTF8: mode.isUTF8)
        self.writeStaticString(" (")
        for (index, resource) in resources.enumerated() {
            if index > 0 { self.writeInteger(UInt8.space) }
            self.writeString("\(resource.name) ")
            self.writeIMAPNumber(resource.usage)
            self.writeInteger(UInt8.space)
            self.writeIMAPNumber(resource.limit)
        }
        self.writeStaticString(")\r\n")
    }

    /// `* QUOTAROOT INBOX ""`.
    package mutating func writeQuotaRootLine(_ mailbox: String, roots: [String], mode: WireMode) {
        self.writeStaticString("* QUOTAROOT ")
        self.writeMailboxName(mailbox, isUTF8: mode.isUTF8)
        for root in roots {
            self.writeInteger(UInt8.space)
            self.writeIMAPAString(root, isUTF8: mode.isUTF8)
        }
        self.writeStaticString("\r\n")
    }

    // MARK: Annotations [RFC5464-4.4]

    /// `* METADATA "INBOX" (/private/comment "x" /shared/comment NIL)`. The mailbox is empty for the server's own.
    package mutating func writeMetadataLine(_ mailbox: String, _ entries: [MetadataEntry], mode: WireMode) {
        self.writeStaticString("* METADATA ")
        self.writeMailboxName(mailbox, isUTF8: mode.isUTF8)
        self.writeStaticString(" (")
        for (index, entry) in entries.enumerated() {
            if index > 0 { self.writeInteger(UInt8.space) }
            self.writeIMAPAString(entry.name, isUTF8: mode.isUTF8)
            self.writeInteger(UInt8.space)
            self.writeIMAPNString(entry.value, isUTF8: mode.isUTF8)
        }
        self.writeStaticString(")\r\n")
    }

    /// Names alone: told unasked when they have changed. [RFC5464-4.4.2]
    package mutating func writeMetadataNamesLine(_ mailbox: String, _ names: [String], mode: WireMode) {
        self.writeStaticString("* METADATA ")
        self.writeMailboxName(mailbox, isUTF8: mode.isUTF8)
        for name in names {
            self.writeInteger(UInt8.space)
            self.writeIMAPAString(name, isUTF8: mode.isUTF8)
        }
        self.writeStaticString("\r\n")
    }

    // MARK: Namespaces [RFC9051-7.3.2]

    /// Prefixes of the three kinds; none is NIL. The separator is always `/`.
    package mutating func writeNamespaceLine(personal: [String], others: [String], shared: [String], mode: WireMode) {
        self.writeStaticString("* NAMESPACE")
        for prefixes in [personal, others, shared] {
            self.writeInteger(UInt8.space)
            guard !prefixes.isEmpty else {
                self.writeStaticString("NIL")
                continue
            }
            self.writeInteger(UInt8(ascii: "("))
            for prefix in prefixes {
                self.writeInteger(UInt8(ascii: "("))
                self.writeIMAPString(MailboxName.encoded(prefix, isUTF8: mode.isUTF8), isUTF8: mode.isUTF8)
                self.writeStaticString(" \"/\")")
            }
            self.writeInteger(UInt8(ascii: ")"))
        }
        self.writeStaticString("\r\n")
    }
}
