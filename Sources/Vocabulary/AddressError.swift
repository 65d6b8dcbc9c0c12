/// Why text is no address. The words go to the peer or the person who typed it.
package enum AddressError: String, Error, Hashable, Sendable, CaseIterable {
    case empty = "address is empty"
    case missingBracket = "address must be enclosed in < and >"
    case sourceRoute = "source route is malformed"
    case localPart = "local part is malformed"
    case localPartTooLong = "local part is longer than 64 octets"
    case quotedString = "quoted local part is malformed"
    case missingDomain = "domain is missing"
    case domain = "domain is malformed"
    case domainTooLong = "domain is longer than 255 octets"
    case labelTooLong = "part of the domain is longer than 63 octets"
    case literal = "address literal is malformed"
    case tooLong = "address is longer than 254 octets"
    case notUTF8 = "address is not valid UTF-8"
    case trailing = "unexpected characters after the address"
}
