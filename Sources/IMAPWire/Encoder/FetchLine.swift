internal import Bytes
package import NIOCore
package import Vocabulary

// A FETCH response: `beginFetch`, then items with `writeFetchBlank` between, then `endFetch`.
extension ByteBuffer {
    /// `* 12 FETCH (` or, with UIDONLY, `* 25996 UIDFETCH (`. [RFC9051-7.5.2] [RFC9586-3.1]
    ///
    /// - Parameter place: the message's place in the view, from 0; not looked at with UIDONLY.
    package mutating func beginFetch(_ uid: UID, place: Int, mode: WireMode) {
        self.writeStaticString("* ")
        if mode.isUIDOnly {
            self.writeIMAPNumber(uid.rawValue)
            self.writeStaticString(" UIDFETCH (")
        } else {
            self.writeIMAPNumber(place + 1)
            self.writeStaticString(" FETCH (")
        }
    }

    package mutating func writeFetchBlank() { self.writeInteger(UInt8.space) }
    package mutating func endFetch() { self.writeStaticString(")\r\n") }

    package mutating func writeFetchUID(_ uid: UID) {
        self.writeStaticString("UID ")
        self.writeIMAPNumber(uid.rawValue)
    }

    package mutating func writeFetchFlags(_ flags: Flags, keywords: [String]) {
        self.writeStaticString("FLAGS ")
        self.writeIMAPFlags(flags, keywords: keywords)
    }

    /// `MODSEQ (123)`. [RFC7162-3.1.4]
    package mutating func writeFetchModSeq(_ modSeq: ModSeq) {
        self.writeStaticString("MODSEQ (")
        self.writeIMAPNumber(modSeq.rawValue)
        self.writeInteger(UInt8(ascii: ")"))
    }

    /// `BODY[1.HEADER.FIELDS (Date From)]<0>`, the name of a section in the answer. [RFC9051-7.5.2]
    package mutating func writeFetchSectionName(_ section: BodySection) {
        if let oldName = section.oldName {
            self.writeString(oldName)
            return
        }
        self.writeStaticString("BODY[")
        self.writePart(section.part)
        let dot = section.part.isEmpty ? "" : "."
        switch section.text {
        case .all: break
        case .header: self.writeString("\(dot)HEADER")
        case .text: self.writeString("\(dot)TEXT")
        case .mime: self.writeString("\(dot)MIME")
        case .fields(let names): self.writeFields("\(dot)HEADER.FIELDS", names)
        case .fieldsNot(let names): self.writeFields("\(dot)HEADER.FIELDS.NOT", names)
        }
        self.writeInteger(UInt8(ascii: "]"))
        self.writeOrigin(section.partial)
    }

    /// `BINARY[1.2]<0>`. [RFC9051-7.5.2]
    package mutating func writeFetchBinaryName(_ part: [UInt32], _ partial: OctetRange?) {
        self.writeStaticString("BINARY[")
        self.writePart(part)
        self.writeInteger(UInt8(ascii: "]"))
        self.writeOrigin(partial)
    }

    /// `BINARY.SIZE[1.2]`.
    package mutating func writeFetchBinarySizeName(_ part: [UInt32]) {
        self.writeStaticString("BINARY.SIZE[")
        self.writePart(part)
        self.writeInteger(UInt8(ascii: "]"))
    }

    private mutating func writePart(_ part: [UInt32]) {
        for (index, number) in part.enumerated() {
            if index > 0 { self.writeInteger(UInt8(ascii: ".")) }
            self.writeIMAPNumber(number)
        }
    }

    private mutating func writeFields(_ word: String, _ names: [String]) {
        self.writeString("\(word) (")
        for (index, name) in names.enumerated() {
            if index > 0 { self.writeInteger(UInt8.space) }
            self.writeIMAPAString(name)
        }
        self.writeInteger(UInt8(ascii: ")"))
    }

    private mutating func writeOrigin(_ partial: OctetRange?) {
        guard let partial else { return }
        self.writeInteger(UInt8(ascii: "<"))
        self.writeIMAPNumber(partial.first)
        self.writeInteger(UInt8(ascii: ">"))
    }
}
