internal import Bytes
internal import NIOCore

/// Writes BODY and BODYSTRUCTURE. What limits cut off, or what is a multipart by its label alone, is shown as something that a client can read:
/// the grammar knows no multipart without parts and no message without an envelope. A list of what is still to be written takes the place of
/// recursion. [RFC9051-7.5.2]
struct BodyStructureWriter {
    private let structure: MIMEStructure
    private let fields: [Int: MessageFields]
    private let limits: MIMELimits
    private(set) var values: ValueWriter
    /// Where extension data stands in what is written: BODY is what is left without it.
    private var extensions: [Range<Int>] = []

    private enum Step {
        case entity(Int)
        case endOfParts(Int)
        case endOfMessage(Int)
    }

    /// - Parameter fields: those of every message inside, by entity.
    init(
        _ structure: MIMEStructure, _ fields: [Int: MessageFields], _ form: MessageSummary.Form, _ limits: MIMELimits
    ) {
        self.structure = structure
        self.fields = fields
        self.limits = limits
        self.values = ValueWriter(form)
    }

    mutating func write() {
        var steps = [Step.entity(0)]
        while let step = steps.popLast() {
            switch step {
            case .entity(let index): self.begin(index, &steps)
            case .endOfParts(let index): self.endParts(self.structure.entities[index])
            case .endOfMessage(let index):
                let entity = self.structure.entities[index]
                self.values.raw(" ")
                self.values.number(entity.lines)
                self.endPart(entity)
            }
        }
    }

    private mutating func begin(_ index: Int, _ steps: inout [Step]) {
        guard self.structure.entities.indices.contains(index) else { return }
        let entity = self.structure.entities[index]
        self.values.raw("(")
        switch entity.content {
        case .parts(let parts):
            if parts.isEmpty { self.values.raw("(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0)") }
            steps.append(.endOfParts(index))
            for part in parts.reversed() { steps.append(.entity(part)) }
        case .message(let inner):
            self.basic(entity, entity.type.type, entity.type.subtype)
            self.values.raw(" ")
            self.values.envelope(self.fields[inner] ?? MessageFields([]))
            self.values.raw(" ")
            steps.append(.endOfMessage(index))
            steps.append(.entity(inner))
        case .leaf: self.leaf(entity)
        }
    }

    private mutating func leaf(_ entity: MIMEEntity) {
        if entity.type.type == "text" || entity.type.isMultipart {
            if entity.type.isMultipart {
                self.basic(entity, "text", "plain")
            } else {
                self.basic(entity, entity.type.type, entity.type.subtype)
            }
            self.values.raw(" ")
            self.values.number(entity.lines)
        } else if entity.type.isMessage {
            self.basic(entity, "application", "octet-stream")
        } else {
            self.basic(entity, entity.type.type, entity.type.subtype)
        }
        self.endPart(entity)
    }

    // RFC 9051 9:  body-fields = body-fld-param SP body-fld-id SP body-fld-desc SP body-fld-enc SP body-fld-octets
    private mutating func basic(_ entity: MIMEEntity, _ type: String, _ subtype: String) {
        self.values.ntext(Array(type.utf8))
        self.values.raw(" ")
        self.values.ntext(Array(subtype.utf8))
        self.values.raw(" ")
        self.typeParameters(entity)
        self.values.raw(" ")
        self.values.ntext(entity.contentID)
        self.values.raw(" ")
        self.values.ntext(entity.description)
        self.values.raw(" ")
        self.values.ntext(Array(entity.encoding.name.utf8))
        self.values.raw(" ")
        self.values.number(entity.body.upperBound - entity.body.lowerBound)
    }

    private mutating func typeParameters(_ entity: MIMEEntity) {
        if let field = entity.typeField {
            self.values.parameters(ContentFields.shownParameters(field, isType: true, self.limits))
        } else {
            self.values.parameters(
                entity.type.parameters.map {
                    ParameterPiece.Shown(name: $0.name, value: Array($0.value.utf8), isExtended: false, text: $0.value)
                })
        }
    }

    // RFC 9051 9:  body-ext-1part = body-fld-md5 [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc …]]]
    private mutating func endPart(_ entity: MIMEEntity) {
        let start = self.values.out.writerIndex
        self.values.raw(" ")
        self.values.ntext(entity.md5)
        self.common(entity)
        self.extensions.append(start..<self.values.out.writerIndex)
        self.values.raw(")")
    }

    // RFC 9051 9:  body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart];  body-ext-mpart = body-fld-param [SP body-fld-dsp …]
    private mutating func endParts(_ entity: MIMEEntity) {
        self.values.raw(" ")
        self.values.ntext(Array(entity.type.subtype.utf8))
        let start = self.values.out.writerIndex
        self.values.raw(" ")
        self.typeParameters(entity)
        self.common(entity)
        self.extensions.append(start..<self.values.out.writerIndex)
        self.values.raw(")")
    }

    /// What BODY shows of it.
    var body: ByteBuffer {
        var out = ByteBuffer()
        out.reserveCapacity(self.values.out.readableBytes)
        var start = 0
        for range in self.extensions {
            if let kept = self.values.out.getSlice(at: start, length: range.lowerBound - start) { out.writeImmutableBuffer(kept) }
            start = range.upperBound
        }
        if let rest = self.values.out.getSlice(at: start, length: self.values.out.writerIndex - start) { out.writeImmutableBuffer(rest) }
        return out
    }

    private mutating func common(_ entity: MIMEEntity) {
        self.values.raw(" ")
        if let disposition = entity.disposition, let field = entity.dispositionField {
            self.values.raw("(")
            self.values.ntext(Array(disposition.kind.utf8))
            self.values.raw(" ")
            self.values.parameters(ContentFields.shownParameters(field, isType: false, self.limits))
            self.values.raw(")")
        } else {
            self.values.raw("NIL")
        }
        self.values.raw(" ")
        self.language(entity.language)
        self.values.raw(" ")
        self.values.ntext(entity.location)
    }

    // RFC 9051 9:  body-fld-lang = nstring / "(" string *(SP string) ")"
    private mutating func language(_ field: [UInt8]?) {
        let tags = (field ?? []).filter { $0 != .space && $0 != .tab }.split(separator: UInt8(ascii: ",")).prefix(self.limits.parameters)
        guard tags.count > 1 else { return self.values.ntext(tags.first.map { Array($0) }) }
        var separator: StaticString = "("
        for tag in tags {
            self.values.raw(separator)
            self.values.ntext(Array(tag))
            separator = " "
        }
        self.values.raw(")")
    }
}
