/// What a client searches for. Made by the parser of the protocol. [RFC9051-6.4.4]
package struct SearchProgram: Hashable, Sendable {
    package init() {}
}
