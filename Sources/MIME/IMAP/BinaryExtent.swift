package import NIOCore

/// How long the decoded content of a part is, and places from which it can be decoded: one pass over the part serves every range of it.
package struct BinaryExtent: Sendable {
    /// A place where decoding can begin.
    package struct Mark: Sendable {
        /// Octets before it, decoded and as they are stored.
        package var decoded: Int64
        package var stored: Int64
        package var decoder: BinaryDecoder
    }

    /// Decoded octets so far; of the whole part once it is finished.
    package private(set) var size: Int64 = 0
    /// A NUL is among them. [RFC3516-4.4]
    package private(set) var isBinary = false

    private var marks: [Mark]
    private var stored: Int64 = 0
    private var decoder: BinaryDecoder

    /// Decoded octets between two marks: what is decoded for nothing before a range begins is hardly more.
    package static let spacing: Int64 = 256 << 10

    /// nil where nobody knows the encoding. [RFC9051-7.1]
    package init?(_ place: BinaryPlace) {
        guard let decoder = BinaryDecoder(place) else { return nil }
        self.decoder = decoder
        self.marks = [Mark(decoded: 0, stored: 0, decoder: decoder)]
    }

    /// The next octets as they are stored, in pieces of any size.
    package mutating func read(_ piece: ByteBuffer) {
        self.count(self.decoder.decode(piece))
        self.stored += Int64(piece.readableBytes)
        guard let last = self.marks.last, self.size - last.decoded >= Self.spacing else { return }
        self.marks.append(Mark(decoded: self.size, stored: self.stored, decoder: self.decoder))
    }

    package mutating func finish() { self.count(self.decoder.finish()) }

    private mutating func count(_ decoded: ByteBuffer) {
        self.size += Int64(decoded.readableBytes)
        self.isBinary = self.isBinary || decoded.readableBytesView.contains(0)
    }

    /// The last place at or before a decoded octet.
    package func mark(before octet: Int64) -> Mark {
        var (low, high) = (0, self.marks.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if self.marks[middle].decoded <= octet { low = middle } else { high = middle - 1 }
        }
        return self.marks[low]
    }
}
