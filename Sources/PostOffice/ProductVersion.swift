/// Version of the product as it stands in greetings, `Received` fields and `postoffice --version`.
package enum ProductVersion {
    package static let text = "0.1.0"
    /// As in the POP3 greeting.
    package static let banner = "Post.Office v0.1 release 0"
}
