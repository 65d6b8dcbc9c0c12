/// What of a message's structure is looked at. Beyond these the rest is one opaque part: a message is never refused for it here.
package struct MIMELimits: Hashable, Sendable {
    /// Parts within parts, messages within messages.
    package var depth = 32
    /// Parts of the whole message.
    package var parts = 1000
    /// Longest boundary that is looked for. RFC 2046 5.1.1 says 70; some programs write more.
    package var boundary = 250
    /// Parameters of one field.
    package var parameters = 100
    /// Octets of one field's body that are taken apart.
    package var fieldBody = 16 << 10

    package init() {}
}
