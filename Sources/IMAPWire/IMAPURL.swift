package import Vocabulary

/// A URL of CATENATE or URLFETCH that names a message, or a part of one. [RFC5092-11] [RFC4469-3]
package struct IMAPURL: Hashable, Sendable {
    /// UTF-8.
    package var mailbox: String
    package var validity: UIDValidity?
    package var uid: UID
    /// Empty: the whole message.
    package var section: BodySection
    /// As the client wrote it: stands in BADURL.
    package var text: String

    package init(mailbox: String, validity: UIDValidity?, uid: UID, section: BodySection, text: String) {
        self.mailbox = mailbox
        self.validity = validity
        self.uid = uid
        self.section = section
        self.text = text
    }
}
