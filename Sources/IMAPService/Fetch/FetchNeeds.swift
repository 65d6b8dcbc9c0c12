internal import IMAPWire

// What an item of a FETCH needs of a message.
extension FetchItem {
    /// Bytes of the message are needed, or what is known of them, for more than its own header.
    var readsLongContent: Bool {
        if case .section(let section) = self { return !section.isOfOwnHeader }
        return self.readsContent
    }

    /// Bytes of the message are needed, or what is known of them.
    var readsContent: Bool {
        switch self {
        case .section, .binary, .binarySize: true
        case .uid, .flags, .internalDate, .size, .modSeq, .emailID, .threadID, .saveDate, .envelope, .body, .bodyStructure, .preview: false
        }
    }

    /// Must the summary be there?
    var needsSummary: Bool {
        switch self {
        case .envelope, .body, .bodyStructure, .binary, .binarySize, .threadID: true
        case .preview(let isLazy): !isLazy
        case .section(let section): !section.isWholeMessage && !section.isOfOwnHeader
        case .uid, .flags, .internalDate, .size, .modSeq, .emailID, .saveDate: false
        }
    }

    var marksSeen: Bool {
        switch self {
        case .section(let section): !section.isPeek
        case .binary(_, _, let isPeek): !isPeek
        default: false
        }
    }
}

extension BodySection {
    var isWholeMessage: Bool { self.part.isEmpty && self.text == .all }

    /// The message's own header or fields of it: what is kept may answer it.
    var isOfOwnHeader: Bool {
        guard self.part.isEmpty else { return false }
        switch self.text {
        case .header, .fields, .fieldsNot: return true
        case .all, .text, .mime: return false
        }
    }
}
