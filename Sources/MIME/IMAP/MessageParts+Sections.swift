extension MessageParts {
    /// Where a section is; nil where the message has no such part, or the part is no message but is asked for its header or text.
    /// [RFC9051-6.4.5.1]
    package func place(of section: SectionPath) -> SectionPlace? {
        guard let root = self.parts.first else { return nil }
        guard !section.part.isEmpty else {
            switch section.content {
            case .whole: return .bytes(0..<self.size, hasPrefix: true)
            case .mime: return nil
            default: return self.place(of: section.content, inMessage: root, hasPrefix: true)
            }
        }
        guard let index = self.index(of: section.part) else { return nil }
        switch section.content {
        case .whole: return .bytes(self.parts[index].body, hasPrefix: false)
        // Part 1 of a message that is no multipart has the header of the message.
        case .mime: return .bytes(self.parts[index].header, hasPrefix: index == 0)
        default:
            guard let inner = self.message(in: index) else { return nil }
            return self.place(of: section.content, inMessage: self.parts[inner], hasPrefix: false)
        }
    }

    private func place(of content: SectionPath.Content, inMessage message: Part, hasPrefix: Bool) -> SectionPlace? {
        switch content {
        case .header: .bytes(message.header, hasPrefix: hasPrefix)
        case .fields(let names, let isExcluding): .fields(in: message.header, hasPrefix: hasPrefix, names, isExcluding: isExcluding)
        case .text: .bytes(message.body, hasPrefix: false)
        case .whole, .mime: nil
        }
    }

    /// Where a part's content is, for BINARY and BINARY.SIZE; nil where there is no such part or it holds other parts. [RFC9051-6.4.5]
    package func binary(_ part: [UInt32]) -> BinaryPlace? {
        guard !part.isEmpty else { return BinaryPlace(range: 0..<self.size, hasPrefix: true, encoding: .binary) }
        guard let index = self.index(of: part) else { return nil }
        switch self.parts[index].kind {
        case .multipart, .message: return nil
        case .leaf, .plainText, .html:
            return BinaryPlace(range: self.parts[index].body, hasPrefix: false, encoding: self.parts[index].encoding)
        }
    }

    /// The part with these numbers. A message, also one within a part, has the parts of its multipart, or a part 1, which is its body.
    package func index(of part: [UInt32]) -> Int? {
        guard !self.parts.isEmpty else { return nil }
        var index = 0
        var isMessage = true
        for number in part {
            guard number > 0 else { return nil }
            if !isMessage, let inner = self.message(in: index) { (index, isMessage) = (inner, true) }
            if self.parts[index].kind == .multipart {
                guard let child = self.child(number, of: index) else { return nil }
                index = child
            } else if !isMessage || number != 1 {
                return nil
            }
            isMessage = false
        }
        return index
    }

    /// The message that a part holds.
    private func message(in index: Int) -> Int? {
        guard self.parts[index].kind == .message else { return nil }
        let inner = index + 1  // it begins where its part's body does
        return inner < self.parts.count && self.parts[inner].parent == index ? inner : nil
    }

    /// - Parameter number: from 1.
    private func child(_ number: UInt32, of parent: Int) -> Int? {
        var left = Int(number)
        for index in (parent + 1)..<max(self.parts.count, parent + 1) where self.parts[index].parent == parent {
            left -= 1
            if left == 0 { return index }
        }
        return nil
    }
}
