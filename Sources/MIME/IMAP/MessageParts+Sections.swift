extension MessageParts {
    /// Where a section is; nil where the message has no such part.
    package func place(of section: SectionPath) -> SectionPlace? { nil }

    /// Where a part's content is, for BINARY and BINARY.SIZE; nil where there is no such part or it holds other parts.
    package func binary(_ part: [UInt32]) -> BinaryPlace? { nil }
}
